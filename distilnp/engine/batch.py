"""Texts laid end to end: a batch without padding and without a mask."""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..kernels.steps import SPAN_QUERIES

Ints = NDArray[np.int64]


class RaggedBatch(NamedTuple):
    """The token ids of several texts, and where each text is; all int64.

    Attributes
    ----------
    ids : array, [n_tokens]
        The ids of all texts, one text after another.
    positions : array, [n_tokens]
        The position of each token in its text.
    starts : array, [n_texts]
        The index of each text's first token.
    spans : array, [n_spans, 4]
        Queries that attend together: the first one's row, their number, and the first row and length of their
        text.
    cls_spans : array, [n_cls_spans, 4]
        The same for the last layer, where only [CLS] of each text attends, and each of its heads is a query:
        row n_heads i + h belongs to text i and head h.
    """

    ids: Ints
    positions: Ints
    starts: Ints
    spans: Ints
    cls_spans: Ints

    @classmethod
    def of(cls, inputs: Sequence[Sequence[int]], n_heads: int) -> "RaggedBatch":
        """Lay inputs end to end; each is the ids of a text, with [CLS] and [SEP]."""
        lengths = [len(ids) for ids in inputs]
        starts = [0]
        for length in lengths:
            starts.append(starts[-1] + length)
        n_tokens = starts.pop()
        return cls(
            ids=_ints(chain.from_iterable(inputs), n_tokens),
            positions=_ints(chain.from_iterable(map(range, lengths)), n_tokens),
            starts=np.array(starts, np.int64),
            spans=np.array(
                [
                    (start + query, min(SPAN_QUERIES, length - query), start, length)
                    for start, length in zip(starts, lengths, strict=True)
                    for query in range(0, length, SPAN_QUERIES)
                ],
                np.int64,
            ),
            cls_spans=np.array(
                [
                    (i * n_heads + head, min(SPAN_QUERIES, n_heads - head), start, length)
                    for i, (start, length) in enumerate(zip(starts, lengths, strict=True))
                    for head in range(0, n_heads, SPAN_QUERIES)
                ],
                np.int64,
            ),
        )


def _ints(values: Iterable[int], n: int) -> Ints:
    return np.fromiter(values, np.int64, n)
