"""Time a process from its start to its first answer, ours and ONNX Runtime's with the Rust tokenizer.

    PYTHONPATH=tests python -m benchmarks.startup

Each runs as a command that classifies one text. They take turns, with all files in the page cache. The peer
is the shortest program for this task. Where our checkpoint has int8 weights, the peer also runs with an int8
graph, whose file is as small. Labels and scores are compared before any time is shown.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

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

OURS, FLOAT32, INT8 = "distilnp", "onnxruntime + tokenizers", "the same, int8 graph"

# A larger difference of scores is not due to rounding: see TOLERANCE in forward/__main__.py. The int8 graph
# also rounds activations to integers, so for it only the label is compared.
TOLERANCES = {FLOAT32: 1e-4, INT8: 1.0}


def tokenizer_json(vocab: Path, path: Path) -> Path:
    """Write the tokenizer.json of the peer, as transformers saves it, and return its path."""
    from tokenizers import BertWordPieceTokenizer

    BertWordPieceTokenizer(os.fspath(vocab), lowercase=True).save(os.fspath(path))
    return path


def commands(model: Forms, cache: Path) -> dict[str, list[str]]:
    """Return the command line of each engine."""
    tokenizer = tokenizer_json(model.checkpoint / "vocab.txt", cache / f"{model.name}-tokenizer.json")
    config = model.float32 / "config.json"
    peer = {FLOAT32: model.onnx}
    if model.checkpoint != model.float32:
        peer[INT8] = model.onnx_int8
    engines = {
        OURS: ["-m", "distilnp", "classify", "--format", "jsonl", "--model", model.checkpoint, TEXT],
        **{name: ["-c", PEER, graph, tokenizer, config, TEXT] for name, graph in peer.items()},
    }
    return {engine: [sys.executable, *map(str, command)] for engine, command in engines.items()}


def main() -> int:
    """Compare answers, then time, then print; return 1 if the answers differ."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=11, help="turns of each engine (default: 11)")
    parser.add_argument("--models", nargs="+", choices=NAMES, default=NAMES, help="default: both")
    parser.add_argument("--cache", type=Path, default=REPOSITORY / "build/bench/models")
    arguments = parser.parse_args()
    print(f"{cpu()}; medians of {arguments.rounds} turns, the shortest in parentheses\n")
    print(f"| model | {OURS} | {FLOAT32} | ratio | {INT8} | ratio |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in arguments.models:
        engines = commands(forms(name, arguments.cache), arguments.cache)
        answers = {engine: run(command)[1] for engine, command in engines.items()}
        if not all(agree(answers[OURS], answers[peer], TOLERANCES[peer]) for peer in list(engines)[1:]):
            print(f"{name}: the answers {answers} differ. No timings", file=sys.stderr)
            return 1
        turns = [
            {engine: run(command)[0] for engine, command in engines.items()} for _ in range(arguments.rounds)
        ]
        cells = [name, duration([turn[OURS] for turn in turns])]
        for peer in TOLERANCES:
            if peer in engines:
                ratio = statistics.median(turn[OURS] / turn[peer] for turn in turns)
                cells += [duration([turn[peer] for turn in turns]), f"{ratio:.2f}"]
            else:
                cells += ["", ""]
        print(f"| {' | '.join(cells)} |")
    return 0


def duration(seconds: list[float]) -> str:
    """Return the cell of some samples: their median and the shortest."""
    return f"{statistics.median(seconds):.3f} ({min(seconds):.3f}) s"


def agree(ours: dict[str, Any], theirs: dict[str, Any], tolerance: float) -> bool:
    """Return whether two answers have the same label, and scores that differ by no more than rounding."""
    return ours["label"] == theirs["label"] and abs(ours["score"] - theirs["score"]) <= tolerance


def run(command: list[str]) -> tuple[float, dict[str, Any]]:
    """Return how many seconds a process took, and its answer."""
    started = time.perf_counter()
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return time.perf_counter() - started, json.loads(output)


if __name__ == "__main__":
    sys.exit(main())
