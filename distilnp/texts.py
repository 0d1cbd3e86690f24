"""What counts as a text: a str, or a mapping with two texts that belong together.

The mapping is the one that the text-classification pipeline of transformers takes. A table is not text,
whichever library made it: iterating over one may give the names of its columns.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from .errors import InputTypeError
from .foreign import shown

Text = str | Mapping[str, str]

# A message shows so much of a value that is not a text.
SHOWN = 60


def as_tuple(text: Text, name: str) -> tuple[str, ...]:
    """Return the one str of a text, or the two of a pair. Messages call the text by `name`.

    Raises
    ------
    InputTypeError
        It is neither a str nor a mapping that has a str under "text", and perhaps one under "text_pair".
    """
    if isinstance(text, str):
        return (text,)
    if hasattr(text, "as_py"):  # a scalar of Arrow
        return as_tuple(text.as_py(), name)
    if not isinstance(text, Mapping):
        raise InputTypeError(
            f"{name} is {type(text).__name__} ({shown(text, SHOWN)}), expected str, or "
            '{"text": ..., "text_pair": ...} for two texts. Drop it, or give an empty text in its place'
        )
    keys = ("text", "text_pair") if "text_pair" in text else ("text",)
    if set(text) != set(keys):
        column = "text" if "text" in text else next(iter(text), "text")
        raise InputTypeError(
            f"{name} has the keys {_names(text)}, expected 'text' and 'text_pair', or 'text' alone. For a "
            f"record of a table, give the value that is the text, such as record[{shown(column, SHOWN)}]"
        )
    for key in keys:
        if not isinstance(text[key], str):
            raise InputTypeError(
                f"{name}[{key!r}] is {type(text[key]).__name__} ({shown(text[key], SHOWN)}), expected str. "
                f"For a batch of columns, give the column: {name}[{key!r}]. For a text without a pair, leave "
                "'text_pair' out"
            )
    return tuple(text[key] for key in keys)


def is_missing(text: Any) -> bool:
    """Return whether a value stands for a missing text: None, NaN, the NA of pandas, or the null of Arrow."""
    if hasattr(text, "as_py"):
        text = text.as_py()
    return text is None or (isinstance(text, float) and text != text) or type(text).__name__ == "NAType"


def check_iterable(texts: Any) -> None:
    """Check that something is an iterable of texts, as far as that can be told without taking any.

    Raises
    ------
    InputTypeError
        It is a single text, bytes, a table, an array without a dimension, or not iterable.
    """
    columns = _columns_of(texts)
    if columns is not None:
        name = shown(columns[0], SHOWN) if columns else "'text'"
        raise InputTypeError(
            f"texts is {type(texts).__name__}, a table with the columns {_names(columns)}, expected one "
            f"column of texts. Give it alone, texts[{name}], or the table to classify_frame"
        )
    is_single = isinstance(texts, str | bytes | bytearray | Mapping)
    if is_single or not isinstance(texts, Iterable) or getattr(texts, "ndim", 1) != 1:
        raise InputTypeError(
            f"texts is {type(texts).__name__}, expected an iterable of texts, such as a list of str "
            "(classify also takes a single text)"
        )


def _columns_of(texts: Any) -> list[Any] | None:
    """Return the names of the columns if something is a table, and None otherwise.

    pandas and polars call them `columns`, Arrow and datasets `column_names`.
    """
    if isinstance(texts, type):
        return None
    names = getattr(texts, "column_names", None)
    if names is None:
        names = getattr(texts, "columns", None)
    if names is None or callable(names) or not isinstance(names, Iterable):
        return None
    return list(names)


def _names(names: Iterable[Any]) -> str:
    """Return names for a message: the first ones, if there are many."""
    first = [shown(name, SHOWN) for name, _ in zip(names, range(10), strict=False)]
    return ", ".join(first) or "none"
