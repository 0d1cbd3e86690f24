"""The operands of the rungs, as the engine keeps them, and the types of their kernels."""

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from distilnp.engine.buffers import SLACK, row_stride
from distilnp.engine.memory import aligned_bytes, aligned_floats
from distilnp.engine.packing import Packing, Panels, Quads, padded
from distilnp.kernels.jit import entry_point
from distilnp.kernels.words.lanes_f32 import host_tiles
from distilnp.kernels.words.memory import float_pointer
from distilnp.model.int8 import quantize_matrix

Floats = NDArray[np.float32]

# The tiles for the registers of this CPU.
TILES = host_tiles()

# m, n, k, a, floats from a row of a to the next, b, the same of b, c, the same of c.
INT = types.int64
kernel_of_a_product = entry_point(INT, INT, INT, float_pointer, INT, float_pointer, INT, float_pointer, INT)
# n_seq, n_heads, head_dim, q, k, v, floats from a row of them to the next, c, the same of c, scratch.
kernel_of_attention = entry_point(
    INT, INT, INT, *3 * (float_pointer,), INT, float_pointer, INT, float_pointer
)


def zeros(rows: int, columns: int) -> Floats:
    """Return a matrix of zeros whose rows start on cache lines, an odd number of them apart.

    Whatever lies between two rows is 0, too, so that a kernel may read whole vectors.
    """
    stride = row_stride(columns)
    memory = aligned_floats(rows * stride + SLACK)
    return memory[: rows * stride].reshape(rows, stride)[:, :columns]


def copied(matrix: Any) -> Floats:
    """Return a copy of a matrix in such rows."""
    copy = zeros(*matrix.shape)
    copy[:] = matrix
    return copy


def transposed(weight: Floats) -> Floats:
    """Return a weight [n, k] as [k, n], in such rows."""
    return copied(weight.T)


def place(matrix: Floats) -> tuple[int, int]:
    """Return the address of a matrix, and how many floats lie from a row to the next."""
    return matrix.ctypes.data, matrix.strides[0] // matrix.itemsize


def packed(weight: Any, packing: Packing) -> Any:
    """Return a weight in the layout of a packing, in pages of its own."""
    block = aligned_bytes(packing.n_bytes).view(packing.storage.dtype).reshape(packing.block_shape)
    packing.store(block, 0, weight)
    return block


def panels(weight: Floats) -> Floats:
    """Return a weight [n, k] as panels of 16 columns, [n / 16, k, 16]."""
    return packed(weight, Panels(weight.shape))


@cache
def reused(rows: int, columns: int) -> Floats:
    """Return memory whose content is not needed after a call: the same memory each time."""
    return zeros(rows, columns)


class Int8Weight(NamedTuple):
    """A weight for int8 products.

    Attributes
    ----------
    quads : array, [n / 16, k / 4, 16, 4], int8
        The integers, as products read them.
    scale, sums, zeros : array, [n up to 16]
        What an integer of each column stands for, the sum of each column as int32, and no bias.
    """

    quads: NDArray[np.int8]
    scale: Floats
    sums: NDArray[np.int32]
    zeros: Floats


def int8_weight(weight: Floats) -> Int8Weight:
    """Quantize a weight [n, k], and pack it."""
    integers, scale = quantize_matrix(weight)
    columns = padded(len(weight))
    scales, sums = np.zeros(columns, np.float32), np.zeros(columns, np.int32)
    scales[: len(weight)], sums[: len(weight)] = scale, integers.sum(axis=1, dtype=np.int32)
    return Int8Weight(packed(integers, Quads(weight.shape)), scales, sums, np.zeros(columns, np.float32))
