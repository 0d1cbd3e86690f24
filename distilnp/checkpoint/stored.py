"""A tensor as it lies in a file, whichever format the file has, and what every source of them offers."""

import math
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import CheckpointError

# Bytes of a number, by safetensors' names of types. There are more types; none of them is a parameter's.
SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}

# How NumPy reads those that can be parameters; it has no bfloat16, which is the upper half of a float32.
STORED = {"F32": "<f4", "F16": "<f2", "BF16": "<u2", "F64": "<f8", "I8": "i1"}


class Fault(Exception):
    """One thing wrong with one tensor."""


class StoredTensor(NamedTuple):
    """Where a tensor lies.

    Attributes
    ----------
    path : Path
        The file.
    begin : int
        The byte at which its first element begins.
    kind : str
        Its type, by safetensors' name.
    shape : tuple of int
    strides : tuple of int
        How many elements it is from one index to the next.
    """

    path: Path
    begin: int
    kind: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def n_bytes(self) -> int:
        """Its size, laid out without gaps."""
        return math.prod(self.shape) * SIZES[self.kind]

    @property
    def can_be_read(self) -> bool:
        """Whether `rows` can: elements lie side by side in rows, or in columns."""
        return len(self.shape) == 1 or 1 in self.strides

    def rows(self, first: int, last: int) -> NDArray[Any]:
        """Read the rows from `first` up to `last` of a vector or a matrix, as they are stored.

        Only they are read, run by run: a matrix may lie column by column, as checkpoints do that were
        converted from TensorFlow, or be a part of a wider one.

        Raises
        ------
        EOFError
            The file is shorter than it was, or than its header says.
        """
        n_rows, width = last - first, math.prod(self.shape[1:])
        row_stride, column_stride = (*self.strides, 1)[:2]
        by_columns = column_stride != 1
        if by_columns:
            runs, length, step = width, n_rows, column_stride
        elif row_stride == width:
            runs, length, step = 1, n_rows * width, 0
        else:
            runs, length, step = n_rows, width, row_stride
        stored = np.dtype(STORED[self.kind])
        block = np.empty((runs, length), stored)
        with self.path.open("rb") as file:
            for i, run in enumerate(block):
                file.seek(self.begin + (first * row_stride + i * step) * stored.itemsize)
                if file.readinto(run) != run.nbytes:
                    raise EOFError("the file ends before")
        return block.T if by_columns else block.reshape(n_rows, *self.shape[1:])


class Source(Protocol):
    """The weights of one checkpoint, in whatever form.

    Attributes
    ----------
    path : Path
        The file to name in messages.
    """

    path: Path

    def files(self) -> list[Path]:
        """Return all files that hold tensors."""

    def tensors(self) -> dict[str, StoredTensor]:
        """Return the tensors by their names, without reading any of them.

        Raises
        ------
        CheckpointError
            A file is missing, damaged or not to be trusted.
        """


class OneFile:
    """What sources have in common that are a single file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def files(self) -> list[Path]:
        """Return the file."""
        return [self.path]


def contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the strides of a tensor that lies row by row."""
    return tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))


def size_of(path: Path) -> int:
    """Return the size of a file that can be read.

    Raises
    ------
    CheckpointError
        There is none, or it is a folder, a device or a pipe, which might never end.
    """
    try:
        if path.exists() and not path.is_file():
            raise CheckpointError(f"{path} cannot be read, expected a file with the weights")
        with path.open("rb"):
            return path.stat().st_size
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be read ({error.strerror or error}), expected a file with the weights"
        ) from error
