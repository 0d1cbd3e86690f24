"""How a model gets from the driver to the executors: by its name, by a shared path, or in an archive.

The driver finds the model and loads it, so that a wrong name or a damaged file is an error there. What travels
to the Python workers is small: where the files are, the options, and the fingerprint. A worker loads the
model once, keeps it, and refuses to answer if the fingerprint differs.
"""

import glob
import os
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from ..api import Classifier, kept_classifier
from ..checkpoint.config_json import read_config
from ..checkpoint.files import CONFIG, TOKENIZER_FILES
from ..checkpoint.registry import bundled_models, find_checkpoint, hub_model, promised_labels
from ..checkpoint.tensors import find_weights
from ..errors import CheckpointError, ModelNotFoundError
from ..foreign import shown
from ..fork_lock import ForkLock
from ..options import LoadOptions
from ..tokenizer import Tokenizer

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Of the known names.
LANGUAGE = "en"

# Bytes that are read at a time.
CHUNK = 1 << 20


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

    def digest(self) -> str:
        """Return the SHA-256 of the files and their names."""
        digest = sha256()
        for path in self.files():
            digest.update(path.name.encode())
            with path.open("rb") as file:
                while chunk := file.read(CHUNK):
                    digest.update(chunk)
        return digest.hexdigest()

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
            candidates = [*_unpacked(self.archive), *candidates]
        for folder in candidates:
            if (folder / CONFIG).is_file():
                return folder
        where = " or ".join(str(folder) for folder in candidates)
        raise ModelNotFoundError(
            f"the model is not on this machine, expected its files in {where}. Put them into a folder that "
            'all machines share, or leave modelFiles at "sent", which sends them to the executors'
        )

    def sent(self, spark: "SparkSession") -> "ModelFiles":
        """Send the files to the executors of a session, unless these have them; return where they are."""
        if self.name or spark.conf.get("spark.master", "").startswith("local"):
            return self
        with _sending.held():
            archive = _archive(self)
            _send(spark, archive)
        return replace(self, archive=archive.name)


@dataclass(frozen=True)
class LoadedModel:
    """A classifier that each process loads for itself, once.

    Attributes
    ----------
    files : ModelFiles
        Its files.
    options : tuple of (str, object)
        The keywords of `distilnp.load`, without `threads`.
    lowercase : bool or None
        Whether the tokenizer lowercases, if that is not what the files say.
    threads : int or None
        Threads to compute with; None is one for each CPU of the task.
    fingerprint : str
        What `Classifier.fingerprint` has to be; empty on the driver, which finds out.
    """

    files: ModelFiles
    options: tuple[tuple[str, Any], ...]
    lowercase: bool | None = None
    threads: int | None = None
    fingerprint: str = ""

    def classifier(self) -> Classifier:
        """Return the classifier.

        Raises
        ------
        CheckpointError
            The files on this machine are others than the driver's.
        DistilnpError
            See `distilnp.load`.
        """
        return _kept(self, self.threads or _task_cpus())

    def for_executors(self, spark: "SparkSession", *, send: bool) -> "LoadedModel":
        """Load the classifier on the driver, and return what the executors need to load the same one."""
        files = self.files.sent(spark) if send else self.files
        return replace(self, files=files, fingerprint=self.classifier().fingerprint)


@lru_cache(maxsize=64)  # a process has a handful of models and settings; `kept_classifier` keeps the weights
def _kept(model: LoadedModel, threads: int | None) -> Classifier:
    folder = model.files.located()
    options: LoadOptions = dict(model.options)  # type: ignore[assignment]  # checked by `load`
    options.setdefault("labels", model.files.labels)
    classifier = kept_classifier(folder, threads=threads, **options)
    if model.lowercase is not None:
        settings = replace(classifier.tokenizer.settings, lowercase=model.lowercase)
        classifier = replace(classifier, reading=replace(classifier.reading, tokenizer=Tokenizer(settings)))
    if model.fingerprint and classifier.fingerprint != model.fingerprint:
        raise CheckpointError(
            f"the model in {folder} has the fingerprint {classifier.fingerprint} on this machine, expected "
            f"{model.fingerprint}, as on the driver. The files differ, or distilnp has another version: use "
            "the same on all machines"
        )
    return classifier


def _task_cpus() -> int | None:
    """Return the CPUs of the task of Spark that this process works on, or None outside a task."""
    from pyspark import TaskContext

    context = TaskContext.get()
    return None if context is None else context.cpus()


def _bundled_name(folder: Path) -> str:
    return next((name for name, path in bundled_models().items() if path == folder), "")


_sending = ForkLock()
_archives: dict[ModelFiles, Path] = {}
_scratch: list[tempfile.TemporaryDirectory[str]] = []
_sent: WeakKeyDictionary["SparkSession", set[str]] = WeakKeyDictionary()


def find_model(name: str, lang: str, remote_loc: str | os.PathLike[str] | None) -> ModelFiles:
    """Find a model by what `pretrained` of Spark NLP takes.

    Raises
    ------
    ModelNotFoundError, CheckpointError
        See `ModelFiles.find`.
    """
    if remote_loc is not None:
        return ModelFiles.find(_download(name, lang, Path(remote_loc)))
    if hub_model(name) is not None and lang != LANGUAGE:
        raise ModelNotFoundError(f"no model {shown(name)} for the language {shown(lang)}, expected {LANGUAGE!r}")
    return ModelFiles.find(name)


def _download(name: str, lang: str, folder: Path) -> Path:
    """Return the newest archive of a model in a folder, or what Spark NLP has unpacked from it."""
    if not folder.is_dir():
        raise ModelNotFoundError(
            f"remote_loc is {shown(os.fspath(folder))}, expected a folder with what Spark NLP has downloaded "
            "(its cache_pretrained), or with the archives that the cards of its models link to. Fetch the "
            "archive first: distilnp does not read from S3"
        )
    # The name ends with the versions of Spark NLP and Spark and the time: 3.3.3_3.0_1637497948943.
    found = sorted(folder.glob(f"{glob.escape(f'{name}_{lang}')}_*"), key=lambda path: path.name.split("_")[-1])
    if not found:
        there = ", ".join(sorted(shown(path.name, 60) for path in folder.iterdir())[:10]) or "nothing"
        raise ModelNotFoundError(
            f"no model {shown(name)} for the language {shown(lang)} in {folder}, expected {name}_{lang}_*.zip "
            f"or a folder of that name. There is {there}"
        )
    return found[-1]


def restored(files: Iterable[tuple[str, bytes]], labels: tuple[str, ...]) -> ModelFiles:
    """Write the files of a saved model, in parts and in order, into a folder; return the model there."""
    folder = Path(tempfile.mkdtemp(dir=_scratch_folder()))
    for name, part in files:
        with (folder / Path(name).name).open("ab") as file:
            file.write(part)
    model = ModelFiles("", os.fspath(folder), labels)
    digest = model.digest()
    for name in bundled_models():  # an executor has those already
        bundled = ModelFiles.find(name)
        if bundled.digest() == digest:
            return replace(bundled, labels=labels)
    return model


def _scratch_folder() -> Path:
    """Return a folder that is removed when the process ends. Until then, executors may fetch from it."""
    if not _scratch:
        _scratch.append(tempfile.TemporaryDirectory(prefix="distilnp-spark-"))
    return Path(_scratch[0].name)


def _archive(files: ModelFiles) -> Path:
    """Return an archive of the files of a model, made once in a process."""
    if files not in _archives:
        # The name is the content, so that no executor takes one model for another.
        archive = _scratch_folder() / f"distilnp-{files.digest()[:16]}.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED, strict_timestamps=False) as target:
            for path in files.files():
                target.write(path, path.name)
        _archives[files] = archive
    return _archives[files]


def _send(spark: "SparkSession", archive: Path) -> None:
    """Give an archive to a session, which unpacks it on every executor. A second time does nothing."""
    sent = _sent.setdefault(spark, set())
    if archive.name in sent:
        return
    if "connect" in type(spark).__module__:
        spark.addArtifacts(os.fspath(archive), archive=True)
    else:
        spark.sparkContext.addArchive(os.fspath(archive))
    sent.add(archive.name)


def _unpacked(archive: str) -> list[Path]:
    """Return where an archive may be unpacked on this machine."""
    from pyspark import SparkFiles

    return [Path(SparkFiles.get(archive)), Path(SparkFiles.getRootDirectory()) / archive, Path(archive)]
