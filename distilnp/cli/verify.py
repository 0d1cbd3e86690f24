"""`distilnp verify`: whether the files of a checkpoint are what they were, and make a model.

What loading checks is not stated a second time here: the checkpoint is loaded.
"""

from argparse import Namespace
from pathlib import Path

from ..api import load
from ..checkpoint.hub import cached, expected_hashes, sha256_of
from ..checkpoint.registry import locate
from ..errors import CheckpointError, DownloadError


def verify(options: Namespace) -> None:
    """Run the command with the options of `arguments`.

    Raises
    ------
    DownloadError
        The checkpoint is not in the cache: nothing is fetched.
    CheckpointError
        A file is not what it was, or does not fit the rest.
    """
    place = locate(options.model)
    folder = place if isinstance(place, Path) else cached(place)
    if folder is None:
        raise DownloadError(
            f"{options.model} is not, or not whole, in the cache: `distilnp download {options.model}` "
            "fetches it"
        )
    known = {} if isinstance(place, Path) else expected_hashes(place, commit=folder.name)
    print(folder)
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        print(f"  {path.name:<28} {_compare(path, known.get(path.name))}")
    load(options.model, local_files_only=True)
    print("  loads: all files fit together, every tensor has its shape, every number is finite")


def _compare(path: Path, expected: str | None) -> str:
    """Say whether a file has the hash that it should have."""
    if expected is None:
        return "no hash is known"
    try:
        found = sha256_of(path)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from error
    if found != expected:
        raise CheckpointError(
            f"{path} has the SHA-256 {found}, expected {expected}, as when it was fetched. It has been "
            "damaged or changed: delete it and its blob from the cache, and download it again"
        )
    return f"sha256 {found[:12]}... as expected"
