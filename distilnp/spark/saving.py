"""A stage that is saved together with the files of its model, so that it loads anywhere and stays as it is.

The files become a table of parts, because Spark can write a table wherever it can write at all.
"""

from collections.abc import Iterator
from typing import Any

from pyspark.ml.util import DefaultParamsReader, DefaultParamsWriter, MLReader, MLWriter
from pyspark.sql import SparkSession

from ..errors import CheckpointError
from ..foreign import shown
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
        stage = self.stage_class()
        metadata = _metadata(spark, path, stage)
        known = metadata["distilnp"]
        rows = spark.read.schema(SCHEMA).parquet(f"{path}/{SAVED_MODEL}").orderBy("name", "part").collect()
        parts = ((row["name"], bytes(row["content"])) for row in rows)
        stage._resetUid(metadata["uid"])
        stage.take_files(restored(parts, known["files"], tuple(known["labels"])))
        DefaultParamsReader.getAndSetParams(stage, metadata)
        return stage


def _metadata(spark: SparkSession, path: str, stage: Any) -> dict[str, Any]:
    """Read what `_Writer` wrote about a stage, and check as much of it as is used."""
    try:
        metadata = DefaultParamsReader.loadMetadata(path, _context(spark))
        stated = metadata["class"]
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{path}/metadata is not what Spark writes ({error}), expected a JSON object. It is damaged: "
            "save the stage again"
        ) from error
    expected = f"{type(stage).__module__}.{type(stage).__name__}"
    known = metadata.get("distilnp")
    if stated != expected or not known:
        raise CheckpointError(f"{path} was saved by {shown(stated)}, expected {expected}")
    params = (metadata.get("paramMap"), metadata.get("defaultParamMap"))
    if not (
        isinstance(known, dict)
        and isinstance(known.get("labels"), list)
        and isinstance(known.get("files"), dict)
        and isinstance(metadata.get("uid"), str)
        and all(isinstance(values, dict) and all(map(stage.hasParam, values)) for values in params)
    ):
        raise CheckpointError(
            f"{path}/metadata lacks the files, the labels or the Params of the stage, or has others, "
            "expected those that were saved. It is damaged, or of another version: save the stage again"
        )
    return metadata


def _parts(files: ModelFiles) -> Iterator[tuple[str, int, bytes]]:
    for path in files.files():
        with path.open("rb") as file:
            for number, content in enumerate(iter(lambda: file.read(PART), b"")):
                yield path.name, number, content


def _context(spark: SparkSession) -> Any:
    """Return what pyspark's writers take: up to Spark 3.5, the context, which Spark Connect does not have."""
    return spark if "connect" in type(spark).__module__ else spark.sparkContext
