"""The exercise encode: all of it, from a text to ids."""

from collections.abc import Iterable, Mapping
from typing import Any

from distilnp.tokenizer import Tokenizer

from ..exercise import Case, Exercise, mistake
from ..small_vocabulary import SENTENCES, SMALL_VOCAB, bundled_vocab, settings_for, short
from .normalize import solved_normalize
from .pre_tokenize import solved_pre_tokenize
from .wordpiece import solved_wordpiece


def solved_encode(text: str, vocab: Mapping[str, int]) -> list[int]:
    """Run the package's tokenizer."""
    return list(Tokenizer(settings_for(vocab)).encode(text).ids)


def encode(
    text: str,
    vocab: Mapping[str, int],
    *,
    normalizes: bool = True,
    cls: bool = True,
    sep: bool = True,
    splits: str = "words",
    gives: str = "ids",
) -> list[Any]:
    """Turn a text into ids, with switches."""
    text = solved_normalize(text) if normalizes else text
    words = solved_pre_tokenize(text) if splits == "words" else text.split()
    tokens = [token for word in words for token in solved_wordpiece(word, vocab)]
    tokens = ["[CLS]"] * cls + tokens + ["[SEP]"] * sep
    return [vocab[token] for token in tokens] if gives == "ids" else list(tokens)


MISTAKES = (
    mistake("without [CLS]", "the id of [CLS] comes first; the head reads that token", cls=False),
    mistake("without [SEP]", "the id of [SEP] comes last", sep=False),
    mistake("without [CLS] and [SEP]", "put their ids around the others", cls=False, sep=False),
    mistake("for a text that is not normalized", "normalize the text first", normalizes=False),
    mistake(
        "for words that are split only at spaces", "pre_tokenize splits punctuation off", splits="spaces"
    ),
    mistake("with tokens instead of ids", "look each token up: vocab[token]", gives="tokens"),
)


def cases() -> Iterable[Case]:
    """Return sentences for both vocabularies."""
    for text in SENTENCES[:2]:
        yield Case(f"{short(text)}, a small vocabulary", (text, SMALL_VOCAB))
    for text in SENTENCES:
        yield Case(f"{short(text)}, the vocabulary of sst2-mini", (text, bundled_vocab()))


EXERCISE = Exercise(
    name="encode",
    part="the tokenizer",
    minutes=5,
    summary="all of it, from a text to ids",
    function="encode",
    package="distilnp/tokenizer/stages.py",
    solution=solved_encode,
    variant=encode,
    mistakes=MISTAKES,
    cases=cases,
)
