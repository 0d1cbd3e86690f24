"""Where the activations of a batch are kept: which buffers there are, their widths and their strides."""

from enum import IntEnum, auto

import numpy as np
from numpy.typing import NDArray

from ..choices import DEFAULT_PRECISION, Precision
from ..kernels.tiles import LANES
from ..model.config import DistilBertConfig
from .batch import RaggedBatch
from .memory import CACHE_LINE
from .packing import Floats, n_quads, padded


class Slot(IntEnum):
    """Whatever changes from batch to batch, by its position in the kernels' table `batch`."""

    # counts
    N_TOKENS = 0
    N_TEXTS = auto()
    N_SPANS = auto()
    N_CLS_SPANS = auto()
    # addresses of integers: see RaggedBatch
    IDS = auto()
    POSITIONS = auto()
    STARTS = auto()
    SPANS = auto()
    CLS_SPANS = auto()
    # addresses of activations with one row per token; in the last layer, one row per text
    HIDDEN_STATES = auto()
    SUMS = auto()
    QKV = auto()
    CONTEXT = auto()
    FFN = auto()
    # address of quantized rows of one of them
    QUANTIZED = auto()
    # addresses of activations with one row per text
    CLS = auto()
    CLS_QUERIES = auto()
    CLS_ABSORBED_QUERIES = auto()
    CLS_MIXED_STATES = auto()
    CLS_CONTEXT = auto()
    LOGITS = auto()


# The integers, in the order of RaggedBatch.
INDICES = (Slot.IDS, Slot.POSITIONS, Slot.STARTS, Slot.SPANS, Slot.CLS_SPANS)
ONE_ROW_PER_TEXT = {
    Slot.CLS,
    Slot.CLS_QUERIES,
    Slot.CLS_ABSORBED_QUERIES,
    Slot.CLS_MIXED_STATES,
    Slot.CLS_CONTEXT,
    Slot.LOGITS,
}


class Buffers:
    """The buffers that a model needs, as float32, and for int8 arithmetic one of quantized rows.

    Attributes
    ----------
    width, stride : dict of Slot to int
        Columns of each buffer, and floats from one row to the next.
    head_width, head_stride : dict of Slot to int
        The same from head to head, for buffers in which each head has columns of its own.
    """

    def __init__(self, config: DistilBertConfig, precision: Precision = DEFAULT_PRECISION) -> None:
        dim, head_dim = config.dim, config.dim // config.n_heads
        self.head_width = {
            Slot.CLS_QUERIES: head_dim,
            Slot.CLS_ABSORBED_QUERIES: dim,
            Slot.CLS_MIXED_STATES: dim,
            Slot.CLS_CONTEXT: head_dim,
        }
        self.head_stride = {
            Slot.CLS_QUERIES: head_dim,  # as q_lin leaves them
            Slot.CLS_ABSORBED_QUERIES: row_stride(dim),
            Slot.CLS_MIXED_STATES: row_stride(dim),
            Slot.CLS_CONTEXT: padded(head_dim),
        }
        widths = {
            Slot.HIDDEN_STATES: dim,
            Slot.SUMS: dim,
            Slot.QKV: 3 * padded(dim),
            Slot.CONTEXT: dim,
            Slot.FFN: config.hidden_dim,
            Slot.CLS: dim,
            Slot.LOGITS: config.n_labels,
        }
        of_all_heads = {slot: config.n_heads * stride for slot, stride in self.head_stride.items()}
        self.width = of_all_heads | widths
        self.stride = {slot: padded(width) for slot, width in of_all_heads.items()} | {
            slot: row_stride(width) for slot, width in widths.items()
        }
        if precision == "int8":
            # The integers, then the scale and the zero point.
            self.stride[Slot.QUANTIZED] = row_stride(n_quads(max(self.width.values())) + 2)

    def sizes(self, n_tokens: int, n_texts: int) -> dict[Slot, int]:
        """Return how many floats each buffer needs for a batch."""
        return {
            slot: (n_texts if slot in ONE_ROW_PER_TEXT else n_tokens) * stride
            for slot, stride in self.stride.items()
        }

    def table(self, batch: RaggedBatch, memory: Floats) -> tuple[NDArray[np.int64], Floats]:
        """Give each buffer its part of the memory.

        Parameters
        ----------
        batch : RaggedBatch
        memory : array of float32
            At least as many floats as all `sizes` together.

        Returns
        -------
        table : array, [len(Slot)], int64
            The kernels' table `batch`.
        logits : array, [n_texts, n_labels up to 16], float32
            The buffer in which the kernels leave the logits.
        """
        n_tokens, n_texts = len(batch.ids), len(batch.starts)
        table = np.zeros(len(Slot), np.int64)
        table[Slot.N_TOKENS], table[Slot.N_TEXTS] = n_tokens, n_texts
        table[Slot.N_SPANS], table[Slot.N_CLS_SPANS] = len(batch.spans), len(batch.cls_spans)
        for slot, array in zip(INDICES, batch, strict=True):
            table[slot] = array.ctypes.data
        first = 0
        for slot, size in self.sizes(n_tokens, n_texts).items():
            block = memory[first : first + size]
            table[slot] = block.ctypes.data
            if slot == Slot.LOGITS:
                logits = block.reshape(n_texts, -1)
            first += size
        return table, logits


def row_stride(width: int) -> int:
    """Return how many floats lie between the starts of two rows: an odd number of cache lines.

    A first-level cache has 64 sets of lines. Rows of 3072 floats, 192 lines apart, would all fall into the
    same sets and push each other out. An odd distance uses all sets in turn.
    """
    lines = -(-width * 4 // CACHE_LINE) | 1
    return lines * CACHE_LINE // 4


# A kernel may read up to a vector beyond the end of a buffer; it does not use what it reads there.
SLACK = LANES
