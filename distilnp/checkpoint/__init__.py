"""From the name of a model to its configuration and its parameters.

A checkpoint is a folder, and `files` has the names of its files. `registry` finds it by its name in a table;
`hub` fetches it, explains failures (`hub_errors`) and keeps notes (`records`). `config_json` reads what the
model is. `tensors` reads its parameters, which `safetensors_file` and `pytorch` locate in their files;
`stored` has what the two forms share, `pickled` reads the pickles inside PyTorch's files, `int8` knows
quantized rows, and `heads` recognises models of other kinds. `convert` writes weights. The tokenizer reads
its own files.
"""
