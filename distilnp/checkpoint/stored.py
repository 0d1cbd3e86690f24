"""Tensors as files store them: the place of a tensor, its rows, and the interface of all forms of weights."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import CheckpointError
from ..foreign import size_of
from ..model.int8 import quantize_matrix

# Bytes per number, by safetensors' names of types. Other types exist, but no parameter has them.
SIZES = {
    "F64": 8,
    "F32": 4,
    "F16": 2,
    "BF16": 2,
    "C128": 16,
    "C64": 8,
    "I64": 8,
    "I32": 4,
    "I16": 2,
    "I8": 1,
    "U8": 1,
    "BOOL": 1,
}

# How NumPy reads the types that a parameter can have. NumPy has no bfloat16, the upper half of a float32.
STORED = {"F32": "<f4", "F16": "<f2", "BF16": "<u2", "F64": "<f8", "I8": "i1"}

# The bits of the exponent; they are all set in infinity and NaN, and in no other number.
EXPONENTS = {"F16": 0x7C00, "BF16": 0x7F80}


class Fault(Exception):
    """One thing that is wrong with one tensor."""


@dataclass(frozen=True, slots=True)
class StoredRows:
    """Some rows of a vector or a matrix, as they are stored.

    Attributes
    ----------
    stored : array
        The numbers of the file, bfloat16 as uint16.
    dtype : {"F64", "F32", "F16", "BF16", "I8"}
        Their type.
    scale : array [rows, 1], float32, optional
        The factors of int8 rows; None for every other type.
    """

    stored: NDArray[Any]
    dtype: str
    scale: NDArray[np.float32] | None = None

    def floats(self) -> NDArray[Any]:
        """Return the rows as float64 if they are stored so, and as float32 otherwise."""
        if self.dtype == "BF16":
            return (self.stored.astype(np.uint32) << 16).view(np.float32)
        if self.dtype == "F16":
            return self.stored.astype(np.float32)
        if self.scale is not None:
            rows = self.stored.astype(np.float32)
            rows *= self.scale
            return rows
        return self.stored

    def scale_of_rows(self) -> NDArray[np.float32]:
        """Return the factors [rows] of int8 rows."""
        assert self.scale is not None
        return self.scale[:, 0]

    def quantized(self) -> "StoredRows":
        """Return the rows of a matrix as int8 rows: those of the file, if it has them."""
        if self.scale is not None:
            return self
        matrix = quantize_matrix(self.floats().astype(np.float32, copy=False))
        return StoredRows(matrix.integers, "I8", matrix.scale[:, None])

    def are_finite(self) -> bool:
        """Return whether every number is finite as float32.

        The stored form answers where that is exact: for float16 and bfloat16, looking at the bits takes a
        quarter to two fifths of the time of widening them.
        """
        if self.dtype in EXPONENTS:
            exponent = np.uint16(EXPONENTS[self.dtype])
            return bool(((self.stored.view(np.uint16) & exponent) != exponent).all())
        with np.errstate(over="ignore"):  # a number beyond float32 becomes infinite, which is the answer
            # The largest magnitude of an int8 is 128.
            if self.scale is not None and np.isfinite(self.scale * np.float32(128)).all():
                return True
            return bool(np.isfinite(self.floats().astype(np.float32, copy=False)).all())


class StoredTensor(NamedTuple):
    """The place of a tensor in a file.

    Attributes
    ----------
    path : Path
        The file.
    begin : int
        The byte at which the first element begins.
    dtype : str
        The type, by safetensors' name.
    shape : tuple of int
    strides : tuple of int
        For each dimension, the number of elements from one index to the next.
    """

    path: Path
    begin: int
    dtype: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def n_bytes(self) -> int:
        """The size of all elements, without gaps between them."""
        return math.prod(self.shape) * SIZES[self.dtype]

    @property
    def can_be_read(self) -> bool:
        """Whether `rows` can read it: its elements lie side by side in rows, or in columns."""
        return len(self.shape) == 1 or 1 in self.strides

    def rows(self, first: int, last: int) -> NDArray[Any]:
        """Read the rows from `first` up to `last` of a vector or a matrix, as they are stored.

        Nothing else is read. A matrix may lie column by column, as in checkpoints that were converted from
        TensorFlow, or be a part of a wider matrix; then it is read run by run.

        Raises
        ------
        OSError, EOFError
            The file cannot be read, or is shorter than its header says.
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
        stored = np.dtype(STORED[self.dtype])
        block = np.empty((runs, length), stored)
        with self.path.open("rb") as file:
            for i, run in enumerate(block):
                file.seek(self.begin + (first * row_stride + i * step) * stored.itemsize)
                if file.readinto(run) != run.nbytes:
                    raise EOFError("the file ends too early")
        return block.T if by_columns else block.reshape(n_rows, *self.shape[1:])


class WeightsFile(Protocol):
    """The weights of one checkpoint, in any form.

    Attributes
    ----------
    path : Path
        The file to name in messages.
    """

    path: Path

    def files(self) -> list[Path]:
        """Return all files that hold tensors, and the index if there is one."""

    def tensors(self) -> dict[str, StoredTensor]:
        """Return the tensors by their names, without reading any of them.

        Raises
        ------
        CheckpointError
            A file is missing, damaged or not to be trusted.
        """

    def check(self) -> None:
        """Compare the tensors with their checksums, if the form has any.

        Raises
        ------
        CheckpointError
            A file cannot be read, or a checksum is wrong.
        """


class WithoutChecksums:
    """The common part of the forms that have no checksums."""

    def check(self) -> None:
        """Compare nothing."""


class OneFile(WithoutChecksums):
    """The common part of the forms that are a single file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def files(self) -> list[Path]:
        """Return the file."""
        return [self.path]


def read_rows(
    tensor: StoredTensor, name: str, first: int, last: int, scale: NDArray[np.float32] | None = None
) -> StoredRows:
    """Read some rows of the tensor called `name`, whose scales are `scale`.

    Raises
    ------
    Fault
        The rows cannot be read.
    """
    try:
        rows = tensor.rows(first, last)
    except (EOFError, OSError) as error:
        raise Fault(f"{name} cannot be read from {tensor.path.name} ({error})") from None
    return StoredRows(rows, tensor.dtype, None if scale is None else scale[first:last])


def contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the strides of a tensor that lies row by row without gaps."""
    return tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))


def weights_size(path: Path) -> int:
    """Return the size of a file with weights.

    Raises
    ------
    CheckpointError
        The file cannot be read.
    """
    try:
        return size_of(path)
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be read ({error.strerror or error}), expected a file with the weights"
        ) from error
