"""`pytorch_model.bin` without torch: where each tensor lies, in both formats that torch.save has had.

Since torch 1.6 it is a zip archive, `NAME/data.pkl` beside `NAME/data/KEY` for each storage, uncompressed.
Before, it was pickles one after the other: a magic number, the version, facts about the machine, the
object, the keys of its storages; and then each storage, behind the number of its elements.
What the pickles may say is the business of `pickled`.
"""

import io
import zipfile
from pathlib import Path
from typing import IO, Any

from ..errors import CheckpointError
from .pickled import Refused, Storage, View, unpickle
from .stored import SIZES, OneFile, StoredTensor, size_of

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001

# Of a DistilBERT's pickle, 15 kB; 2 MB would be those of 1024 layers, the most that config.json may ask for.
# A hostile pickle of this size takes 4 s and 320 MB before it is refused: a byte can stand for a dict.
MAX_PICKLE_BYTES = 4 << 20
# An archive's directory has an entry of some 100 bytes for each storage, and zipfile makes 1 kB of it.
MAX_DIRECTORY_BYTES = 4 << 20

# The part of a zip archive in front of each record, and where in it the lengths are of what follows it.
LOCAL_HEADER = 30
LOCAL_LENGTHS = (slice(26, 28), slice(28, 30))

ENCRYPTED = 1  # a bit of a record's flags


class PytorchFile(OneFile):
    """One `pytorch_model.bin`."""

    def tensors(self) -> dict[str, StoredTensor]:
        """Return the tensors by their names.

        Raises
        ------
        CheckpointError
            The file is not there, is damaged, or holds what is not a dict of tensors.
        """
        size = size_of(self.path)
        try:
            with self.path.open("rb") as file:
                is_archive = file.read(4) == b"PK\3\4"
                views, begins = _read_archive(self.path) if is_archive else _read_legacy(file, size)
        except Refused as reason:
            raise CheckpointError(
                f"{self.path} is not a dict of tensors as torch.save writes it: {reason}. Nothing of it was "
                "executed. If it was fetched whole, do not trust it; ask for model.safetensors"
            ) from None
        return {
            name: StoredTensor(
                self.path,
                begins[view.storage.key] + view.offset * SIZES[view.storage.kind],
                view.storage.kind,
                view.shape,
                view.strides,
            )
            for name, view in views.items()
        }


def _views(loaded: Any) -> tuple[dict[str, View], dict[str, Storage]]:
    """Check what a pickle held; return the tensors, and their storages by key."""
    if type(loaded) is not dict:
        raise Refused(f"it holds {type(loaded).__name__}, expected a dict")
    storages: dict[str, Storage] = {}
    for name, view in loaded.items():
        if type(view) is not View:
            raise Refused(f"{name!r:.100} is {type(view).__name__}, expected a tensor")
        storage = view.storage
        if storages.setdefault(storage.key, storage) != storage:
            raise Refused(f"the storage {storage.key!r:.100} is described in two ways")
    return loaded, storages


class _ReadsLittle(io.BufferedReader):
    """A file for zipfile, which would read a directory of any size at once."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MAX_DIRECTORY_BYTES:
            raise zipfile.BadZipFile(f"a directory or record of more than {MAX_DIRECTORY_BYTES} bytes")
        # Without a size it looks for the directory in the last 64 kB.
        return super().read(MAX_DIRECTORY_BYTES if size is None or size < 0 else size)


def _read_archive(path: Path) -> tuple[dict[str, View], dict[str, int]]:
    """Return the tensors, and where each storage begins."""
    try:
        with _ReadsLittle(io.FileIO(path)) as file, zipfile.ZipFile(file) as archive:
            records = {record.filename: record for record in archive.infolist()}
            if len(records) != len(archive.infolist()):
                raise Refused("its archive has a name twice")
            roots = [name.removesuffix("data.pkl") for name in records if name.endswith("/data.pkl")]
            if len(roots) != 1:
                raise Refused(f"its archive has data.pkl {len(roots)} times, expected once")
            root = roots[0]
            _expect_stored(records[f"{root}data.pkl"], MAX_PICKLE_BYTES)
            views, storages = _views(unpickle(archive.read(f"{root}data.pkl"))[0])
            if (order := records.get(f"{root}byteorder")) is not None:
                _expect_stored(order, len("little"))
                if archive.read(order) != b"little":
                    raise Refused("its numbers are not in little-endian order, as almost all are")
            begins = {}
            for key, storage in storages.items():
                record = records.get(f"{root}data/{key}")
                if record is None:
                    raise Refused(f"the storage {key!r:.100} is not in the archive")
                _expect_stored(record, archive.start_dir)
                if record.file_size != storage.size * SIZES[storage.kind]:
                    raise Refused(
                        f"the storage {key!r:.100} has {record.file_size} bytes, expected "
                        f"{storage.size * SIZES[storage.kind]}"
                    )
                begins[key] = _begin(file, record)
                if begins[key] + record.file_size > archive.start_dir:
                    raise Refused(f"the storage {key!r:.100} goes beyond its archive")
            return views, begins
    # What zipfile raises for an archive that is damaged, encrypted, or uses what it does not know.
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError, OSError) as error:
        raise Refused(f"its archive is damaged ({error!s:.200})") from None


def _expect_stored(record: zipfile.ZipInfo, largest: int) -> None:
    if (
        record.compress_type != zipfile.ZIP_STORED
        or record.compress_size != record.file_size
        or record.flag_bits & ENCRYPTED
        or record.file_size > largest
    ):
        raise Refused(f"{record.filename!r:.100} is compressed, encrypted, or of more than {largest} bytes")


def _begin(file: IO[bytes], record: zipfile.ZipInfo) -> int:
    """Return where the content of a record begins."""
    file.seek(record.header_offset)
    header = file.read(LOCAL_HEADER)
    name_length, extra_length = (int.from_bytes(header[part], "little") for part in LOCAL_LENGTHS)
    if header[:4] != b"PK\3\4" or file.read(name_length) != record.filename.encode():
        raise Refused(f"{record.filename!r:.100} is not where the archive's directory has it")
    return record.header_offset + LOCAL_HEADER + name_length + extra_length


def _read_legacy(file: IO[bytes], size: int) -> tuple[dict[str, View], dict[str, int]]:
    """Return the tensors, and where each storage begins."""
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
        raise Refused("it is neither a zip archive nor does it begin with the magic number")
    if system.get("little_endian") is not True:
        raise Refused("its numbers are not in little-endian order, as almost all are")
    views, storages = _views(load())
    keys = load()
    if (
        type(keys) is not list
        or not all(type(key) is str for key in keys)
        or sorted(keys) != sorted(storages)
    ):
        raise Refused("its list of storages is not that of its tensors")
    begins = {}
    for key in keys:
        file.seek(position)
        n_elements = int.from_bytes(file.read(8), "little")
        if n_elements != storages[key].size:
            raise Refused(
                f"the storage {key!r:.100} has {n_elements} elements, expected {storages[key].size}"
            )
        begins[key] = position + 8
        position += 8 + n_elements * SIZES[storages[key].kind]
        if position > size:
            raise Refused(f"the file ends in the storage {key!r:.100}: it was not fetched to its end")
    return views, begins
