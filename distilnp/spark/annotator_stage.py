"""A stage that turns a column of annotations into another one, in Spark's Python workers."""

from abc import abstractmethod
from typing import Any, ClassVar

from pyspark.ml import Transformer
from pyspark.sql import DataFrame

from ..errors import ArgumentError
from ..foreign import shown
from .annotation import DOCUMENT
from .columns import annotate, check_annotations, with_annotations
from .params import StageParams, declared, strings, with_params
from .work import Work


@with_params
class Annotator(Transformer, StageParams):
    """A stage with input columns and an output column of annotations.

    Attributes
    ----------
    INPUT_TYPES : tuple of str
        The types of the annotations that Spark NLP wants as input. Only documents are read here.
    OUTPUT_TYPE : str
        The type of the annotations in the output column.
    """

    INPUT_TYPES: ClassVar[tuple[str, ...]]
    OUTPUT_TYPE: ClassVar[str]

    inputCols = declared(list, "the columns of annotations that are read")
    outputCol = declared(str, "the column of annotations that is made")
    lazyAnnotator = declared(bool, "only for the recursive pipelines of Spark NLP")

    UNUSED: ClassVar[dict[str, str]] = {"lazyAnnotator": "there are no recursive pipelines"}

    def __init__(self) -> None:
        super().__init__()
        self._setDefault(lazyAnnotator=False)

    def setInputCols(self, *value: Any) -> Any:
        """Set the input columns, one by one or as a list, in any order.

        Raises
        ------
        ArgumentError, InputTypeError
            There are too many, or they are not names.
        """
        columns = strings("inputCols", value)
        if not 1 <= len(columns) <= len(self.INPUT_TYPES):
            raise ArgumentError(
                f"inputCols of {type(self).__name__} is {shown(columns)}, expected "
                f"{len(self.INPUT_TYPES)} columns of annotations: {' and '.join(self.INPUT_TYPES)}"
            )
        return self.setParamValue("inputCols", columns)

    @abstractmethod
    def work(self) -> Work:
        """Return what is done with each row, for this process."""

    def work_for_executors(self, dataset: DataFrame) -> Work:
        """Return what is done with each row, for Spark's Python workers."""
        return self.work()

    def input_column(self, columns: dict[str, str]) -> str:
        """Return the column to read: the only one of documents among the input columns.

        Parameters
        ----------
        columns : dict of str to str
            The type of the annotations in each input column; empty if it is unknown.

        Raises
        ------
        ArgumentError
            There is none, or there are several.
        """
        documents = [column for column, kind in columns.items() if kind == DOCUMENT]
        unknown = [column for column, kind in columns.items() if not kind]
        if len(documents or unknown) == 1:
            return (documents or unknown)[0]
        given = ", ".join(f"{shown(column)} of {kind or 'unknown type'}" for column, kind in columns.items())
        raise ArgumentError(
            f"inputCols of {type(self).__name__} has {given}, expected one of document alone. Put a "
            "DocumentAssembler or a SentenceDetector before it and name its output, or leave the others out. "
            'The type is in the metadata of a column: df.withMetadata(name, {"annotatorType": "document"})'
        )

    def named_columns(self) -> tuple[list[str], str]:
        """Return the input columns and the output column.

        Raises
        ------
        ArgumentError
            One of them is not set.
        """
        for name in ("inputCols", "outputCol"):
            if not self.isDefined(name):
                raise ArgumentError(f"{type(self).__name__} has no {name}: set it")
        return self.getOrDefault("inputCols"), self.getOrDefault("outputCol")

    def _transform(self, dataset: DataFrame) -> DataFrame:
        columns, output = self.named_columns()
        stage = type(self).__name__
        types = {column: check_annotations(stage, "inputCols", column, dataset) for column in columns}
        made = annotate(self.work_for_executors(dataset), self.input_column(types))
        return with_annotations(dataset, output, self.OUTPUT_TYPE, made)
