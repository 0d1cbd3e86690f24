"""The parameters as the kernels read them: packed once, in one block of memory, shared by all who use them.

How each of them lies there says `packing.py`. Every block starts on a cache line.
"""

import math
import mmap
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from ..checkpoint.config_json import has_int8_rows
from ..checkpoint.stored import StoredRows
from ..checkpoint.tensors import Store, find_weights, read_tensors
from ..model.config import DistilBertConfig
from ..model.params import Params, build_params, shapes
from .packing import (
    Floats,
    HeadPanels,
    Packing,
    Panels,
    PanelsOfHeads,
    Rows,
    Shape,
    TransposedHeadPanels,
)

CACHE_LINE = 64

# Bytes from which on memory comes in huge pages, two of them: below, half of one could be left empty.
HUGE = 2**22

# Of the last layer's attention, what is packed head by head.
IN_LAST_ATTENTION: dict[str, Callable[[Shape, int], Packing]] = {
    "k_lin.weight": TransposedHeadPanels,
    "v_lin.weight": HeadPanels,
    "v_lin.bias": HeadPanels,
    "out_lin.weight": PanelsOfHeads,
}


def aligned_floats(n: int) -> Floats:
    """Return n float32 zeros that start on a cache line, because they start on a page.

    They come from the system, and go back to it when nobody uses them. From malloc, a block that has become
    too small for the next batch would stay with the process. Many of them come in huge pages: DistilBERT-base
    would have 65,000 small ones, each to be handed out, and to be found again when it is read.
    """
    memory = mmap.mmap(-1, max(4 * n, 1), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if 4 * n >= HUGE and hasattr(mmap, "MADV_HUGEPAGE"):
        with suppress(OSError):  # a kernel without huge pages
            memory.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(memory, np.float32, n)


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
        self._places: dict[str, tuple[int, Packing]] = {}
        size = 0
        for name, shape in _in_order_of_memory(config):
            packing = _packing(name, shape, config)
            self._places[name] = size, packing
            size += math.prod(packing.block_shape)
        self.arena = aligned_floats(size)

    def __reduce__(self) -> tuple[object, ...]:
        return _copy, (self.config, self.arena)

    def _block(self, name: str) -> Floats:
        first, packing = self._places[name]
        return self.arena[first : first + math.prod(packing.block_shape)].reshape(packing.block_shape)

    def store(self, name: str, shape: Shape, first_row: int, rows: StoredRows) -> None:
        """Pack some rows of a tensor.

        Parameters
        ----------
        name : str
            Its name in a checkpoint.
        shape : tuple of int
            Its shape.
        first_row : int
            Where the rows stand in it; a multiple of 16.
        rows : StoredRows, [n, ...]
            n is a multiple of 16 unless these are the last.
        """
        _, packing = self._places[name]
        packing.store(self._block(name), first_row, rows.floats())

    def addresses(self) -> Params:
        """Return `Params` that hold, in place of each tensor, the address of its block."""
        addresses: dict[str, Any] = {name: self._block(name).ctypes.data for name in self._places}
        return build_params(self.config, addresses)

    def unpack(self) -> Params:
        """Return the parameters as the reference pass takes them, in memory of their own."""
        return build_params(
            self.config,
            {name: packing.unpack(self._block(name)) for name, (_, packing) in self._places.items()},
        )


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
    key = *_identity(find_weights(folder).files(), config), has_int8_rows(folder)
    weights = _shared.get(key)
    if weights is None:
        weights = _packed(folder, config)
        # Two threads may both load; one stays.
        weights = _shared.setdefault(key, weights)
    return weights


def _packed(folder: Path, config: DistilBertConfig) -> PackedWeights:
    made: list[PackedWeights] = []

    def destination() -> Store:
        made.append(PackedWeights(config))
        return made[0].store

    read_tensors(folder, config, destination)
    return made[0]


def _identity(files: list[Path], config: DistilBertConfig) -> tuple[object, ...]:
    """Return what is the same for the same files with the same content, as the file system tells it."""
    try:
        stats = [path.stat() for path in files]
    except OSError:
        return *files, config  # `read_tensors` will say what is wrong
    return *((stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns) for stat in stats), config


def _packing(name: str, shape: Shape, config: DistilBertConfig) -> Packing:
    """Return how a tensor is packed; why the last attention differs says `Layers.last_self_attention`."""
    in_last_attention = name.partition(f"layer.{config.n_layers - 1}.attention.")[2]
    if in_last_attention in IN_LAST_ATTENTION:
        return IN_LAST_ATTENTION[in_last_attention](shape, config.n_heads)
    return Panels(shape) if len(shape) == 2 and "embeddings" not in name else Rows(shape)


def _in_order_of_memory(config: DistilBertConfig) -> list[tuple[str, Shape]]:
    """Return names and shapes: of every layer first the weights, then the vectors.

    So the weights of queries, keys and values are neighbours, as their biases are: one matrix to the kernels.
    """
    tensors = shapes(config)
    parts = list(dict.fromkeys(map(_part, tensors)))
    return sorted(tensors.items(), key=lambda tensor: (parts.index(_part(tensor[0])), len(tensor[1]) == 1))


def _part(name: str) -> str:
    """Return what a tensor's module is a part of: of "layer.0.attention.q_lin.bias", "layer.0.attention"."""
    return ".".join(name.split(".")[:-2])
