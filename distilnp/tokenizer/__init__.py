"""WordPiece tokenization in pure Python, with the same ids as the Rust package `tokenizers`.

Read the stages in their order: `added_tokens`, `normalize`, `pre_tokenize`, `wordpiece`. `stages` runs them
one after another, `word_cache` gives the same ids faster, and `tokenizer` is the public face. `files` reads
the tokenizer files of a checkpoint. The comments call the Rust package the witness.

This package uses no NumPy, trains no vocabulary, decodes no ids and truncates no text. It encodes a single
text or a pair of texts.
"""

from .settings import AddedToken, TokenizerSettings
from .tokenizer import Encoding, Tokenizer, replace_lone_surrogates

__all__ = ["AddedToken", "Encoding", "Tokenizer", "TokenizerSettings", "replace_lone_surrogates"]
