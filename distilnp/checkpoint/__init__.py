"""From a model's name to its parameters.

A checkpoint is a folder: `registry` finds it, `hub` fetches it, `config` says what the model is, `params`
where its tensors stand, `tensors` reads them. The tokenizer's files in the same folder are the tokenizer's
business.
"""
