"""`DistilBertForSequenceClassification`: documents become categories. It takes the place of Spark NLP's."""

import os
import warnings
from dataclasses import replace
from typing import Any, ClassVar

from pyspark.ml.util import MLReader
from pyspark.sql import DataFrame

from ..api import Classifier
from ..checkpoint.config_json import read_config
from ..checkpoint.spark_nlp import package_params
from ..choices import DEFAULT_THRESHOLD, FunctionToApply
from ..errors import ArgumentError
from ..scoring import default_function
from ..tokenizer import Tokenizer
from .annotation import CATEGORY, DOCUMENT, TOKEN
from .annotator_stage import Annotator
from .loaded_model import LoadedModel
from .model_files import ModelFiles, find_download, find_model, is_package
from .model_stage import ModelStage
from .params import declared, expect_one_of, with_params
from .saving import SavedStageReader
from .work import Categories

# As the annotator of Spark NLP.
DEFAULT_NAME = "distilbert_base_sequence_classifier_imdb"
DEFAULT_MAX_SENTENCE_LENGTH = 128
DEFAULT_BATCH_SIZE = 8

# The functions of `distilnp.load`, under the names of Spark NLP.
ACTIVATIONS: dict[str, FunctionToApply] = {"softmax": "softmax", "sigmoid": "sigmoid", "identity": "none"}


@with_params
class DistilBertForSequenceClassification(ModelStage, Annotator):
    """Classifies documents or sentences, with the Params of Spark NLP's annotator of this name.

    `pretrained`, `loadSavedModel` and `load` make one that has a model. Of the input columns, only the one of
    documents is read; that of tokens may be left out.

    Examples
    --------
    >>> from distilnp.spark.annotator import DistilBertForSequenceClassification
    >>> classifier = DistilBertForSequenceClassification.pretrained("sst2-mini")
    >>> classifier.getClasses()
    ['NEGATIVE', 'POSITIVE']
    """

    INPUT_TYPES = (DOCUMENT, TOKEN)
    OUTPUT_TYPE = CATEGORY

    maxSentenceLength = declared(int, "the most tokens of a document that the model is given")
    coalesceSentences = declared(bool, "whether a row gets the mean of the scores of its sentences")
    activation = declared(str, f"what turns logits into scores: {', '.join(ACTIVATIONS)}")
    multilabel = declared(bool, "whether several labels may apply at once, by sigmoid")
    caseSensitive = declared(bool, "whether the case of letters is kept; forceCaseSensitive makes it count")
    forceCaseSensitive = declared(bool, "whether caseSensitive decides, and not the files of the model")
    batchSize = declared(int, "the documents that are computed at once")
    configProtoBytes = declared(list, "a configuration of TensorFlow")
    engine = declared(str, "what computes")

    UNUSED: ClassVar[dict[str, str]] = {
        **Annotator.UNUSED,
        "batchSize": "documents are gathered by their tokens, and scores do not depend on the batch",
        "configProtoBytes": "no TensorFlow runs here",
        "engine": "distilnp computes",
    }

    def __init__(self, files: ModelFiles | None = None) -> None:
        super().__init__()
        self._setDefault(
            maxSentenceLength=DEFAULT_MAX_SENTENCE_LENGTH,
            coalesceSentences=False,
            activation="softmax",
            multilabel=False,
            threshold=DEFAULT_THRESHOLD,
            caseSensitive=True,
            forceCaseSensitive=False,
            batchSize=DEFAULT_BATCH_SIZE,
            engine="distilnp",
        )
        if files is not None:
            self.take_files(files)

    @classmethod
    def pretrained(
        cls, name: str = DEFAULT_NAME, lang: str = "en", remote_loc: str | None = None
    ) -> "DistilBertForSequenceClassification":
        """Find a model, on the driver, and fetch it if necessary.

        Parameters
        ----------
        name : str, optional
            A name that Spark NLP has for a model, or any that `distilnp.load` takes. The default is Spark
            NLP's.
        lang : str, optional
            Its language. Only the names of Spark NLP's archives have it.
        remote_loc : str, optional
            A folder with the archives of Spark NLP, or with what it unpacked from them. By default, models
            come with distilnp, or from the Hugging Face hub.

        Raises
        ------
        ModelNotFoundError
            There is no such model. A `DownloadError` if it cannot be fetched.
        CheckpointError
            Its files cannot be used.
        """
        if remote_loc is None:
            return cls(find_model(name, lang))
        return cls.of_path(find_download(name, lang, remote_loc))

    @classmethod
    def loadSavedModel(
        cls, folder: str | os.PathLike[str], spark_session: object = None
    ) -> "DistilBertForSequenceClassification":
        """Load the folder that `save_pretrained` of transformers wrote, as it is, or a package of Spark NLP.

        Parameters
        ----------
        folder : str or path
            See `distilnp.load`.
        spark_session : SparkSession, optional
            Not needed; Spark NLP needs it.

        Raises
        ------
        DistilnpError
            See `distilnp.load`.
        """
        return cls.of_path(folder)

    @classmethod
    def of_path(cls, path: str | os.PathLike[str]) -> "DistilBertForSequenceClassification":
        """Load a model from a path, with the Params that a package of Spark NLP has.

        Raises
        ------
        DistilnpError
            See `distilnp.load`; or a Param of the package has a value that cannot be used.
        """
        stage = cls(ModelFiles.find(path))
        for name, value in package_params(path).items() if is_package(path) else ():
            if stage.hasParam(name) and name not in stage.UNUSED:
                stage.setParamValue(name, value)
        return stage

    @classmethod
    def read(cls) -> "MLReader[Any]":
        """Return what loads a stage that was saved, here or by Spark NLP."""
        return _Reader(cls)

    def getActivation(self) -> str:
        """Return what turns logits into scores; "sigmoid" if several labels may apply at once."""
        return "sigmoid" if self.getOrDefault("multilabel") else str(self.getOrDefault("activation"))

    def setCaseSensitive(self, value: bool) -> Any:
        """Set whether the case of letters is kept; only `forceCaseSensitive` makes it count."""
        self.setParamValue("caseSensitive", value)
        if value and self._files is not None and self._lowercases():
            warnings.warn(
                "caseSensitive is True, and the tokenizer of this model lowercases. The model was trained "
                "that way, so text is lowercased. setForceCaseSensitive(True) keeps the case, as Spark NLP "
                "does: then capitalised words become [UNK]",
                stacklevel=2,
            )
        return self

    def setMultilabel(self, value: bool) -> Any:
        """Set whether several labels may apply at once; sets `activation` as well."""
        self.setParamValue("multilabel", value)
        return self._set(activation="sigmoid" if value else "softmax")

    def setConfigProtoBytes(self, value: list[int]) -> Any:
        """Accept a configuration of TensorFlow, which has no effect."""
        return self.setParamValue("configProtoBytes", [str(byte) for byte in value])

    def check_param(self, name: str, value: Any) -> None:
        """Check a value, as far as it can be known before the model is loaded."""
        super().check_param(name, value)
        if name == "activation":
            expect_one_of(name, value, tuple(ACTIVATIONS))
        if name == "maxSentenceLength" and self._files is not None:
            positions = read_config(self._files.folder_path).max_position_embeddings
            if not 3 <= value <= positions:
                raise ArgumentError(
                    f"maxSentenceLength is {value}, expected an integer from 3 ([CLS], [SEP] and a token) to "
                    f"{positions}, the number of positions of this model. Longer documents are read to their "
                    "end with longText 'windows'"
                )

    def work(self) -> Categories:
        """Return what classifies the documents of each row."""
        return Categories(self._model(), self.getOrDefault("coalesceSentences"))

    def work_for_executors(self, dataset: DataFrame) -> Categories:
        """Return the same for executors."""
        work = self.work()
        return replace(work, model=self.model_for_executors(work.model, dataset))

    def classifier(self) -> Classifier:
        """Return the classifier itself, as it is on the driver."""
        return self._model().classifier()

    def _model(self) -> LoadedModel:
        function = ACTIVATIONS[self.getActivation()]
        positions = read_config(self.files.folder_path).max_position_embeddings
        force = self.getOrDefault("forceCaseSensitive")
        return self.model(
            lowercase=not self.getOrDefault("caseSensitive") if force else None,
            max_length=min(self.getOrDefault("maxSentenceLength"), positions),
            function_to_apply=function,
            threshold=self.getOrDefault("threshold") if function == "sigmoid" else None,
        )

    def take_files(self, files: ModelFiles) -> None:
        """Take a model, and its own way to score as the default."""
        super().take_files(files)
        function = default_function(read_config(files.folder_path))
        self._setDefault(activation=next(name for name, value in ACTIVATIONS.items() if value == function))

    def _lowercases(self) -> bool:
        return Tokenizer.from_folder(self.files.folder_path).settings.lowercase


class _Reader(SavedStageReader):
    """Loads what this stage or Spark NLP's has saved. Spark NLP's has to be on this machine."""

    def load(self, path: str) -> Any:
        """Return the stage."""
        local = path.removeprefix("file://").removeprefix("file:")
        return self.stage_class.of_path(local) if is_package(local) else super().load(path)
