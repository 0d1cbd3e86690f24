"""The files that a command line names, on this machine or on a server: whether they are there, or changed.

A URL is opened by fsspec, which the hub's client brings. What serves a scheme may be a package of its own,
such as s3fs for s3://. Nothing is fetched whole: a reader gets the bytes that it asks for.
"""

import os
import re
from collections.abc import Sequence
from typing import Any, BinaryIO

from ..errors import InputFileError
from ..foreign import printable, shown

# A scheme of one letter is a drive of Windows.
URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")

# What file systems of servers know about a file, and what changes with it.
FACTS = ("size", "ETag", "etag", "mtime", "LastModified", "last_modified", "blob_id", "created")

INSTALL = (
    'Install what serves such addresses, for example: pip install "distilnp[tables]" for https://, or '
    "pip install s3fs for s3://"
)


def is_url(name: str) -> bool:
    """Return whether the name of a file is a URL."""
    return URL.match(name) is not None


def open_url(url: str) -> BinaryIO:
    """Open a file that a server has.

    Raises
    ------
    InputFileError
        It cannot be opened, or nothing here serves such addresses.
    """
    file_system, path = _served(url)
    try:
        return file_system.open(path, "rb")
    except Exception as error:  # every server has exceptions of its own
        raise _refusal(url, error) from error


def check_files(files: Sequence[str | None]) -> None:
    """Look whether files are there, before the first of them takes hours.

    Raises
    ------
    InputFileError
        One is not.
    """
    for file in files:
        if file not in (None, "-"):
            state_of(file)


def state_of(file: str) -> dict[str, Any]:
    """Return what changes when the content of a file does, as JSON can hold it.

    Raises
    ------
    InputFileError
        The file is not there.
    """
    if is_url(file):
        file_system, path = _served(file)
        try:
            facts = file_system.info(path)
        except Exception as error:
            raise _refusal(file, error) from error
        return {name: str(facts[name]) for name in FACTS if facts.get(name) is not None}
    try:
        status = os.stat(file)  # noqa: PTH116 (pathlib takes 3 ms)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputFileError(
            f"{printable(file)} cannot be read: {reason}. Expected a file of texts"
        ) from error
    return {"bytes": status.st_size, "modified": status.st_mtime_ns}


def _served(url: str) -> tuple[Any, str]:
    """Return the file system that serves a URL, and the path in it."""
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise InputFileError(
            f"{printable(url)} is the address of a file, and the package that opens it is not installed "
            f"({error}). "
            'Install it: pip install "distilnp[tables]"'
        ) from error
    try:
        return url_to_fs(url)
    except ImportError as error:
        raise InputFileError(f"{printable(url)} cannot be read ({shown(str(error))}). {INSTALL}") from error
    except Exception as error:
        raise _refusal(url, error) from error


def _refusal(url: str, error: Exception) -> InputFileError:
    reason = str(error) or type(error).__name__
    return InputFileError(
        f"{printable(url)} cannot be read ({shown(reason)}), expected the address of a file. Look at the "
        "address, and at whether this machine may fetch it"
    )
