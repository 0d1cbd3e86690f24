"""Model packages that Spark NLP wrote, as stages. tests/checkpoint/test_spark_nlp.py tests their reader."""

import json
import os
import shutil
import warnings
import zipfile
from pathlib import Path
from typing import Any

import pytest

from distilnp import ArgumentError, CheckpointError, ModelNotFoundError
from distilnp.spark.annotator import DistilBertForSequenceClassification
from distilnp.spark.base import DocumentAssembler, LightPipeline

GOLDENS = Path(__file__).parents[1] / "goldens" / "spark_nlp"
ANSWERS = [json.loads(line) for line in (GOLDENS / "answers.jsonl").read_text().splitlines()]
LABELS = ["negative", "neutral", "positive"]

# Two float32 passes, summed in different orders, and scores near 1.
SAME_SCORE = 1e-6


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", os.fspath(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder as Spark NLP keeps its downloads: an archive, and an older one that is unpacked."""
    folder = tmp_path / "cache_pretrained"
    unpacked = folder / "tiny_en_3.3.3_3.0_1637497948943"
    zipfile.ZipFile(GOLDENS / "package.zip").extractall(unpacked)
    shutil.copy(GOLDENS / "package.zip", folder / "tiny_en_5.5.3_3.4_1795610965157.zip")
    shutil.copytree(unpacked, folder / "tiny_de_3.3.3_3.0_1637497948943")
    return folder


def changed_params(package: Path, **params: Any) -> Path:
    path = package / "metadata" / "part-00000"
    metadata = json.loads(path.read_text())
    metadata["paramMap"].update(params)
    path.write_text(json.dumps(metadata))
    return package


def test_an_archive_answers_as_in_spark_nlp(folder: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stage = DistilBertForSequenceClassification.pretrained("tiny", "en", remote_loc=os.fspath(folder))
    assert stage.getClasses() == LABELS
    light = LightPipeline([DocumentAssembler().setInputCol("text"), stage.setInputCols("document")])
    for text, expected in ANSWERS:
        (annotations,) = light.fullAnnotate(text)
        for one, other in zip(annotations["class"], expected, strict=True):
            assert (one.begin, one.end, one.result) == (other["begin"], other["end"], other["result"])
            scores = {name: float(one.metadata[name]) for name in LABELS}
            assert scores == pytest.approx(
                {name: float(other["metadata"][name]) for name in LABELS}, abs=SAME_SCORE
            )


def test_the_params_of_a_package_are_those_of_the_stage(folder: Path) -> None:
    package = changed_params(
        folder / "tiny_de_3.3.3_3.0_1637497948943",
        maxSentenceLength=77,
        coalesceSentences=True,
        multilabel=True,
    )
    for stage in (
        DistilBertForSequenceClassification.load(os.fspath(package)),
        DistilBertForSequenceClassification.load(f"file:{package}"),
        DistilBertForSequenceClassification.loadSavedModel(package),
        DistilBertForSequenceClassification.pretrained("tiny", "de", remote_loc=folder),
    ):
        assert (stage.getMaxSentenceLength(), stage.getCoalesceSentences()) == (77, True)
        assert (stage.getActivation(), stage.getInputCols(), stage.getOutputCol()) == (
            "sigmoid",
            ["document", "token"],
            "class",
        )


def test_a_param_of_a_package_that_cannot_be_used_is_an_error(folder: Path) -> None:
    package = changed_params(folder / "tiny_de_3.3.3_3.0_1637497948943", maxSentenceLength=100_000)
    with pytest.raises(ArgumentError, match="maxSentenceLength is 100000"):
        DistilBertForSequenceClassification.load(os.fspath(package))


def test_a_download_that_is_not_there_is_named(folder: Path) -> None:
    with pytest.raises(
        ModelNotFoundError, match=r"no model 'huge' for the language 'en' .* There is 'tiny_de"
    ):
        DistilBertForSequenceClassification.pretrained("huge", remote_loc=folder)


def test_a_damaged_archive_is_one_clear_error(folder: Path) -> None:
    archive = folder / "tiny_en_5.5.3_3.4_1795610965157.zip"
    archive.write_bytes(archive.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="is not a whole zip archive"):
        DistilBertForSequenceClassification.pretrained("tiny", remote_loc=folder)


def test_a_package_is_classified_on_spark(folder: Path, spark: Any) -> None:
    stage = DistilBertForSequenceClassification.pretrained("tiny", remote_loc=folder)
    frame = spark.createDataFrame([[text] for text, _ in ANSWERS], "text string").coalesce(1)
    documents = DocumentAssembler().setInputCol("text").transform(frame)
    found = stage.setInputCols("document").transform(documents).collect()
    assert [row["class"][0]["result"] for row in found] == [expected[0]["result"] for _, expected in ANSWERS]
