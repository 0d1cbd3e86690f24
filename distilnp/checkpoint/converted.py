"""A cache of checkpoints that were made from models of another kind.

Everything after `registry` works on the folder of a checkpoint. A model that is no such folder is made into
one once, and found again by the hash of its content. Processes that do it at the same time do it twice, and
the first one's folder stays.
"""

import atexit
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ..errors import CheckpointError
from .files import CONFIG

UNFINISHED = ".unfinished-"
# A folder is filled in seconds, or in minutes on a slow disk.
ABANDONED_SECONDS = 24 * 3600

# The folders of this process, by their keys: those for which there was no room in the cache.
_temporary: dict[str, Path] = {}


def packages_folder() -> Path | None:
    """Return the folder of the cache, whether it is there or not; None for a user without a home."""
    stated = Path(os.environ.get("XDG_CACHE_HOME", ""))
    try:
        # A relative path counts as none: https://specifications.freedesktop.org/basedir-spec/latest
        cache = stated if stated.is_absolute() else Path("~/.cache").expanduser()
    except RuntimeError:
        return None
    return cache / "distilnp" / "packages"


def converted(source: Path, key: str, write: Callable[[Path], None]) -> Path:
    """Return the folder of the checkpoint that a model has been made into; let `write` make it if necessary.

    Parameters
    ----------
    source : Path
        The model, for messages.
    key : str
        The name of the folder in the cache, a hash of everything that `write` reads.
    write : callable
        Fills an empty folder with a checkpoint.

    Returns
    -------
    Path
        A folder in the cache. If the cache cannot be written, a temporary one, which is there until the
        process ends.

    Raises
    ------
    CheckpointError
        `write` raises it, or no folder can be written.
    """
    cache = packages_folder()
    known = (_temporary.get(key), cache and cache / key)
    if found := next((folder for folder in known if folder and (folder / CONFIG).is_file()), None):
        return found
    if cache is not None:
        with suppress(OSError):  # read-only or full: the next place may do
            cache.mkdir(parents=True, exist_ok=True)
            return _filled(cache / key, write)
    try:
        _temporary[key] = _filled_temporary(write)
        return _temporary[key]
    except OSError as error:
        raise CheckpointError(
            f"{source} cannot be unpacked ({error.strerror or error}), expected room for three times the "
            f"model in {cache or 'the cache'} or in a temporary folder. Set XDG_CACHE_HOME or TMPDIR to a "
            "folder that has it"
        ) from error


def _filled(folder: Path, write: Callable[[Path], None]) -> Path:
    """Fill a folder that appears whole or not at all."""
    _remove_abandoned(folder.parent)
    unfinished = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=folder.parent))
    try:
        write(unfinished)
        # Without this, a loss of power could leave empty files under a name that promises whole ones.
        for path in unfinished.iterdir():
            with path.open("rb+") as file:
                os.fsync(file.fileno())
        try:
            unfinished.replace(folder)
        except OSError:
            if not (folder / CONFIG).is_file():  # otherwise another process was faster
                raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def _remove_abandoned(parent: Path) -> None:
    """Remove the folders of processes that were killed."""
    for path in parent.glob(f"{UNFINISHED}*"):
        with suppress(OSError):  # another process does the same, or has just finished
            if time.time() - path.stat().st_mtime > ABANDONED_SECONDS:
                shutil.rmtree(path, ignore_errors=True)


def _filled_temporary(write: Callable[[Path], None]) -> Path:
    """Fill a folder that is removed when this process ends, though not when a child of it does."""
    folder = Path(tempfile.mkdtemp(prefix="distilnp-"))
    owner = os.getpid()

    def remove() -> None:
        if os.getpid() == owner:
            shutil.rmtree(folder, ignore_errors=True)

    try:
        write(folder)
    except BaseException:
        with suppress(OSError):
            remove()
        raise
    atexit.register(remove)
    return folder
