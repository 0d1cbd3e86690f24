"""The columns of a file: which are wanted, which are there, and which of them hold the texts.

`choose` decides that by their names, for every format that has columns.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from ..errors import InputFileError
from ..texts import Text
from .formats import USUAL_COLUMNS
from .lines import BadLine, Lines

# The most columns that a message lists: a file may have thousands.
MOST_SHOWN = 20


class Kept:
    """The columns of the input that stand beside its answers.

    Attributes
    ----------
    wanted : tuple of str or None
        Their names; None for all columns.
    columns : tuple of str or None
        Their names in the order of the output; None until the first file shows them.
    schema : Arrow schema or None
        Their types, if the first file has types.
    """

    def __init__(self, wanted: tuple[str, ...] | None = None) -> None:
        self.wanted = wanted
        self.columns: tuple[str, ...] | None = None
        self.schema: Any = None

    def settle(self, lines: Lines, names: list[str]) -> None:
        """Take the columns of a file, which are those of the first file, in any order.

        Raises
        ------
        BadLine
            A column is missing, there twice, or not in the first file.
        """
        if self.wanted is not None:
            self.columns = tuple(named(lines, names, name) for name in self.wanted)
            return
        for name in names:
            named(lines, names, name)
        if self.columns is None:
            self.columns = tuple(names)
        for name in self.columns:
            named(lines, names, name)
        if more := [name for name in names if name not in self.columns]:
            raise lines.error(
                f"the column {more[0]!r:.60} is not in the first file, expected the same columns in every "
                "file. Name the columns to keep: --keep NAME"
            )

    def of(self, cells: Mapping[str, object]) -> Mapping[str, object]:
        """Return the kept columns of a row; one that the row has not is null."""
        return {name: cells.get(name) for name in self.names}

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, as far as they are known."""
        return self.columns or self.wanted or ()


class Columns(NamedTuple):
    """The wanted columns, by name.

    Attributes
    ----------
    text : str or None
        The column of texts; None for the obvious one.
    pair : str or None
        The column of second texts; None if there is none.
    labels : tuple of str
        Possible names of the column of labels; empty if no labels are wanted.
    kept : Kept or None
        The columns that stand beside the answers; None for none.
    """

    text: str | None = None
    pair: str | None = None
    labels: tuple[str, ...] = ()
    kept: Kept | None = None


class Chosen(NamedTuple):
    """The columns of a file that were chosen."""

    text: str
    pair: str | None
    label: str | None


class Row(NamedTuple):
    """The text and the label of a row; the label is None if no labels are wanted, and so are kept columns."""

    text: Text
    label: str | float | list[Any] | None  # a number or a list is one of JSON
    kept: Mapping[str, object] | None = None


Rows: TypeAlias = Iterator[Row | BadLine]


def row_of(chosen: Chosen, cells: Mapping[str, Any], kept: Kept | None) -> Row:
    """Return the row that has these cells."""
    text: Text = cells[chosen.text]
    if chosen.pair is not None:
        text = {"text": cells[chosen.text], "text_pair": cells[chosen.pair]}
    label = None if chosen.label is None else cells[chosen.label]
    return Row(text, label, None if kept is None else kept.of(cells))


def choose(lines: Lines, names: list[str], wanted: Columns) -> Chosen:
    """Return the wanted columns if they have been named, otherwise the obvious ones.

    Raises
    ------
    InputFileError
        A column is not there, or not obvious. Then no row can be used.
    """
    try:
        chosen = _choice(lines, names, wanted)
        if wanted.kept is not None:
            wanted.kept.settle(lines, names)
        return chosen
    except BadLine as error:
        raise InputFileError(str(error)) from None


def _choice(lines: Lines, names: list[str], wanted: Columns) -> Chosen:
    pair = None if wanted.pair is None else named(lines, names, wanted.pair)
    label = None
    if len(wanted.labels) == 1:
        label = named(lines, names, wanted.labels[0])
    elif wanted.labels:
        usual = [name for name in wanted.labels if name in names and name not in (wanted.text, pair)]
        label = _only(lines, names, usual, "--label-column NAME to say which of them holds the label")
    if wanted.text is not None:
        return Chosen(named(lines, names, wanted.text), pair, label)
    others = [name for name in names if name not in (pair, label)]
    obvious = others if len(others) == 1 else [name for name in USUAL_COLUMNS if name in others]
    text = _only(lines, names, obvious, "--column NAME to say which of them holds the text")
    return Chosen(text, pair, label)


def named(lines: Lines, names: list[str], name: str) -> str:
    """Return the name of a column, provided that exactly one column has it."""
    return _only(lines, names, [name], f"one {name!r:.60} among them")


def _only(lines: Lines, names: list[str], candidates: list[str], expected: str) -> str:
    """Return the only candidate, provided that exactly one column has its name."""
    if len(candidates) == 1 and names.count(candidates[0]) == 1:
        return candidates[0]
    listed = ", ".join(f"{name!r:.60}" for name in names[:MOST_SHOWN]) or "none"
    if len(names) > MOST_SHOWN:
        listed += f" and {len(names) - MOST_SHOWN:,} more"
    raise lines.error(f"the columns are {listed}; expected {expected}")
