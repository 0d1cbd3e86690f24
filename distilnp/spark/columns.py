"""Columns of annotations: their schema, which is Spark NLP's, and how Python workers fill them."""

from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    DataType,
    FloatType,
    IntegerType,
    MapType,
    StringType,
    StructField,
    StructType,
)

from ..errors import ArgumentError
from ..foreign import shown
from .work import Work
from .worker import Annotated, in_workers

ANNOTATION = StructType(
    [
        StructField("annotatorType", StringType(), nullable=True),
        StructField("begin", IntegerType(), nullable=False),
        StructField("end", IntegerType(), nullable=False),
        StructField("result", StringType(), nullable=True),
        StructField("metadata", MapType(StringType(), StringType(), valueContainsNull=True), nullable=True),
        StructField("embeddings", ArrayType(FloatType(), containsNull=False), nullable=True),
    ]
)
ANNOTATIONS = ArrayType(ANNOTATION, containsNull=True)

# Says in the metadata of a column which kind of annotation it has.
ANNOTATOR_TYPE = "annotatorType"


def check_column(stage: str, param: str, column: str, dataset: DataFrame) -> DataType:
    """Return the type of a column.

    Raises
    ------
    ArgumentError
        There is no such column, or there are several.
    """
    fields = [field for field in dataset.schema.fields if field.name == column]
    if len(fields) != 1:
        names = ", ".join(shown(name, 60) for name in dataset.columns)
        found = "is not a column" if not fields else f"is the name of {len(fields)} columns"
        raise ArgumentError(f"{param} of {stage} is {shown(column)}, which {found}. The columns are {names}")
    return fields[0].dataType


def check_annotations(stage: str, param: str, column: str, dataset: DataFrame) -> str:
    """Return the type of the annotations of a column; empty if its metadata does not say.

    Raises
    ------
    ArgumentError
        There is no such column, or it has no annotations.
    """
    kind = check_column(stage, param, column, dataset)
    fields = kind.elementType.fieldNames() if _is_array_of_structs(kind) else []
    if not {"begin", "end", "result", "metadata"} <= set(fields):
        raise ArgumentError(
            f"{param} of {stage} is {shown(column)}, a column of {kind.simpleString()[:60]}, expected one of "
            "annotations, such as a DocumentAssembler makes from a column of text"
        )
    return str(dataset.schema[column].metadata.get(ANNOTATOR_TYPE, ""))


def with_annotations(dataset: DataFrame, name: str, annotator_type: str, column: Column) -> DataFrame:
    """Return the rows with a column of annotations, in the place of one that has its name already."""
    # `select`, because Spark Connect forgets the metadata in `withColumn`, and `withMetadata` takes a dot in
    # the name for a field.
    new = f"{name} of distilnp" if name in dataset.columns else name
    added = dataset.select("*", column.alias(new, metadata={ANNOTATOR_TYPE: annotator_type}))
    return added if new == name else added.drop(name).withColumnRenamed(new, name)


def annotate(work: Work, column: str) -> Column:
    """Return the column of annotations that `work` makes from those of another column."""
    given = F.col(quoted(column))
    sentences = F.transform(given, lambda annotation: annotation["metadata"]["sentence"])
    return in_workers(Annotated(work), ANNOTATIONS, given["begin"], given["end"], given["result"], sentences)


def quoted(column: str) -> str:
    """Return the name of a column so that Spark reads a dot in it as part of the name."""
    return "`" + column.replace("`", "``") + "`"


def _is_array_of_structs(kind: Any) -> bool:
    return isinstance(kind, ArrayType) and isinstance(kind.elementType, StructType)
