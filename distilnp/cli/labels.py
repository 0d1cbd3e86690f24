"""Which label of a model a file means: by its name, its id, or what the user says of it."""

from collections import Counter
from collections.abc import Sequence

from ..errors import ArgumentError

# In messages: a model may have hundreds.
MOST_SHOWN = 20


class LabelIds:
    """The ids of the labels that a file may have.

    A name counts before an id, and before a name that differs in case; what is told by `label_map` counts
    before all of them.

    Parameters
    ----------
    labels : sequence of str
        Those of the model, by their ids.
    label_map : sequence of (str, str)
        What the file has, and the label that it means.

    Raises
    ------
    ArgumentError
        `label_map` leads to what is no label of the model.
    """

    def __init__(self, labels: Sequence[str], label_map: Sequence[tuple[str, str]] = ()) -> None:
        self._labels = labels
        self._exact = {label: i for i, label in enumerate(labels)}
        ids = {str(i): i for i in range(len(labels))}
        # Where labels are numbers, such as stars, a number is a name: "1" must not be one label's name and
        # "0" another one's id.
        self._ids_count = all(self._exact.get(name, i) == i for name, i in ids.items())
        if self._ids_count:
            self._exact |= ids
        times = Counter(label.casefold() for label in labels)
        self._folded = {label.casefold(): i for i, label in enumerate(labels) if times[label.casefold()] == 1}
        told = {}
        for value, label in label_map:
            found = self.find(label)
            if found is None:
                raise ArgumentError(
                    f"--label-map says {value}={label}, expected a label of the model: {self}"
                )
            told[value] = found
        self._exact |= told

    def find(self, value: object) -> int | None:
        """Return the id of what a file has, None if the model has no such label."""
        name = str(value)
        return self._exact.get(name, self._folded.get(name.casefold()))

    def __str__(self) -> str:
        shown = [
            f"{label!r:.60} (id {i})" if self._ids_count else f"{label!r:.60}"
            for i, label in enumerate(self._labels[:MOST_SHOWN])
        ]
        more = len(self._labels) - len(shown)
        return ", ".join(shown) + (f" and {more} more" if more else "")
