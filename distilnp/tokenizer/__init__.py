"""WordPiece tokenization in pure Python, equal to the Rust package `tokenizers` id by id.

Read in the order of the stages: `added_tokens`, `normalize`, `pre_tokenize`, `wordpiece`; `stages` strings
them together. Then `word_ids`, which gives the same ids faster, and `tokenizer`, the public face. `files`
reads what a checkpoint says. There is no NumPy here, no training of vocabularies, no decoding and no
truncation. Texts come alone or as pairs.
"""

from .settings import AddedToken, TokenizerSettings
from .tokenizer import Encoding, Tokenizer, replace_lone_surrogates

__all__ = ["AddedToken", "Encoding", "Tokenizer", "TokenizerSettings", "replace_lone_surrogates"]
