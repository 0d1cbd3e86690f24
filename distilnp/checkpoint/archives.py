"""Zip archives from strangers, which take little memory whatever they state."""

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ..foreign import size_of

# A directory has an entry of about 100 bytes for each file, and zipfile makes 1 kB of each.
MAX_DIRECTORY_BYTES = 4 << 20

ENCRYPTED = 1  # a bit of a record's flags


class BadArchive(Exception):
    """An archive is damaged, or uses a feature that is not read."""


class _ReadsLittle(io.BufferedReader):
    """A file for zipfile, which would otherwise read a directory of any size at once."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MAX_DIRECTORY_BYTES:
            raise zipfile.BadZipFile(f"a directory or record of more than {MAX_DIRECTORY_BYTES} bytes")
        # zipfile reads without a size when it looks for the directory in the last 64 kB.
        return super().read(MAX_DIRECTORY_BYTES if size is None or size < 0 else size)


@contextmanager
def opened(path: Path) -> Iterator[tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo]]]:
    """Yield an archive that is open for reading, and its records by their names.

    Whatever reads a record later is put into `reported` as well.

    Raises
    ------
    BadArchive
        It cannot be opened, or has the same name twice.
    """
    with ExitStack() as stack:
        with reported():
            size_of(path)  # a pipe might never end
            file = stack.enter_context(_ReadsLittle(io.FileIO(path)))
            archive = stack.enter_context(zipfile.ZipFile(file))
        records = {record.filename: record for record in archive.infolist()}
        if len(records) != len(archive.infolist()):
            raise BadArchive("its archive has the same name twice")
        yield archive, records


@contextmanager
def reported() -> Iterator[None]:
    """Turn what zipfile raises into a `BadArchive`.

    It raises these for archives that are damaged, encrypted, or use features that it does not know.
    """
    try:
        yield
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        RuntimeError,
        ValueError,
        EOFError,
        zlib.error,
    ) as error:
        raise BadArchive(f"its archive is damaged ({error!s:.200})") from None
    except OSError as error:
        raise BadArchive(error.strerror or f"{error!s:.200}") from None
