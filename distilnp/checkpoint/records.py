"""Notes about fetched checkpoints: the commit, and the SHA-256 of every file.

They lie in the folder that the hub's client has for the files of libraries, beside its cache, and are still
there after the cache has been emptied.
"""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote


class FetchRecord(NamedTuple):
    """A commit, and the SHA-256 in hexadecimal digits of each of its files that was fetched."""

    commit: str
    sha256: dict[str, str]


def read_record(key: str) -> FetchRecord | None:
    """Return the record under `key`, or None if there is none that can be read."""
    try:
        values = json.loads(_path(key).read_bytes())
        sha256 = {str(name): str(sha) for name, sha in values["sha256"].items()}
        return FetchRecord(str(values["commit"]), sha256)
    except (ImportError, OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def write_record(key: str, record: FetchRecord) -> None:
    """Write a record if the folder can be written; the checkpoint itself is whole without it."""
    path = _path(key)
    unfinished = path.with_suffix(f".{os.getpid()}")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(json.dumps(record._asdict(), indent=2))
        unfinished.replace(path)


def _path(key: str) -> Path:
    from huggingface_hub import constants

    return Path(constants.HF_ASSETS_CACHE, "distilnp", f"{quote(key, safe='@')}.json")
