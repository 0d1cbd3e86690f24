"""A classifier that travels as a few hundred bytes: where its files are, the options, and the fingerprint.

The driver loads the model first, so that a wrong name or a damaged file is an error there. A Python worker
loads it once, keeps it, and refuses to answer if its fingerprint is not the driver's.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..api import Classifier, kept_classifier
from ..errors import CheckpointError
from ..options import LoadOptions
from ..tokenizer import Tokenizer
from .model_files import ModelFiles
from .sending import have_files, send

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


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
        threads = self.threads or task_cpus()
        # By its text, because an option may be a list. `kept_classifier` keeps the weights; this keeps the
        # fingerprint from being computed for every batch.
        key = repr((self, threads))
        if key not in _kept:
            _kept[key] = _loaded(self, threads)
        return _kept[key]

    def for_executors(self, spark: "SparkSession", *, may_send: bool) -> "LoadedModel":
        """Load the classifier on the driver, and return what the executors need to load the same one."""
        files = self.files
        if may_send and not have_files(files, spark):
            files = send(files, spark)
        return replace(self, files=files, fingerprint=self.classifier().fingerprint)


def _loaded(model: LoadedModel, threads: int | None) -> Classifier:
    folder = model.files.located()
    options: LoadOptions = {"labels": model.files.labels, "threads": threads}
    options.update(dict(model.options))  # type: ignore[typeddict-item]  # `load` checks them
    classifier = kept_classifier(folder, **options)
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


def task_cpus() -> int | None:
    """Return the CPUs of the task of Spark that this process works on, or None outside a task."""
    from pyspark import TaskContext

    context = TaskContext.get()
    return None if context is None else context.cpus()


_kept: dict[str, Classifier] = {}
