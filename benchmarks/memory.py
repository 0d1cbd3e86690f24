"""Measure the memory of processes that have loaded the same model: what several workers of a server take.

    PYTHONPATH=tests python -m benchmarks.memory [--model NAME] [--workers N]

Each worker is a new process (spawned, not forked) that loads the model and classifies one short text. When
all have answered, each reads /proc/self/smaps_rollup: its private memory, and its PSS, in which a page that n
processes share counts as an n-th. ONNX Runtime gets the same weights as float32 and as an int8 graph.

The workers import this module, and share pages with the process that starts them. So it imports nothing
large.
"""

import argparse
import json
import multiprocessing
import os
import statistics
import sys
from collections.abc import Callable
from contextlib import ExitStack
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[1]
ROLLUP = Path("/proc/self/smaps_rollup")

TEXT = "I really liked that movie!"

# Takes paths, and returns a function from a text to its label, which keeps the model.
Loader = Callable[..., Callable[[str], str]]


def load_distilnp(model: str) -> Callable[[str], str]:
    """Load a model as a user of the package does."""
    import distilnp

    classifier = distilnp.load(model)
    return lambda text: classifier(text).label


def load_onnxruntime(graph: str, tokenizer: str, config: str) -> Callable[[str], str]:
    """Load a graph and the Rust tokenizer, with nothing else that a server would not need."""
    import numpy as np
    import onnxruntime
    from tokenizers import Tokenizer

    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    encoder = Tokenizer.from_file(tokenizer)
    labels = json.loads(Path(config).read_text())["id2label"]

    def label(text: str) -> str:
        ids = np.array([encoder.encode(text).ids], np.int64)
        ((logits,),) = session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})
        return labels[str(logits.argmax())]

    return label


def work(load: Loader, paths: list[str], connection: Connection) -> None:
    """Answer in three steps, each when the parent asks: the label, the memory, the end."""
    classify = load(*paths)
    connection.send(classify(TEXT))
    connection.recv()
    connection.send(memory())
    connection.recv()


def memory() -> dict[str, int]:
    """Return the bytes of this process that are private, and its PSS."""
    lines = (line.split() for line in ROLLUP.read_text().splitlines()[1:])
    n_bytes = {name.rstrip(":"): int(number) * 1024 for name, number, _ in lines}
    return {"private": n_bytes["Private_Clean"] + n_bytes["Private_Dirty"], "pss": n_bytes["Pss"]}


def measure(load: Loader, paths: list[str], n_workers: int) -> tuple[set[str], list[dict[str, int]]]:
    """Return the labels of all workers and the memory of each, while all of them live."""
    spawn = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        connections = []
        for _ in range(n_workers):
            ours, theirs = spawn.Pipe()
            process = spawn.Process(target=work, args=(load, paths, theirs))
            process.start()
            stack.callback(process.join)
            stack.callback(ours.close)  # comes before `join`, and ends a worker that still waits
            theirs.close()
            connections.append(ours)
        labels = {connection.recv() for connection in connections}
        for connection in connections:
            connection.send("measure")
        measured = [connection.recv() for connection in connections]
        for connection in connections:
            connection.send("end")
    return labels, measured


def engines(model: str, cache: Path) -> dict[str, tuple[Loader, list[str]]]:
    """Return how each engine loads the model, and from which paths."""
    from .forward.models import forms
    from .startup import tokenizer_json

    made = forms(model, cache)
    tokenizer = tokenizer_json(made.checkpoint / "vocab.txt", made.onnx.with_name("tokenizer.json"))
    others = [os.fspath(tokenizer), os.fspath(made.float32 / "config.json")]
    return {
        "distilnp": (load_distilnp, [os.fspath(made.checkpoint)]),
        "onnxruntime + tokenizers": (load_onnxruntime, [os.fspath(made.onnx), *others]),
        "the same, int8 graph": (load_onnxruntime, [os.fspath(made.onnx_int8), *others]),
    }


def engines_of_another_process(model: str, cache: Path) -> dict[str, tuple[Loader, list[str]]]:
    """Return `engines`, without keeping the libraries that making the forms of a model takes."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(engines, (model, cache))


def megabytes(measured: list[int]) -> str:
    """Return the cell of some sizes: their median and the largest."""
    return f"{statistics.median(measured) / 1e6:.1f} ({max(measured) / 1e6:.1f})"


def main() -> int:
    """Compare labels, then print the memory; return 1 if the labels differ or the system gives no numbers."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--model", default="sst2-mini", help="sst2-mini (default), base, another name, or a folder"
    )
    parser.add_argument("--workers", type=int, default=4, help="processes of each engine (default: 4)")
    parser.add_argument("--cache", type=Path, default=REPOSITORY / "build/bench/models")
    arguments = parser.parse_args()
    if not ROLLUP.exists():
        print(
            f"{ROLLUP} is missing, so the memory of a process cannot be measured. Linux has it since 4.14",
            file=sys.stderr,
        )
        return 1
    found = engines_of_another_process(arguments.model, arguments.cache)
    results: dict[str, Any] = {}
    labels: set[str] = set()
    for engine, (load, paths) in found.items():
        answers, results[engine] = measure(load, paths, arguments.workers)
        labels |= answers
    if len(labels) > 1:
        print(f"{arguments.model}: the labels {sorted(labels)} differ. No sizes", file=sys.stderr)
        return 1
    print(f"{arguments.model}, {arguments.workers} workers; MB, medians, the largest in parentheses\n")
    print("| engine | private, each | PSS, each | PSS of all |")
    print("| --- | --- | --- | --- |")
    for engine, measured in results.items():
        private, pss = ([worker[key] for worker in measured] for key in ("private", "pss"))
        print(f"| {engine} | {megabytes(private)} | {megabytes(pss)} | {sum(pss) / 1e6:.1f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
