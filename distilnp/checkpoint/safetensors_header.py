"""The header of a safetensors file: read, and checked against the size of the file.

https://github.com/huggingface/safetensors#format describes it: eight bytes with the length of a JSON object,
which has the type, the shape and the place of each tensor. The checks are those of the format's own library,
in Python, so that a file can be read where that library has no build, as in a browser.
"""

import json
import math
from pathlib import Path
from typing import Any, NamedTuple, Never

from ..foreign import open_file, shown

# The int8 rows of 1024 layers, the most that config.json may ask for, have a header of 4 MB. The format
# allows 100 MB, which as Python's objects could fill the memory.
MAX_HEADER_BYTES = 8 << 20

# NumPy has no arrays of more dimensions.
MAX_DIMENSIONS = 64

# The bits of one number of each type in the format.
BITS = {
    "BOOL": 8,
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    "U8": 8,
    "I8": 8,
    "F8_E5M2": 8,
    "F8_E4M3": 8,
    "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8,
    "I16": 16,
    "U16": 16,
    "F16": 16,
    "BF16": 16,
    "I32": 32,
    "U32": 32,
    "F32": 32,
    "C64": 64,
    "F64": 64,
    "I64": 64,
    "U64": 64,
}


class Entry(NamedTuple):
    """What the header says of one tensor.

    Attributes
    ----------
    dtype : str
        The type, a key of `BITS`.
    shape : tuple of int
    begin, end : int
        The bytes of the file at which the tensor begins, and at which it has ended.
    """

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


def read_header(path: Path) -> dict[str, Entry]:
    """Return what the header of a file says of its tensors, by their names.

    Raises
    ------
    ValueError
        The file is not a whole safetensors file: its tensors do not lie side by side from the end of the
        header to the end of the file, each with the size of its type and shape.
    OSError
        The file cannot be read.
    """
    with open_file(path) as file:
        length = int.from_bytes(file.read(8), "little")
        if length > MAX_HEADER_BYTES:
            raise ValueError(f"its header would have {length} bytes, the most is {MAX_HEADER_BYTES}")
        content = file.read(length)
        size = file.seek(0, 2)
    if size < 8 + length:
        raise ValueError(f"it has {size} bytes, and its header would have {length}")
    try:
        header = json.loads(content.decode(), parse_constant=_refuse)
    except RecursionError:
        raise ValueError("its header has brackets too deep") from None
    if not isinstance(header, dict):
        raise ValueError("its header is not an object")
    header.pop("__metadata__", None)
    entries = {name: _entry(name, value, 8 + length) for name, value in header.items()}
    _check_places(entries, 8 + length, size)
    return entries


def _refuse(constant: str) -> Never:
    """Refuse NaN and infinity, which Python reads and JSON does not have."""
    raise ValueError(f"its header has {constant}")


def _entry(name: str, value: Any, first: int) -> Entry:
    """Check what the header says of one tensor by itself; `first` is the byte after the header."""
    try:
        name.encode()  # half of a surrogate pair is not text
        dtype, shape, (begin, end) = value["dtype"], value["shape"], value["data_offsets"]
        if not (isinstance(shape, list) and len(shape) <= MAX_DIMENSIONS):
            raise TypeError
        # A Boolean is an integer for Python, and not for JSON.
        if any(type(number) is not int or not 0 <= number < 2**64 for number in (*shape, begin, end)):
            raise TypeError
        n_bits = math.prod(shape) * BITS[dtype]
    except (TypeError, ValueError, KeyError):
        raise ValueError(f"its header has {shown(value)} for {shown(name)}") from None
    if 8 * (end - begin) != n_bits:
        raise ValueError(
            f"{shown(name)} has {8 * (end - begin)} bits, expected {n_bits} for {dtype} {shown(shape)}"
        )
    return Entry(dtype, tuple(shape), first + begin, first + end)


def _check_places(entries: dict[str, Entry], first: int, size: int) -> None:
    """Check that the tensors lie side by side, from the byte `first` to the end of the file."""
    end = first
    for name, entry in sorted(entries.items(), key=lambda item: item[1][2:]):
        if entry.begin != end:
            raise ValueError(f"{shown(name)} begins at byte {entry.begin}, expected {end}")
        end = entry.end
    if end != size:
        raise ValueError(f"it has {size} bytes, and its tensors end at {end}")
