"""A stage that is saved together with the files of its model, so that it loads anywhere and stays as it is.

The files become a table of parts, because Spark can write a table wherever it can write at all.
"""

from collections.abc import Iterator
from typing import Any

from pyspark.ml.util import DefaultParamsReader, DefaultParamsWriter, MLReader, MLWriter
from pyspark.sql import SparkSession

from ..errors import CheckpointError
from .model_files import SAVED_MODEL, ModelFiles, restored

SCHEMA = "name string, part int, content binary"

# Bytes in a row of the table: far below the 2 GB of an array in Java, far above the cost of a row.
PART = 4 << 20


class SavesModel:
    """Gives a stage `write`, `read`, `save` and `load`.

    The stage has the property `files`, and the method `take_files`, which gives it a model.
    """

    def write(self) -> MLWriter:
        """Return what saves the stage."""
        return _Writer(self)

    @classmethod
    def read(cls) -> MLReader[Any]:
        """Return what loads a stage."""
        return SavedStageReader(cls)


class _Writer(MLWriter):
    def __init__(self, stage: Any) -> None:
        super().__init__()
        self.stage = stage

    def saveImpl(self, path: str) -> None:
        spark = SparkSession.getActiveSession() or self.sparkSession
        files: ModelFiles = self.stage.files
        known = {"labels": list(files.labels), "files": files.checksums()}
        DefaultParamsWriter.saveMetadata(self.stage, path, _context(spark), extraMetadata={"distilnp": known})
        parts = spark.createDataFrame([*_parts(files)], SCHEMA)
        parts.write.parquet(f"{path}/{SAVED_MODEL}")


class SavedStageReader(MLReader[Any]):
    """Loads a stage that `SavesModel` has saved."""

    def __init__(self, stage_class: Any) -> None:
        super().__init__()
        self.stage_class = stage_class

    def load(self, path: str) -> Any:
        """Return the stage.

        Raises
        ------
        CheckpointError
            It was saved by another program, or its files are damaged.
        """
        spark = SparkSession.getActiveSession() or self.sparkSession
        metadata = DefaultParamsReader.loadMetadata(path, _context(spark))
        known = metadata.get("distilnp")
        expected = f"{self.stage_class.__module__}.{self.stage_class.__name__}"
        if metadata["class"] != expected or not known:
            raise CheckpointError(f"{path} was saved by {metadata['class']}, expected {expected}")
        rows = spark.read.schema(SCHEMA).parquet(f"{path}/{SAVED_MODEL}").orderBy("name", "part").collect()
        parts = ((row["name"], bytes(row["content"])) for row in rows)
        files = restored(parts, known["files"], tuple(known["labels"]))
        stage = self.stage_class()
        stage._resetUid(metadata["uid"])
        stage.take_files(files)
        DefaultParamsReader.getAndSetParams(stage, metadata)
        return stage


def _parts(files: ModelFiles) -> Iterator[tuple[str, int, bytes]]:
    for path in files.files():
        with path.open("rb") as file:
            for number, content in enumerate(iter(lambda: file.read(PART), b"")):
                yield path.name, number, content


def _context(spark: SparkSession) -> Any:
    """Return what pyspark's writers take: up to Spark 3.5, the context, which Spark Connect does not have."""
    return spark if "connect" in type(spark).__module__ else spark.sparkContext
