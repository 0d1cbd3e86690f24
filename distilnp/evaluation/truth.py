"""What a value in a column of labels means to a model: a label, a set of labels, or a number."""

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..errors import ArgumentError
from ..foreign import shown
from ..texts import is_missing

# An id as pandas writes it, after a missing value has made the column one of floats.
FLOAT = re.compile(r"(-?\d+)\.0+")

# The most labels that a message lists: a model may have hundreds.
MOST_SHOWN = 20

# What separates labels in a field of a table.
SEPARATOR = ","

# The spellings of a label that applies, and of one that does not, for a model that has only one.
YES_AND_NO = {"1": True, "true": True, "0": False, "false": False}


class LabelIds:
    """The ids of the labels that a column may have.

    `label_map` takes precedence over the names of labels, a name over an id, and an id over a name that
    differs in case.

    Parameters
    ----------
    labels : sequence of str
        The labels of the model, in the order of their ids.
    label_map : mapping of str to str
        Values in the column, each with the label that it means.

    Raises
    ------
    ArgumentError
        `label_map` leads to something that is not a label of the model.
    """

    def __init__(self, labels: Sequence[str], label_map: Mapping[Any, Any] | None = None) -> None:
        self._labels = labels
        self._exact = {label: i for i, label in enumerate(labels)}
        for label, i in list(self._exact.items()):
            for spelling in _other_spellings(label):
                self._exact.setdefault(spelling, i)
        ids = {str(i): i for i in range(len(labels))}
        # If labels are numbers, such as stars, a number is always a name: "1" must not be both the name of
        # one label and the id of another.
        self._ids_count = all(self._exact.get(name, i) == i for name, i in ids.items())
        if self._ids_count:
            self._exact |= ids
        times = Counter(label.casefold() for label in labels)
        self._folded = {label.casefold(): i for i, label in enumerate(labels) if times[label.casefold()] == 1}
        mapped = {}
        for value, label in (label_map or {}).items():
            found = self.find(label)
            if found is None:
                raise ArgumentError(
                    f"the label map translates {shown(value, 60)} to {shown(label, 60)}, expected a label of "
                    f"the model: {self}"
                )
            mapped[str(value)] = found
        self._exact |= mapped

    def find(self, value: object) -> int | None:
        """Return the id of a value, or None if the model has no such label."""
        name = str(value)
        for spelling in (name, *_other_spellings(name)):
            found = self._exact.get(spelling, self._folded.get(spelling.casefold()))
            if found is not None:
                return found
        return None

    @property
    def expected(self) -> str:
        """What a value must be, for messages."""
        return f"one of the model's: {self}"

    def __str__(self) -> str:
        listed = [
            f"{label!r:.60} (id {i})" if self._ids_count else f"{label!r:.60}"
            for i, label in enumerate(self._labels[:MOST_SHOWN])
        ]
        more = len(self._labels) - len(listed)
        return ", ".join(listed) + (f" and {more} more" if more else "")


class LabelSets:
    """The sets of labels that a column may have, for a model whose labels apply each by itself.

    A value is a list of labels or ids; in a table, a JSON array, or labels with commas between them. An empty
    one is no label. A model with only one label takes 1 and 0 too.

    Parameters
    ----------
    labels, label_map
        See `LabelIds`.
    """

    def __init__(self, labels: Sequence[str], label_map: Mapping[Any, Any] | None = None) -> None:
        self._ids = LabelIds(labels, label_map)
        self._has_one_label = len(labels) == 1

    def find(self, value: object) -> tuple[int, ...] | None:
        """Return the ids of a value, each once and in order, or None if it is not a set of the labels."""
        if self._has_one_label:
            spelling = str(value).lower()
            applies = YES_AND_NO.get(match[1] if (match := FLOAT.fullmatch(spelling)) else spelling)
            if applies is not None:
                return (0,) if applies else ()
        if not isinstance(value, str):
            return self._found(value if isinstance(value, Iterable) else [value])
        whole = self._ids.find(value)  # a label may contain a comma
        if whole is not None:
            return (whole,)
        if value.lstrip().startswith("["):
            try:
                return self._found(json.loads(value))
            except (ValueError, RecursionError):
                pass  # "[" may begin a label
        return self._found(name.strip() for name in value.split(SEPARATOR)) if value.strip() else ()

    def _found(self, values: Iterable[object]) -> tuple[int, ...] | None:
        ids = [None if is_missing(value) else self._ids.find(value) for value in values]
        known = sorted(i for i in ids if i is not None)
        return tuple(known) if len(set(known)) == len(ids) else None

    @property
    def expected(self) -> str:
        """What a value must be, for messages."""
        return f"a list of the model's labels, each at most once: {self._ids}"


class Numbers:
    """The numbers that a column may have, for a model that predicts one."""

    expected = "a finite number"

    def find(self, value: object) -> float | None:
        """Return the number of a value, or None if it is not a finite one."""
        try:
            number = float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            return None
        return number if math.isfinite(number) and not isinstance(value, bool) else None


def _other_spellings(name: str) -> tuple[str, ...]:
    """Return 1 for 1.0, and true for True: pandas and JSON write the same value in different ways."""
    if match := FLOAT.fullmatch(name):
        return (match[1],)
    return (name.lower(), name.capitalize()) if name.lower() in ("true", "false") else ()
