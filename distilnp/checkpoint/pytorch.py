"""`pytorch_model.bin` without torch: where each tensor lies, in both formats of torch.save.

Since torch 1.6, the file is an uncompressed zip archive with `NAME/data.pkl` and, for each storage,
`NAME/data/KEY`. Before that, it was a sequence of pickles (a magic number, the version, facts about the
machine, the object, the keys of its storages), and after them each storage, preceded by the number of its
elements. `pickled` reads the pickles.
"""

import zipfile
from pathlib import Path
from typing import IO, Any

from ..errors import CheckpointError
from ..foreign import shown
from .archives import ENCRYPTED, BadArchive, opened, reported
from .pickled import LONGEST, NotTensors, Storage, View, unpickle
from .stored import SIZES, OneFile, StoredTensor, weights_size

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001

# A DistilBERT's pickle has 15 kB. One of 1024 layers, the most that config.json may ask for, would have 2 MB.
# A hostile pickle of this size takes 4 s and 320 MB before it is refused, because one byte can make a dict.
MAX_PICKLE_BYTES = 4 << 20

# The size of the header before each record of a zip archive, and where in it the lengths of the record's name
# and of an extra field are; both follow the header.
LOCAL_HEADER = 30
LOCAL_LENGTHS = (slice(26, 28), slice(28, 30))

NOT_LITTLE_ENDIAN = "its numbers are not in little-endian order, the order of almost every file"


class PytorchFile(OneFile):
    """One `pytorch_model.bin`."""

    def tensors(self) -> dict[str, StoredTensor]:
        """Return the tensors by their names.

        Raises
        ------
        CheckpointError
            The file is not there, is damaged, or holds something other than a dict of tensors.
        """
        size = weights_size(self.path)
        try:
            with self.path.open("rb") as file:
                is_archive = file.read(4) == b"PK\3\4"
                views, begins = _read_archive(self.path) if is_archive else _read_legacy(file, size)
        except NotTensors as reason:
            raise CheckpointError(
                f"{self.path} is not a dict of tensors as torch.save writes it: {reason}. Nothing in it was "
                "executed. If it was fetched whole, do not trust it; ask for model.safetensors"
            ) from None
        return {
            name: StoredTensor(
                self.path,
                begins[view.storage.key] + view.offset * SIZES[view.storage.dtype],
                view.storage.dtype,
                view.shape,
                view.strides,
            )
            for name, view in views.items()
        }


def _views(loaded: Any) -> tuple[dict[str, View], dict[str, Storage]]:
    """Check the object of a pickle; return its tensors, and their storages by key.

    Beside the tensors, there may be the numbers and texts that a module keeps as its extra state.
    """
    if type(loaded) is not dict:
        raise NotTensors(f"it holds {type(loaded).__name__}, expected a dict")
    views = {name: value for name, value in loaded.items() if type(value) is View}
    if loaded and not views:
        name, value = next(iter(loaded.items()))
        raise NotTensors(f"{shown(name, LONGEST)} is {type(value).__name__}, expected a tensor")
    storages: dict[str, Storage] = {}
    for view in views.values():
        storage = view.storage
        if storages.setdefault(storage.key, storage) != storage:
            raise NotTensors(f"the storage {shown(storage.key, LONGEST)} is described in two ways")
    return views, storages


def _read_archive(path: Path) -> tuple[dict[str, View], dict[str, int]]:
    """Return the tensors, and the position of each storage in the file."""
    try:
        with reported(), opened(path) as (archive, records):
            roots = [name.removesuffix("data.pkl") for name in records if name.endswith("/data.pkl")]
            if len(roots) != 1:
                raise NotTensors(f"its archive has data.pkl {len(roots)} times, expected once")
            root = roots[0]
            _expect_stored(records[f"{root}data.pkl"], MAX_PICKLE_BYTES)
            views, storages = _views(unpickle(archive.read(f"{root}data.pkl"))[0])
            if (order := records.get(f"{root}byteorder")) is not None:
                _expect_stored(order, len("little"))
                if archive.read(order) != b"little":
                    raise NotTensors(NOT_LITTLE_ENDIAN)
            begins = {}
            for key, storage in storages.items():
                record = records.get(f"{root}data/{key}")
                if record is None:
                    raise NotTensors(f"the storage {shown(key, LONGEST)} is not in the archive")
                _expect_stored(record, archive.start_dir)
                if record.file_size != storage.size * SIZES[storage.dtype]:
                    raise NotTensors(
                        f"the storage {shown(key, LONGEST)} has {record.file_size} bytes, expected "
                        f"{storage.size * SIZES[storage.dtype]}"
                    )
                assert archive.fp is not None  # it is open
                begins[key] = _begin(archive.fp, record)
                if begins[key] + record.file_size > archive.start_dir:
                    raise NotTensors(f"the storage {shown(key, LONGEST)} goes beyond its archive")
            return views, begins
    except BadArchive as reason:
        raise NotTensors(str(reason)) from None


def _expect_stored(record: zipfile.ZipInfo, largest: int) -> None:
    if (
        record.compress_type != zipfile.ZIP_STORED
        or record.compress_size != record.file_size
        or record.flag_bits & ENCRYPTED
        or record.file_size > largest
    ):
        raise NotTensors(
            f"{shown(record.filename, LONGEST)} is compressed, encrypted, or larger than {largest} bytes"
        )


def _begin(file: IO[bytes], record: zipfile.ZipInfo) -> int:
    """Return the position of a record's content."""
    file.seek(record.header_offset)
    header = file.read(LOCAL_HEADER)
    name_length, extra_length = (int.from_bytes(header[part], "little") for part in LOCAL_LENGTHS)
    if header[:4] != b"PK\3\4" or file.read(name_length) != record.filename.encode():
        raise NotTensors(f"{shown(record.filename, LONGEST)} is not where the archive's directory has it")
    return record.header_offset + LOCAL_HEADER + name_length + extra_length


def _read_legacy(file: IO[bytes], size: int) -> tuple[dict[str, View], dict[str, int]]:
    """Return the tensors, and the position of each storage in the file."""
    file.seek(0)
    pickles = file.read(MAX_PICKLE_BYTES)
    position = 0

    def load() -> Any:
        nonlocal position
        loaded, length = unpickle(pickles[position:])
        position += length
        return loaded

    magic, protocol, system = load(), load(), load()
    if (type(magic), type(protocol), type(system)) != (int, int, dict) or (magic, protocol) != (
        MAGIC,
        PROTOCOL,
    ):
        raise NotTensors(
            "it is not a zip archive and does not begin with the magic number of the legacy format"
        )
    if system.get("little_endian") is not True:
        raise NotTensors(NOT_LITTLE_ENDIAN)
    views, storages = _views(load())
    keys = load()
    if (
        type(keys) is not list
        or not all(type(key) is str for key in keys)
        or sorted(keys) != sorted(storages)
    ):
        raise NotTensors("its list of storages differs from the storages of its tensors")
    begins = {}
    for key in keys:
        file.seek(position)
        n_elements = int.from_bytes(file.read(8), "little")
        if n_elements != storages[key].size:
            raise NotTensors(
                f"the storage {shown(key, LONGEST)} has {n_elements} elements, expected {storages[key].size}"
            )
        begins[key] = position + 8
        position += 8 + n_elements * SIZES[storages[key].dtype]
        if position > size:
            raise NotTensors(
                f"the file ends inside the storage {shown(key, LONGEST)}: it was not fetched to its end"
            )
    return views, begins
