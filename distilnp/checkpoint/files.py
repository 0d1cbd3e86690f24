"""The names of the files of a checkpoint, as save_pretrained of transformers writes them."""

import re

CONFIG = "config.json"

VOCAB = "vocab.txt"

# Each of these has the vocabulary, so that one of them is enough.
VOCABULARIES = ("tokenizer.json", VOCAB)

# Says whether a model is cased.
TOKENIZER_CONFIG = "tokenizer_config.json"

# All files that the tokenizer reads; no folder has all of them.
TOKENIZER_FILES = (TOKENIZER_CONFIG, *VOCABULARIES, "special_tokens_map.json", "added_tokens.json")

SAFETENSORS = "model.safetensors"
INDEX = "model.safetensors.index.json"
PYTORCH = "pytorch_model.bin"

# TensorFlow's: the variables of a SavedModel, in its own folder and in the one that it is exported into, and
# the weights of Keras.
VARIABLES = "variables/variables.index"
EXPORTED = f"saved_model/1/{VARIABLES}"
KERAS = "tf_model.h5"

# The forms of weights, in order of preference: the first one that a repository has is fetched.
WEIGHTS = (SAFETENSORS, INDEX, PYTORCH)
# The first one that a folder has is used. Keras' form comes last, because it needs h5py.
FOLDER_WEIGHTS = (*WEIGHTS, VARIABLES, EXPORTED, KERAS)

# The shards that an index names. The group is their number.
SHARD = re.compile(r"model-\d{5}-of-(\d{5})\.safetensors")
