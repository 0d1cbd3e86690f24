"""The parameters as the kernels read them, in one block of memory.

`packing` says how each parameter is laid out. For float32 arithmetic, a matrix keeps the type that it has in
the checkpoint, so int8 rows take a quarter of the memory; the kernels widen what they need to the same
float32 numbers that loading would have made. For int8 arithmetic, every matrix is int8 rows, and is quantized
when it is stored unless the checkpoint has them.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from typing import Any

import numpy as np

from ..checkpoint.int8 import scale_name
from ..checkpoint.stored import StoredRows
from ..choices import DEFAULT_PRECISION, Precision
from ..kernels.steps import INT8
from ..model.config import DistilBertConfig
from ..model.int8 import Int8Matrix, multiplies_integers
from ..model.params import Array, Params, Shape, build_params, shapes
from .engine import parameter_hash
from .memory import CACHE_LINE, Bytes, aligned_bytes
from .packing import (
    FLOAT32_STORAGE,
    INT32_STORAGE,
    NARROW,
    Block,
    HeadPanels,
    OfHeads,
    PackedLinear,
    Packing,
    Panels,
    Quads,
    Rows,
    Storage,
    TransposedHeadPanels,
)

# The last layer's attention is packed head by head: see `Layers.last_self_attention`.
IN_LAST_ATTENTION: dict[str, Callable[..., Packing]] = {
    "k_lin.weight": TransposedHeadPanels,
    "v_lin.weight": HeadPanels,
    "v_lin.weight_scale": HeadPanels,
    "v_lin.bias": HeadPanels,
}

# Queries, keys and values are one product: their weights are neighbours, and are stored alike.
ONE_PRODUCT = ("q_lin.weight", "k_lin.weight", "v_lin.weight")


class PackedWeights:
    """The parameters of one checkpoint in the kernels' layout.

    Attributes
    ----------
    config : DistilBertConfig
        Says which parameters there are.
    types : dict of str to str
        The types that the parameters have in the checkpoint, by safetensors' names.
    size : int
        How many bytes they take.
    precision : {"float32", "int8"}
        The arithmetic that they are packed for.
    arena : array of bytes
        All parameters. If it is not given, it is zeros.
    """

    def __init__(
        self,
        config: DistilBertConfig,
        types: Mapping[str, str],
        precision: Precision = DEFAULT_PRECISION,
        arena: Bytes | None = None,
    ) -> None:
        self.config = config
        self.types = dict(types)
        self.precision = precision
        self._places: dict[str, tuple[int, Packing]] = {}
        size = 0
        for name, packing in _packings(config, types, precision):
            # Weights of one product follow each other without a gap.
            if not name.endswith(ONE_PRODUCT[1:]):
                size = -(-size // CACHE_LINE) * CACHE_LINE
            self._places[name] = size, packing
            size += packing.n_bytes
        self.size = size
        self.arena = aligned_bytes(size) if arena is None else arena

    def __reduce__(self) -> tuple[object, ...]:
        return _copy, (self.config, self.types, self.precision, self.arena)

    def _block(self, name: str) -> Block:
        first, packing = self._places[name]
        block = self.arena[first : first + packing.n_bytes].view(packing.storage.dtype)
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
        if self.precision == "int8" and len(shape) == 2:
            rows = rows.quantized()
        if packing.storage == FLOAT32_STORAGE:
            packing.store(self._block(name), first_row, rows.floats())
            return
        packing.store(self._block(name), first_row, rows.stored)
        if rows.scale is not None:
            self._store_vector(scale_name(name), first_row, rows.scale_of_rows())
        if sums_name(name) in self._places:
            self._store_vector(sums_name(name), first_row, rows.stored.sum(axis=1, dtype=np.int32))

    def _store_vector(self, name: str, first_row: int, numbers: Array) -> None:
        _, packing = self._places[name]
        packing.store(self._block(name), first_row, numbers)

    def storage(self, name: str) -> int:
        """Return how a packed tensor is stored, by the kernels' number."""
        _, packing = self._places[name]
        return packing.storage.kind

    def address(self, name: str) -> int:
        """Return the address of a packed tensor."""
        return self._block(name).ctypes.data

    def scale(self, name: str) -> int:
        """Return the address of the scales of a packed matrix, or 0 if it has none."""
        return self._address_or_0(scale_name(name))

    def _address_or_0(self, name: str) -> int:
        return self.address(name) if name in self._places else 0

    def linear(self, name: str) -> PackedLinear:
        """Return the addresses of a dense layer's tensors."""
        weight, bias = f"{name}.weight", f"{name}.bias"
        sums = self._address_or_0(sums_name(weight))
        return PackedLinear(
            self.storage(weight), self.address(weight), self.scale(weight), sums, self.address(bias)
        )

    def unpack(self) -> Params:
        """Return the parameters as the reference pass takes them, in memory of their own."""
        tensors: dict[str, Array | Int8Matrix] = dict(self._tensors())
        for name in tensors:
            if sums_name(name) in self._places:
                tensors[name] = Int8Matrix(self._unpack(name), self._unpack(scale_name(name)))
        return build_params(self.config, tensors)

    @cached_property
    def sha256(self) -> str:
        """The hash of the parameters; see `parameter_hash`."""
        return parameter_hash(self._tensors())

    def _tensors(self) -> Iterator[tuple[str, Array]]:
        """Unpack one tensor after another, as float32."""
        for name in shapes(self.config):
            _, packing = self._places[name]
            scale = self._unpack(scale_name(name))[:, None] if self.scale(name) else None
            yield name, StoredRows(self._unpack(name), packing.storage.stored, scale).floats()

    def _unpack(self, name: str) -> Any:
        _, packing = self._places[name]
        return packing.unpack(self._block(name))


def sums_name(name: str) -> str:
    """Return the name under which the sums of a matrix's rows are packed."""
    return f"{name}_sums"


def _copy(
    config: DistilBertConfig, types: Mapping[str, str], precision: Precision, arena: Bytes
) -> PackedWeights:
    """Return weights in an aligned arena; the arena of a pickle is not aligned."""
    weights = PackedWeights(config, types, precision)
    weights.arena[:] = arena
    return weights


def _packings(
    config: DistilBertConfig, types: Mapping[str, str], precision: Precision
) -> Iterator[tuple[str, Packing]]:
    """Yield the names of all blocks and how they are packed, in the order of memory.

    In each module the weights come first, then their scales and sums, then the vectors. So the weights of
    queries, keys and values are neighbours, as are their scales, sums and biases: one matrix to the kernels.
    """
    is_int8 = precision == "int8"
    if is_int8:
        types = {name: "I8" for name, shape in shapes(config).items() if len(shape) == 2}
    in_quads = {name for name in types if is_int8 and multiplies_integers(name, config)}
    blocks = []
    for name, shape in shapes(config).items():
        storage = _storage(name, shape, config, types)
        blocks.append((name, shape, storage))
        if storage.kind == INT8:
            blocks.append((scale_name(name), shape[:1], FLOAT32_STORAGE))
        if name in in_quads:
            blocks.append((sums_name(name), shape[:1], INT32_STORAGE))
    modules = list(dict.fromkeys(_parent(name) for name, _, _ in blocks))
    kinds = ("weight", scale_name("weight"), sums_name("weight"), "bias")

    def place(block: tuple[str, Shape, Storage]) -> tuple[int, bool, int]:
        name, shape, _ = block
        return modules.index(_parent(name)), len(shape) == 1, kinds.index(name.rpartition(".")[2])

    for name, shape, storage in sorted(blocks, key=place):
        in_last_attention = name.partition(_last_attention(config))[2]
        panels: Callable[[Shape], Packing] = Quads if name in in_quads else partial(Panels, storage=storage)
        if in_last_attention in IN_LAST_ATTENTION:
            yield name, IN_LAST_ATTENTION[in_last_attention](shape, config.n_heads, storage)
        elif in_last_attention == "out_lin.weight":
            yield name, OfHeads(shape, config.n_heads, panels)
        elif len(shape) == 2 and "embeddings" not in name:
            yield name, panels(shape)
        else:
            yield name, Rows(shape, storage)


def _storage(name: str, shape: Shape, config: DistilBertConfig, types: Mapping[str, str]) -> Storage:
    """Return how a parameter is stored: as in the checkpoint, if the kernels can widen it."""
    names = [name]
    in_last_attention = name.partition(_last_attention(config))[2]
    if name.endswith(ONE_PRODUCT) and not in_last_attention:
        names = [f"{_parent(name)}.{weight}" for weight in ONE_PRODUCT]
    stored = {types.get(name) for name in names}
    can_be_widened = (
        len(shape) == 2
        and len(stored) == 1
        and not name.endswith("position_embeddings.weight")
        and not (in_last_attention == "k_lin.weight" and stored == {"I8"})
    )
    return NARROW.get(str(stored.pop()), FLOAT32_STORAGE) if can_be_widened else FLOAT32_STORAGE


def _last_attention(config: DistilBertConfig) -> str:
    return f"layer.{config.n_layers - 1}.attention."


def _parent(name: str) -> str:
    """Return the module above a tensor's own: "layer.0.attention" for "layer.0.attention.q_lin.bias"."""
    return ".".join(name.split(".")[:-2])
