"""What the files of a checkpoint are called: the names that save_pretrained of transformers gives them."""

import re

CONFIG = "config.json"

# Each of these two has the vocabulary, so that one of them is enough.
VOCABULARIES = ("tokenizer.json", "vocab.txt")

# A checkpoint without this file may still be cased, so that its absence has to be known.
TOKENIZER_CONFIG = "tokenizer_config.json"

# No folder has all of these.
TOKENIZER_FILES = (TOKENIZER_CONFIG, *VOCABULARIES, "special_tokens_map.json", "added_tokens.json")

SAFETENSORS = "model.safetensors"
INDEX = "model.safetensors.index.json"
PYTORCH = "pytorch_model.bin"

# The forms of weights in the order of preference: the first that a folder or a repository has is used.
WEIGHTS = (SAFETENSORS, INDEX, PYTORCH)

# The files that the index names; the group is how many there are.
SHARD = re.compile(r"model-\d{5}-of-(\d{5})\.safetensors")
