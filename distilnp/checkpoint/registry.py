"""From the name of a model to the folder that holds it, or that was made of it.

`MODELS` is the table of names that stand for a repository on the Hugging Face hub. A bundled checkpoint is
called by its name, a folder by its path, and any other repository by "org/name", "name" or
"org/name@revision".
"""

import os
import re
import stat
from collections.abc import Mapping
from contextlib import suppress
from errno import ENAMETOOLONG, ENOENT, ENOTDIR
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple

from ..errors import CheckpointError, DownloadError, InputTypeError, ModelNotFoundError
from ..foreign import shown
from ..model.config import DistilBertConfig
from .files import CONFIG
from .hub import HubRevision, fetch
from .hub_cache import REPOSITORY, REVISION
from .lookalikes import (
    FILE_SUFFIXES,
    begins,
    describe_file,
    describe_folder,
    describe_missing,
    folders_in,
    is_archive,
    is_package,
    is_saved_model,
    similar,
)

PACKAGE = Path(__file__).parents[1]

# An installed distilnp has its checkpoints inside the package; a source tree has them beside it.
BUNDLED_FOLDERS = (PACKAGE / "weights", PACKAGE.parent / "weights")

# A repository of the hub, and after "@" a branch, a tag, a commit or refs/pr/N.
HUB_NAME = re.compile(
    rf"(?P<repository>{REPOSITORY.pattern})(?:@(?P<revision>{REVISION.pattern}))?", re.ASCII
)

ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.ASCII | re.IGNORECASE)

# A ratio of difflib. Known names with another ending, or with a letter too many, have more than this; other
# models of the same family (..._classifier_emotion, distilbert-base-uncased) have less.
SURELY_MEANT = 0.9


class HubModel(NamedTuple):
    """A row of the table.

    Attributes
    ----------
    names : tuple of str
        The names of the model. Lists and messages show the first.
    repository, revision : str
        Its place on the hub. A revision that is a commit is pinned. For any other revision, the commit that
        is fetched first is recorded, with the hashes of its files, and stays.
    labels : mapping
        Maps each label of its `config.json`, in the order of their ids, to the label that the names promise.
    sha256 : mapping
        The SHA-256 of its files, by their names, if a source gives it.
    """

    names: tuple[str, ...]
    repository: str
    revision: str
    labels: Mapping[str, str]
    sha256: Mapping[str, str] = MappingProxyType({})

    @property
    def source(self) -> HubRevision:
        """The place on the hub that it comes from."""
        return HubRevision(self.repository, self.revision, self.sha256, known_as=self.names[0])


# Names, labels and origins are from the model cards of Spark NLP 3.3.3 (November 2021).
MODELS = (
    # The card names the repository as its data source. It gives no commit.
    HubModel(
        names=("distilbert_sequence_classifier_sst2", "en.classify.distilbert_sequence.sst2"),
        repository="distilbert-base-uncased-finetuned-sst-2-english",
        revision="main",
        labels={"NEGATIVE": "NEGATIVE", "POSITIVE": "POSITIVE"},
    ),
    # The card names no repository. It says how its weights were trained, and an accuracy of 0.92 on the
    # 25,000 reviews of IMDB's test split. This repository stands in: an uncased DistilBERT trained on the
    # same reviews, which states 0.928 on the same split. A later commit corrected its labels, so other labels
    # are refused instead of being taken for these. `main` has only pytorch_model.bin. A pull request,
    # refs/pr/5, has a model.safetensors, but anyone can open a pull request. It matters more that the owner
    # published the file than which format it has, because both formats are read without executing anything.
    HubModel(
        names=("distilbert_base_sequence_classifier_imdb", "en.classify.distilbert_sequence.imdb"),
        repository="lvwerra/distilbert-imdb",
        revision="main",
        labels={"NEGATIVE": "neg", "POSITIVE": "pos"},
    ),
)


def bundled_models() -> dict[str, Path]:
    """Return the names and folders of the checkpoints that came with distilnp."""
    configs = [path for folder in BUNDLED_FOLDERS for path in sorted(folder.glob(f"*/{CONFIG}"))]
    return {path.parent.name: path.parent for path in reversed(configs)}


def hub_model(model: str | os.PathLike[str]) -> HubModel | None:
    """Return the row of the table that has this name, or None."""
    return next((row for row in MODELS if model in row.names), None)


def find_checkpoint(
    model: str | os.PathLike[str], *, local_files_only: bool = False, renew: bool = False
) -> Path:
    """Return the folder of a checkpoint; fetch the checkpoint first if that is necessary.

    Parameters
    ----------
    model : str or path
        The name of a bundled or a known model, a folder that `save_pretrained` wrote, a model package of
        Spark NLP (the archive or its folder), a SavedModel of TensorFlow, or a repository of the hub,
        followed by "@revision" if the revision is not "main". If a folder has the name of a bundled or a
        known model, write "./name" for the folder. If a folder has the name of a repository, the folder is
        taken, unless "@main" follows the name.
    local_files_only, renew : bool, optional
        See `hub.fetch`.

    Raises
    ------
    ModelNotFoundError
        Nothing has that name.
    DownloadError
        The model may be on the hub, but cannot be fetched.
    CheckpointError
        The folder is not a checkpoint but something else, such as an adapter. Or a package cannot be made
        into one. Or the record of an earlier fetch cannot be used.
    InputTypeError
        `model` is neither text nor a path.
    """
    place = locate(model)
    if isinstance(place, Path):
        return _checkpoint_in(place)
    try:
        return fetch(place, local_files_only=local_files_only, renew=renew)
    except DownloadError as error:
        if place.known_as:
            raise
        raise DownloadError(
            f"no model {shown(model)} here: it is neither a known name ({_names()}) nor a folder."
            f"{_did_you_mean(place.repository)} On the hub: {error}"
        ) from error


def _checkpoint_in(place: Path) -> Path:
    """Return a checkpoint's folder, or the one that was made of a model of another kind.

    The makers are imported late: most checkpoints need none.
    """
    if is_archive(place) or is_package(place):
        from . import spark_nlp

        return spark_nlp.checkpoint_of(place)
    if is_saved_model(place):
        from . import saved_model

        return saved_model.checkpoint_of(place)
    if reason := describe_folder(place):
        raise CheckpointError(reason)
    return place


def short_name(model: str | os.PathLike[str]) -> str:
    """Return a checkpoint's name: its repository's if it is from the hub, and its folder's otherwise."""
    place = locate(model)
    if isinstance(place, Path):
        path = place.resolve()
        return path.stem if path.is_file() else path.name
    return place.known_as or place.repository.rpartition("/")[2]


def locate(model: str | os.PathLike[str]) -> Path | HubRevision:
    """Return the path of a model, or its place on the hub; nothing is fetched or unpacked.

    Anything that cannot be the name of a repository is a path, and so is a name with the suffix of a file.

    Raises
    ------
    ModelNotFoundError, InputTypeError
        See `find_checkpoint`.
    """
    text = _text(model)
    bundled = bundled_models()
    if isinstance(model, str) and model in bundled:
        return bundled[model]
    known = hub_model(model)
    if known is not None:
        return known.source
    name = HUB_NAME.fullmatch(text) if isinstance(model, str) else None
    path = _path(text)
    kind = _kind(path, may_be_a_name=name is not None) if text else None
    if kind == "folder":
        return path
    if kind == "file" and is_archive(path):
        return path
    if kind == "file":
        on_the_hub = f". For a repository of this name, write {text}@main" if name and "@" not in text else ""
        raise _not_found(model, describe_file(path) + on_the_hub)
    if not ("/" in text or "@" in text) and (meant := _meant(text.strip())):
        on_the_hub = f" For a repository of this name, write {text}@main" if name else ""
        raise _not_found(model, f"did you mean {' or '.join(meant)}?{on_the_hub}")
    if name is None or text.lower().endswith(FILE_SUFFIXES):
        if ADDRESS.match(text):
            raise _not_found(model, "it is an address. For a repository of the hub, write org/name alone")
        repository, _, revision = text.partition("@")
        if revision and name is None and REPOSITORY.fullmatch(repository):
            raise _not_found(model, f"{shown(revision)} cannot be a revision")
        raise _not_found(model, describe_missing(path) if text else "the name is empty")
    return HubRevision(name["repository"], name["revision"] or "main")


def _text(model: str | os.PathLike[str]) -> str:
    """Return a name or a path as text."""
    path = model
    with suppress(TypeError):
        path = os.fspath(model)
    if not isinstance(path, str):
        kind = type(model).__name__ if path is model else f"a path of {type(path).__name__}"
        raise InputTypeError(f"model is {kind}, expected the name of a model or the path of a folder")
    return path


def _path(text: str) -> Path:
    """Return a path, with the home folder in place of "~": in Python, no shell has done it."""
    path = Path(text)
    if text.startswith("~") and not os.path.lexists(path):
        with suppress(RuntimeError, ValueError):  # there is no such user, or NUL in its name
            return path.expanduser()
    return path


def _kind(path: Path, *, may_be_a_name: bool) -> Literal["folder", "file"] | None:
    """Return the kind of thing that a path leads to, or None if it leads to nothing.

    Raises
    ------
    ModelNotFoundError
        The path cannot be looked at, and cannot be the name of a repository either.
    """
    try:
        return "folder" if stat.S_ISDIR(path.stat().st_mode) else "file"
    except ValueError:  # NUL, or half of a surrogate pair
        return None
    except OSError as error:
        if may_be_a_name or error.errno in (ENOENT, ENOTDIR, ENAMETOOLONG):
            return None
        raise _not_found(path, f"it cannot be looked at ({error.strerror})") from error


def _not_found(model: str | os.PathLike[str], reason: str) -> ModelNotFoundError:
    end = "" if reason.endswith("?") else "."
    return ModelNotFoundError(
        f"no model {shown(os.fspath(model))}: {reason}{end} Expected a known name ({_names()}), a folder "
        "with config.json, vocab.txt and weights, or a repository of the Hugging Face hub: org/name or "
        "org/name@revision"
    )


def _meant(name: str) -> list[str]:
    """Return the known names that a name without an organization can only be meant for."""
    return begins(name, bundled_models()) or similar(name, _all_names(), SURELY_MEANT)


def _did_you_mean(name: str) -> str:
    near = similar(name, [*_all_names(), *folders_in(Path())])
    return f" Did you mean {' or '.join(map(shown, near))}?" if near else ""


def promised_labels(model: str | os.PathLike[str], config: DistilBertConfig) -> tuple[str, ...]:
    """Return the labels of a model: those that the table promises for its name, or else its own.

    Raises
    ------
    CheckpointError
        The checkpoint's own labels are not those that the table has for it.
    """
    known = hub_model(model)
    if known is None:
        return config.id2label
    if config.id2label != tuple(known.labels):
        raise CheckpointError(
            f"{model} has the labels {config.id2label!r}, expected {tuple(known.labels)!r}. "
            f"The repository has changed: load {known.repository}@REVISION, with the revision that you want"
        )
    return tuple(known.labels.values())


def _all_names() -> list[str]:
    return sorted({*bundled_models(), *(name for row in MODELS for name in row.names)})


def _names() -> str:
    return ", ".join(sorted({*bundled_models(), *(row.names[0] for row in MODELS)}))
