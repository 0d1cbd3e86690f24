"""`Finisher`: columns of annotations become columns of plain values, by expressions of Spark SQL alone."""

from typing import Any, ClassVar

from pyspark.ml import Transformer
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ..errors import ArgumentError
from ..foreign import shown
from .columns import ANNOTATOR_TYPE, check_annotations, quoted
from .params import StageParams, declared, strings, with_params


@with_params
class Finisher(Transformer, StageParams):
    """Takes the results out of annotations: the last stage of a pipeline."""

    inputCols = declared(list, "the columns of annotations")
    outputCols = declared(list, "the columns of results; by default finished_ and the name of the input")
    outputAsArray = declared(bool, "whether results are arrays, and not joined")
    cleanAnnotations = declared(bool, "whether the columns of annotations are left out")
    includeMetadata = declared(bool, "whether the metadata are added")
    annotationSplitSymbol = declared(str, "what joins the results of a row")
    valueSplitSymbol = declared(str, "what joins the metadata of a result")
    parseEmbeddingsVectors = declared(bool, "whether embeddings are results")

    UNUSED: ClassVar[dict[str, str]] = {"parseEmbeddingsVectors": "no annotation here has embeddings"}

    def __init__(self) -> None:
        super().__init__()
        self._setDefault(
            outputCols=[],
            outputAsArray=True,
            cleanAnnotations=True,
            includeMetadata=False,
            annotationSplitSymbol="@",
            valueSplitSymbol="#",
            parseEmbeddingsVectors=False,
        )

    def setInputCols(self, *value: Any) -> Any:
        """Set the columns of annotations, one by one or as a list."""
        return self.setParamValue("inputCols", strings("inputCols", value))

    def setOutputCols(self, *value: Any) -> Any:
        """Set the columns of results, one by one or as a list: as many as there are input columns."""
        return self.setParamValue("outputCols", strings("outputCols", value))

    def _transform(self, dataset: DataFrame) -> DataFrame:
        columns = self.getParamValue("inputCols")
        if not columns:
            raise ArgumentError("Finisher has no inputCols: set them to columns of annotations")
        outputs = self.getOrDefault("outputCols") or [f"finished_{column}" for column in columns]
        if len(outputs) != len(columns):
            raise ArgumentError(
                f"outputCols of Finisher is {shown(outputs)}, expected {len(columns)} names, one for each of "
                f"inputCols, {shown(columns)}"
            )
        finished = dataset
        for column, output in zip(columns, outputs, strict=True):
            check_annotations("Finisher", "inputCols", column, dataset)
            annotations = F.coalesce(F.col(quoted(column)), F.array().cast(dataset.schema[column].dataType))
            finished = finished.withColumn(output, self._results(annotations))
            if self.getOrDefault("includeMetadata") and self.getOrDefault("outputAsArray"):
                finished = finished.withColumn(f"{output}_metadata", _metadata(annotations))
        if not self.getOrDefault("cleanAnnotations"):
            return finished
        kept = [field.name for field in finished.schema.fields if ANNOTATOR_TYPE not in field.metadata]
        return finished.select(*(quoted(name) for name in kept))

    def _results(self, annotations: Column) -> Column:
        results = annotations["result"]
        if self.getOrDefault("outputAsArray"):
            return results
        if self.getOrDefault("includeMetadata"):
            separator = self.getOrDefault("valueSplitSymbol")
            results = F.transform(annotations, lambda annotation: _detail(annotation, separator))
        return F.concat_ws(self.getOrDefault("annotationSplitSymbol"), results)


def _metadata(annotations: Column) -> Column:
    """Return the keys and values of all annotations of a row, in their order."""
    entries = F.transform(annotations, lambda annotation: F.map_entries(annotation["metadata"]))
    return F.flatten(entries).cast("array<struct<_1:string,_2:string>>")


def _detail(annotation: Column, separator: str) -> Column:
    """Return the metadata and the result of an annotation as one text: sentence->0#...#result->POSITIVE."""
    entries = F.transform(
        F.map_entries(annotation["metadata"]), lambda entry: F.concat_ws("->", entry["key"], entry["value"])
    )
    result = F.concat(F.lit("result->"), annotation["result"])
    return F.concat_ws(separator, F.concat(entries, F.array(result)))
