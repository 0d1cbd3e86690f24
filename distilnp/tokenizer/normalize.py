"""Stage 1, normalize: rewrite a text in the spelling that the vocabulary uses.

Four steps run in a fixed order: clean_text, handle_chinese_chars, strip_accents, lowercase. Each step records
the position in the given text that every character came from; offsets need nothing else. Three of the steps
look at one character at a time. The exception is strip_accents: it decomposes the text (NFD), and NFD also
sorts runs of combining marks. The next stage, `pre_tokenize.py`, splits the text into words.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from .characters import ACCENTS, CHINESE, COMBINING_CLASS, LOWERCASE, REMOVED, WHITESPACE, decompose
from .settings import TokenizerSettings


@dataclass(frozen=True, slots=True)
class AlignedText:
    """A text between two stages; `text[i]` came from position `sources[i]` of the text that the user gave."""

    text: str
    sources: Sequence[int]

    def slice(self, start: int, end: int) -> "AlignedText":
        """Return the part from `start` up to, not including, `end`."""
        return AlignedText(self.text[start:end], self.sources[start:end])

    @property
    def offsets(self) -> tuple[int, int]:
        """The span of the given text that this nonempty text stands for."""
        return self.sources[0], self.sources[-1] + 1


def normalize(aligned: AlignedText, settings: TokenizerSettings) -> AlignedText:
    """Apply the steps that the settings turn on: "Crème BRÛLÉE" becomes "creme brulee"."""
    if settings.clean_text:
        aligned = clean_text(aligned)
    if settings.handle_chinese_chars:
        aligned = handle_chinese_chars(aligned)
    if settings.strip_accents:
        aligned = strip_accents(aligned)
    if settings.lowercase:
        aligned = lowercase(aligned)
    return aligned


def clean_text(aligned: AlignedText) -> AlignedText:
    """Drop control characters, and replace every whitespace character with a space."""
    return _map_characters(
        aligned,
        lambda character: "" if character in REMOVED else " " if character in WHITESPACE else character,
    )


def handle_chinese_chars(aligned: AlignedText) -> AlignedText:
    """Put a space before and after every ideograph, so that each becomes a word of its own.

    Chinese is written without spaces. Korean Hangul and Japanese kana are not ideographs and stay together.
    """
    return _map_characters(aligned, lambda character: f" {character} " if character in CHINESE else character)


def strip_accents(aligned: AlignedText) -> AlignedText:
    """Decompose, then drop the accents: "é" becomes "e" and an acute accent; "e" is kept."""
    return _map_characters(_nfd(aligned), lambda character: "" if character in ACCENTS else character)


def lowercase(aligned: AlignedText) -> AlignedText:
    """Lowercase character by character; a sigma at the end of a Greek word is treated like any other."""
    return _map_characters(aligned, lambda character: LOWERCASE.get(character, character))


def _map_characters(aligned: AlignedText, replace: Callable[[str], str]) -> AlignedText:
    # A text has few different characters, so each of them is looked up once.
    replacements = {character: replace(character) for character in set(aligned.text)}
    if all(character == replacement for character, replacement in replacements.items()):
        return aligned
    replaced = [replacements[character] for character in aligned.text]
    sources = [
        source for source, replacement in zip(aligned.sources, replaced, strict=True) for _ in replacement
    ]
    return AlignedText("".join(replaced), sources)


def _nfd(aligned: AlignedText) -> AlignedText:
    """Decompose canonically, and sort each run of combining marks by class.

    Sources follow the witness, in which a mark that moves leaves its origin behind. After sorting, the first
    character of each decomposition takes the next position of the given text, and its other characters share
    that position. Offsets therefore never go backwards.
    """
    if aligned.text.isascii():
        return aligned
    decompositions = {character: decompose(character) for character in set(aligned.text)}
    decomposed = [
        (character, position == 0)
        for given in aligned.text
        for position, character in enumerate(decompositions[given])
    ]
    in_order = _sort_marks(decomposed)
    sources = []
    n_given = 0
    for _, is_first in in_order:
        n_given += is_first
        sources.append(aligned.sources[n_given - 1])
    return AlignedText("".join(character for character, _ in in_order), sources)


def _sort_marks(decomposed: Iterable[tuple[str, bool]]) -> list[tuple[str, bool]]:
    ordered: list[tuple[str, bool]] = []
    marks: list[tuple[str, bool]] = []
    for item in decomposed:
        if item[0] in COMBINING_CLASS:
            marks.append(item)
            continue
        ordered += sorted(marks, key=lambda mark: COMBINING_CLASS[mark[0]])
        marks.clear()
        ordered.append(item)
    return ordered + sorted(marks, key=lambda mark: COMBINING_CLASS[mark[0]])
