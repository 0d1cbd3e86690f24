"""The sentences of a text, found by the package sentencex, an extra.

Its rules know abbreviations, initials and numbers, and leave two sentences together rather than cut one.
"""

import re
from collections.abc import Iterator

from .errors import ArgumentError
from .foreign import shown
from .tokenizer import replace_lone_surrogates

# The most characters that sentencex is asked about at once. For texts full of quotation marks that never
# close, its time grows with the square of the length: 104 s for 1 MB. In pieces, that takes 4 s. The longest
# review of IMDB has 13,704 characters, so that an ordinary text is one piece.
PIECE = 1 << 15

# The languages that sentencex 1.0.32 has rules of its own for. For any other code, it takes the rules of a
# related language if it knows one, and otherwise the English rules.
LANGUAGES = "am ar bg bn ca da de el en es fi fr gu hi hy it ja kk kn ml mr my nl pa pl pt ru sk ta te uk"

_CODE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{1,8})*")

# A piece may end behind these, from the best place to the worst.
_PLACES = (re.compile(r"\n"), re.compile(r"\s"))


def check_installed() -> None:
    """Raise an `ArgumentError` if sentencex is not installed."""
    try:
        import sentencex  # noqa: F401
    except ImportError as error:
        raise ArgumentError(
            "sentences is set, and the package that finds sentences is not installed "
            f'({error}). Install it: pip install "distilnp[sentences]"'
        ) from error


def language_code(sentences: str) -> str:
    """Return the code by which sentencex knows a language: "de" for "de", "DE", "de-AT" and "de_AT".

    Raises
    ------
    ArgumentError
        It is not the code of a language.
    """
    code = sentences.lower().replace("_", "-")
    if not _CODE.fullmatch(code):
        raise ArgumentError(
            f'sentences is {shown(sentences)}, expected the code of a language, such as "en", "de" or "pt-br"'
        )
    language = code.partition("-")[0]
    return language if language in LANGUAGES.split() else code


def sentence_spans(text: str, language: str) -> list[tuple[int, int]]:
    """Return the spans of the sentences in characters, end exclusive, without the white space around them.

    A text without sentences, such as an empty one, is one span. The time is linear in the length of the text.
    """
    language = language_code(language)
    spans = []
    for start, end in _found(replace_lone_surrogates(text), language):
        sentence = text[start:end]
        start += len(sentence) - len(sentence.lstrip())
        if sentence := sentence.strip():
            spans.append((start, start + len(sentence)))
    return spans or [(0, len(text))]


def _found(text: str, language: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of the sentences of a text, asking sentencex about one piece after another.

    sentencex looks at each paragraph by itself. So a piece ends with a paragraph, and moves no border, unless
    half of it is inside one paragraph. It then ends with a sentence, and its last quarter is left to the next
    piece: there, a quotation or a pair of brackets may be open. A sentence longer than a piece is cut.
    """
    from sentencex import get_sentence_boundaries

    start = 0
    while start < len(text):
        piece = text[start : start + PIECE]
        found = get_sentence_boundaries(language, piece)
        ends = [boundary["end_index"] for boundary in found]
        end = len(piece)
        if start + end < len(text):
            paragraphs = [boundary["end_index"] for boundary in found if boundary["is_paragraph_break"]]
            in_time = [end for end in ends[:-1] if end <= PIECE * 3 // 4]
            if paragraphs and paragraphs[-1] >= PIECE // 2:
                end = paragraphs[-1]
            elif in_time or ends[:-1]:
                end = (in_time or ends[:-1])[-1]
            else:
                end = _place_to_cut(piece)
        for boundary in found:
            if boundary["start_index"] < end:
                yield start + boundary["start_index"], start + min(boundary["end_index"], end)
        start += end


def _place_to_cut(piece: str) -> int:
    """Return where a piece without the end of a sentence is cut."""
    for place in _PLACES:
        if ends := [match.end() for match in place.finditer(piece)]:
            return ends[-1]
    return len(piece)
