"""How a parameter lies in memory for the kernels: what a tensor becomes when it is packed.

A packing knows the shape of the block that a tensor needs, stores rows of the tensor there, and gives the
whole tensor back. Everything is padded with zeros to 16 columns.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..model.params import Array

Floats = NDArray[np.float32]
Shape = tuple[int, ...]

LANES = 16


def padded(n: int) -> int:
    """Return n, rounded up to whole vectors."""
    return -(-n // LANES) * LANES


class Packing(Protocol):
    """One way to lie in memory."""

    @property
    def block_shape(self) -> Shape:
        """What a tensor's numbers need, with their padding."""

    def store(self, block: Floats, first_row: int, rows: Array) -> None:
        """Pack some rows of the tensor; first row and number are multiples of 16, but for the last rows."""

    def unpack(self, block: Floats) -> Array:
        """Return the tensor, in memory of its own."""


class Rows:
    """A vector, or one vector a row: [.., n] becomes [.., n up to 16]."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.block_shape: Shape = (*shape[:-1], padded(shape[-1]))

    def store(self, block: Floats, first_row: int, rows: Array) -> None:
        """See `Packing`."""
        block[(slice(first_row, first_row + len(rows)), *map(slice, self.shape[1:]))] = rows

    def unpack(self, block: Floats) -> Array:
        """See `Packing`."""
        return block[tuple(map(slice, self.shape))].copy()


class Panels:
    """The weight of a dense layer: [out, in] becomes [out / 16, in, 16].

    The 16 weights that meet one activation lie side by side, and a product reads them from first to last.
    """

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.block_shape: Shape = (padded(shape[0]) // LANES, shape[1], LANES)

    def store(self, block: Floats, first_row: int, rows: Array) -> None:
        """See `Packing`."""
        first_panel, whole, rest = first_row // LANES, len(rows) // LANES, len(rows) % LANES
        panels = rows[: whole * LANES].reshape(whole, LANES, rows.shape[1]).swapaxes(1, 2)
        block[first_panel : first_panel + whole] = panels
        if rest:
            block[first_panel + whole, :, :rest] = rows[-rest:].T

    def unpack(self, block: Floats) -> Array:
        """See `Packing`."""
        return block.swapaxes(1, 2).reshape(-1, self.shape[1])[: self.shape[0]].copy()


class HeadPanels:
    """The same for a product that every head has for itself: [heads * head_dim, in] in panels head by head.

    A bias [heads * head_dim] has its numbers at the same places.
    """

    def __init__(self, shape: Shape, n_heads: int) -> None:
        head_dim = shape[0] // n_heads
        rows = n_heads * padded(head_dim)
        self.block_shape: Shape = (rows // LANES, *shape[1:], LANES)
        self.places = spread(n_heads, head_dim)

    def store(self, block: Floats, first_row: int, rows: Array) -> None:
        """See `Packing`."""
        panel, lane = np.divmod(self.places[first_row : first_row + len(rows)], LANES)
        block[panel, ..., lane] = rows

    def unpack(self, block: Floats) -> Array:
        """See `Packing`."""
        panel, lane = np.divmod(self.places, LANES)
        return block[panel, ..., lane]


class TransposedHeadPanels:
    """The same, transposed: [heads * head_dim, in] becomes [heads, in / 16, head_dim, 16].

    So a head's product takes head_dim numbers to `in`.
    """

    def __init__(self, shape: Shape, n_heads: int) -> None:
        self.shape = shape
        self.head_dim = shape[0] // n_heads
        self.block_shape: Shape = (n_heads, padded(shape[1]) // LANES, self.head_dim, LANES)

    def store(self, block: Floats, first_row: int, rows: Array) -> None:
        """See `Packing`."""
        head, row = np.divmod(np.arange(first_row, first_row + len(rows)), self.head_dim)
        wide = np.zeros((len(rows), padded(self.shape[1])), np.float32)
        wide[:, : self.shape[1]] = rows
        block[head, :, row] = wide.reshape(len(rows), -1, LANES)

    def unpack(self, block: Floats) -> Array:
        """See `Packing`."""
        return block.swapaxes(1, 2).reshape(self.shape[0], -1)[:, : self.shape[1]].copy()


class PanelsOfHeads(Panels):
    """Panels for a product that takes what heads give, each padded to whole vectors: so is `in`."""

    def __init__(self, shape: Shape, n_heads: int) -> None:
        head_dim = shape[1] // n_heads
        super().__init__((shape[0], n_heads * padded(head_dim)))
        self.places = spread(n_heads, head_dim)

    def store(self, block: Floats, first_row: int, rows: Array) -> None:
        """See `Packing`."""
        wide = np.zeros((len(rows), self.shape[1]), np.float32)
        wide[:, self.places] = rows
        super().store(block, first_row, wide)

    def unpack(self, block: Floats) -> Array:
        """See `Packing`."""
        return super().unpack(block)[:, self.places]


def spread(n_heads: int, head_dim: int) -> NDArray[np.int64]:
    """Return where the numbers of all heads stand when every head begins a vector of its own."""
    return (padded(head_dim) * np.arange(n_heads)[:, None] + np.arange(head_dim)).ravel()
