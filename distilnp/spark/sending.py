"""Sends the files of a model to executors that do not have them, as an archive that Spark unpacks."""

import os
import zipfile
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from ..fork_lock import ForkLock
from .model_files import ModelFiles, scratch_folder

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def have_files(files: ModelFiles, spark: "SparkSession") -> bool:
    """Return whether the executors of a session have the files anyway."""
    return bool(files.name) or spark.conf.get("spark.master", "").startswith("local")


def send(files: ModelFiles, spark: "SparkSession") -> ModelFiles:
    """Send the files to the executors of a session, unless that has been done; return where they are then."""
    with _sending.held():
        archive = _archive(files)
        sent = _sent.setdefault(spark, set())
        if archive.name not in sent:
            if "connect" in type(spark).__module__:
                spark.addArtifacts(os.fspath(archive), archive=True)
            else:
                spark.sparkContext.addArchive(os.fspath(archive))
            sent.add(archive.name)
    return replace(files, archive=archive.name)


def _archive(files: ModelFiles) -> Path:
    """Return an archive of the files of a model, made once in a process."""
    if files not in _archives:
        # The name is the content, so that no executor takes one model for another.
        digest = sha256(repr(files.checksums()).encode()).hexdigest()
        archive = scratch_folder() / f"distilnp-{digest[:16]}.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED, strict_timestamps=False) as target:
            for path in files.files():
                target.write(path, path.name)
        _archives[files] = archive
    return _archives[files]


_sending = ForkLock()
_archives: dict[ModelFiles, Path] = {}
_sent: WeakKeyDictionary["SparkSession", set[str]] = WeakKeyDictionary()
