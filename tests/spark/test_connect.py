"""Spark Connect: a client without a JVM of its own. A server on this machine is started for it."""

import json
from typing import Any

import pytest
from support.children import environment, run_python

import distilnp

pytest.importorskip("grpc", reason="Spark Connect needs the extra pyspark[connect]")
pyspark = pytest.importorskip("pyspark", "4.0", reason="Spark Connect has pipelines since Spark 4")

SCRIPT = """
import json, shutil, sys
from pyspark.sql import SparkSession
from distilnp.spark import DistilnpClassifier, classify
from distilnp.spark.annotator import *
from distilnp.spark.base import *
from distilnp.spark.loaded_model import LoadedModel
from distilnp.spark.sending import send

folder, copy, saved = sys.argv[1:]
spark = SparkSession.builder.remote("local[2]").getOrCreate()
frame = spark.createDataFrame([[0, "I like you. I love you."], [1, None]], "id int, text string")
found = {"session": type(spark).__module__}
stages = [
    DocumentAssembler().setInputCol("text").setOutputCol("document"),
    SentenceDetector().setInputCols("document").setOutputCol("sentence"),
    Tokenizer().setInputCols("sentence").setOutputCol("token"),
    DistilBertForSequenceClassification.pretrained("sst2-mini")
    .setInputCols("token", "sentence").setOutputCol("class"),
]
model = Pipeline(stages=stages).fit(frame)
result = model.transform(frame)
found["schema"] = json.loads(result.schema["class"].json())
found["class"] = [[a.asDict() for a in row["class"]] for row in result.orderBy("id").collect()]
finished = Finisher().setInputCols("class").transform(result).orderBy("id").collect()
found["finished"] = [row["finished_class"] for row in finished]
model.write().overwrite().save(saved)
again = PipelineModel.load(saved).transform(frame).orderBy("id").collect()
found["saved"] = [[a.asDict() for a in row["class"]] for row in again] == found["class"]
predictions = [row["prediction"] for row in classify(frame, "text").orderBy("id").collect()]
found["scores"] = [prediction and prediction["score"] for prediction in predictions]

# The files of a model travel to the server, although this one would find them in their folder.
stage = DistilnpClassifier(inputCol="text", model=copy)
there = send(stage.files, spark)
shutil.rmtree(copy)
from dataclasses import replace
from pyspark.sql.functions import udf
@udf("string")
def located(_):
    return str(there.located())
found["located"] = frame.select(located("id")).first()[0]
found["archive"] = there.archive
print("ANSWER", json.dumps(found))
spark.stop()
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = distilnp.load("sst2-mini").folder
    tmp_path = tmp_path_factory.mktemp("connect")
    copy = tmp_path / "model"
    copy.mkdir()
    for path in folder.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    arguments = (folder, copy, tmp_path / "saved")
    run = run_python(SCRIPT, *arguments, env=environment(), cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.rpartition("ANSWER")[2])


def test_the_session_is_one_of_connect(found: dict[str, Any]) -> None:
    assert found["session"].startswith("pyspark.sql.connect")


def test_the_schema_is_that_of_spark_nlp(found: dict[str, Any], stages: dict[str, Any]) -> None:
    assert {**found["schema"], "nullable": True} == stages["schema"]["class"]


def test_the_answers_are_those_of_classic_spark(found: dict[str, Any]) -> None:
    assert found["finished"] == [["POSITIVE", "POSITIVE"], []]
    assert [(a["begin"], a["end"]) for a in found["class"][0]] == [(0, 10), (12, 22)]
    assert found["class"][1] == []
    assert found["scores"] == [distilnp.classify("I like you. I love you.").score, None]


def test_a_pipeline_is_saved_and_loaded(found: dict[str, Any]) -> None:
    assert found["saved"] is True


def test_the_server_is_sent_the_files_of_a_model(found: dict[str, Any]) -> None:
    assert found["archive"] and found["located"].endswith(found["archive"])
