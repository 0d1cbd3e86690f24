"""Where the sentences of a text are: the rules are those of the package sentencex, an extra.

They know abbreviations, initials and numbers, and would rather leave two sentences together than cut one.
"""

from .errors import ArgumentError
from .tokenizer import replace_lone_surrogates


def check_installed() -> None:
    """Raise an `ArgumentError` where sentencex is not installed."""
    try:
        import sentencex  # noqa: F401
    except ImportError as error:
        raise ArgumentError(
            "sentences were asked for, and the package that finds them is not installed: "
            f'pip install "distilnp[sentences]" ({error})'
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
