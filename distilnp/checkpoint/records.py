"""What was fetched from the hub: the commit, and the sha256 of every file, written down when they came.

The records lie where the hub's client keeps what libraries add, beside its cache, and outlive it when it is
emptied.
"""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote


class Record(NamedTuple):
    """A commit, and the SHA-256 of each file of it that was fetched, in hexadecimal digits."""

    commit: str
    sha256: dict[str, str]


def read_record(key: str) -> Record | None:
    """Return what was written for `key`, or None where there is nothing that can be read."""
    try:
        values = json.loads(_path(key).read_bytes())
        return Record(str(values["commit"]), {str(name): str(sha) for name, sha in values["sha256"].items()})
    except (ImportError, OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def write_record(key: str, record: Record) -> None:
    """Write a record. Where it cannot be written there is none: the checkpoint itself is whole."""
    path = _path(key)
    unfinished = path.with_suffix(f".{os.getpid()}")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(json.dumps(record._asdict(), indent=2))
        unfinished.replace(path)


def _path(key: str) -> Path:
    from huggingface_hub import constants

    return Path(constants.HF_ASSETS_CACHE, "distilnp", f"{quote(key, safe='@')}.json")
