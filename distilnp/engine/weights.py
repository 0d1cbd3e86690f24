"""The parameters as the kernels read them: packed once, in one block of memory, shared by all who use them.

A dense layer's weight [out, in] becomes panels [out / 16, in, 16]: the 16 weights that meet one activation
lie side by side, and a product reads them from first to last. Everything is padded with zeros to 16 columns,
and starts on a cache line.
"""

import math
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from ..checkpoint.config import DistilBertConfig
from ..checkpoint.params import Array, Params, build_params
from ..checkpoint.tensors import WEIGHTS_FILE, read_tensors

Floats = NDArray[np.float32]

LANES = 16
CACHE_LINE = 64


def padded(n: int) -> int:
    """Return n, rounded up to whole vectors."""
    return -(-n // LANES) * LANES


def aligned_floats(n: int) -> Floats:
    """Return n float32 zeros that start on a cache line."""
    spare = CACHE_LINE // 4
    block = np.zeros(n + spare, np.float32)
    first = -block.ctypes.data % CACHE_LINE // 4
    return block[first : first + n]


class PackedWeights:
    """The parameters of one checkpoint in the kernels' layout.

    Attributes
    ----------
    config : DistilBertConfig
        Says which parameters there are.
    arena : array, float32
        All of them.
    """

    def __init__(self, config: DistilBertConfig) -> None:
        self.config = config
        self._places: dict[str, tuple[int, tuple[int, ...]]] = {}
        size = 0
        for name, shape in _in_order_of_memory(config):
            self._places[name] = size, shape
            size += math.prod(_block_shape(name, shape))
        self.arena = aligned_floats(size)

    def __reduce__(self) -> tuple[object, ...]:
        return _copy, (self.config, self.arena)

    def _block(self, name: str) -> Floats:
        first, shape = self._places[name]
        block_shape = _block_shape(name, shape)
        return self.arena[first : first + math.prod(block_shape)].reshape(block_shape)

    def store(self, name: str, shape: tuple[int, ...], first_row: int, rows: Array) -> None:
        """Pack some rows of a tensor.

        Parameters
        ----------
        name : str
            Its name in a checkpoint.
        shape : tuple of int
            Its shape.
        first_row : int
            Where the rows stand in it; a multiple of 16.
        rows : array, [n, ...]
            n is a multiple of 16 unless these are the last.
        """
        block = self._block(name)
        if not _is_dense(name, shape):
            columns = shape[1:]
            block[(slice(first_row, first_row + len(rows)), *map(slice, columns))] = rows
            return
        first_panel, whole, rest = first_row // LANES, len(rows) // LANES, len(rows) % LANES
        panels = rows[: whole * LANES].reshape(whole, LANES, shape[1]).swapaxes(1, 2)
        block[first_panel : first_panel + whole] = panels
        if rest:
            block[first_panel + whole, :, :rest] = rows[-rest:].T

    def addresses(self) -> Params:
        """Return `Params` that hold, in place of each tensor, the address of its block."""

        def address(name: str, shape: tuple[int, ...]) -> Any:
            return self._block(name).ctypes.data

        return build_params(self.config, address)

    def unpack(self) -> Params:
        """Return the parameters as the reference pass takes them, in memory of their own."""

        def tensor(name: str, shape: tuple[int, ...]) -> Array:
            block = self._block(name)
            if _is_dense(name, shape):
                block = block.swapaxes(1, 2).reshape(-1, shape[1])
            return block[tuple(map(slice, shape))].copy()

        return build_params(self.config, tensor)


def _copy(config: DistilBertConfig, arena: Floats) -> PackedWeights:
    """Return weights whose arena is aligned, as that of a pickle is not."""
    weights = PackedWeights(config)
    weights.arena[:] = arena
    return weights


_shared: WeakValueDictionary[tuple[object, ...], PackedWeights] = WeakValueDictionary()


def load_packed(folder: Path, config: DistilBertConfig) -> PackedWeights:
    """Pack the parameters of a checkpoint, or return those that someone in this process has packed.

    Raises
    ------
    CheckpointError, TensorError
        See `checkpoint.tensors.read_tensors`.
    """
    key = _identity(folder / WEIGHTS_FILE, config)
    weights = _shared.get(key)
    if weights is None:
        weights = PackedWeights(config)
        read_tensors(folder, config, weights.store)
        # Two threads may both load; one stays.
        weights = _shared.setdefault(key, weights)
    return weights


def _identity(path: Path, config: DistilBertConfig) -> tuple[object, ...]:
    """Return what is the same for the same file with the same content, as far as the file system can tell."""
    try:
        stat = path.stat()
    except OSError:
        return path, config  # `read_tensors` will say what is wrong
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, config


def _is_dense(name: str, shape: tuple[int, ...]) -> bool:
    return len(shape) == 2 and "embeddings" not in name


def _block_shape(name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    if _is_dense(name, shape):
        return padded(shape[0]) // LANES, shape[1], LANES
    return *shape[:-1], padded(shape[-1])


def _in_order_of_memory(config: DistilBertConfig) -> list[tuple[str, tuple[int, ...]]]:
    """Return names and shapes: of every layer first the weights, then the vectors.

    So the weights of queries, keys and values are neighbours, as their biases are: one matrix to the kernels.
    """
    tensors: list[tuple[str, tuple[int, ...]]] = []

    def collect(name: str, shape: tuple[int, ...]) -> Array:
        tensors.append((name, shape))
        return np.empty(0, np.float32)

    build_params(config, collect)
    parts = list(dict.fromkeys(_part(name) for name, _ in tensors))
    return sorted(tensors, key=lambda tensor: (parts.index(_part(tensor[0])), len(tensor[1]) == 1))


def _part(name: str) -> str:
    """Return what a tensor's module is a part of: of "layer.0.attention.q_lin.bias", "layer.0.attention"."""
    return ".".join(name.split(".")[:-2])
