"""The cache of the hub's client: where the files of a repository lie, and how they get there.

    models--org--name/
        refs/main                    the commit that a branch or a tag means
        snapshots/COMMIT/            the files of a commit, links to blobs where there are links
        blobs/HASH                   their content

The layout is documented: https://huggingface.co/docs/huggingface_hub/guides/manage-cache. The client has
functions that look into the cache, but importing them takes 0.15 s, as long as a first answer may take. Its
functions that write take the name of a blob from an HTTP header, `ETag`, so a server could choose any path.
Here the name of a blob is the hash of its content, and nothing that a server says becomes part of a path
unless it is 40 or 64 hexadecimal digits.
"""

import os
import re
from pathlib import Path

from ..errors import DownloadError
from ..foreign import read_file
from .records import COMMIT

# Names as the hub allows them, and revisions as git allows them, with ASCII letters only. Git has no revision
# of which a part begins with ".", which could lead to another folder.
REPOSITORY = re.compile(r"(?:{0}/)?{0}".format(r"\w(?:[\w.-]{0,94}\w)?"), re.ASCII)
REVISION = re.compile(r"(?=.{1,200}\Z)[\w+-][\w.+-]*(?:/[\w+-][\w.+-]*)*", re.ASCII)

# A reference is 40 digits, and white space if a person wrote it.
MAX_REF_BYTES = 1024

# The hub's models without an organization moved to organizations, the DistilBERTs to this one. The old names
# still work, and a cache has a model under the name by which it was asked for.
ORGANIZATION = "distilbert/"


def storages(repository: str) -> list[Path]:
    """Return the folders of a repository in the cache, also those of its other names.

    Raises
    ------
    ImportError
        The hub's client is not installed.
    """
    from huggingface_hub import constants

    names = [repository]
    bare = repository.removeprefix(ORGANIZATION)
    if bare.startswith("distilbert-") and "/" not in bare:
        names += {bare, ORGANIZATION + bare} - {repository}
    return [Path(constants.HF_HUB_CACHE, f"models--{name.replace('/', '--')}") for name in names]


def read_ref(storage: Path, revision: str) -> str | None:
    """Return the commit that a revision means in the cache, or None if the cache does not say it."""
    if COMMIT.fullmatch(revision):
        return revision
    if not REVISION.fullmatch(revision):
        return None
    try:
        commit = read_file(_ref(storage, revision), MAX_REF_BYTES).decode("ascii").strip()
    except (OSError, ValueError):
        return None
    return commit if COMMIT.fullmatch(commit) else None


def write_ref(storage: Path, revision: str, commit: str) -> None:
    """Note that a revision means a commit.

    Raises
    ------
    OSError
        The cache cannot be written.
    """
    ref = _ref(storage, revision)
    unfinished = ref.with_name(_unfinished_name())
    ref.parent.mkdir(parents=True, exist_ok=True)
    try:
        with unfinished.open("w", encoding="ascii") as file:
            file.write(commit)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(ref)
    finally:
        unfinished.unlink(missing_ok=True)


def snapshot(storage: Path, commit: str) -> Path:
    """Return the folder of a commit, whether it is there or not."""
    return storage / "snapshots" / commit


def commits(storage: Path) -> list[str]:
    """Return the commits that have a folder."""
    try:
        return sorted(path.name for path in (storage / "snapshots").iterdir() if COMMIT.fullmatch(path.name))
    except OSError:
        return []


def is_known_not_to_exist(storage: Path, commit: str, name: str) -> bool:
    """Return whether the client has noted that a commit does not have a file."""
    return (storage / ".no_exist" / commit / name).is_file()


def make_snapshot(storage: Path, commit: str) -> Path:
    """Return the folder of a commit, made if necessary.

    Raises
    ------
    DownloadError
        The folder is a link to somewhere else, where nothing may be written.
    OSError
        The cache cannot be written.
    """
    folder = snapshot(storage, commit)
    folder.mkdir(parents=True, exist_ok=True)
    if folder.resolve().parent != folder.parent.resolve():
        raise DownloadError(f"{folder} is a link to {folder.resolve()}, expected a folder. Delete the link")
    return folder


def new_blob(storage: Path) -> Path:
    """Return the path of a new file that can become a blob.

    Raises
    ------
    OSError
        The cache cannot be written.
    """
    (storage / "blobs").mkdir(parents=True, exist_ok=True)
    return storage / "blobs" / _unfinished_name()


def blob(storage: Path, digits: str) -> Path:
    """Return the path of the blob with this hash, whether it is there or not."""
    return storage / "blobs" / digits


def place(unfinished: Path, content: Path, path: Path) -> None:
    """Make a finished file the content of a path in a snapshot.

    A path that was there before is replaced; if it was a link, its target stays as it is.

    Parameters
    ----------
    unfinished : Path
        The file, from `new_blob`.
    content : Path
        The blob that it becomes, or that has the same content.
    path : Path
        The path in the snapshot.

    Raises
    ------
    OSError
        The cache cannot be written.
    """
    link = _new_link(content, path)
    if link is None:
        unfinished.replace(path)
        return
    try:
        unfinished.replace(content)
        link.replace(path)
    finally:
        link.unlink(missing_ok=True)


def place_blob(content: Path, path: Path) -> None:
    """Give a path in a snapshot the content of a blob, as `place` does.

    Raises
    ------
    OSError
        The cache cannot be written.
    """
    from shutil import copyfile  # imported late: it takes milliseconds of every start

    unfinished = _new_link(content, path) or content.with_name(_unfinished_name())
    try:
        if not unfinished.is_symlink():
            copyfile(content, unfinished)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _new_link(target: Path, path: Path) -> Path | None:
    """Return a link beside `target` that leads to it once it has been moved to `path`.

    Return None where there are no links: on file systems without them, and on Windows without the right to
    make them.
    """
    from huggingface_hub import constants

    if getattr(constants, "HF_HUB_DISABLE_SYMLINKS", False):
        return None
    link = target.with_name(_unfinished_name())
    try:
        link.symlink_to(os.path.relpath(target, path.parent))
    except (OSError, NotImplementedError):
        return None
    return link


def _ref(storage: Path, revision: str) -> Path:
    return storage.joinpath("refs", *revision.split("/"))


def _unfinished_name() -> str:
    """Return a name for a file that nothing else writes; the client knows the suffix."""
    return f"{os.urandom(16).hex()}.incomplete"
