"""Checkpoints from the Hugging Face hub, by its own client and in its own cache.

No request is sent for a checkpoint in the cache: a branch keeps the files that it had when it was fetched,
until it is renewed. Only files that distilnp reads are fetched, weights last. Each file is compared with the
hash that the hub states for it, and with the hash that is known here, before it becomes a part of the cache.
`hub_cache` knows where the files lie.
"""

import hashlib
import io
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from ..errors import CheckpointError, DistilnpError, DownloadError
from ..foreign import MAX_FILE_BYTES, shown
from . import hub_cache
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
from .records import COMMIT, SHA256, FetchRecord, read_record, record_path, write_record

# The client fetches no larger file by a plain request. A DistilBERT has a quarter of a gigabyte.
MAX_WEIGHTS_BYTES = 50_000_000_000

# The files of a checkpoint that are read, besides shards.
READ = {CONFIG, *TOKENIZER_FILES, *WEIGHTS}

DISTRUST = "Do not trust the server or the proxy (HF_ENDPOINT, HTTPS_PROXY)"
NOT_FETCHED = "Nothing has been fetched: no DistilBERT is so large"


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
        """Write the record of a fetch.

        If it cannot be written, the checkpoint is whole without it, but a known name is not pinned.
        """
        if not write_record(self._key, record) and self.known_as:
            import logging  # imported late: it takes milliseconds of every start

            logging.getLogger("distilnp").warning(
                "distilnp: %s cannot be written, so the files of %s have no record, and another fetch may "
                "bring others",
                record_path(self._key),
                self.known_as,
            )

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
    CheckpointError
        The record of an earlier fetch cannot be used, or a file of a known model is not what it was.
    """
    revision = _revision(source)
    folder = cached(source)
    if folder is not None and source.known_as and not _recorded_hashes(source, folder.name):
        _record(source, folder)
        return folder
    if folder is not None and (COMMIT.fullmatch(revision) or not renew):
        return folder
    if local_files_only:
        raise DownloadError(
            f"{source} is not in the cache, or not whole there, and local_files_only=True forbids fetching. "
            f"`distilnp download {source.known_as or source}` fetches it; HF_HOME says where the cache is"
            f"{_whole_commits(source)}"
        )
    return _download(source, revision)


def cached(source: HubRevision) -> Path | None:
    """Return the folder in the cache if it is enough to load the checkpoint, and None otherwise.

    No request is sent. Another program may have filled the cache and not asked for `tokenizer_config.json`
    yet, and without this file a cased model would be taken for an uncased one. So the file has to be there,
    or to be known not to exist.

    Raises
    ------
    CheckpointError
        The record of the fetch cannot be used.
    """
    revision = _revision(source)
    try:
        storages = hub_cache.storages(source.repository)
    except ImportError:
        return None
    for storage in storages:
        commit = hub_cache.read_ref(storage, revision)
        if commit is not None and _is_whole(source, storage, commit):
            return hub_cache.snapshot(storage, commit)
    return None


def _is_whole(source: HubRevision, storage: Path, commit: str) -> bool:
    try:
        present = {path.name for path in hub_cache.snapshot(storage, commit).iterdir() if path.is_file()}
    except OSError:  # the folder is not there or not readable
        return False
    recorded = _recorded_hashes(source, commit)
    is_there = TOKENIZER_CONFIG in present
    does_not_exist = bool(recorded) or hub_cache.is_known_not_to_exist(storage, commit, TOKENIZER_CONFIG)
    return (
        {CONFIG, *recorded} <= present
        and _has_weights(present)
        and not present.isdisjoint(VOCABULARIES)
        and (is_there or does_not_exist)
    )


def _whole_commits(source: HubRevision) -> str:
    """Return a sentence about the commits in the cache that are whole, or nothing if there are none."""
    names = [
        f"{storage.name.removeprefix('models--').replace('--', '/')}@{commit}"
        for storage in hub_cache.storages(source.repository)
        for commit in hub_cache.commits(storage)
        if _is_whole(source, storage, commit)
    ]
    return f". The cache has {', '.join(names[:5])}, to load by that name" if names else ""


def expected_hashes(source: HubRevision, commit: str) -> dict[str, str]:
    """Return the SHA-256 of files, as far as the record of the first fetch or the registry has it.

    Raises
    ------
    CheckpointError
        The record of the fetch cannot be used. Or a known name, which promises its files, has no record, or
        the cache has a file for it that is read and not recorded.
    """
    hashes = _recorded_hashes(source, commit) | dict(source.sha256)
    if source.known_as:
        record = record_path(source.known_as)
        again = f"`distilnp download {source.known_as}` records the files that the cache has"
        if not hashes:
            raise CheckpointError(
                f"{record}: there is no record of commit {commit}, so no hash of a file of {source.known_as} "
                f"is known. {again}"
            )
        for storage in hub_cache.storages(source.repository):
            for path in _read_files(hub_cache.snapshot(storage, commit)):
                if path.name not in hashes:
                    raise CheckpointError(
                        f"{path} is not in {record}: it has been added since the files were recorded. Delete "
                        f"it. Or, if you added it, delete the record, and {again}"
                    )
    return hashes


def _read_files(folder: Path) -> list[Path]:
    """Return the files in a folder that are read as parts of a checkpoint."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.name in READ or SHARD.fullmatch(path.name))


def _recorded_hashes(source: HubRevision, commit: str) -> dict[str, str]:
    record = source.record
    return record.sha256 if record is not None and record.commit == commit else {}


def _revision(source: HubRevision) -> str:
    """Return the revision to ask for; for a name in the registry, the commit that was fetched first."""
    record = source.record if source.known_as and not source.is_pinned else None
    return source.revision if record is None else record.commit


def _record(source: HubRevision, folder: Path) -> None:
    """Record the files of a known model that another program has fetched, or whose record is gone.

    In the cache, the name of a large file's content is its SHA-256, which shows whether the file has changed.

    Raises
    ------
    CheckpointError
        A file cannot be read, or has changed.
    """
    found = {}
    for path in _read_files(folder):
        try:
            found[path.name] = sha256_of(path)
        except OSError as error:
            raise CheckpointError(f"{path} cannot be read: {error.strerror}") from error
        name = path.readlink().name if path.is_symlink() else ""
        for expected in (source.sha256.get(path.name), name if SHA256.fullmatch(name) else None):
            if expected not in (None, found[path.name]):
                raise CheckpointError(
                    f"{path} has the SHA-256 {found[path.name]}, expected {expected}. It has been damaged or "
                    "changed since it was fetched. Delete it and its blob from the cache, and download it "
                    "again"
                )
    source.remember(FetchRecord(folder.name, found))


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
        commit = _commit(source, revision, info.sha)
        offers = _offers(source, info.siblings or ())
        known = _recorded_hashes(source, commit) | dict(source.sha256)
        storage = hub_cache.storages(source.repository)[0]
        folder = hub_cache.make_snapshot(storage, commit)
        found = {
            name: _fetch_file(source, storage, commit, offer, known.get(name))
            for name, offer in offers.items()
        }
        source.remember(FetchRecord(commit, found))
        if revision != commit:
            # If the commit were noted earlier, an interrupted download would replace a whole checkpoint by a
            # part of one.
            hub_cache.write_ref(storage, revision, commit)
        return folder


def _commit(source: HubRevision, revision: str, stated: object) -> str:
    """Return the commit that the hub states, which has to be the one that was asked for, if one was."""
    is_asked_for = COMMIT.fullmatch(revision) is not None
    is_commit = isinstance(stated, str) and COMMIT.fullmatch(stated) is not None
    if not is_commit or (is_asked_for and stated != revision):
        expected = revision if is_asked_for else "40 hexadecimal digits"
        raise DownloadError(
            f"{source}: the commit that the hub states is {shown(stated)}, expected {expected}. {DISTRUST}"
        )
    return str(stated)


class _Offer(NamedTuple):
    """What the hub states about a file before it is fetched.

    Attributes
    ----------
    name : str
    size : int, optional
        The number of bytes.
    digits : str, optional
        The hash: SHA-256 for a large file, and git's for any other.
    largest : int
        The number of bytes that are fetched at most.
    """

    name: str
    size: int | None
    digits: str | None
    largest: int


def _offers(source: HubRevision, siblings: Iterable[Any]) -> dict[str, _Offer]:
    """Return the files to fetch, in order, after a check of everything that the hub states about them."""
    offered = {sibling.rfilename: sibling for sibling in siblings if isinstance(sibling.rfilename, str)}
    names = _wanted(source, offered)
    offers = {name: _offer(source, name, offered[name], len(names)) for name in names}
    total = sum(offer.size or 0 for offer in offers.values())
    if total > MAX_WEIGHTS_BYTES:
        raise DownloadError(
            f"{source} has {total} bytes, expected at most {MAX_WEIGHTS_BYTES}. {NOT_FETCHED}"
        )
    return offers


def _offer(source: HubRevision, name: str, sibling: Any, n_files: int) -> _Offer:
    digits, pattern = sibling.blob_id, COMMIT
    if sibling.lfs is not None:
        digits, pattern = sibling.lfs.sha256, SHA256
    if digits is not None and not (isinstance(digits, str) and pattern.fullmatch(digits)):
        raise DownloadError(
            f"{source}: the hash of {name} that the hub states is {shown(digits)}, expected hexadecimal "
            f"digits. {DISTRUST}"
        )
    size = sibling.size
    if size is not None and not (type(size) is int and size >= 0):
        raise DownloadError(
            f"{source}: the size of {name} that the hub states is {shown(size)}, expected a number of bytes. "
            f"{DISTRUST}"
        )
    is_large = name in (SAFETENSORS, PYTORCH) or SHARD.fullmatch(name)
    largest = MAX_WEIGHTS_BYTES if is_large else MAX_FILE_BYTES
    if size is not None and size > largest:
        raise DownloadError(f"{name} of {source} has {size} bytes, expected at most {largest}. {NOT_FETCHED}")
    if size is None:  # files of unknown sizes share the limit
        return _Offer(name, None, digits, largest // n_files if is_large else largest)
    return _Offer(name, size, digits, size)


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
            f"{source} holds {shown(listed)}, and no {', no '.join(missing)}. Expected a repository as "
            "save_pretrained of transformers and push_to_hub write it"
        )
    small = [name for name in (CONFIG, *TOKENIZER_FILES) if name in offered]
    return [*small, *(shards if weights == INDEX else ()), weights]


def _has_weights(present: set[str]) -> bool:
    if not present.isdisjoint((SAFETENSORS, PYTORCH)):
        return True
    shards = [match for name in present if (match := SHARD.fullmatch(name))]
    return INDEX in present and bool(shards) and len(shards) == int(shards[0][1])


def _fetch_file(source: HubRevision, storage: Path, commit: str, offer: _Offer, known: str | None) -> str:
    """Put a file into its place in the cache, unless it is there; return its SHA-256.

    A file becomes a part of the cache only after its hash has been compared.
    """
    path = hub_cache.snapshot(storage, commit) / offer.name
    if path.is_file() and _difference(sha256 := sha256_of(path), path, offer, known) is None:
        return sha256
    if offer.digits is not None:
        blob = hub_cache.blob(storage, offer.digits)
        if blob.is_file() and _difference(sha256 := sha256_of(blob), blob, offer, known) is None:
            hub_cache.place_blob(blob, path)
            return sha256
    unfinished = hub_cache.new_blob(storage)
    try:
        _fetch_content(source, commit, offer, unfinished)
        sha256 = sha256_of(unfinished)
        difference = _difference(sha256, unfinished, offer, known)
        if difference is not None:
            raise DownloadError(
                f"{offer.name} of {source} has the hash {difference}. It was damaged on the way or changed "
                "on purpose, and has not been kept. Try again; if it happens again, do not trust the server "
                "or proxy that sent it (HF_ENDPOINT, HTTPS_PROXY)"
            )
        hub_cache.place(unfinished, hub_cache.blob(storage, offer.digits or sha256), path)
    finally:
        unfinished.unlink(missing_ok=True)
    return sha256


def _difference(sha256: str, path: Path, offer: _Offer, known: str | None) -> str | None:
    """Return the hash of a file and the expected one, as words, or None if they are equal."""
    if known is not None and known != sha256:
        return f"{sha256}, expected {known}, which is known here"
    if offer.digits is None:
        return None
    came = sha256 if len(offer.digits) == len(sha256) else _git_hash(path)
    return None if came == offer.digits else f"{came}, expected {offer.digits}, which the hub states"


def _git_hash(path: Path) -> str:
    """Return git's hash of a file: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects."""
    with path.open("rb") as file:
        sha1 = hashlib.sha1(b"blob %d\0" % os.fstat(file.fileno()).st_size, usedforsecurity=False)
        return hashlib.file_digest(file, lambda: sha1).hexdigest()


class _LimitedFile(io.BufferedWriter):
    """A file that takes no more bytes than the hub has stated: a server may send without end."""

    def __init__(self, path: Path, offer: _Offer, source: HubRevision) -> None:
        super().__init__(io.FileIO(path, "x"))
        self._offer, self._source = offer, source

    def write(self, data: Any) -> int:
        """Write, or raise a `DownloadError` if that would be too much."""
        if self.tell() + len(data) > self._offer.largest:
            raise DownloadError(
                f"{self._offer.name} of {self._source} has more than {self._offer.largest} bytes, expected "
                f"no more. {DISTRUST}"
            )
        return super().write(data)


def _fetch_content(source: HubRevision, commit: str, offer: _Offer, path: Path) -> None:
    from huggingface_hub import hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

    # Not hf_hub_download: it makes paths of what the server says.
    url = hf_hub_url(source.repository, offer.name, revision=commit)
    headers = build_hf_headers(library_name="distilnp")
    headers["Accept-Encoding"] = "identity"  # the sizes that the hub states are those of the files
    with _LimitedFile(path, offer, source) as file:
        http_get(url, file, headers=headers, expected_size=offer.size, displayed_filename=offer.name)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _our_errors(source: HubRevision) -> Iterator[None]:
    """Turn every exception of the client into a `DownloadError`.

    The client's transport depends on its version and lets exceptions of its own through, so every exception
    is caught here, and nowhere else.
    """
    try:
        yield
    except DistilnpError:
        raise
    except ImportError as error:
        raise DownloadError(
            f"{source} cannot be fetched: the hub's client cannot be imported ({error}). Install it: "
            "pip install huggingface_hub"
        ) from error
    except Exception as error:
        from .hub_errors import explanation  # imported late: it needs the client

        reason = explanation(error, source.repository, source.revision)
        raise DownloadError(f"{source} cannot be fetched: {reason}{_whole_commits(source)}") from error
