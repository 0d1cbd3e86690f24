"""The answers of a classifier: `Prediction`, and `Part` for a window or a sentence. `scoring` makes both."""

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .serializable import Serializable

# The types of a full dict, as JSON Schema has them.
TYPES_OF_PREDICTION = {
    "label": {"type": "string"},
    "score": {"type": "number"},
    "labels": {"type": "array", "items": {"type": "string"}},
    "scores": {"type": "object", "additionalProperties": {"type": "number"}},
    "logits": {"type": "array", "items": {"type": "number"}},
    "n_tokens": {"type": "integer"},
    "n_seen": {"type": "integer"},
    "windows": {"type": "array", "items": {"type": "object"}},
    "sentences": {"type": "array", "items": {"type": "object"}},
    "truncated": {"type": "boolean"},
    "is_empty": {"type": "boolean"},
}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Prediction(Serializable):
    """What the model says about one text.

    Attributes
    ----------
    label : str
        The label with the highest score.
    score : float
        Its score; for a regression model, the value itself.
    labels : tuple of str
        Every label that applies. If several may apply at once (scores are sigmoids), these are the labels
        that score above the threshold, in the order of their ids, possibly none. Otherwise it is `label`
        alone.
    scores : dict of str to float
        The score of every label, in the order of their ids.
    logits : array of float32, [n_labels]
        What the model computed, before a function or a temperature turned it into scores. For a text in
        several parts, it is the weighted mean of their logits, however their scores are aggregated.
        Read-only.
    n_tokens : int
        The number of tokens in the whole text, [CLS] and [SEP] included.
    n_seen : int
        How many of them the model was given.
    windows : tuple of Part
        With `long_text="windows"`, what the model says about each window; otherwise empty.
    sentences : tuple of Part
        With `sentences=True`, what the model says about each sentence; otherwise empty. The tokens above are
        then those of all sentences, and each sentence has its own [CLS] and [SEP].
    """

    _JSON_TYPES = TYPES_OF_PREDICTION

    label: str
    score: float
    labels: tuple[str, ...]
    scores: dict[str, float] = field(hash=False)
    # Comparing arrays gives an array; two predictions with equal scores are equal without it.
    logits: NDArray[np.float32] = field(compare=False)
    n_tokens: int
    n_seen: int
    windows: tuple["Part", ...] = ()
    sentences: tuple["Part", ...] = ()

    @property
    def truncated(self) -> bool:
        """Whether the model was given less than the whole text."""
        return self.n_seen < self.n_tokens

    @property
    def is_empty(self) -> bool:
        """Whether the text has no token but [CLS] and [SEP], so that the answer says nothing about it.

        A pair has a second [SEP] and is never empty.
        """
        return self.n_tokens == 2

    def as_dict(self, *, full: bool = False) -> dict[str, Any]:
        """Return the prediction as a dict that JSON can hold.

        Parameters
        ----------
        full : bool, default False
            By default, the dict has the label and the score, as the pipeline of transformers returns them.
            In full, it has every attribute. The logits and the labels are lists, and windows and sentences
            are lists of such dicts.

        Returns
        -------
        dict of str to object
        """
        if not full:
            return {"label": self.label, "score": self.score}
        values = {name: getattr(self, name) for name in self._names()}
        values["labels"], values["logits"] = list(self.labels), self.logits.tolist()
        for name in ("windows", "sentences"):
            values[name] = [part.as_dict(full=True) for part in values[name]]
        return values

    def __getitem__(self, name: str) -> Any:
        """Return an attribute by its name: `prediction["label"]`, as for the dicts of transformers.

        Raises
        ------
        KeyError
            There is no attribute of that name.
        """
        if name not in self._names():
            raise KeyError(name)
        return getattr(self, name)

    def _names(self) -> list[str]:
        return [*(field.name for field in fields(self)), "truncated", "is_empty"]

    def __repr__(self) -> str:
        seen = f"{self.n_seen} of {self.n_tokens} tokens" if self.truncated else f"{self.n_tokens} tokens"
        return f"{type(self).__name__}({self.label!r}, {self.score:.4f}, {seen})"

    def _repr_html_(self) -> str:
        """Return the scores as a small table, for notebooks."""
        from html import escape  # imported late: it takes milliseconds of every start

        rows = "".join(
            f"<tr><td>{escape(label)}</td><td>{score:.4f}</td></tr>"
            for label, score in sorted(self.scores.items(), key=lambda item: -item[1])
        )
        seen = (
            f"{self.n_seen} of {self.n_tokens} tokens seen" if self.truncated else f"{self.n_tokens} tokens"
        )
        return f"<table><tr><th>label</th><th>score</th></tr>{rows}</table><small>{seen}</small>"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Part(Prediction):
    """What the model says about part of a text, a window or a sentence, and where that part is.

    Attributes
    ----------
    start, end : int
        Its span of the text in characters; end exclusive.
    n_new : int
        How many of its tokens are in no earlier part, without [CLS] and [SEP].
    """

    start: int
    end: int
    n_new: int
