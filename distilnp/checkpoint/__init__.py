"""From the name of a model to its configuration and its parameters.

A checkpoint is a folder, and `files` has the names of its files. `registry` finds the folder of a model, and
`hub` fetches it if necessary, with `hub_cache` for the layout of the cache, `hub_errors` to explain failures
and `records` to keep the hashes. `config_json` reads the configuration, and `heads` recognises DistilBERTs of
other kinds. `tensors` reads the parameters: `safetensors_file` (with `safetensors_header`), `pytorch` (with
`pickled`) and `tensorflow/` locate them in files, `stored` is common to them, and `int8` is about quantized
rows. `convert` writes weights in another type. The tokenizer reads its own files.

Two kinds of models are made into a checkpoint first, by `from_tensorflow`, and kept in the cache of
`converted`: `spark_nlp` opens a package (with `package_files`, `archives` and `java_strings`), and
`saved_model` a SavedModel.
"""
