"""The files of a model: found on the driver, located on another machine, restored from a saved stage."""

import glob
import hashlib
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ..checkpoint.config_json import read_config
from ..checkpoint.files import CONFIG, TOKENIZER_FILES
from ..checkpoint.lookalikes import is_archive
from ..checkpoint.lookalikes import is_package as spark_wrote
from ..checkpoint.registry import bundled_models, find_checkpoint, hub_model, promised_labels
from ..checkpoint.tensors import find_weights
from ..errors import CheckpointError, ModelNotFoundError
from ..foreign import shown
from ..tokenizer import Tokenizer

# The folder of a saved stage that has the files of its model, as a table.
SAVED_MODEL = "model"

# Of the known names.
LANGUAGE = "en"


@dataclass(frozen=True)
class ModelFiles:
    """The files of a model.

    Attributes
    ----------
    name : str
        The name of a bundled model, which every machine with distilnp has; empty for another model.
    folder : str
        Where they are on the driver.
    labels : tuple of str
        The label of each logit. A known name may promise other labels than its files have.
    archive : str
        The name of the archive that has been sent to the executors; empty if there is none.
    """

    name: str
    folder: str
    labels: tuple[str, ...]
    archive: str = ""

    @classmethod
    def find(cls, model: str | os.PathLike[str], *, local_files_only: bool = False) -> "ModelFiles":
        """Find a model on the driver, and read everything but its weights.

        Raises
        ------
        DistilnpError
            See `distilnp.load`.
        """
        folder = find_checkpoint(model, local_files_only=local_files_only)
        labels = promised_labels(model, read_config(folder))
        Tokenizer.from_folder(folder)
        find_weights(folder)
        return cls(_bundled_name(folder), os.fspath(folder.resolve()), labels)

    @property
    def folder_path(self) -> Path:
        """The folder on the driver."""
        return Path(self.folder)

    def files(self) -> list[Path]:
        """Return the files that the model consists of."""
        folder = self.folder_path
        others = [folder / name for name in (CONFIG, *TOKENIZER_FILES) if (folder / name).is_file()]
        return [*others, *find_weights(folder).files()]

    def checksums(self) -> dict[str, str]:
        """Return the SHA-256 of each file by its name."""
        checksums = {}
        for path in self.files():
            with path.open("rb") as file:
                checksums[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
        return checksums

    def located(self) -> Path:
        """Return the folder of the files on this machine.

        Raises
        ------
        ModelNotFoundError
            They are not here.
        """
        if self.name in (bundled := bundled_models()):
            return bundled[self.name]
        candidates = [self.folder_path]
        if self.archive:
            from pyspark import SparkFiles

            candidates.insert(0, Path(SparkFiles.get(self.archive)))
        for folder in candidates:
            if (folder / CONFIG).is_file():
                return folder
        where = " or ".join(str(folder) for folder in candidates)
        raise ModelNotFoundError(
            f"the model is not on this machine, expected its files in {where}. Put them into a folder that "
            'all machines share, or leave modelFiles at "sent", which sends them to the executors'
        )


def find_model(name: str, lang: str) -> ModelFiles:
    """Find a model by its name, and check the language, which only the known names have.

    Raises
    ------
    ModelNotFoundError, CheckpointError
        See `ModelFiles.find`.
    """
    if hub_model(name) is not None and lang != LANGUAGE:
        raise ModelNotFoundError(
            f"no model {shown(name)} for the language {shown(lang)}, expected {LANGUAGE!r}"
        )
    return ModelFiles.find(name)


def find_download(name: str, lang: str, remote_loc: str | os.PathLike[str]) -> Path:
    """Return the newest archive of a model in a folder, or the folder that Spark NLP has unpacked it into.

    Raises
    ------
    ModelNotFoundError
        There is no such folder, or nothing of that name is in it.
    """
    folder = Path(remote_loc).expanduser()
    if not folder.is_dir():
        raise ModelNotFoundError(
            f"remote_loc is {shown(os.fspath(remote_loc))}, expected a folder with what Spark NLP has "
            "downloaded (its cache_pretrained), or with the archives that the cards of its models link to. "
            "Fetch the archive first: distilnp does not read from S3"
        )
    # The name ends with the versions of Spark NLP and Spark and the time: 3.3.3_3.0_1637497948943.
    found = sorted(
        folder.glob(f"{glob.escape(f'{name}_{lang}')}_*"), key=lambda path: path.name.split("_")[-1]
    )
    if not found:
        there = ", ".join(sorted(shown(path.name, 60) for path in folder.iterdir())[:10]) or "nothing"
        raise ModelNotFoundError(
            f"no model {shown(name)} for the language {shown(lang)} in {folder}, expected "
            f"{name}_{lang}_*.zip or a folder of that name. There is {there}"
        )
    return found[-1]


def restored(
    parts: Iterable[tuple[str, bytes]], checksums: Mapping[str, str], labels: tuple[str, ...]
) -> ModelFiles:
    """Write the files of a saved model into a folder, and return the model there.

    Parameters
    ----------
    parts : iterable of (str, bytes)
        The name of a file, and a part of its content, in order.
    checksums : mapping of str to str
        See `ModelFiles.checksums`.
    labels : tuple of str
        The labels of the model.

    Raises
    ------
    CheckpointError
        A file is missing or damaged.
    """
    for name in bundled_models():  # an executor has those already
        bundled = ModelFiles.find(name)
        if bundled.checksums() == checksums:
            return replace(bundled, labels=labels)
    folder = Path(tempfile.mkdtemp(dir=scratch_folder()))
    digests = {name: hashlib.sha256() for name in checksums}
    for name, part in parts:
        if name in digests and Path(name).name == name:
            digests[name].update(part)
            with (folder / name).open("ab") as file:
                file.write(part)
    damaged = [name for name, digest in digests.items() if digest.hexdigest() != checksums[name]]
    if damaged:
        raise CheckpointError(
            f"{', '.join(map(shown, damaged))} of the saved model is damaged or missing, expected what was "
            "saved. Save the stage again"
        )
    return ModelFiles("", os.fspath(folder), labels)


def is_package(path: str | os.PathLike[str]) -> bool:
    """Return whether a path leads to a package of Spark NLP, and not to a stage that this package saved."""
    place = Path(path)
    return is_archive(place) or (spark_wrote(place) and not (place / SAVED_MODEL).is_dir())


def scratch_folder() -> Path:
    """Return a folder that is removed when the process ends. Until then, executors may fetch from it."""
    if not _scratch:
        _scratch.append(tempfile.TemporaryDirectory(prefix="distilnp-spark-"))
    return Path(_scratch[0].name)


def _bundled_name(folder: Path) -> str:
    return next((name for name, path in bundled_models().items() if path == folder), "")


_scratch: list[tempfile.TemporaryDirectory[str]] = []
