"""The sentences of a text, found by the package sentencex, an extra.

Its rules know abbreviations, initials and numbers, and leave two sentences together rather than cut one.
"""

from .errors import ArgumentError
from .tokenizer import replace_lone_surrogates


def check_installed() -> None:
    """Raise an `ArgumentError` if sentencex is not installed."""
    try:
        import sentencex  # noqa: F401
    except ImportError as error:
        raise ArgumentError(
            "sentences is set, and the package that finds sentences is not installed "
            f'({error}). Install it: pip install "distilnp[sentences]"'
        ) from error


def sentence_spans(text: str, language: str) -> list[tuple[int, int]]:
    """Return the spans of the sentences in characters, end exclusive, without the white space around them.

    A text without sentences, such as an empty one, is one span.
    """
    from sentencex import get_sentence_boundaries

    spans = []
    for found in get_sentence_boundaries(language, replace_lone_surrogates(text)):
        start, end = found["start_index"], found["end_index"]
        sentence = text[start:end]
        start += len(sentence) - len(sentence.lstrip())
        if sentence := sentence.strip():
            spans.append((start, start + len(sentence)))
    return spans or [(0, len(text))]
