"""The parameters as the kernels read them: packed once, in one block of memory, shared by all classifiers.

`packing` says how each parameter is laid out. Every block starts on a cache line.
"""

from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from weakref import WeakValueDictionary

from ..checkpoint.config_json import has_int8_rows
from ..checkpoint.stored import StoredRows
from ..checkpoint.tensors import Store, find_weights, read_tensors
from ..fork_lock import ForkLock
from ..model.config import DistilBertConfig
from ..model.params import Array, Params, Shape, build_params, shapes
from .engine import parameter_hash
from .memory import CACHE_LINE, Bytes, aligned_bytes
from .packing import (
    Block,
    HeadPanels,
    PackedLinear,
    Packing,
    Panels,
    PanelsOfHeads,
    Rows,
    TransposedHeadPanels,
)

# The last layer's attention is packed head by head: see `Layers.last_self_attention`.
IN_LAST_ATTENTION: dict[str, Callable[[Shape, int], Packing]] = {
    "k_lin.weight": TransposedHeadPanels,
    "v_lin.weight": HeadPanels,
    "v_lin.bias": HeadPanels,
    "out_lin.weight": PanelsOfHeads,
}


class PackedWeights:
    """The parameters of one checkpoint in the kernels' layout.

    Attributes
    ----------
    config : DistilBertConfig
        Says which parameters there are.
    arena : array of bytes
        All of them.
    """

    def __init__(self, config: DistilBertConfig) -> None:
        self.config = config
        self._places: dict[str, tuple[int, Packing]] = {}
        size = 0
        for name, shape in _in_order_of_memory(config):
            packing = _packing(name, shape, config)
            self._places[name] = size, packing
            size += -(-packing.n_bytes // CACHE_LINE) * CACHE_LINE
        self.arena = aligned_bytes(size)

    def __reduce__(self) -> tuple[object, ...]:
        return _copy, (self.config, self.arena)

    def _block(self, name: str) -> Block:
        first, packing = self._places[name]
        block = self.arena[first : first + packing.n_bytes].view(packing.dtype)
        return block.reshape(packing.block_shape)

    def store(self, name: str, shape: Shape, first_row: int, rows: StoredRows) -> None:
        """Pack some rows of a tensor.

        Parameters
        ----------
        name : str
            Its name in a checkpoint.
        shape : tuple of int
            Its shape.
        first_row : int
            The index of the first of these rows in the tensor; a multiple of 16.
        rows : StoredRows, [n, ...]
            n is a multiple of 16 unless these are the last rows.
        """
        _, packing = self._places[name]
        packing.store(self._block(name), first_row, rows.floats())

    def address(self, name: str) -> int:
        """Return the address of a packed tensor."""
        return self._block(name).ctypes.data

    def linear(self, name: str) -> PackedLinear:
        """Return the addresses of a dense layer's tensors."""
        return PackedLinear(self.address(f"{name}.weight"), self.address(f"{name}.bias"))

    def unpack(self) -> Params:
        """Return the parameters as the reference pass takes them, in memory of their own."""
        return build_params(self.config, dict(self._tensors()))

    @cached_property
    def sha256(self) -> str:
        """The hash of the parameters; see `parameter_hash`."""
        return parameter_hash(self._tensors())

    def _tensors(self) -> Iterator[tuple[str, Array]]:
        """Unpack one tensor after another."""
        for name in shapes(self.config):
            _, packing = self._places[name]
            yield name, packing.unpack(self._block(name))


def _copy(config: DistilBertConfig, arena: Bytes) -> PackedWeights:
    """Return weights in an aligned arena; the arena of a pickle is not aligned."""
    weights = PackedWeights(config)
    weights.arena[:] = arena
    return weights


_shared: WeakValueDictionary[tuple[object, ...], PackedWeights] = WeakValueDictionary()
_packing_lock = ForkLock()


def load_packed(folder: Path, config: DistilBertConfig) -> PackedWeights:
    """Pack the parameters of a checkpoint, or return those that are packed in this process already.

    Raises
    ------
    CheckpointError, TensorError
        See `checkpoint.tensors.read_tensors`.
    """
    key = *_identity(find_weights(folder).files(), config), has_int8_rows(folder)
    with _packing_lock.held():  # threads that load the same model at once wait for one copy
        weights = _shared.get(key)
        if weights is None:
            weights = _shared[key] = _packed(folder, config)
    return weights


def _packed(folder: Path, config: DistilBertConfig) -> PackedWeights:
    made: list[PackedWeights] = []

    def destination() -> Store:
        made.append(PackedWeights(config))
        return made[0].store

    read_tensors(folder, config, destination)
    return made[0]


def _identity(files: list[Path], config: DistilBertConfig) -> tuple[object, ...]:
    """Return a key that changes when the files or, as far as the file system knows, their content changes."""
    try:
        stats = [path.stat() for path in files]
    except OSError:
        return *files, config  # `read_tensors` reports what is wrong
    return *((stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns) for stat in stats), config


def _packing(name: str, shape: Shape, config: DistilBertConfig) -> Packing:
    """Return how a tensor is packed."""
    in_last_attention = name.partition(f"layer.{config.n_layers - 1}.attention.")[2]
    if in_last_attention in IN_LAST_ATTENTION:
        return IN_LAST_ATTENTION[in_last_attention](shape, config.n_heads)
    return Panels(shape) if len(shape) == 2 and "embeddings" not in name else Rows(shape)


def _in_order_of_memory(config: DistilBertConfig) -> list[tuple[str, Shape]]:
    """Return names and shapes; in each layer, the weights come before the vectors.

    So the weights of queries, keys and values are neighbours, as are their biases: one matrix to the kernels.
    """
    tensors = shapes(config)
    modules = list(dict.fromkeys(map(_parent, tensors)))
    return sorted(
        tensors.items(), key=lambda tensor: (modules.index(_parent(tensor[0])), len(tensor[1]) == 1)
    )


def _parent(name: str) -> str:
    """Return the module above a tensor's own: "layer.0.attention" for "layer.0.attention.q_lin.bias"."""
    return ".".join(name.split(".")[:-2])
