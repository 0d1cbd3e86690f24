"""What stages with a model have in common: the Params that every model has, and how it is loaded."""

from typing import Any

from pyspark.sql import DataFrame

from ..choices import DEFAULT_LONG_TEXT, DEFAULT_PRECISION, LongText, Precision
from ..errors import ArgumentError
from .loaded_model import LoadedModel
from .model_files import ModelFiles
from .params import StageParams, declared, expect_at_least, expect_choice, expect_one_of, with_params
from .saving import SavesModel


@with_params
class ModelStage(SavesModel, StageParams):
    """A stage that has a model."""

    longText = declared(str, "which part of a longer text is read: head, tail, head_tail, windows, error")
    threshold = declared(float, "the score above which a label applies, if scores are sigmoids")
    calibrated = declared(bool, "whether the logits are divided by the temperature of the model")
    precision = declared(str, "the arithmetic: float32 or int8")
    threads = declared(int, "threads of each Python worker; by default one for each CPU of a task")
    modelFiles = declared(str, "how executors get the files: sent, or shared for a folder that all have")

    def __init__(self) -> None:
        super().__init__()
        self._files: ModelFiles | None = None
        self._setDefault(
            longText=DEFAULT_LONG_TEXT, calibrated=False, precision=DEFAULT_PRECISION, modelFiles="sent"
        )

    @property
    def files(self) -> ModelFiles:
        """The files of the model."""
        if self._files is None:
            raise ArgumentError(
                f"{type(self).__name__} has no model. Make one that has: pretrained(name), "
                "loadSavedModel(folder) or load(path)"
            )
        return self._files

    def take_files(self, files: ModelFiles) -> None:
        """Take a model."""
        self._files = files

    def getClasses(self) -> list[str]:
        """Return the labels, in the order of their ids."""
        return list(self.files.labels)

    def check_param(self, name: str, value: Any) -> None:
        """Check a value, as far as it can be known before the model is loaded."""
        if name == "longText":
            expect_choice(name, value, LongText)
        if name == "threshold" and not 0 <= value <= 1:
            raise ArgumentError(f"threshold is {value}, expected a number from 0 to 1")
        if name == "precision":
            expect_choice(name, value, Precision)
        if name == "threads":
            expect_at_least(name, value, 1)
        if name == "modelFiles":
            expect_one_of(name, value, ("sent", "shared"))

    def model(self, *, lowercase: bool | None = None, **options: Any) -> LoadedModel:
        """Return the model with the options of this stage, and with those that are given."""
        options = {
            "long_text": self.getOrDefault("longText"),
            "calibrated": self.getOrDefault("calibrated"),
            "precision": self.getOrDefault("precision"),
            **options,
        }
        return LoadedModel(
            self.files, tuple(options.items()), lowercase=lowercase, threads=self.getParamValue("threads")
        )

    def model_for_executors(self, model: LoadedModel, dataset: DataFrame) -> LoadedModel:
        """Load the model on the driver, and send its files to the executors that need them."""
        may_send = self.getOrDefault("modelFiles") == "sent"
        return model.for_executors(dataset.sparkSession, may_send=may_send)
