"""`distilnp verify`: check that the files of a checkpoint are unchanged, and that they make a model.

The checks of loading are not repeated here: the checkpoint is loaded.
"""

from argparse import Namespace
from pathlib import Path

from ..api import load
from ..checkpoint.hub import HubRevision, cached, expected_hashes, sha256_of
from ..checkpoint.registry import locate
from ..errors import CheckpointError, DownloadError
from ..foreign import printable
from .failures import while_doing


def verify(options: Namespace) -> None:
    """Run the command with the options that `grammar` parsed.

    Raises
    ------
    DownloadError
        The checkpoint is not in the cache, and is not fetched.
    CheckpointError
        A file has changed or does not fit the other files, or a known model has no recorded hashes.
    """
    with while_doing("the model cannot be read"):
        place = locate(options.model)
        folder = place if isinstance(place, Path) else cached(place)
        if folder is None:
            raise DownloadError(
                f"{options.model} is missing from the cache, or incomplete. Fetch it: `distilnp download "
                f"{options.model}`"
            )
        known = {} if isinstance(place, Path) else expected_hashes(place, commit=folder.name)
        inside = folder.iterdir() if folder.is_dir() else [folder]  # a package can be one file
        files = sorted(path for path in inside if path.is_file())
    if isinstance(place, HubRevision) and place.known_as and not known:
        raise CheckpointError(
            f"no hashes are recorded for {place.known_as}, expected those of its first download. So nobody "
            f"can tell whether its files have changed. Record them: `distilnp download {place.known_as}`"
        )
    print(printable(folder))
    for path in files:
        print(f"  {printable(path.name):<28} {_compare(path, known.get(path.name))}")
    with while_doing("the model cannot be read"):
        load(options.model, local_files_only=True)
    print("  loads: all files fit together, every tensor has its shape, every number is finite")


def _compare(path: Path, expected: str | None) -> str:
    """Return a line about the hash of a file, which must be the expected one if that is known."""
    if expected is None:
        return "no hash is known"
    try:
        found = sha256_of(path)
    except OSError as error:
        raise CheckpointError(f"{printable(path)} cannot be read: {error.strerror}") from error
    if found != expected:
        raise CheckpointError(
            f"{printable(path)} has the SHA-256 {found}, expected {expected}. It has been damaged or changed "
            "since it was fetched. Delete it and its blob from the cache, and download it again"
        )
    return f"sha256 {found[:12]}... as expected"
