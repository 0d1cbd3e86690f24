"""From a model's name to its parameters.

A checkpoint is a folder: `registry` finds it, `hub` fetches it, `config` says what the model is, `params`
where its tensors stand, `tensors` reads them. The forms that weights have are `safetensors_file` and
`pytorch`, which say where each tensor lies (`stored`); `pickled` is what the pickles of the latter may say.
`convert` writes. The tokenizer's files in the same folder are the tokenizer's business.
"""
