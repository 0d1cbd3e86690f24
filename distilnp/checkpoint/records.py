"""Notes about fetched checkpoints: the commit, and the SHA-256 of every file.

They lie in the folder that the hub's client has for the files of libraries, beside its cache, and are still
there after the cache has been emptied. A record decides which files a name means. So a record that is there
and cannot be used is an error: without it, whatever the hub has today would be taken in silence.
"""

import json
import os
import re
import threading
from contextlib import suppress
from errno import ENAMETOOLONG, ENOENT, ENOTDIR
from pathlib import Path
from typing import NamedTuple

from ..errors import CheckpointError
from ..foreign import read_file, shown
from .files import CONFIG

COMMIT = re.compile(r"[0-9a-f]{40}")
SHA256 = re.compile(r"[0-9a-f]{64}")

# A checkpoint in the largest number of shards in use (a hundred or so) has a record of 10 kB.
MAX_RECORD_BYTES = 1 << 20

# The last one: a record under a name that is too long for a file cannot have been written.
THERE_IS_NONE = {ENOENT, ENOTDIR, ENAMETOOLONG}


class FetchRecord(NamedTuple):
    """A commit, and the SHA-256 in hexadecimal digits of each of its files that was fetched."""

    commit: str
    sha256: dict[str, str]


def read_record(key: str) -> FetchRecord | None:
    """Return the record under `key`, or None if there is none.

    Raises
    ------
    CheckpointError
        There is a record, and it cannot be read or is not whole.
    """
    try:
        path = record_path(key)
    except ImportError:  # without the hub's client, nothing has been fetched
        return None
    try:
        path.lstat()
    except OSError as error:
        if error.errno in THERE_IS_NONE:
            return None
        raise _unusable(path, key, error.strerror) from error
    try:
        values = json.loads(read_file(path, MAX_RECORD_BYTES))
    except OSError as error:
        raise _unusable(path, key, error.strerror) from error
    except (ValueError, RecursionError) as error:
        raise _unusable(path, key, f"it is not JSON: {error}") from error
    if not isinstance(values, dict):
        raise _unusable(path, key, f"it holds {shown(values)}, expected an object")
    commit, sha256 = values.get("commit"), values.get("sha256")
    if not isinstance(commit, str) or not COMMIT.fullmatch(commit):
        raise _unusable(path, key, f"commit is {shown(commit)}, expected 40 hexadecimal digits")
    if not isinstance(sha256, dict) or CONFIG not in sha256:
        raise _unusable(path, key, f"sha256 is {shown(sha256)}, expected the hash of {CONFIG} and of others")
    for name, digits in sha256.items():
        if not isinstance(digits, str) or not SHA256.fullmatch(digits):
            raise _unusable(
                path, key, f"sha256 of {shown(name)} is {shown(digits)}, expected 64 hexadecimal digits"
            )
    return FetchRecord(commit, sha256)


def write_record(key: str, record: FetchRecord) -> bool:
    """Write a record whole or not at all; return whether it could be written.

    It is on the disk when this returns. Without that, a loss of power could leave an empty file.
    """
    path = record_path(key)
    # No other process and no other thread writes a file of this name.
    unfinished = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("w", encoding="ascii") as file:
            json.dump(record._asdict(), file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        return False
    with suppress(OSError):  # Windows opens no folders
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    return True


def record_path(key: str) -> Path:
    """Return the file of the record under `key`, whether it is there or not."""
    from urllib.parse import quote  # imported late: it takes milliseconds of every start

    from huggingface_hub import constants

    return Path(constants.HF_ASSETS_CACHE, "distilnp", f"{quote(key, safe='@')}.json")


def _unusable(path: Path, key: str, reason: str | None) -> CheckpointError:
    return CheckpointError(
        f"{path}: the record of the first fetch of {key} cannot be used ({reason}). It says which commit and "
        f"which files the name means. Restore it from a backup. Or delete it, and the next fetch of {key} "
        "records the files that come then"
    )
