"""An annotation of Spark NLP: a piece of text, what kind of thing it is, and what is known about it.

Nothing here needs Spark. Positions count UTF-16 units, as Java does, so they differ from Python's behind an
emoji. `end` is inclusive.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np

DOCUMENT, TOKEN, CATEGORY = "document", "token", "category"

# Java writes a float32 with an exponent outside these limits.
SMALLEST_PLAIN, LARGEST_PLAIN = 1e-3, 1e7


@dataclass(slots=True)
class Annotation:
    """An annotation, with the fields of Spark NLP's.

    Attributes
    ----------
    annotatorType : str
        "document", "token" or "category".
    begin, end : int
        Its span of the text in UTF-16 units; end inclusive. An empty text ends at -1.
    result : str
        The text of a document, a sentence or a token; the label of a category.
    metadata : dict of str to str
        For a category: the index of its sentence under "sentence", and the score of every label.
    embeddings : list of float
        Always empty.
    """

    annotatorType: str
    begin: int
    end: int
    result: str
    metadata: dict[str, str] = field(default_factory=dict)
    embeddings: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        values = (self.annotatorType, self.begin, self.end, self.result, self.metadata, self.embeddings)
        return f"Annotation({', '.join(map(str, values))})"


def utf16_length(text: str) -> int:
    """Return the length of a text in UTF-16 units: a character beyond the first 65,536 has two."""
    return len(text) if text.isascii() else len(text) + sum(character > "\uffff" for character in text)


def utf16_position(text: str) -> Callable[[int], int]:
    """Return the function that maps the index of a character to its position in UTF-16 units."""
    if text.isascii() or max(text) <= "\uffff":
        return lambda index: index
    positions = list(accumulate((2 if character > "\uffff" else 1 for character in text), initial=0))
    return positions.__getitem__


def java_float(value: float) -> str:
    """Write a number as Java writes a float32: the shortest decimals that give the same float32 again."""
    number = np.float32(value)
    if number == 0 or SMALLEST_PLAIN <= abs(number) < LARGEST_PLAIN:
        return np.format_float_positional(number, unique=True, trim="0")
    digits, exponent = np.format_float_scientific(number, unique=True, trim="0").split("e")
    return f"{digits}E{int(exponent)}"
