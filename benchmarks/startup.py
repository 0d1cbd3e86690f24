"""Time a process from its start to its first answer, ours and ONNX Runtime's with the Rust tokenizer.

    PYTHONPATH=tests python -m benchmarks.startup

Each runs as a command that classifies one text. The two take turns, with all files in the page cache. The
peer is the shortest program for this task. Labels and scores are compared before any time is shown.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from .forward.models import NAMES, Forms, forms
from .machine import cpu

REPOSITORY = Path(__file__).parents[1]

TEXT = "I really liked that movie!"

PEER = """
import json, sys
import numpy as np
import onnxruntime
from tokenizers import Tokenizer

graph, tokenizer, config, text = sys.argv[1:]
session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
ids = np.array([Tokenizer.from_file(tokenizer).encode(text).ids], np.int64)
(logits,), = session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})
scores = np.exp(logits - logits.max())
labels = json.load(open(config))["id2label"]
print(json.dumps({"label": labels[str(scores.argmax())], "score": float(scores.max() / scores.sum())}))
"""

# A larger difference of scores is not due to rounding: see TOLERANCE in forward/__main__.py.
TOLERANCE = 1e-4


def tokenizer_json(vocab: Path, path: Path) -> Path:
    """Write the tokenizer.json of the peer, as transformers saves it, and return its path."""
    from tokenizers import BertWordPieceTokenizer

    BertWordPieceTokenizer(os.fspath(vocab), lowercase=True).save(os.fspath(path))
    return path


def commands(model: Forms, cache: Path) -> dict[str, list[str]]:
    """Return the command line of each engine."""
    tokenizer = tokenizer_json(model.checkpoint / "vocab.txt", cache / f"{model.name}-tokenizer.json")
    config = model.float32 / "config.json"
    ours = ["-m", "distilnp", "classify", "--format", "jsonl", "--model", model.checkpoint, TEXT]
    peer = ["-c", PEER, model.onnx, tokenizer, config, TEXT]
    both = {"distilnp": ours, "onnxruntime": peer}
    return {engine: [sys.executable, *map(str, command)] for engine, command in both.items()}


def main() -> int:
    """Compare answers, then time, then print; return 1 if the answers differ."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=11, help="turns of each engine (default: 11)")
    parser.add_argument("--models", nargs="+", choices=NAMES, default=NAMES, help="default: both")
    parser.add_argument("--cache", type=Path, default=REPOSITORY / "build/bench/models")
    arguments = parser.parse_args()
    print(f"{cpu()}; medians of {arguments.rounds} turns, the shortest in parentheses\n")
    print("| model | distilnp | onnxruntime + tokenizers | ratio |")
    print("| --- | --- | --- | --- |")
    for name in arguments.models:
        engines = commands(forms(name, arguments.cache), arguments.cache)
        answers = {engine: run(command)[1] for engine, command in engines.items()}
        ours, theirs = answers["distilnp"], answers["onnxruntime"]
        if ours["label"] != theirs["label"] or abs(ours["score"] - theirs["score"]) > TOLERANCE:
            print(f"{name}: {ours} and {theirs} differ. No timings", file=sys.stderr)
            return 1
        turns = [
            {engine: run(command)[0] for engine, command in engines.items()} for _ in range(arguments.rounds)
        ]
        cells = []
        for engine in engines:
            seconds = [turn[engine] for turn in turns]
            cells.append(f"{statistics.median(seconds):.3f} ({min(seconds):.3f}) s")
        ratio = statistics.median(turn["distilnp"] / turn["onnxruntime"] for turn in turns)
        print(f"| {name} | {' | '.join(cells)} | {ratio:.2f} |")
    return 0


def run(command: list[str]) -> tuple[float, dict[str, object]]:
    """Return how many seconds a process took, and its answer."""
    started = time.perf_counter()
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return time.perf_counter() - started, json.loads(output)


if __name__ == "__main__":
    sys.exit(main())
