"""The files of a package of Spark NLP, in a folder or in an archive: listed, read and hashed by their names.

Nothing is unpacked under a name that an archive has: a caller copies one record to a place of its own.
"""

import hashlib
import itertools
import sys
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import IO

from ..errors import CheckpointError
from ..foreign import open_file, size_of
from .archives import ENCRYPTED, BadArchive, reported

CHUNK_BYTES = 1 << 20

# A fine-tuned model shrinks by a tenth when it is compressed, and one of float16 numbers in float32 by a
# half. An archive that becomes more than this many times its size has no model in it, unless both are small.
MAX_RATIO = 20
SMALL_BYTES = 64 << 20

FETCH_AGAIN = "It is damaged or was not fetched to its end: fetch the package again"

# A package has some thirty files, and one more for each partition that Spark had for the vocabulary.
MAX_ENTRIES = 10_000


class PackageFiles(ABC):
    """The files below one folder. Names have "/" between their parts.

    Attributes
    ----------
    path : Path
        The folder or the archive on the disk.
    root : str
        The part of each name that all of them begin with, empty or with "/" at its end.
    largest : int
        The number of bytes that all files together may have.
    """

    largest: int

    def __init__(self, path: Path, root: str = "") -> None:
        self.path = path
        self.root = root

    def __str__(self) -> str:
        return f"{self.path}/{self.root}".rstrip("/")

    @abstractmethod
    def names(self, folder: str = "") -> list[str]:
        """Return the sorted names of what is directly in a folder, without the folder's own name."""

    @abstractmethod
    def below(self, folder: str) -> "PackageFiles":
        """Return the files below a folder."""

    @abstractmethod
    def digest(self, names: Iterable[str]) -> str:
        """Return a hash of the files with these names, in hexadecimal digits.

        Raises
        ------
        CheckpointError
            One cannot be read.
        """

    @abstractmethod
    def open(self, name: str) -> IO[bytes]:
        """Open a file; `blocks` reads it."""

    def blocks(self, name: str) -> Iterator[bytes]:
        """Yield the content of a file, part by part.

        Raises
        ------
        CheckpointError
            It cannot be read, or is too large.
        """
        try:
            with reported(), self.open(name) as file:
                while block := file.read(CHUNK_BYTES):
                    yield block
        except BadArchive as reason:
            raise CheckpointError(
                f"{self}/{name} cannot be read: {reason}. It is damaged or was not fetched to its end: fetch "
                "the package again"
            ) from None

    def read(self, name: str, largest: int) -> bytes:
        """Return the content of a file.

        Raises
        ------
        CheckpointError
            It cannot be read, or has more than `largest` bytes.
        """
        content = bytearray()
        for block in self.blocks(name):
            content += block
            if len(content) > largest:
                raise CheckpointError(
                    f"{self}/{name} has more than {largest} bytes, expected less in a package of Spark NLP. "
                    "Do not trust it"
                )
        return bytes(content)

    def copy(self, name: str, destination: Path) -> None:
        """Write the content of a file to a place on the disk.

        Raises
        ------
        CheckpointError
            It cannot be read, or is too large.
        OSError
            The place cannot be written.
        """
        with destination.open("xb") as file:
            for block in self.blocks(name):
                file.write(block)


class FolderFiles(PackageFiles):
    """The files in a folder of the disk, which may be as large as they are."""

    largest = sys.maxsize

    def names(self, folder: str = "") -> list[str]:
        """See `PackageFiles`."""
        try:
            found = itertools.islice((self.path / self.root / folder).iterdir(), MAX_ENTRIES)
            return sorted(path.name for path in found)
        except OSError:  # it is not there, or not a folder
            return []

    def below(self, folder: str) -> "FolderFiles":
        """See `PackageFiles`."""
        return FolderFiles(self.path, f"{self.root}{folder}/")

    def digest(self, names: Iterable[str]) -> str:
        """See `PackageFiles`."""
        places = {name: self.path / self.root / name for name in names}
        return _joined(f"{_sha256_of(place)} {name}" for name, place in places.items())

    def open(self, name: str) -> IO[bytes]:
        """See `PackageFiles`."""
        return open_file(self.path / self.root / name)


class ArchiveFiles(PackageFiles):
    """The files in an open zip archive.

    Attributes
    ----------
    path, root
        See `PackageFiles`.
    largest : int
        The size of the archive many times. More is a bomb.
    """

    def __init__(
        self, path: Path, archive: zipfile.ZipFile, records: dict[str, zipfile.ZipInfo], root: str = ""
    ) -> None:
        super().__init__(path, root)
        self.largest = max(SMALL_BYTES, MAX_RATIO * path.stat().st_size)
        self._archive = archive
        self._records = records

    def names(self, folder: str = "") -> list[str]:
        """See `PackageFiles`."""
        begin = f"{self.root}{folder}/" if folder else self.root
        below = (name.removeprefix(begin) for name in self._records if name.startswith(begin))
        return sorted({name.split("/")[0] for name in below} - {""})

    def all_names(self) -> list[str]:
        """Return the names of all files, with those of their folders."""
        return [name.removeprefix(self.root) for name in self._records if name.startswith(self.root)]

    def size(self, name: str) -> int:
        """Return the number of bytes that a file states; no more than these are read."""
        return self._records[self.root + name].file_size

    def below(self, folder: str) -> "ArchiveFiles":
        """See `PackageFiles`."""
        return ArchiveFiles(self.path, self._archive, self._records, f"{self.root}{folder}/")

    def digest(self, names: Iterable[str]) -> str:
        """Return a hash of the whole archive.

        To inflate a model just for its hash would take a second of each load.
        """
        return _joined([f"{_sha256_of(self.path)} {self.root}"])

    def open(self, name: str) -> IO[bytes]:
        """See `PackageFiles`."""
        record = self._records.get(self.root + name)
        if record is None:
            raise BadArchive("it is not in its archive")
        # Other methods exist, and some take gigabytes of memory before the first byte comes out.
        is_plain = record.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
        if not is_plain or record.flag_bits & ENCRYPTED:
            raise BadArchive("it is encrypted, or compressed in another way than by deflate")
        if record.file_size > self.largest:
            raise BadArchive(f"it becomes {record.file_size} bytes, more than {MAX_RATIO} times its archive")
        return self._archive.open(record)


def _joined(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _sha256_of(path: Path) -> str:
    try:
        with reported():
            status = path.stat()
            return _sha256(path, status.st_size, status.st_mtime_ns, status.st_ino)
    except BadArchive as reason:
        raise CheckpointError(f"{path} cannot be read: {reason}. {FETCH_AGAIN}") from None


# `distilnp.classify` asks for its model at every call, and hashing one takes 0.2 s. A package has some ten
# files that are hashed.
@lru_cache(maxsize=64)
def _sha256(path: Path, size: int, modified_ns: int, inode: int) -> str:
    """Return the SHA-256 of a file; size, time and number change if the file does."""
    size_of(path)  # a pipe might never end
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
