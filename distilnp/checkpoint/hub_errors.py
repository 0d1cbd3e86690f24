"""Errors of the hub's client, each explained with its remedy.

The client's transport is requests, httpx or httpx2, depending on the version of the client, and lets errors
of its own through. Errors are therefore recognised by the client's classes, by their HTTP status if they have
one, and a timeout by the name of its class.
"""

import errno
from collections.abc import Callable
from typing import Any

from huggingface_hub import constants, errors

from ..foreign import shown

# A server chooses the words. The client's own messages are shorter.
MAX_DETAIL = 500

# A cache that is full, read-only, owned by somebody else, or not a folder.
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

# The first row whose predicate is true explains an error. A predicate receives the error and its HTTP status,
# and a message can use the fields that `explanation` fills in.
EXPLANATIONS: tuple[tuple[Callable[[Any, int | None], bool], str], ...] = (
    (
        lambda error, status: isinstance(error, errors.OfflineModeIsEnabled),
        "HF_HUB_OFFLINE forbids fetching, and the cache ({cache}) does not have the whole checkpoint. Unset "
        "it, or copy the cache of a machine that has the checkpoint",
    ),
    (
        lambda error, status: isinstance(error, errors.GatedRepoError),
        "access has to be asked for at {endpoint}/{repository}. Then set HF_TOKEN to a token of the account "
        "that was given access",
    ),
    (
        lambda error, status: isinstance(error, errors.RepositoryNotFoundError),
        "{endpoint} has no repository {repository!r}, or it is private (HTTP {status}). Check the name; for "
        "a private repository, set HF_TOKEN to a token that may read it",
    ),
    (
        lambda error, status: isinstance(error, errors.RevisionNotFoundError),
        "{repository} has no revision {revision!r}, expected a branch, a tag, a whole commit hash or "
        "refs/pr/N",
    ),
    (
        lambda error, status: isinstance(error, errors.EntryNotFoundError) and status == 404,
        "one of its files is missing on the server ({detail}). Try again: the repository may be changing",
    ),
    (
        lambda error, status: status in (401, 403),
        "the server refuses the token (HTTP {status}: {detail}). Set HF_TOKEN to a valid token of an account "
        "that may read the repository, or unset it for a public repository",
    ),
    (
        lambda error, status: status == 429,
        "the server has had too many requests (HTTP 429). Wait some minutes; a token in HF_TOKEN allows more "
        "requests",
    ),
    (
        lambda error, status: status is not None,
        "{endpoint} answered, and the server failed (HTTP {status}: {detail}). Try again later",
    ),
    (
        lambda error, status: "Timeout" in type(error).__name__,
        "{endpoint} did not answer in time. Try again: files that were fetched whole are kept. "
        "HF_HUB_DOWNLOAD_TIMEOUT sets how many seconds it has",
    ),
    (
        lambda error, status: isinstance(error, OSError) and error.errno in CANNOT_BE_WRITTEN,
        "the cache {cache} cannot be written ({strerror}). Make room or allow writing, or set HF_HOME to "
        "another folder",
    ),
    (
        lambda error, status: isinstance(error, errors.HFValidationError),
        "this cannot be the name of a repository ({detail})",
    ),
    (
        lambda error, status: True,
        "{endpoint} cannot be reached, or the connection broke ({type}: {detail}). Check the network, "
        "HTTPS_PROXY and HF_ENDPOINT, and try again: files that were fetched whole are kept",
    ),
)


def explanation(error: Exception, repository: str, revision: str) -> str:
    """Return the cause of an error and its remedy, as text for a message."""
    # For a file, the client raises an error that has the reason only as its cause.
    while isinstance(error, errors.LocalEntryNotFoundError) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    status = getattr(getattr(error, "response", None), "status_code", None)
    message = next(message for applies, message in EXPLANATIONS if applies(error, status))
    return message.format(
        repository=repository,
        revision=revision,
        endpoint=constants.ENDPOINT,
        cache=constants.HF_HUB_CACHE,
        status=status,
        type=type(error).__name__,
        detail=shown(str(error).strip().partition("\n")[0], MAX_DETAIL),
        strerror=getattr(error, "strerror", None),
    )
