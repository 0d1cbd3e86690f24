"""The names of the files of a checkpoint, as save_pretrained of transformers writes them."""

import re

CONFIG = "config.json"

# Each of these has the vocabulary, so that one of them is enough.
VOCABULARIES = ("tokenizer.json", "vocab.txt")

# Says whether a model is cased.
TOKENIZER_CONFIG = "tokenizer_config.json"

# All files that the tokenizer reads; no folder has all of them.
TOKENIZER_FILES = (TOKENIZER_CONFIG, *VOCABULARIES, "special_tokens_map.json", "added_tokens.json")

SAFETENSORS = "model.safetensors"
INDEX = "model.safetensors.index.json"
PYTORCH = "pytorch_model.bin"

# The forms of weights, in order of preference: the first one that a folder or a repository has is used.
WEIGHTS = (SAFETENSORS, INDEX, PYTORCH)

# The shards that an index names. The group is their number.
SHARD = re.compile(r"model-\d{5}-of-(\d{5})\.safetensors")
