"""How long a table takes from Parquet to Parquet, which share of it is reading and writing, and the memory.

    python benchmarks/tables.py 1000000 --without-model
    python benchmarks/tables.py 200000

Without the model, every text gets the same prediction, so that reading and writing are all that is left.
"""

import argparse
import datetime
import decimal
import random
import re
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow
from pyarrow.parquet import ParquetWriter

import distilnp
from distilnp.api import Classifier
from distilnp.cli import main

WORDS = [
    "what",
    "a",
    "joy",
    "this",
    "film",
    "is",
    "not",
    "good",
    "bad",
    "dull",
    "great",
    "plot",
    "actor",
    "scene",
]
ROW_GROUP_ROWS = 100_000


def write_table(path: Path, n_rows: int) -> None:
    """Write short reviews, with an id, a time and a number of stars."""
    rng = random.Random(1)
    now = datetime.datetime(2024, 7, 1, tzinfo=datetime.UTC)
    fields = [
        ("id", pyarrow.int64()),
        ("text", pyarrow.string()),
        ("when", pyarrow.timestamp("us", "UTC")),
        ("stars", pyarrow.decimal128(3, 1)),
    ]
    with ParquetWriter(path, pyarrow.schema(fields)) as writer:
        for start in range(0, n_rows, ROW_GROUP_ROWS):
            n = min(ROW_GROUP_ROWS, n_rows - start)
            columns = [
                range(start, start + n),
                [" ".join(rng.choices(WORDS, k=rng.randint(4, 14))) for _ in range(n)],
                [now] * n,
                [decimal.Decimal("4.0")] * n,
            ]
            arrays = [pyarrow.array(column, kind) for column, (_, kind) in zip(columns, fields, strict=True)]
            writer.write_table(pyarrow.Table.from_arrays(arrays, schema=writer.schema))


def resident_bytes() -> int:
    """Return the memory of this process, from Linux."""
    match = re.search(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert match
    return int(match[1]) * 1024


def run() -> None:
    """Classify the table, and print the time and the memory in ten parts of it."""
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=layout)
    parser.add_argument("rows", type=int)
    parser.add_argument("--without-model", action="store_true")
    options = parser.parse_args()
    if options.without_model:
        prediction = distilnp.load()("What a joy.")

        def stream(_: Classifier, texts: Iterable[object], **__: object) -> Iterator[distilnp.Prediction]:
            return (prediction for _ in texts)

        Classifier.stream = stream  # type: ignore[method-assign, assignment]
    memory: list[int] = []

    def watch() -> None:
        while True:
            memory.append(resident_bytes())
            time.sleep(0.2)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "in.parquet")
        write_table(path, options.rows)
        threading.Thread(target=watch, daemon=True).start()
        start = time.perf_counter()
        code = main(["classify", "--file", str(path), "--keep", "-o", str(Path(folder, "out.parquet"))])
        seconds = time.perf_counter() - start
    tenths = [memory[len(memory) * i // 10] / 1e6 for i in range(10)]
    print(f"exit code {code}, {seconds:.1f} s, {options.rows / seconds:,.0f} rows/s")
    print("MB in each tenth:", *(f"{mb:.0f}" for mb in tenths))


if __name__ == "__main__":
    run()
