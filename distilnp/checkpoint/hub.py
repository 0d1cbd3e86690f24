"""Checkpoints from the Hugging Face hub, by its own client and in its own cache.

No request is sent for a checkpoint in the cache: a branch keeps the files that it had when it was fetched,
until it is renewed. Only files that distilnp reads are fetched, weights last. Each file is compared with the
hash that the hub states for it, and with the hash that is known here.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from ..errors import DownloadError
from .files import (
    CONFIG,
    INDEX,
    PYTORCH,
    SAFETENSORS,
    SHARD,
    TOKENIZER_CONFIG,
    TOKENIZER_FILES,
    VOCABULARIES,
    WEIGHTS,
)
from .records import FetchRecord, read_record, write_record

COMMIT = re.compile(r"[0-9a-f]{40}")


class HubRevision(NamedTuple):
    """A revision of a repository on the hub: the place where a checkpoint comes from.

    Attributes
    ----------
    repository : str
        "org/name", or just "name" for one of the hub's oldest models.
    revision : str
        A branch, a tag, a commit or "refs/pr/N".
    sha256 : mapping
        The SHA-256 that files must have, by their names.
    known_as : str
        The name in the registry, if it has one. Such a name always means the commit that was fetched first.
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
    def record(self) -> FetchRecord | None:
        """The record of the fetch, if there has been one."""
        return read_record(self._key)

    @property
    def _key(self) -> str:
        return self.known_as or str(self)

    def remember(self, record: FetchRecord) -> None:
        """Write the record of a fetch."""
        write_record(self._key, record)

    def __str__(self) -> str:
        return f"{self.repository}@{self.revision}"


def fetch(source: HubRevision, *, local_files_only: bool = False, renew: bool = False) -> Path:
    """Return the folder of a checkpoint, from the cache or else from the hub.

    Parameters
    ----------
    source : HubRevision
        The checkpoint.
    local_files_only : bool, optional
        Use the cache only: send no request.
    renew : bool, optional
        Ask the hub what a branch or a tag means now, even if the cache knows what it meant before.

    Raises
    ------
    DownloadError
        The checkpoint is not in the cache and cannot be fetched.
    """
    revision = _revision(source)
    folder = cached(source)
    if folder is not None and (COMMIT.fullmatch(revision) or not renew):
        return folder
    if local_files_only:
        raise DownloadError(
            f"{source} is not in the cache, or not whole there, and local_files_only=True forbids fetching. "
            f"`distilnp download {source.known_as or source}` fetches it; HF_HOME says where the cache is"
        )
    return _download(source, revision)


def cached(source: HubRevision) -> Path | None:
    """Return the folder in the cache if it is enough to load the checkpoint, and None otherwise.

    No request is sent. Another program may have filled the cache and not asked for `tokenizer_config.json`
    yet, and without this file a cased model would be taken for an uncased one. So the file has to be there,
    or to be known not to exist.

    The client has a function that looks into the cache, but it imports the client's transport, which takes
    0.15 s, as long as a first answer may take. The layout of the cache is documented:
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
    except (OSError, ValueError):  # the folder is not there or not readable, or the reference is not text
        return None
    recorded = _recorded_hashes(source, commit)
    is_there = TOKENIZER_CONFIG in present
    does_not_exist = bool(recorded) or (storage / ".no_exist" / commit / TOKENIZER_CONFIG).is_file()
    is_whole = (
        {CONFIG, *recorded} <= present
        and _has_weights(present)
        and not present.isdisjoint(VOCABULARIES)
        and (is_there or does_not_exist)
    )
    return folder if is_whole else None


def expected_hashes(source: HubRevision, commit: str) -> dict[str, str]:
    """Return the SHA-256 of files, as far as the record of the first fetch or the registry has it."""
    return _recorded_hashes(source, commit) | dict(source.sha256)


def _recorded_hashes(source: HubRevision, commit: str) -> dict[str, str]:
    record = source.record
    return record.sha256 if record is not None and record.commit == commit else {}


def _revision(source: HubRevision) -> str:
    """Return the revision to ask for; for a name in the registry, the commit that was fetched first."""
    record = source.record if source.known_as and not source.is_pinned else None
    return source.revision if record is None else record.commit


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(source: HubRevision, revision: str) -> Path:
    with _our_errors(source):
        from huggingface_hub import HfApi, constants

        api = HfApi(library_name="distilnp")
        # Not retried, unlike files, so that a machine without network gets its error at once.
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
            # The client now notes in the cache which commit the revision is. If it had done so earlier, an
            # interrupted download would have replaced a whole checkpoint by a part of one.
            api.hf_hub_download(source.repository, CONFIG, revision=revision)
        source.remember(FetchRecord(commit, found))
        return path.parent


def _wanted(source: HubRevision, offered: Mapping[str, Any]) -> list[str]:
    """Return the names of the files to fetch, weights last: if they are there, so is everything else."""
    shards = sorted(filter(SHARD.fullmatch, offered))
    weights = next((name for name in WEIGHTS if name in offered), None)
    missing = [
        " or ".join(names) for names in ((CONFIG,), VOCABULARIES, WEIGHTS) if offered.keys().isdisjoint(names)
    ]
    if missing or weights is None:
        listed = ", ".join(sorted(offered)[:20]) or "nothing"
        raise DownloadError(
            f"{source} holds {listed}, and no {', no '.join(missing)}. Expected a repository as "
            "save_pretrained of transformers and push_to_hub write it"
        )
    small = [name for name in (CONFIG, *TOKENIZER_FILES) if name in offered]
    return [*small, *(shards if weights == INDEX else ()), weights]


def _has_weights(present: set[str]) -> bool:
    if not present.isdisjoint((SAFETENSORS, PYTORCH)):
        return True
    shards = [match for name in present if (match := SHARD.fullmatch(name))]
    return INDEX in present and bool(shards) and len(shards) == int(shards[0][1])


def _checked(source: HubRevision, path: Path, offered: Any, known: str | None) -> str:
    """Return the SHA-256 of a fetched file; delete the file from the cache if another hash was expected.

    The client itself compares only the size.
    """
    sha256 = sha256_of(path)
    if offered.lfs is not None:
        from_hub, found = offered.lfs.sha256, sha256
    else:
        from_hub, found = offered.blob_id, _git_hash(path)
    for origin, expected, came in (("is known here", known, sha256), ("the hub states", from_hub, found)):
        if expected is not None and expected != came:
            path.resolve().unlink()
            path.unlink(missing_ok=True)
            raise DownloadError(
                f"{path.name} of {source} has the hash {came}, expected {expected}, which {origin}. It was "
                "damaged on the way or changed on purpose, and has been deleted from the cache. Try again; "
                "if it happens again, do not trust the server or proxy that sent it "
                "(HF_ENDPOINT, HTTPS_PROXY)"
            )
    return sha256


def _git_hash(path: Path) -> str:
    """Return git's hash of a file: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


@contextmanager
def _our_errors(source: HubRevision) -> Iterator[None]:
    """Turn every exception of the client into a `DownloadError`.

    The client's transport depends on its version and lets exceptions of its own through, so every exception
    is caught here, and nowhere else.
    """
    try:
        yield
    except DownloadError:
        raise
    except ImportError as error:
        raise DownloadError(
            f"{source} cannot be fetched: the hub's client cannot be imported ({error}). Install it: "
            "pip install huggingface_hub"
        ) from error
    except Exception as error:
        from .hub_errors import explanation  # imported late: it needs the client

        reason = explanation(error, source.repository, source.revision)
        raise DownloadError(f"{source} cannot be fetched: {reason}") from error
