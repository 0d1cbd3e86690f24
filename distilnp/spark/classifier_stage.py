"""`DistilnpClassifier` and `classify`: a column of text becomes a column of predictions, in one stage."""

import os
from typing import Any, Unpack

from pyspark.ml import Transformer
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    BooleanType,
    DoubleType,
    IntegerType,
    MapType,
    StringType,
    StructType,
)

from ..choices import DEFAULT_MODEL, FunctionToApply
from ..errors import ArgumentError, InputTypeError
from ..foreign import shown
from ..options import LoadOptions, label_tuple
from .columns import check_column, quoted
from .loaded_model import LoadedModel
from .model_files import ModelFiles
from .model_stage import ModelStage
from .params import declared, expect_choice, with_params
from .worker import Predicted, in_workers

# The attributes of `distilnp.Prediction`.
PREDICTION = (
    StructType()
    .add("label", StringType())
    .add("score", DoubleType())
    .add("labels", ArrayType(StringType()))
    .add("scores", MapType(StringType(), DoubleType()))
    .add("n_tokens", IntegerType())
    .add("n_seen", IntegerType())
    .add("truncated", BooleanType())
)

# An array of one struct, because Python workers cannot give a null struct.
PREDICTIONS = ArrayType(PREDICTION)


def classify(
    dataset: DataFrame,
    column: str,
    model: str | os.PathLike[str] = DEFAULT_MODEL,
    *,
    output: str = "prediction",
    **options: Unpack[LoadOptions],
) -> DataFrame:
    """Classify a column of a DataFrame of Spark.

    Parameters
    ----------
    dataset : DataFrame
        Of classic Spark or of Spark Connect; a stream as well.
    column : str
        A column of text.
    model, **options
        See `distilnp.load`. `threads` is for each Python worker: by default, one for each CPU of a task.
    output : str, optional
        The name of the new column.

    Returns
    -------
    DataFrame
        The rows with the new column, a struct with the attributes of a `Prediction`: label, score, labels,
        scores, n_tokens, n_seen, truncated. It is null where the text is null. Nothing is computed before
        Spark needs it.

    Raises
    ------
    ArgumentError
        There is no such column, or it has no text; or an option cannot be used with this model.
    DistilnpError
        See `distilnp.load`: the model is loaded on the driver first.
    """
    check_texts(dataset, column)
    files = ModelFiles.find(model, local_files_only=options.pop("local_files_only", False))
    threads = options.pop("threads", None)
    if (labels := options.get("labels")) is not None:
        options["labels"] = label_tuple(labels)
    loaded = LoadedModel(files, tuple(options.items()), threads=threads)
    loaded = loaded.for_executors(dataset.sparkSession, may_send=True)
    return _classified(dataset, column, output, loaded)


@with_params
class DistilnpClassifier(ModelStage, Transformer):
    """Classifies a column of text: the stage for pipelines that have never seen Spark NLP.

    The output column is a struct with the attributes of a `distilnp.Prediction`, null where the text is null.

    Parameters
    ----------
    inputCol, outputCol : str, optional
        The column of text, and the name of the new column.
    model : str or path, optional
        See `distilnp.load`.
    **params
        Any other Param of this stage.

    Raises
    ------
    ModelNotFoundError, CheckpointError
        See `distilnp.load`; but for the weights, which are read when they are used.
    InputTypeError, ArgumentError
        There is no such Param, or it cannot have this value.

    Examples
    --------
    >>> from distilnp.spark import DistilnpClassifier
    >>> DistilnpClassifier(inputCol="text", outputCol="mood").getClasses()
    ['NEGATIVE', 'POSITIVE']
    """

    inputCol = declared(str, "the column of text")
    outputCol = declared(str, "the column of predictions")
    maxLength = declared(int, "the most tokens that the model is given at once; by default, all it can take")
    sentences = declared(str, "the language by whose rules texts are split; by default, they are not")
    functionToApply = declared(str, "what turns logits into scores: softmax, sigmoid, none")

    def __init__(
        self,
        inputCol: str | None = None,
        outputCol: str = "prediction",
        model: str | os.PathLike[str] = DEFAULT_MODEL,
        **params: Any,
    ) -> None:
        super().__init__()
        self._setDefault(outputCol="prediction")
        self.take_files(ModelFiles.find(model))
        given = {"inputCol": inputCol, "outputCol": outputCol, **params}
        self.setParams(**{name: value for name, value in given.items() if value is not None})

    def check_param(self, name: str, value: Any) -> None:
        """Check a value, as far as it can be known before the model is loaded."""
        super().check_param(name, value)
        if name == "functionToApply":
            expect_choice(name, value, FunctionToApply)

    def _transform(self, dataset: DataFrame) -> DataFrame:
        column = self.getParamValue("inputCol")
        if column is None:
            raise ArgumentError("DistilnpClassifier has no inputCol: set it to the column of text")
        check_texts(dataset, column)
        model = self.model(
            max_length=self.getParamValue("maxLength"),
            sentences=self.getParamValue("sentences") or False,
            function_to_apply=self.getParamValue("functionToApply"),
            threshold=self.getParamValue("threshold"),
        )
        return _classified(
            dataset, column, self.getOrDefault("outputCol"), self.model_for_executors(model, dataset)
        )


def check_texts(dataset: DataFrame, column: str) -> None:
    """Raise an error unless a DataFrame has a column of text."""
    if not hasattr(dataset, "sparkSession"):
        raise InputTypeError(
            f"dataset is {type(dataset).__name__}, expected a DataFrame of Spark. Texts elsewhere go to "
            "distilnp.classify"
        )
    kind = check_column("the classifier", "the input column", column, dataset)
    if not isinstance(kind, StringType):
        raise ArgumentError(
            f"the input column {shown(column)} is of {kind.simpleString()[:60]}, expected string. Cast it"
        )


def _classified(dataset: DataFrame, column: str, output: str, model: LoadedModel) -> DataFrame:
    predictions = in_workers(Predicted(model), PREDICTIONS, F.col(quoted(column)))
    return dataset.withColumn(output, F.get(predictions, 0))
