"""What a tokenizer is made of: the vocabulary, the switches of the stages and the added tokens.

Plain data with the defaults of a BERT tokenizer. Reading them from a checkpoint's files is `files.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AddedToken:
    """A token that is looked for in the text itself, before it is split into words.

    Attributes
    ----------
    content
        What to look for.
    id
        The id that a match gets.
    single_word
        Whether a match may not touch a letter, digit or underscore on either side.
    lstrip, rstrip
        Whether a match swallows the whitespace on its left, on its right.
    normalized
        Whether to look in the normalized text (for the normalized content) instead of in the text as given.
    special
        Whether `split_special_tokens` makes it plain text.
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
    """All that the ids of a text depend on, and the model's stated limit.

    Attributes
    ----------
    vocab
        The id of every token; `##` before a token that continues a word.
    cls_token, sep_token
        What stands before and after every text, and `cls_id`, `sep_id`, their ids.
    unk_token
        What a word becomes that the vocabulary cannot spell.
    continuing_subword_prefix, max_input_chars_per_word
        The `##`, and the length beyond which a word is not even tried.
    clean_text, handle_chinese_chars, strip_accents, lowercase
        The steps of `normalize`.
    added_tokens
        Tokens that are looked for in the text before it is split.
    split_special_tokens
        Whether a special token typed in a text is plain text.
    joins_pairs
        Whether two texts become [CLS] A [SEP] B [SEP]. A file may say otherwise; then pairs are refused.
    model_max_length
        The longest input, in tokens, that the files state, or None. The tokenizer itself never truncates.
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
