"""Checkpoints from the Hugging Face hub, by its own client and in its own cache.

What the cache holds is not asked for again: a branch stays what it was when it was fetched, until somebody
asks anew. Only files that distilnp reads are fetched, weights last, and each is compared with the hash that
the hub states for it and with the one that is known here.
"""

import errno
import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from ..errors import DownloadError
from ..tokenizer.files import FILES as TOKENIZER_FILES
from .records import Record, read_record, write_record

COMMIT = re.compile(r"[0-9a-f]{40}")

# One of these has the vocabulary.
VOCABULARIES = ("tokenizer.json", "vocab.txt")

# In the order in which they are preferred; save_pretrained's names.
WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin")
SHARD = re.compile(r"model-\d{5}-of-(\d{5})\.safetensors")

# A cache that is full, read-only, somebody else's, or not a folder.
CANNOT_BE_WRITTEN = {
    errno.EACCES,
    errno.EDQUOT,
    errno.EEXIST,
    errno.EFBIG,
    errno.EIO,
    errno.ENOSPC,
    errno.ENOTDIR,
    errno.EPERM,
    errno.EROFS,
}


class Source(NamedTuple):
    """Where on the hub a checkpoint is.

    Attributes
    ----------
    repository : str
        "org/name", or the name alone of one of the hub's oldest models.
    revision : str
        A branch, a tag, a commit or "refs/pr/N".
    sha256 : mapping
        Hashes that files must have.
    known_as : str
        The name in the registry. What this once meant it means for good: the commit that was fetched first.
    """

    repository: str
    revision: str = "main"
    sha256: Mapping[str, str] = MappingProxyType({})
    known_as: str = ""

    @property
    def is_pinned(self) -> bool:
        """Whether the revision can never mean other files."""
        return COMMIT.fullmatch(self.revision) is not None

    @property
    def record(self) -> Record | None:
        """What was written down when it was fetched."""
        return read_record(self._key)

    @property
    def _key(self) -> str:
        return self.known_as or str(self)

    def remember(self, record: Record) -> None:
        """Write down what was fetched."""
        write_record(self._key, record)

    def __str__(self) -> str:
        return f"{self.repository}@{self.revision}"


def fetch(source: Source, *, local_files_only: bool = False, renew: bool = False) -> Path:
    """Return the folder of a checkpoint, from the cache or else from the hub.

    Parameters
    ----------
    source : Source
        Which.
    local_files_only : bool, optional
        Ask nobody.
    renew : bool, optional
        Ask the hub what a branch or a tag is now, also if the cache knows what it was.

    Raises
    ------
    DownloadError
        It is not in the cache, and cannot be fetched.
    """
    revision = _revision(source)
    folder = cached(source)
    if folder is not None and (COMMIT.fullmatch(revision) or not renew):
        return folder
    if local_files_only:
        raise DownloadError(
            f"{source} is not, or not whole, in the cache, and local_files_only=True forbids to fetch. "
            f"`distilnp download {source.known_as or source}` fetches it; HF_HOME says where the cache is"
        )
    return _download(source, revision)


def cached(source: Source) -> Path | None:
    """Return the folder in the cache if it has all that it takes to load the checkpoint; ask nobody.

    Whoever else has filled the cache may not have asked for `tokenizer_config.json` yet, and without it a
    cased model would be taken for an uncased one. So it has to be there, or to be known not to exist.

    The client has a function that looks there, and imports its transport for it: 0.15 s, as long as a first
    answer may take. Where files lie is documented:
    https://huggingface.co/docs/huggingface_hub/guides/manage-cache
    """
    try:
        from huggingface_hub import constants
    except ImportError:
        return None
    storage = Path(constants.HF_HUB_CACHE, f"models--{source.repository.replace('/', '--')}")
    revision = _revision(source)
    try:
        commit = revision if COMMIT.fullmatch(revision) else (storage / "refs" / revision).read_text()
        folder = storage / "snapshots" / commit
        present = {path.name for path in folder.iterdir() if path.is_file()}
    except (OSError, ValueError):  # not there, not readable, or not text
        return None
    recorded = _recorded_hashes(source, commit)
    is_there = "tokenizer_config.json" in present
    does_not_exist = bool(recorded) or (storage / ".no_exist" / commit / "tokenizer_config.json").is_file()
    is_whole = (
        {"config.json", *recorded} <= present
        and _has_weights(present)
        and not present.isdisjoint(VOCABULARIES)
        and (is_there or does_not_exist)
    )
    return folder if is_whole else None


def expected_hashes(source: Source, commit: str) -> dict[str, str]:
    """Return the SHA-256 of files: as recorded when first fetched, or as the registry gives it."""
    return _recorded_hashes(source, commit) | dict(source.sha256)


def _recorded_hashes(source: Source, commit: str) -> dict[str, str]:
    record = source.record
    return record.sha256 if record is not None and record.commit == commit else {}


def _revision(source: Source) -> str:
    """Return what to ask for: of a known model, the commit that was fetched first."""
    record = source.record if source.known_as and not source.is_pinned else None
    return source.revision if record is None else record.commit


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(source: Source, revision: str) -> Path:
    with _our_errors(source):
        from huggingface_hub import HfApi, constants

        api = HfApi(library_name="distilnp")
        # Not retried, unlike files: who has no network is told at once.
        timeout = constants.HF_HUB_DOWNLOAD_TIMEOUT
        info = api.model_info(source.repository, revision=revision, timeout=timeout, files_metadata=True)
        commit = str(info.sha)
        offered = {sibling.rfilename: sibling for sibling in info.siblings or ()}
        known = expected_hashes(source, commit)
        found = {}
        for name in _wanted(source, offered):
            path = Path(api.hf_hub_download(source.repository, name, revision=commit))
            found[name] = _checked(source, path, offered[name], known.get(name))
        if revision != commit:
            # The client notes in the cache what the revision is; before, an interrupted download would have
            # replaced a whole checkpoint by a part of one.
            api.hf_hub_download(source.repository, "config.json", revision=revision)
        source.remember(Record(commit, found))
        return path.parent


def _wanted(source: Source, offered: Mapping[str, Any]) -> list[str]:
    """Return the names of the files to fetch. Weights come last: where they are, the rest is."""
    shards = sorted(filter(SHARD.fullmatch, offered))
    weights = next((name for name in WEIGHTS if name in offered), None)
    missing = [
        what
        for what, is_there in {
            "config.json": "config.json" in offered,
            " or ".join(VOCABULARIES): not offered.keys().isdisjoint(VOCABULARIES),
            "model.safetensors or pytorch_model.bin": weights is not None,
        }.items()
        if not is_there
    ]
    if missing or weights is None:
        listed = ", ".join(sorted(offered)[:20]) or "nothing"
        raise DownloadError(
            f"{source} has no {', no '.join(missing)}: it holds {listed}. Expected a repository as "
            "save_pretrained of transformers and push_to_hub write it"
        )
    small = [name for name in ("config.json", *TOKENIZER_FILES) if name in offered]
    return [*small, *(shards if weights == WEIGHTS[1] else ()), weights]


def _has_weights(present: set[str]) -> bool:
    if not present.isdisjoint(("model.safetensors", "pytorch_model.bin")):
        return True
    shards = [match for name in present if (match := SHARD.fullmatch(name))]
    return WEIGHTS[1] in present and bool(shards) and len(shards) == int(shards[0][1])


def _checked(source: Source, path: Path, offered: Any, known: str | None) -> str:
    """Return the SHA-256 of a file that was fetched; what it should not be goes out of the cache again.

    The client itself looks at no more than the size.
    """
    sha256 = sha256_of(path)
    if offered.lfs is not None:
        from_hub, found = offered.lfs.sha256, sha256
    else:
        from_hub, found = offered.blob_id, _git_hash(path)
    for who, expected, came in (("is known here", known, sha256), ("the hub states", from_hub, found)):
        if expected is not None and expected != came:
            path.resolve().unlink()
            path.unlink(missing_ok=True)
            raise DownloadError(
                f"{path.name} of {source} has the hash {came}, expected {expected}, which {who}. It was "
                "damaged on the way or changed on purpose, and is out of the cache again. Try again; if that "
                "comes again, do not trust the server or proxy that it comes from (HF_ENDPOINT, HTTPS_PROXY)"
            )
    return sha256


def _git_hash(path: Path) -> str:
    """Return what git calls a file: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


@contextmanager
def _our_errors(source: Source) -> Iterator[None]:
    """Turn whatever the client raises into one error of ours.

    Its transport is requests, httpx or httpx2, by its version, and lets errors of its own through; so all
    exceptions are caught here, and here only.
    """
    try:
        yield
    except DownloadError:
        raise
    except Exception as error:
        raise DownloadError(f"{source} cannot be fetched: {_explanation(source, error)}") from error


def _explanation(source: Source, error: Exception) -> str:
    """Say what failed, and what to do about it."""
    if isinstance(error, ImportError):
        return f"the hub's client is not there ({error}). Install it: pip install huggingface_hub"
    from huggingface_hub import constants, errors

    # What the client raises for a file tells only in its cause why.
    while isinstance(error, errors.LocalEntryNotFoundError) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    response = getattr(error, "response", None)
    status = getattr(response, "status_code", None)
    detail = str(error).strip().partition("\n")[0]
    if isinstance(error, errors.OfflineModeIsEnabled):
        return (
            "HF_HUB_OFFLINE lets nothing be fetched, and it is not, or not whole, in the cache "
            f"({constants.HF_HUB_CACHE}). Unset it, or copy the cache of a machine that has it"
        )
    if isinstance(error, errors.GatedRepoError):
        return (
            f"access to it has to be asked for at {constants.ENDPOINT}/{source.repository}, and then needs "
            "the token of the account in HF_TOKEN"
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        return (
            f"{constants.ENDPOINT} has no repository {source.repository!r}, or a private one "
            f"(HTTP {status}). Check the name; for a private one, set HF_TOKEN to a token that may "
            "read it"
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return (
            f"{source.repository} has no revision {source.revision!r}. Expected a branch, a tag, a whole "
            "commit hash, or refs/pr/N"
        )
    if isinstance(error, errors.EntryNotFoundError) and status == 404:
        return f"a file of it is missing on the server ({detail}). Try again; it may just be changing"
    if status in (401, 403):
        return (
            f"the server refuses the token (HTTP {status}: {detail}). Set HF_TOKEN to a valid token of an "
            "account that may read it, or unset it for a public repository"
        )
    if status == 429:
        return "too many requests (HTTP 429). Wait some minutes; with a token in HF_TOKEN, more are allowed"
    if status is not None:
        return f"the server failed (HTTP {status}: {detail}). Try again later; {constants.ENDPOINT} answered"
    if "Timeout" in type(error).__name__:
        return (
            f"{constants.ENDPOINT} did not answer in time. Try again; HF_HUB_DOWNLOAD_TIMEOUT and "
            "HF_HUB_ETAG_TIMEOUT are the seconds that it has. Files that have come whole are kept"
        )
    if isinstance(error, OSError) and error.errno in CANNOT_BE_WRITTEN:
        return (
            f"the cache {constants.HF_HUB_CACHE} cannot be written ({error.strerror}). Make room or allow "
            "it, or set HF_HOME to another folder"
        )
    if isinstance(error, errors.HFValidationError):
        return f"it cannot be the name of a repository ({detail})"
    return (
        f"{constants.ENDPOINT} cannot be reached, or the connection broke "
        f"({type(error).__name__}: {detail}). Check the network, HTTPS_PROXY and HF_ENDPOINT, and try "
        "again: files that have come whole are kept"
    )
