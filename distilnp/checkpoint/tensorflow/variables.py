"""A TensorFlow checkpoint, `variables.index` and `variables.data-...`, as a form of weights.

The index is a sorted table. It says for each key where its tensor is in the data, and its checksum. The key
of a variable is its path among the objects of the program (`variables/3/.ATTRIBUTES/VARIABLE_VALUE`), and one
more tensor, the object graph, has the variable's full name for each key. A checkpoint of TensorFlow 1 has no
object graph: there, the key is the full name.
https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/protobuf/tensor_bundle.proto
https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/protobuf/trackable_object_graph.proto
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ...errors import CheckpointError
from ...foreign import read_file, shown
from ..stored import SIZES, StoredTensor, contiguous, weights_size
from .crc32c import Crc32c, masked_crc32c
from .names import parameter
from .protobuf import Damaged, Message, text, varint
from .table import MAX_CONTENT_BYTES, read_table

SUFFIX = ".index"

OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
# The attribute of an object that is the value of a variable.
VALUE = "VARIABLE_VALUE"

# A DistilBERT's object graph has 60 kB; it grows with the number of layers. Reading a hostile one of this
# size takes some seconds.
MAX_OBJECT_GRAPH_BYTES = 4 << 20

# TensorFlow's numbers for types, and safetensors' names for them. Other types exist, but no parameter has
# them.
TYPES = {
    1: "F32",
    2: "F64",
    3: "I32",
    4: "U8",
    5: "I16",
    6: "I8",
    8: "C64",
    9: "I64",
    10: "BOOL",
    14: "BF16",
    18: "C128",
    19: "F16",
}
STRING = 7

# A model of 50 GB, the most that is fetched, has some hundred shards.
MAX_SHARDS = 1000

# No parameter has more than two dimensions, and TensorFlow allows 254.
MAX_DIMENSIONS = 254

CRC_CHUNK_BYTES = 4 << 20


class _Entry(NamedTuple):
    """What the index says about a tensor."""

    dtype: int
    shape: tuple[int, ...]
    shard: int
    begin: int
    size: int
    crc: int


class Variables:
    """A checkpoint.

    Attributes
    ----------
    path : Path
        Its index.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def files(self) -> list[Path]:
        """Return the index and the files of data."""
        with self._our_errors():
            n_shards, _ = self._index()
            return [self.path, *(self._shard(i, n_shards) for i in range(n_shards))]

    def tensors(self) -> dict[str, StoredTensor]:
        """Return the tensors by PyTorch's names; one that is no parameter has its key for a name.

        Raises
        ------
        CheckpointError
            A file is missing, damaged, or of another kind.
        """
        with self._our_errors():
            return {name: tensor for name, (tensor, _) in self._named().items()}

    def check(self) -> None:
        """Compare the tensors with their checksums.

        Raises
        ------
        CheckpointError
            A file cannot be read, or a checksum is wrong.
        """
        with self._our_errors():
            for name, (tensor, stored) in self._named().items():
                crc = Crc32c()
                left = tensor.n_bytes
                with tensor.path.open("rb") as file:
                    file.seek(tensor.begin)
                    while left:
                        chunk = file.read(min(left, CRC_CHUNK_BYTES))
                        if not chunk:
                            break
                        crc.update(chunk)
                        left -= len(chunk)
                if crc.masked != stored:
                    raise Damaged(f"the checksum of {shown(name)} in {tensor.path.name} is wrong")

    @contextmanager
    def _our_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise CheckpointError(
                f"{error.filename or self.path} cannot be read ({error.strerror or error}), expected a file "
                "of a TensorFlow checkpoint. It has two kinds of files, variables.index and "
                "variables.data-..., in one folder"
            ) from error
        except Damaged as reason:
            raise CheckpointError(
                f"{self.path} is not a whole TensorFlow checkpoint: {reason}. It is damaged or was not "
                "fetched to its end: fetch it again"
            ) from None

    def _index(self) -> tuple[int, dict[str, _Entry]]:
        """Return the number of shards, and the entries by their keys."""
        # The file is not larger than what is in it, unless something is in it twice.
        table = read_table(read_file(self.path, MAX_CONTENT_BYTES))
        header = Message(table.pop(b"", b""))
        n_shards = header.integer(1)
        if not 1 <= n_shards <= MAX_SHARDS:
            raise Damaged(f"it states {n_shards} files of data, expected 1 to {MAX_SHARDS}")
        if header.integer(2):
            raise Damaged("its numbers are not in little-endian order, the order of almost every file")
        entries = {}
        for key, value in table.items():
            entry = _entry(Message(value))
            if entry.shard >= n_shards:
                raise Damaged(f"{shown(key)} is in file {entry.shard} of {n_shards}")
            entries[text(key)] = entry
        return n_shards, entries

    def _shard(self, number: int, n_shards: int) -> Path:
        return self.path.with_name(f"{self.path.name.removesuffix(SUFFIX)}.data-{number:05}-of-{n_shards:05}")

    def named_by(self) -> str:
        """Return where the names of the variables come from, for messages.

        Raises
        ------
        CheckpointError
            See `tensors`.
        """
        with self._our_errors():
            _, entries = self._index()
        return "the object graph" if OBJECT_GRAPH in entries else "their keys, for want of an object graph"

    def _named(self) -> dict[str, tuple[StoredTensor, int]]:
        """Return the tensors with their checksums, by PyTorch's names or by their keys."""
        n_shards, entries = self._index()
        sizes = {
            i: weights_size(self._shard(i, n_shards)) for i in {entry.shard for entry in entries.values()}
        }
        for key, entry in entries.items():
            if entry.begin + entry.size > sizes[entry.shard]:
                raise Damaged(
                    f"{self._shard(entry.shard, n_shards).name} has {sizes[entry.shard]} bytes and ends "
                    f"before the end of {shown(key)}"
                )
        graph = entries.pop(OBJECT_GRAPH, None)
        if graph is None:
            full_names = {key: key for key in entries}
        else:
            full_names = _full_names(_string(self._shard(graph.shard, n_shards), graph))
        found: dict[str, tuple[StoredTensor, int]] = {}
        for key, entry in entries.items():
            if entry.dtype not in TYPES:
                continue
            dtype = TYPES[entry.dtype]
            if entry.size != math.prod(entry.shape) * SIZES[dtype]:
                raise Damaged(f"{shown(key)} has {entry.size} bytes, expected those of its shape")
            shape, strides = entry.shape, contiguous(entry.shape)
            known = parameter(full_names.get(key, key))
            name = known.name if known else key
            if known and known.is_transposed:
                shape, strides = shape[::-1], strides[::-1]
            if name in found:
                raise Damaged(f"{shown(name)} is there twice")
            path = self._shard(entry.shard, n_shards)
            found[name] = StoredTensor(path, entry.begin, dtype, shape, strides), entry.crc
        return found


def _entry(message: Message) -> _Entry:
    if message.has(7):
        raise Damaged("a variable is stored in slices, expected whole variables")
    shape = Message(message.content(2))
    sizes = tuple(dimension.integer(1) for dimension in shape.messages(2))
    if shape.integer(3) or len(sizes) > MAX_DIMENSIONS or any(size >> 63 for size in sizes):
        raise Damaged("a tensor has no shape")
    shard = message.integer(3)
    return _Entry(
        message.integer(1), sizes, shard, message.integer(4), message.integer(5), message.fixed32(6)
    )


def _string(path: Path, entry: _Entry) -> bytes:
    """Return the one text of a tensor of texts: its length, the checksum of that, and the text."""
    if entry.dtype != STRING or entry.shape or entry.size > MAX_OBJECT_GRAPH_BYTES:
        raise Damaged(f"its object graph is not one text of at most {MAX_OBJECT_GRAPH_BYTES} bytes")
    with path.open("rb") as file:
        file.seek(entry.begin)
        data = file.read(entry.size)
    length, position = varint(data, 0)
    content = data[position + 4 :]
    if length != len(content):
        raise Damaged(f"its object graph has {len(content)} bytes, expected {length}")
    of_length = length.to_bytes(4, "little")
    checksum = data[position : position + 4]
    if (
        masked_crc32c([of_length]) != int.from_bytes(checksum, "little")
        or masked_crc32c([of_length, checksum, content]) != entry.crc
    ):
        raise Damaged("the checksum of its object graph is wrong")
    return content


def _full_names(graph: bytes) -> dict[str, str]:
    """Return the full names of variables, by their keys."""
    names = {}
    for node in Message(graph).messages(1):
        for attribute in node.messages(2):
            if attribute.text(1) == VALUE and attribute.has(2):
                names[attribute.text(3)] = attribute.text(2)
    return names
