"""Time int8 products beside the peers' and beside our float32, with what each of them loses.

    DISTILNP_DATA=... PYTHONPATH=tests python -m benchmarks.forward.int8 [--quick]

Engines take turns as in `benchmarks.forward`. Their logits differ, because each rounds activations in its own
way. So every time stands beside the error of its logits, compared with our float32 logits; for SST-2 dev with
the bundled model, also beside the share of right labels.
"""

import argparse
import json
import os
import platform
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from distilnp.checkpoint.config_json import read_config
from distilnp.native.loader import description

from ..machine import cpu
from . import plot
from .__main__ import FULL, PACKAGES, QUICK, REPOSITORY, Effort, turns_of
from .engines import FLOAT32, INT8, OURS
from .models import NAMES, Forms, forms
from .report import at_least, duration, fastest, layout, typical
from .worker import Worker
from .workloads import Workload, imdb, single, sst2_dev

# The time of the best int8 peer divided by ours, and that of our float32, on a CPU with VNNI.
PEER_TARGETS = {
    **{f"{n_seq} tokens": 1.25 for n_seq in (8, 16, 32, 64)},
    **{f"{n_seq} tokens": 1.2 for n_seq in (128, 256, 512)},
    "SST-2 dev": 1.3,
}
FLOAT32_TARGETS = {"128 tokens": 2.8}


def main() -> None:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--threads", type=int, default=2, help="threads of every engine (default: 2)")
    parser.add_argument("--models", nargs="+", choices=NAMES, default=NAMES, help="default: both")
    parser.add_argument("--engines", nargs="*", choices=INT8, default=tuple(INT8), help="default: all")
    parser.add_argument("--quick", action="store_true", help="a rough measurement; no basis for a claim")
    parser.add_argument("--output", type=Path, default=REPOSITORY / "build/bench/int8")
    parser.add_argument("--cache", type=Path, default=REPOSITORY / "build/bench/models")
    arguments = parser.parse_args()
    effort = QUICK if arguments.quick else FULL
    results: dict[str, Any] = {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": cpu(),
        "python": platform.python_version(),
        "kernels": description(),
        "versions": {package: version(package) for package in (*PACKAGES, "nncf")},
        "threads": arguments.threads,
        "precision": "int8",
        "quick": arguments.quick,
        "models": {},
    }
    for name in arguments.models:
        model = forms(name, arguments.cache)
        results["models"][name] = measure(model, arguments.engines, effort, arguments.threads)
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    tables = markdown(results)
    (arguments.output / "results.md").write_text(tables)
    for name in arguments.models:
        plot.curves(results, name, arguments.output / f"{name}.png")
    print(tables)


def measure(model: Forms, engines: list[str], effort: Effort, n_threads: int) -> dict[str, Any]:
    """Time all workloads with one model."""
    config = read_config(model.checkpoint)
    workloads = [single(n_seq, config) for n_seq in effort.lengths]
    labels: list[int] = []
    if data := os.environ.get("DISTILNP_DATA"):
        workloads.append(sst2_dev(Path(data), effort.every))
        if model.name == "base":
            workloads.append(imdb(Path(data), effort.every))
        else:
            rows = (Path(data) / "sst2" / "dev.tsv").read_text(encoding="utf-8").splitlines()[1:]
            labels = [int(row.split("\t")[1]) for row in rows[:: effort.every]]
    with ExitStack() as stack:
        workers = {engine: stack.enter_context(Worker(INT8[engine], n_threads, model)) for engine in engines}
        measured = []
        for workload in workloads:
            print(f"{model.name}: {workload.name}", file=sys.stderr)
            measured.append(measure_workload(workload, workers, effort, labels, model.name == "base"))
    return {"workloads": measured}


def measure_workload(
    workload: Workload, workers: Mapping[str, Worker], effort: Effort, labels: list[int], is_base: bool
) -> dict[str, Any]:
    """Time the engines in turns, and state the errors of their logits."""
    name, inputs = workload.name, workload.inputs
    for engine, worker in workers.items():
        batch_size = workload.batch_sizes.get(engine.partition(" ")[0], len(inputs))
        worker("prepare", workload=name, inputs=inputs, batch_size=batch_size)
    n_rounds, turn = turns_of(workload, effort)
    seconds: dict[str, list[list[float]]] = {engine: [] for engine in workers}
    logits = {}
    for _ in range(n_rounds):
        for engine, worker in workers.items():
            answer = worker("time", workload=name, **turn)
            seconds[engine].append(answer["seconds"])
            logits[engine] = np.array(answer["logits"])
    exact = logits[FLOAT32]
    size = np.sqrt(np.mean(exact**2))
    return {
        "name": name,
        "n_texts": len(inputs),
        "n_tokens": workload.n_tokens,
        "target": PEER_TARGETS.get(name) if is_base else None,
        "seconds": seconds,
        "errors": {engine: float(np.sqrt(np.mean((x - exact) ** 2)) / size) for engine, x in logits.items()},
        "equal_labels": {
            engine: float(np.mean(x.argmax(1) == exact.argmax(1))) for engine, x in logits.items()
        },
        "right": {
            engine: float(np.mean(x.argmax(1) == labels))
            for engine, x in logits.items()
            if len(labels) == len(x)
        },
    }


def markdown(results: Mapping[str, Any]) -> str:
    """Return a table of times and one of errors for each model."""
    versions = ", ".join(f"{package} {version}" for package, version in results["versions"].items())
    quick = " **Quick: no basis for a claim.**" if results["quick"] else ""
    sections = [
        f"# Forward pass in int8, {results['threads']} threads\n\n"
        f"{results['cpu']}; Python {results['python']}, {versions}; {results['started']}.{quick}\n"
        f"Our kernels: {results['kernels']}.\n\n"
        "Times are medians, with the shortest in parentheses. Ratios are another engine's median divided by "
        "ours in int8. An error is the root mean square of the difference from our float32 logits, as a "
        "share of the size of those."
    ]
    for name, model in results["models"].items():
        engines = list(model["workloads"][0]["seconds"])
        times = [["texts", *engines, "best peer / ours", "target", "float32 / ours", "target"]]
        errors = [["error of logits", *engines]]
        for workload in model["workloads"]:
            seconds, text = workload["seconds"], workload["name"]
            is_base = name == "base"
            peers = [engine for engine in engines if engine not in (OURS, FLOAT32)]
            best = min((typical(seconds[engine]) for engine in peers), default=float("nan"))
            ours = typical(seconds[OURS])
            times.append(
                [
                    text,
                    *(duration(typical(rounds), fastest(rounds)) for rounds in seconds.values()),
                    f"{best / ours:.2f}",
                    at_least(workload["target"]),
                    f"{typical(seconds[FLOAT32]) / ours:.2f}",
                    at_least(FLOAT32_TARGETS.get(text) if is_base else None),
                ]
            )
            errors.append([text, *(f"{workload['errors'][engine]:.1%}" for engine in engines)])
            if workload["right"]:
                equal, right = workload["equal_labels"], workload["right"]
                errors.append(["equal labels", *(f"{equal[engine]:.2%}" for engine in engines)])
                errors.append(["right labels", *(f"{right[engine]:.2%}" for engine in engines)])
        sections += [f"## {name}", layout(times), layout(errors)]
    return "\n\n".join(sections) + "\n"


if __name__ == "__main__":
    main()
