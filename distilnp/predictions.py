"""What a classifier answers: `Prediction`, and `Part` for a window or a sentence. `scoring` makes both."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
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

    def as_dict(self) -> dict[str, Any]:
        """Return `{"label": ..., "score": ...}`, as the pipeline of transformers does."""
        return {"label": self.label, "score": self.score}


@dataclass(frozen=True, slots=True, kw_only=True)
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
