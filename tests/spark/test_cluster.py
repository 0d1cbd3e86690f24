"""A standalone cluster: a master and two workers, each a process of its own, and so are their executors.

One driver does all that the tests look at, because executors take seconds to start.
"""

import json
import os
from typing import Any

import pytest
from support.children import environment, run_python
from support.spark_sessions import SETTINGS

import distilnp

SCRIPT = """
import json, os, shutil, signal, sys, threading, time
from pathlib import Path
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from distilnp.spark import classify

master, settings, source, copy = json.loads(sys.argv[1])
builder = SparkSession.builder.master(master)
for name, value in settings.items():
    builder = builder.config(name, value)
spark = builder.getOrCreate()
found = {}
texts = ["What a joy.", "What a bore.", "I like it.", "What a waste of two hours."] * 2
frame = spark.createDataFrame(list(enumerate(texts)), "id int, text string").repartition(4)

def scores(classified):
    return {row["id"]: list(row["prediction"]["scores"].items()) for row in classified.collect()}

# A folder that only the driver has, and that is gone before the executors begin.
own = classify(frame, "text", copy)
shutil.rmtree(copy)
found["sent"] = scores(own)

# Two models in one job.
both = classify(classify(frame, "text", "sst2-mini"), "text", "imdb-mini", output="second")
rows = both.collect()
found["first"] = {row["id"]: row["prediction"]["score"] for row in rows}
found["second"] = {row["id"]: row["second"]["score"] for row in rows}

def python_workers():
    # The children of Spark's Python daemons.
    parents = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if b"pyspark.daemon" in (path / "cmdline").read_bytes():
                parents[int(path.name)] = int((path / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            pass
    return [pid for pid, parent in parents.items() if parent in parents]

# Every Python worker is killed while it computes.
long = spark.range(240).select(F.col("id").cast("int"), F.repeat(F.lit("so good "), 200).alias("text"))
outcome = []
job = threading.Thread(target=lambda: outcome.append(scores(classify(long.repartition(4), "text"))))
job.start()
time.sleep(2)
victims = python_workers()
for pid in victims:
    os.kill(pid, signal.SIGKILL)
job.join()
found["killed"] = len(victims)
found["after"] = [len(outcome[0]), len({json.dumps(score) for score in outcome[0].values()})]

# The first attempt at one partition is slow, so that Spark starts another one beside it.
def slowly(batches):
    from pyspark import TaskContext
    context = TaskContext.get()
    if context.attemptNumber() == 0 and context.partitionId() == 0:
        time.sleep(30)
    for batch in batches:
        batch["attempt"] = context.attemptNumber()
        yield batch

slow = frame.mapInPandas(slowly, "id int, text string, attempt int")
rows = classify(slow, "text").collect()
found["speculative"] = [sorted(row["id"] for row in rows), max(row["attempt"] for row in rows)]
found["speculated"] = {row["id"]: row["prediction"]["score"] for row in rows}

@F.udf("int")
def cpus(_):
    from distilnp.spark.loaded_model import task_cpus
    return task_cpus()
found["cpus"] = frame.select(cpus("id")).first()[0]
print("ANSWER", json.dumps(found))
spark.stop()
"""


@pytest.fixture(scope="module")
def found(cluster: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = distilnp.load("sst2-mini").folder
    copy = tmp_path_factory.mktemp("driver") / "model"
    copy.mkdir()
    for path in folder.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    settings = SETTINGS | {
        "spark.executor.memory": "512m",
        "spark.executor.cores": "1",
        "spark.speculation": "true",
        "spark.speculation.interval": "200ms",
        "spark.speculation.quantile": "0.5",
        "spark.speculation.multiplier": "2",
        # Killed workers count as failures of their tasks.
        "spark.task.maxFailures": "8",
    }
    given = json.dumps([cluster, settings, os.fspath(folder), os.fspath(copy)])
    # A folder without the sources: executors import what is installed.
    run = run_python(SCRIPT, given, env=environment(), cwd=tmp_path_factory.mktemp("cwd"))
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.rpartition("ANSWER")[2])


TEXTS = ["What a joy.", "What a bore.", "I like it.", "What a waste of two hours."] * 2


def own_scores(model: str) -> dict[str, float]:
    return {str(i): p.score for i, p in enumerate(distilnp.load(model).classify(TEXTS))}


def test_executors_are_sent_the_files_that_only_the_driver_has(found: dict[str, Any]) -> None:
    expected = distilnp.load("sst2-mini").classify(TEXTS)
    assert found["sent"] == {
        str(i): [list(item) for item in prediction.scores.items()] for i, prediction in enumerate(expected)
    }


def test_two_models_in_one_job_give_the_bits_that_they_give_alone(found: dict[str, Any]) -> None:
    assert found["first"] == own_scores("sst2-mini")
    assert found["second"] == own_scores("imdb-mini")


def test_no_row_is_lost_with_a_killed_worker(found: dict[str, Any]) -> None:
    assert found["killed"] >= 1
    assert found["after"] == [240, 1]


def test_no_row_is_doubled_by_a_speculative_task(found: dict[str, Any]) -> None:
    ids, attempt = found["speculative"]
    assert ids == list(range(8))
    assert attempt == 1
    assert found["speculated"] == own_scores("sst2-mini")


def test_a_worker_computes_on_the_cpus_of_its_task(found: dict[str, Any]) -> None:
    assert found["cpus"] == 1
