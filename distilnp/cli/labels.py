"""The label of a model that a file means: by its name, by its id, or by --label-map."""

import re
from collections import Counter
from collections.abc import Sequence

from ..errors import ArgumentError

# An id as pandas writes it, after a missing value has made the column one of floats.
FLOAT = re.compile(r"(-?\d+)\.0+")

# The most labels that a message lists: a model may have hundreds.
MOST_SHOWN = 20


class LabelIds:
    """The ids of the labels that a file may have.

    `label_map` takes precedence over the names of labels, a name over an id, and an id over a name that
    differs in case.

    Parameters
    ----------
    labels : sequence of str
        The labels of the model, in the order of their ids.
    label_map : sequence of (str, str)
        Values in the file, each with the label that it means.

    Raises
    ------
    ArgumentError
        `label_map` leads to something that is not a label of the model.
    """

    def __init__(self, labels: Sequence[str], label_map: Sequence[tuple[str, str]] = ()) -> None:
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
        for value, label in label_map:
            found = self.find(label)
            if found is None:
                raise ArgumentError(
                    f"--label-map is {value}={label}, expected a label of the model after the =: {self}"
                )
            mapped[value] = found
        self._exact |= mapped

    def find(self, value: object) -> int | None:
        """Return the id of a value in the file, or None if the model has no such label."""
        name = str(value)
        for spelling in (name, *_other_spellings(name)):
            found = self._exact.get(spelling, self._folded.get(spelling.casefold()))
            if found is not None:
                return found
        return None

    def __str__(self) -> str:
        shown = [
            f"{label!r:.60} (id {i})" if self._ids_count else f"{label!r:.60}"
            for i, label in enumerate(self._labels[:MOST_SHOWN])
        ]
        more = len(self._labels) - len(shown)
        return ", ".join(shown) + (f" and {more} more" if more else "")


def _other_spellings(name: str) -> tuple[str, ...]:
    """Return 1 for 1.0, and true for True: pandas and JSON write the same value in different ways."""
    if match := FLOAT.fullmatch(name):
        return (match[1],)
    return (name.lower(), name.capitalize()) if name.lower() in ("true", "false") else ()
