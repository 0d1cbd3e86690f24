"""`DocumentAssembler`: a column of text becomes a column of documents, by expressions of Spark SQL alone."""

import re
from typing import Any

from pyspark.ml import Transformer
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StringType

from ..errors import ArgumentError
from .annotation import DOCUMENT, Annotation, utf16_length
from .columns import ANNOTATIONS, check_column, quoted, with_annotations
from .params import StageParams, declared, expect_one_of, with_params

# What Java's String.trim removes.
TRIM = (r"^[\x00-\x20]+|[\x00-\x20]+$", "")
ESCAPED = r"(?:\\r)?(?:\\n)|(?:\\t)"

# What each mode replaces, in order. The patterns mean the same in Java and, with re.ASCII, in Python.
CLEANUP: dict[str, tuple[tuple[str, str], ...]] = {
    "disabled": (),
    "inplace": ((r"\s", " "),),
    "inplace_full": ((rf"\s|{ESCAPED}", " "),),
    "shrink": (TRIM, (r"\s+", " ")),
    "shrink_full": (TRIM, (r"\s+|(?:\\r)*(?:\\n)+|(?:\\t)+", " ")),
    "each": ((r"\s[\n\t]", " "),),
    "each_full": ((rf"\s(?:\n|\t|{ESCAPED})", " "),),
    "delete_full": (TRIM, (ESCAPED, "")),
}

# A character that has two UTF-16 units. Java's patterns see characters, not units.
ONE_UNIT = r"[\x{0}-\x{FFFF}]"


@with_params
class DocumentAssembler(Transformer, StageParams):
    """Makes documents of texts: the first stage of a pipeline.

    The input is a column of text, or of lists of texts, each of which becomes a document. A null becomes an
    empty document.
    """

    inputCol = declared(str, "the column of text")
    outputCol = declared(str, "the column of documents")
    idCol = declared(str, "a column whose value is kept in the metadata, under id")
    metadataCol = declared(str, "a column of maps that are added to the metadata")
    cleanupMode = declared(str, f"how white space is cleaned: {', '.join(CLEANUP)}")

    def __init__(self) -> None:
        super().__init__()
        self._setDefault(outputCol=DOCUMENT, cleanupMode="disabled")

    def setCleanupMode(self, value: str) -> "DocumentAssembler":
        """Set how white space is cleaned: any case will do."""
        is_text = isinstance(value, str)
        return self.setParamValue("cleanupMode", value.strip().lower() if is_text else value)

    def check_param(self, name: str, value: Any) -> None:
        """Check the mode of cleaning."""
        if name == "cleanupMode":
            expect_one_of(name, value, tuple(CLEANUP))

    def assemble(self, text: str) -> list[Annotation]:
        """Make the document of one text, without Spark."""
        for pattern, replacement in CLEANUP[self.getOrDefault("cleanupMode")]:
            text = re.sub(pattern, replacement, text, flags=re.ASCII)
        return [Annotation(DOCUMENT, 0, utf16_length(text) - 1, text)]

    def _transform(self, dataset: DataFrame) -> DataFrame:
        column = self.getParamValue("inputCol")
        if column is None:
            raise ArgumentError("DocumentAssembler has no inputCol: set it to the column of text")
        kind = check_column("DocumentAssembler", "inputCol", column, dataset)
        texts = F.col(quoted(column))
        if kind == StringType():
            documents = F.array(self._document(texts, F.lit("0"), dataset))
        elif isinstance(kind, ArrayType) and kind.elementType == StringType():
            documents = F.transform(texts, lambda text, i: self._document(text, i.cast("string"), dataset))
        else:
            raise ArgumentError(
                f"inputCol of DocumentAssembler is {column!r}, a column of {kind.simpleString()[:60]}, "
                "expected one of string or array<string>. Cast it"
            )
        return with_annotations(
            dataset, self.getOrDefault("outputCol"), DOCUMENT, documents.cast(ANNOTATIONS)
        )

    def _document(self, text: Column, index: Column, dataset: DataFrame) -> Column:
        text = F.coalesce(text, F.lit(""))
        for pattern, replacement in CLEANUP[self.getOrDefault("cleanupMode")]:
            text = F.regexp_replace(text, pattern, replacement)
        length = F.length(text) + F.length(F.regexp_replace(text, ONE_UNIT, ""))
        metadata = F.create_map(F.lit("sentence"), index)
        if (id_column := self.getParamValue("idCol")) is not None:
            check_column("DocumentAssembler", "idCol", id_column, dataset)
            identity = F.create_map(F.lit("id"), F.col(quoted(id_column)).cast("string"))
            metadata = F.map_concat(identity, metadata)
        if (more := self.getParamValue("metadataCol")) is not None:
            check_column("DocumentAssembler", "metadataCol", more, dataset)
            given = F.map_filter(F.col(quoted(more)), lambda key, _: ~key.isin("id", "sentence"))
            metadata = F.map_concat(F.coalesce(given, F.create_map().cast("map<string,string>")), metadata)
        # An empty array whose type says that it holds no null.
        no_embeddings = F.slice(F.array(F.lit(0.0).cast("float")), 1, 0)
        return F.struct(
            F.lit(DOCUMENT).alias("annotatorType"),
            F.lit(0).alias("begin"),
            (length - 1).alias("end"),
            text.alias("result"),
            metadata.alias("metadata"),
            no_embeddings.alias("embeddings"),
        )
