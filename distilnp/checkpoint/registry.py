"""From what a user calls a model to the folder that holds it.

`MODELS` is the table of names that stand for a repository on the Hugging Face hub. Bundled checkpoints go by
their names, folders by their paths, and any other repository by "org/name", "name" or "org/name@revision".
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from ..errors import CheckpointError, DownloadError, InputTypeError, ModelNotFoundError
from ..model.config import DistilBertConfig
from .hub import Source, fetch

PACKAGE = Path(__file__).parents[1]

# An installed distilnp carries its checkpoints inside the package, a source tree beside it.
BUNDLED_FOLDERS = (PACKAGE / "weights", PACKAGE.parent / "weights")

# A repository of the hub, and after "@" a branch, a tag, a commit or refs/pr/N.
HUB_NAME = re.compile(r"(?P<repository>(?:[\w.-]+/)?[\w.-]+)(?:@(?P<revision>[\w.+/-]+))?", re.ASCII)


class HubModel(NamedTuple):
    """A row of the table.

    Attributes
    ----------
    names : tuple of str
        What it is called; the first is shown.
    repository, revision : str
        Where it is. A revision that is a commit is pinned; otherwise the commit that is fetched first is
        recorded, with the hashes of its files, and stays.
    labels : mapping
        The labels of its `config.json`, in the order of their ids, and what the names promise for them.
    sha256 : mapping
        Hashes of its files, where a source gives them.
    """

    names: tuple[str, ...]
    repository: str
    revision: str
    labels: Mapping[str, str]
    sha256: Mapping[str, str] = MappingProxyType({})

    @property
    def source(self) -> Source:
        """Where on the hub it is."""
        return Source(self.repository, self.revision, self.sha256, known_as=self.names[0])


# The names, labels and origins are those of the model cards of Spark NLP 3.3.3 (November 2021).
MODELS = (
    # The card names the repository as its data source. It gives no commit.
    HubModel(
        names=("distilbert_sequence_classifier_sst2", "en.classify.distilbert_sequence.sst2"),
        repository="distilbert-base-uncased-finetuned-sst-2-english",
        revision="main",
        labels={"NEGATIVE": "NEGATIVE", "POSITIVE": "POSITIVE"},
    ),
    # The card names no repository, only how its weights came about, and an accuracy of 0.92 on the 25,000
    # reviews of IMDB's test split. This one stands in: an uncased DistilBERT trained on the same reviews,
    # which states 0.928 on the same split. Its labels were mended in a later commit, so others are refused,
    # not taken for these. `main` has only pytorch_model.bin. There is a model.safetensors in a pull request,
    # refs/pr/5, but anyone can open one: that the owner has published it counts for more than the format,
    # which is read without being run.
    HubModel(
        names=("distilbert_base_sequence_classifier_imdb", "en.classify.distilbert_sequence.imdb"),
        repository="lvwerra/distilbert-imdb",
        revision="main",
        labels={"NEGATIVE": "neg", "POSITIVE": "pos"},
    ),
)


def bundled_models() -> dict[str, Path]:
    """Return the names and folders of the checkpoints that came with distilnp."""
    configs = [path for folder in BUNDLED_FOLDERS for path in sorted(folder.glob("*/config.json"))]
    return {path.parent.name: path.parent for path in reversed(configs)}


def hub_model(model: str | os.PathLike[str]) -> HubModel | None:
    """Return the row of the table that a name stands for."""
    return next((row for row in MODELS if model in row.names), None)


def find_checkpoint(
    model: str | os.PathLike[str], *, local_files_only: bool = False, renew: bool = False
) -> Path:
    """Return the folder of a checkpoint, after it has been fetched where it has to be.

    Parameters
    ----------
    model : str or path
        The name of a bundled or a known model, a folder that `save_pretrained` wrote, or a repository of the
        hub, with "@revision" if it is not to be "main". Where a folder has the name of one of the former,
        "./name" is the folder; where it has the name of a repository, the folder counts.
    local_files_only, renew : bool, optional
        See `hub.fetch`.

    Raises
    ------
    ModelNotFoundError
        There is nothing of that name.
    DownloadError
        It may be on the hub, but cannot be fetched.
    InputTypeError
        `model` is not text and not a path.
    """
    place = locate(model)
    if isinstance(place, Path):
        return place
    try:
        return fetch(place, local_files_only=local_files_only, renew=renew)
    except DownloadError as error:
        if place.known_as:
            raise
        raise DownloadError(
            f"no model {model!r} here: no known name ({_names()}) and no folder. On the hub: {error}"
        ) from error


def short_name(model: str | os.PathLike[str]) -> str:
    """Return what to call a checkpoint: its folder's name, but the repository's if it is from the hub."""
    place = locate(model)
    if isinstance(place, Path):
        return place.resolve().name
    return place.known_as or place.repository.rpartition("/")[2]


def locate(model: str | os.PathLike[str]) -> Path | Source:
    """Return the folder of a checkpoint, or where on the hub it is; nothing is fetched.

    Raises
    ------
    ModelNotFoundError, InputTypeError
        See `find_checkpoint`.
    """
    if not isinstance(model, str | os.PathLike):
        raise InputTypeError(
            f"model is {type(model).__name__}, expected the name of a model or the path of a folder"
        )
    bundled = bundled_models()
    if isinstance(model, str) and model in bundled:
        return bundled[model]
    known = hub_model(model)
    if known is not None:
        return known.source
    folder = Path(model)
    if model and folder.is_dir():
        return folder
    name = HUB_NAME.fullmatch(model) if isinstance(model, str) else None
    if name is None or ".." in re.split("[/@]", name.string):
        raise ModelNotFoundError(
            f"no model {os.fspath(model)!r}: expected a known name ({_names()}), a folder with "
            "config.json, vocab.txt and weights, or a repository of the Hugging Face hub: org/name or "
            "org/name@revision"
        )
    return Source(name["repository"], name["revision"] or "main")


def promised_labels(model: str | os.PathLike[str], config: DistilBertConfig) -> tuple[str, ...]:
    """Return the labels that a name stands for: those of the checkpoint, unless the table has others.

    Raises
    ------
    CheckpointError
        The checkpoint has other labels than the table says.
    """
    known = hub_model(model)
    if known is None:
        return config.id2label
    if config.id2label != tuple(known.labels):
        raise CheckpointError(
            f"{model} has the labels {config.id2label!r}, expected {tuple(known.labels)!r}. "
            f"{known.repository} has changed: load it by that name with the revision that you mean"
        )
    return tuple(known.labels.values())


def _names() -> str:
    return ", ".join(sorted({*bundled_models(), *(row.names[0] for row in MODELS)}))
