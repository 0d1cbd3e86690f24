"""The settings of a tokenizer: its vocabulary, the switches of the stages and its added tokens.

These are plain data with the defaults of a BERT tokenizer. `files.py` reads them from a checkpoint's files.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AddedToken:
    """A token that is searched for in the text itself, before the text is split into words.

    Attributes
    ----------
    content : str
        The string to search for.
    id : int
        The id of every match.
    single_word : bool
        Whether a match must not touch a letter, digit or underscore on either side.
    lstrip, rstrip : bool
        Whether a match includes the whitespace on its left, on its right.
    normalized : bool
        Whether the normalized content is searched for in the normalized text, instead of the content in the
        text as given.
    special : bool
        Whether `split_special_tokens` turns the token into plain text.
    """

    content: str
    id: int
    single_word: bool = False
    lstrip: bool = False
    rstrip: bool = False
    normalized: bool = False
    special: bool = False


@dataclass(frozen=True, slots=True)
class TokenizerSettings:
    """Everything that the ids of a text depend on, and the model's stated maximum length.

    Attributes
    ----------
    vocab : mapping of str to int
        The id of every token. A token that continues a word starts with `continuing_subword_prefix`.
    cls_id, sep_id : int
        The ids of `cls_token` and `sep_token`.
    cls_token, sep_token : str
        The token before the first text, and the token after every text.
    unk_token : str
        The token that replaces a word that the vocabulary cannot spell.
    continuing_subword_prefix : str
        The prefix of tokens that continue a word.
    max_input_chars_per_word : int
        The largest number of characters in a word; a longer word becomes `unk_token` at once.
    clean_text, handle_chinese_chars, strip_accents, lowercase : bool
        Which steps of `normalize` run.
    added_tokens : tuple of AddedToken
        The tokens that are searched for in the text before it is split into words.
    split_special_tokens : bool
        Whether a special token that a user typed is plain text.
    joins_pairs : bool
        Whether two texts become [CLS] A [SEP] B [SEP]. If the files join them differently, pairs are refused.
    model_max_length : int or None
        The largest number of tokens in an input, if the files state one. The tokenizer never truncates.
    """

    vocab: Mapping[str, int]
    cls_id: int
    sep_id: int
    cls_token: str = "[CLS]"
    sep_token: str = "[SEP]"
    unk_token: str = "[UNK]"
    continuing_subword_prefix: str = "##"
    max_input_chars_per_word: int = 100
    clean_text: bool = True
    handle_chinese_chars: bool = True
    strip_accents: bool = True
    lowercase: bool = True
    added_tokens: tuple[AddedToken, ...] = ()
    split_special_tokens: bool = False
    joins_pairs: bool = True
    model_max_length: int | None = None
