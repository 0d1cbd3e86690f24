"""How a parameter is laid out in memory for the kernels: what becomes of a tensor when it is packed.

A packing knows the shape of the block that a tensor needs, stores rows of the tensor in it, and gives the
whole tensor back. Every block is padded with zeros to 16 columns. A `Storage` says how its numbers are kept.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ..kernels.steps import BFLOAT16, FLOAT16, FLOAT32, INT8, INT32
from ..kernels.tiles import LANES, QUAD
from ..model.params import Array, Shape

Floats = NDArray[np.float32]
Block = NDArray[Any]


class Storage(NamedTuple):
    """How the numbers of a block are stored.

    Attributes
    ----------
    kind : int
        The kernels' number for it.
    stored : str
        The type in a checkpoint, by safetensors' name.
    dtype : dtype
        How NumPy holds it; bfloat16 as uint16.
    """

    kind: int
    stored: str
    dtype: np.dtype[Any]


FLOAT32_STORAGE = Storage(FLOAT32, "F32", np.dtype(np.float32))
INT32_STORAGE = Storage(INT32, "I32", np.dtype(np.int32))
# The other types that a weight may keep; numbers of any further type become float32.
NARROW = {
    "F16": Storage(FLOAT16, "F16", np.dtype(np.float16)),
    "BF16": Storage(BFLOAT16, "BF16", np.dtype(np.uint16)),
    "I8": Storage(INT8, "I8", np.dtype(np.int8)),
}


class PackedLinear(NamedTuple):
    """A dense layer as a product reads it.

    Attributes
    ----------
    storage : int
        How its weight is stored, by the kernels' number.
    weight : int
        Address of its packed weight.
    scale : int
        Address of the factors of an int8 weight, panel by panel; else 0.
    sums : int
        Address of the sums of the columns, if integers are multiplied; else 0.
    bias : int
        Address of the bias, panel by panel.
    """

    storage: int
    weight: int
    scale: int
    sums: int
    bias: int


def padded(n: int) -> int:
    """Return n, rounded up to whole vectors."""
    return -(-n // LANES) * LANES


def n_quads(n: int) -> int:
    """Return how many quads a row of n int8 numbers has: whole vectors of them."""
    return padded(-(-n // QUAD))


class Packing(Protocol):
    """One layout."""

    @property
    def block_shape(self) -> Shape:
        """The shape of the block that a tensor needs, with its padding."""

    @property
    def storage(self) -> Storage:
        """How the numbers are stored."""

    @property
    def n_bytes(self) -> int:
        """The size of a block."""

    def store(self, block: Block, first_row: int, rows: Array) -> None:
        """Pack some rows; first row and number of rows are multiples of 16, except for the last rows."""

    def unpack(self, block: Block) -> Array:
        """Return the tensor, in memory of its own."""


class SizedBlock:
    """What the packings have in common."""

    storage: Storage = FLOAT32_STORAGE
    block_shape: Shape

    @property
    def n_bytes(self) -> int:
        """See `Packing`."""
        return math.prod(self.block_shape) * self.storage.dtype.itemsize


class Rows(SizedBlock):
    """A vector, or a matrix with one vector a row: [.., n] becomes [.., n up to 16]."""

    def __init__(self, shape: Shape, storage: Storage = FLOAT32_STORAGE) -> None:
        self.storage = storage
        self.shape = shape
        self.block_shape = (*shape[:-1], padded(shape[-1]))

    def store(self, block: Block, first_row: int, rows: Array) -> None:
        """See `Packing`."""
        block[(slice(first_row, first_row + len(rows)), *map(slice, self.shape[1:]))] = rows

    def unpack(self, block: Block) -> Array:
        """See `Packing`."""
        return block[tuple(map(slice, self.shape))].copy()


class Panels(SizedBlock):
    """The weight of a dense layer: [out, in] becomes [out / 16, in, 16].

    The 16 weights that meet one activation stand side by side, and a product reads them from first to last.
    """

    def __init__(self, shape: Shape, storage: Storage = FLOAT32_STORAGE) -> None:
        self.storage = storage
        self.shape = shape
        self.block_shape = (padded(shape[0]) // LANES, shape[1], LANES)

    def store(self, block: Block, first_row: int, rows: Array) -> None:
        """See `Packing`."""
        first_panel, whole, rest = first_row // LANES, len(rows) // LANES, len(rows) % LANES
        panels = rows[: whole * LANES].reshape(whole, LANES, rows.shape[1]).swapaxes(1, 2)
        block[first_panel : first_panel + whole] = panels
        if rest:
            block[first_panel + whole, :, :rest] = rows[-rest:].T

    def unpack(self, block: Block) -> Array:
        """See `Packing`."""
        return block.swapaxes(1, 2).reshape(-1, self.shape[1])[: self.shape[0]].copy()


class Quads(SizedBlock):
    """The int8 weight of a dense layer that multiplies integers: [out, in] becomes [out / 16, in / 4, 16, 4].

    The same as panels, with four numbers of a column in the place of one float32. `in` is padded to whole
    vectors of quads.
    """

    storage = NARROW["I8"]

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.block_shape = (padded(shape[0]) // LANES, n_quads(shape[1]), LANES, QUAD)

    def store(self, block: Block, first_row: int, rows: Array) -> None:
        """See `Packing`."""
        wide = np.zeros((padded(len(rows)), QUAD * n_quads(self.shape[1])), np.int8)
        wide[: len(rows), : self.shape[1]] = rows
        # Moved as words of four bytes, which takes a fraction of the time.
        words = wide.view(np.int32).reshape(-1, LANES, n_quads(self.shape[1])).swapaxes(1, 2)
        first_panel = first_row // LANES
        block.view(np.int32)[first_panel : first_panel + len(words), ..., 0] = words

    def unpack(self, block: Block) -> Array:
        """See `Packing`."""
        rows = block.swapaxes(1, 2).reshape(padded(self.shape[0]), -1)
        return rows[: self.shape[0], : self.shape[1]].copy()


class HeadPanels(SizedBlock):
    """Panels for products that each head has for itself: [heads * head_dim, in] is packed head by head.

    A bias [heads * head_dim] is packed at the same places.
    """

    def __init__(self, shape: Shape, n_heads: int, storage: Storage = FLOAT32_STORAGE) -> None:
        self.storage = storage
        head_dim = shape[0] // n_heads
        rows = n_heads * padded(head_dim)
        self.block_shape = (rows // LANES, *shape[1:], LANES)
        self.places = spread(n_heads, head_dim)

    def store(self, block: Block, first_row: int, rows: Array) -> None:
        """See `Packing`."""
        panel, lane = np.divmod(self.places[first_row : first_row + len(rows)], LANES)
        block[panel, ..., lane] = rows

    def unpack(self, block: Block) -> Array:
        """See `Packing`."""
        panel, lane = np.divmod(self.places, LANES)
        return block[panel, ..., lane]


class TransposedHeadPanels(SizedBlock):
    """The same, transposed: [heads * head_dim, in] becomes [heads, in / 16, head_dim, 16].

    Each head's product takes head_dim numbers to `in` numbers. So the rows of the tensor are terms and not
    columns of the product, which takes no int8 storage: there is a scale for each row.
    """

    def __init__(self, shape: Shape, n_heads: int, storage: Storage = FLOAT32_STORAGE) -> None:
        self.storage = storage
        self.shape = shape
        self.head_dim = shape[0] // n_heads
        self.block_shape = (n_heads, padded(shape[1]) // LANES, self.head_dim, LANES)

    def store(self, block: Block, first_row: int, rows: Array) -> None:
        """See `Packing`."""
        head, row = np.divmod(np.arange(first_row, first_row + len(rows)), self.head_dim)
        wide = np.zeros((len(rows), padded(self.shape[1])), rows.dtype)
        wide[:, : self.shape[1]] = rows
        block[head, :, row] = wide.reshape(len(rows), -1, LANES)

    def unpack(self, block: Block) -> Array:
        """See `Packing`."""
        return block.swapaxes(1, 2).reshape(self.shape[0], -1)[:, : self.shape[1]].copy()


class OfHeads(SizedBlock):
    """A packing for a product whose input comes from heads, each padded to whole vectors; so is `in`."""

    def __init__(self, shape: Shape, n_heads: int, packing: Callable[[Shape], Packing]) -> None:
        head_dim = shape[1] // n_heads
        self.width = n_heads * padded(head_dim)
        self.packing = packing((shape[0], self.width))
        self.storage, self.block_shape = self.packing.storage, self.packing.block_shape
        self.places = spread(n_heads, head_dim)

    def store(self, block: Block, first_row: int, rows: Array) -> None:
        """See `Packing`."""
        wide = np.zeros((len(rows), self.width), rows.dtype)
        wide[:, self.places] = rows
        self.packing.store(block, first_row, wide)

    def unpack(self, block: Block) -> Array:
        """See `Packing`."""
        return self.packing.unpack(block)[:, self.places]


def spread(n_heads: int, head_dim: int) -> NDArray[np.int64]:
    """Return the places of all heads' numbers when every head begins on a new vector."""
    return (padded(head_dim) * np.arange(n_heads)[:, None] + np.arange(head_dim)).ravel()
