"""A writer of `pytorch_model.bin`, in both formats of torch.save and without torch.

`tests/witness/torch_files.py` checks that torch reads the files that are written here.
"""

import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np

MAGIC = 0x1950A86A20F9469CFC6C
SYSTEM = {
    "protocol_version": 1001,
    "little_endian": True,
    "type_sizes": {"short": 2, "int": 4, "long": 4},
}
STORAGES = {"<f4": "FloatStorage", "<f2": "HalfStorage", "<f8": "DoubleStorage", "<i8": "LongStorage"}


def word(text: str) -> bytes:
    """Return the opcode that pushes a text."""
    return b"X" + struct.pack("<I", len(text.encode())) + text.encode()


def number(value: int) -> bytes:
    """Return the opcode that pushes a number of any size, because hostile pickles need huge ones."""
    if -(2**31) <= value < 2**31:
        return b"J" + struct.pack("<i", value)
    digits = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(digits)]) + digits


def numbers(values: tuple[int, ...]) -> bytes:
    return b"(" + b"".join(map(number, values)) + b"t"


def storage(key: str, class_name: str, size: int, *, legacy: bool = False) -> bytes:
    """Return the opcodes that push a storage of one of torch's classes."""
    identity = word("storage") + f"ctorch\n{class_name}\n".encode() + word(key) + word("cpu") + number(size)
    return b"(" + identity + (b"N" if legacy else b"") + b"tQ"


def view(storage: bytes, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> bytes:
    """Return the opcodes that push a tensor."""
    hooks = b"ccollections\nOrderedDict\n)R"
    parts = storage + number(offset) + numbers(shape) + numbers(strides) + b"\x89" + hooks
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + parts + b"tR"


def state_dict(views: dict[str, bytes]) -> bytes:
    """Return the pickle of a dict of tensors, with the state that torch's modules add to it."""
    items = b"".join(word(name) + pushed for name, pushed in views.items())
    metadata = b"}" + word("_metadata") + b"ccollections\nOrderedDict\n)Rsb"
    return b"\x80\x02ccollections\nOrderedDict\n)R(" + items + b"u" + metadata + b"."


def pickled(tensors: dict[str, np.ndarray], *, legacy: bool = False) -> tuple[bytes, dict[str, bytes]]:
    """Return a pickle of tensors, and the contents of their storages by key.

    A tensor that is not contiguous keeps its strides.
    """
    views, contents = {}, {}
    for i, (name, tensor) in enumerate(tensors.items()):
        by_columns = tensor.ndim == 2 and not tensor.flags.c_contiguous
        contents[str(i)] = tensor.tobytes("F" if by_columns else "C")
        strides = tuple(step // tensor.itemsize for step in tensor.strides)
        class_name = STORAGES[tensor.dtype.str]
        views[name] = view(storage(str(i), class_name, tensor.size, legacy=legacy), 0, tensor.shape, strides)
    return state_dict(views), contents


def write_archive(path: Path, pickle_: bytes, contents: dict[str, bytes], **more: bytes) -> None:
    """Write the format of torch 1.6 and later; `more` are further records beside data.pkl."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("archive/data.pkl", pickle_)
        for name, content in ({"byteorder": b"little"} | more).items():
            archive.writestr(f"archive/{name}", content)
        for key, content in contents.items():
            archive.writestr(f"archive/data/{key}", content)
        archive.writestr("archive/version", b"3\n")


def write_legacy(
    path: Path, pickle_: bytes, contents: dict[str, tuple[int, bytes]], **system: object
) -> None:
    """Write the format before torch 1.6; `contents` has the size and the bytes of each storage."""
    head = [pickle.dumps(value, 2) for value in (MAGIC, 1001, SYSTEM | system)]
    keys = pickle.dumps(list(contents), 2)
    storages = [struct.pack("<q", size) + content for size, content in contents.values()]
    path.write_bytes(b"".join([*head, pickle_, keys, *storages]))


def write_torch(path: Path, tensors: dict[str, np.ndarray], *, legacy: bool = False) -> None:
    """Write a file as torch.save writes it for a state_dict."""
    pickle_, contents = pickled(tensors, legacy=legacy)
    if not legacy:
        write_archive(path, pickle_, contents)
        return
    sizes = [tensor.size for tensor in tensors.values()]
    write_legacy(
        path,
        pickle_,
        {key: (n, content) for n, (key, content) in zip(sizes, contents.items(), strict=True)},
    )
