"""Texts and vocabularies for the cases of the tokenizer: a small one, and that of sst2-mini."""

from collections.abc import Mapping
from functools import cache

from distilnp.checkpoint.registry import find_checkpoint
from distilnp.tokenizer import Tokenizer, TokenizerSettings
from distilnp.tokenizer import normalize as stage_1

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
BEGINNINGS = ("un", "affable", "film", "fil", "good", "!", "'", "t", "don", "able", "a", "movie")
# Some of these are not needed for any right answer: they mislead a search from the wrong end.
CONTINUATIONS = ("##aff", "##able", "##a", "##s", "##m", "##!", "##un", "##ab", "##le")
SMALL_VOCAB = {token: i for i, token in enumerate((*SPECIAL, *BEGINNINGS, *CONTINUATIONS))}

SENTENCES = (
    "Good film!",
    "  Don't\tcall it \n 'film'...  ",
    "Crème BRÛLÉE, or cre\u0300me bru\u0302le\u0301e",
    "a bell\a rings, and a zero\u200bwidth space is gone",
    "我爱电影 and ひらがな",
    "ΟΔΟΣ is Greek",
    "$9.99 (50% off) -- #1_hit; e-mail: a@b.c",
    "",
)


def aligned(text: str) -> stage_1.AlignedText:
    """Return a text as the package's stages take it."""
    return stage_1.AlignedText(text, range(len(text)))


@cache
def bundled_vocab() -> Mapping[str, int]:
    """Return the vocabulary of sst2-mini."""
    return Tokenizer.from_folder(find_checkpoint("sst2-mini")).settings.vocab


def settings_for(vocab: Mapping[str, int]) -> TokenizerSettings:
    """Return the settings of a tokenizer with this vocabulary, lower-case."""
    return TokenizerSettings(vocab=vocab, cls_id=vocab.get("[CLS]", 0), sep_id=vocab.get("[SEP]", 0))


def short(text: str) -> str:
    """Return a text for the name of a case."""
    return repr(text) if len(text) < 60 else f"{text[:10]!r}... ({len(text)} characters)"
