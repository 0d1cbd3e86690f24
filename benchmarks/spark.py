"""Compare distilnp on Spark with distilnp in one process, on the same texts, cores and weights.

    .venv-spark/bin/python -m benchmarks.spark [--rows N] [--times N] [--reviews N]

Spark runs on this machine, with as many cores as the process has threads. Both give the same bits, or the run
ends. Three things are measured: rows a second, for sentences of SST-2 and for reviews of IMDB; the same with
more rows; and the memory of the Python workers while they compute.
"""

import argparse
import gzip
import json
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import distilnp

from .machine import cpu

ROUNDS = 3

# As the annotator's `setMaxSentenceLength(512)` in the model cards.
MAX_LENGTH = 512


def sentences(data: Path, n: int) -> list[str]:
    """Return the first sentences of SST-2 train."""
    lines = (data / "sst2" / "train.tsv").read_text(encoding="utf-8").splitlines()
    return [line.rpartition("\t")[0] for line in lines[1 : n + 1]]


def reviews(data: Path, n: int) -> list[str]:
    """Return the first reviews of IMDB train."""
    with gzip.open(data / "imdb" / "train.jsonl.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line)["text"] for line in islice(file, n)]


class PeakOfWorkers:
    """The most memory that any Python worker of Spark has at a time, while `measured` is entered."""

    def __init__(self) -> None:
        self.peak = 0.0

    @contextmanager
    def measured(self) -> Iterator["PeakOfWorkers"]:
        """Look at the workers every 0.2 seconds."""
        self.peak, ended = 0.0, threading.Event()

        def look() -> None:
            while not ended.wait(0.2):
                self.peak = max([self.peak, *map(_resident_megabytes, Path("/proc").glob("[0-9]*"))])

        thread = threading.Thread(target=look)
        thread.start()
        try:
            yield self
        finally:
            ended.set()
            thread.join()


def _resident_megabytes(process: Path) -> float:
    try:
        if b"pyspark.daemon" not in (process / "cmdline").read_bytes():
            return 0.0
        pages = int((process / "statm").read_text().split()[1])
    except OSError:  # it has ended
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def timed(work: Callable[[], object]) -> float:
    """Return how long something takes, in seconds."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def pipeline(model: str) -> Any:
    """Return the pipeline of the model cards."""
    from distilnp.spark.annotator import DistilBertForSequenceClassification, Tokenizer
    from distilnp.spark.base import DocumentAssembler, PipelineModel

    return PipelineModel(
        [
            DocumentAssembler().setInputCol("text").setOutputCol("document"),
            Tokenizer().setInputCols("document").setOutputCol("token"),
            DistilBertForSequenceClassification.pretrained(model)
            .setInputCols("document", "token")
            .setOutputCol("class")
            .setMaxSentenceLength(MAX_LENGTH),
        ]
    )


def compare(spark: Any, title: str, model: str, texts: list[str], times: int) -> None:
    """Print the rows a second of one process and of Spark, for some texts and for `times` as many."""
    from pyspark.sql import functions as F

    from distilnp.spark import classify

    classifier = distilnp.load(model, max_length=MAX_LENGTH)
    # More partitions than cores, as a user's table has.
    frame = spark.createDataFrame(list(enumerate(texts)), "id int, text string").repartition(8).cache()
    more = frame.withColumn("copy", F.explode(F.sequence(F.lit(1), F.lit(times))))
    frame.count()

    def run(classified: Any, column: str) -> None:
        classified.select("id", column).write.format("noop").mode("overwrite").save()

    found = {row["id"]: row["prediction"]["scores"] for row in classify(frame, "text", model).collect()}
    expected = [prediction.scores for prediction in classifier.classify(texts)]
    assert [found[i] for i in range(len(texts))] == expected, "Spark gives other bits"

    ways: dict[str, Callable[[], object]] = {
        "one process": lambda: classifier.classify(texts),
        "classify(df, ...)": lambda: run(classify(frame, "text", model), "prediction"),
        "the pipeline of the card": lambda: run(pipeline(model).transform(frame), "class"),
    }
    samples: dict[str, list[float]] = {name: [] for name in ways}
    workers = PeakOfWorkers()
    with workers.measured():
        for _ in range(ROUNDS):
            for name, work in ways.items():
                samples[name].append(timed(work))
    peak = workers.peak
    n_tokens = sum(prediction.n_seen for prediction in classifier.classify(texts))
    print(f"\n{title}: {len(texts)} rows, {n_tokens} tokens, {model}")
    own = samples["one process"]
    for name, seconds in samples.items():
        ratios = [mine / theirs for mine, theirs in zip(own, seconds, strict=True)]
        print(
            f"  {name:26} {len(texts) / statistics.median(seconds):8.1f} rows/s  "
            f"{n_tokens / statistics.median(seconds):9.0f} tokens/s  {statistics.median(ratios):5.2f}"
        )
    with workers.measured():
        seconds = timed(lambda: run(classify(more, "text", model), "prediction"))
    print(
        f"  {f'{times} times the rows':26} {times * len(texts) / seconds:8.1f} rows/s\n"
        f"  a Python worker had at most {peak:.0f} MB, with {times} times the rows {workers.peak:.0f} MB"
    )


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000, help="sentences")
    parser.add_argument("--reviews", type=int, default=600)
    parser.add_argument("--times", type=int, default=10)
    arguments = parser.parse_args()
    data = Path(os.environ["DISTILNP_DATA"])

    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    cores = len(os.sched_getaffinity(0))
    builder = SparkSession.builder.master(f"local[{cores}]").config("spark.ui.enabled", "false")
    spark = builder.config("spark.log.level", "FATAL").getOrCreate()
    print(f"Spark {spark.version}, local[{cores}], on {cpu()}")
    compare(spark, "SST-2", "sst2-mini", sentences(data, arguments.rows), arguments.times)
    compare(spark, "IMDB", "imdb-mini", reviews(data, arguments.reviews), arguments.times)
    spark.stop()


if __name__ == "__main__":
    main()
