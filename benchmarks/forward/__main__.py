"""Time the forward pass beside its peers, then print and save the results.

    DISTILNP_DATA=... PYTHONPATH=tests python -m benchmarks.forward [--quick]

Each engine has a process. In every round the engines take turns on the same texts, and the limits of the
machine are measured between two turns. If something slows a shared machine for a minute, it therefore slows
all engines alike. The logits of every turn are compared. If they differ, the run ends without timings.
"""

import argparse
import json
import os
import platform
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilnp.checkpoint.config_json import read_config
from distilnp.model.config import DistilBertConfig
from distilnp.native.loader import description

from ..machine import cpu
from . import plot, report
from .engines import JIT, OURS, PEERS
from .models import NAMES, Forms, forms
from .operations import executed_flops, shapes, weight_bytes
from .products import ROWS, SERVERS
from .worker import Worker
from .workloads import CURVE_LENGTHS, SENTENCES, TARGET_LENGTHS, TARGETS, Workload, imdb, single, sst2_dev

REPOSITORY = Path(__file__).parents[2]

# The model that the targets are for.
MODEL_OF_TARGETS = "base"

PACKAGES = ("distilnp", "numpy", "numba", "llvmlite", *("onnxruntime", "torch", "transformers", "openvino"))

# Relative to the largest logit. tests/test_reference.py derives the largest effect of rounding on a float32
# pass: 3e-5, for DistilBERT-base and 512 tokens. Here two such passes are compared, and one of them
# approximates erf and exp. A mask with one token too many changes the logits by a hundred times as much.
TOLERANCE = 1e-4

# The numbers of tokens in the texts that many threads classify at once: a sentence and a short review.
CALLED_LENGTHS = (32, 128)
N_CALLERS = 8
N_CALLS = 32

# The names of the other measurements.
CALLERS = "callers"
PRODUCTS = "products"


@dataclass(frozen=True)
class Effort:
    """How much to measure, and for how long.

    Attributes
    ----------
    lengths : tuple of int
        The number of tokens in each single text.
    seconds : float
        The shortest duration of a turn with a single text, after one untimed pass.
    single_rounds, set_rounds, product_rounds : int
        The turns of every engine with a single text, a set of texts, a matrix product.
    every : int
        Every `every`-th text of a set is used.
    only : tuple of str
        The names of the measurements to make; empty for all.
    sentences : int
        The number of sentences in a batch of a peer.
    """

    lengths: tuple[int, ...]
    seconds: float
    single_rounds: int
    set_rounds: int
    product_rounds: int
    every: int
    only: tuple[str, ...] = ()
    sentences: int = SENTENCES

    def includes(self, name: str) -> bool:
        """Return whether the measurement of this name is to be made."""
        return not self.only or name in self.only


FULL = Effort(
    lengths=tuple(sorted(TARGET_LENGTHS + CURVE_LENGTHS)),
    seconds=0.25,
    single_rounds=5,
    set_rounds=2,
    product_rounds=11,
    every=1,
)
QUICK = Effort(lengths=TARGET_LENGTHS, seconds=0.1, single_rounds=3, set_rounds=1, product_rounds=3, every=8)


def main() -> int:
    """Measure, print, save; return 1 if the logits differ."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--threads", type=int, default=2, help="threads of every engine (default: 2)")
    parser.add_argument("--models", nargs="+", choices=NAMES, default=NAMES, help="default: both")
    parser.add_argument(
        "--peers",
        nargs="*",
        choices=(*PEERS, JIT),
        default=tuple(PEERS),
        help="default: all three peers; distilnp-jit runs our own kernels, compiled in the process",
    )
    parser.add_argument(
        "--only",
        nargs="+",
        metavar="NAME",
        default=(),
        help=f'measure only texts with these names in the tables ("128 tokens"), {CALLERS} or {PRODUCTS}',
    )
    parser.add_argument(
        "--sentences",
        type=int,
        default=SENTENCES,
        metavar="N",
        help="sentences in a batch of a peer (default: 32)",
    )
    parser.add_argument(
        "--quick", action="store_true", help="a rough measurement in a few minutes; no basis for a claim"
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=REPOSITORY / "build/bench",
        help="folder of the results (default: build/bench)",
    )
    parser.add_argument(
        "--cache", type=Path, help="folder of exported models (default: models, in the folder of the results)"
    )
    parser.add_argument(
        "--draw",
        type=Path,
        metavar="JSON",
        help="measure nothing; draw the tables and curves of an earlier run",
    )
    arguments = parser.parse_args()
    if arguments.draw:
        results = json.loads(arguments.draw.read_text())
    else:
        try:
            results = measure(arguments)
        except UnequalLogits as error:
            print(f"{error}. No timings", file=sys.stderr)
            return 1
    write(results, arguments.output)
    return 0


def write(results: Mapping[str, Any], folder: Path) -> None:
    """Write the results as JSON, tables and curves, and print the tables."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    tables = report.markdown(results)
    (folder / "results.md").write_text(tables)
    for name in results["models"]:
        plot.curves(results, name, folder / f"{name}.png")
    print(tables)
    print(f"saved in {folder}", file=sys.stderr)


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return all data for `report` and `plot`, including every sample."""
    effort = replace(
        QUICK if arguments.quick else FULL, only=tuple(arguments.only), sentences=arguments.sentences
    )
    engines = [OURS, *arguments.peers]
    cache = arguments.cache or arguments.output / "models"
    models = {name: forms(name, cache) for name in arguments.models}
    results: dict[str, Any] = {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": cpu(),
        "python": platform.python_version(),
        "kernels": description(),
        "versions": {package: version(package) for package in PACKAGES},
        "threads": arguments.threads,
        "precision": "float32",
        "quick": arguments.quick,
        "models": {},
    }
    with Worker("limits", arguments.threads) as limits:
        if MODEL_OF_TARGETS in models and effort.includes(PRODUCTS):
            config = read_config(models[MODEL_OF_TARGETS].checkpoint)
            results["products"] = measure_products(config, effort, limits, arguments.threads)
        for name, model in models.items():
            results["models"][name] = measure_model(model, engines, effort, limits, arguments.threads)
    return results


def measure_model(
    model: Forms, engines: list[str], effort: Effort, limits: Worker, n_threads: int
) -> dict[str, Any]:
    """Measure all workloads with one model."""
    config = read_config(model.checkpoint)
    workloads = [single(n_seq, config) for n_seq in effort.lengths]
    if data := os.environ.get("DISTILNP_DATA"):
        workloads.append(sst2_dev(Path(data), effort.every, effort.sentences))
        if model.name == MODEL_OF_TARGETS:  # each round takes minutes
            workloads.append(imdb(Path(data), effort.every))
    else:
        print("DISTILNP_DATA is not set: SST-2 and IMDB are left out", file=sys.stderr)
    workloads = [workload for workload in workloads if effort.includes(workload.name)]
    called = [single(n_seq, config) for n_seq in CALLED_LENGTHS if effort.includes(CALLERS)]
    if not workloads:
        engines = [OURS] if called else []
    with ExitStack() as stack:
        workers = {engine: stack.enter_context(Worker(engine, n_threads, model)) for engine in engines}
        measured = []
        for workload in workloads:
            print(f"{model.name}: {workload.name}", file=sys.stderr)
            result = measure_workload(workload, workers, effort, limits)
            result["flops"] = sum(executed_flops(config, len(ids)) for ids in workload.inputs)
            result["target"] = TARGETS.get(workload.name) if model.name == MODEL_OF_TARGETS else None
            measured.append(result)
        callers = [measure_callers(workload, workers[OURS], effort) for workload in called]
    return {
        "workloads": measured,
        "callers": callers,
        "weight_bytes": weight_bytes(config),
        "flops": {
            n_seq: executed_flops(config, n_seq) for n_seq in range(1, config.max_position_embeddings + 1)
        },
    }


def measure_workload(
    workload: Workload, workers: Mapping[str, Worker], effort: Effort, limits: Worker
) -> dict[str, Any]:
    """Time the engines in turns, and compare their logits in every round."""
    name, inputs = workload.name, workload.inputs
    for engine, worker in workers.items():
        batch_size = workload.batch_sizes.get(engine, len(inputs))
        worker("prepare", workload=name, inputs=inputs, batch_size=batch_size)
    n_rounds, turn = turns_of(workload, effort)
    seconds: dict[str, list[list[float]]] = {engine: [] for engine in workers}
    limits_between: dict[str, list[float]] = {"flops": [], "bytes": []}
    for _ in range(n_rounds):
        logits = {}
        for engine, worker in workers.items():
            answer = worker("time", workload=name, **turn)
            seconds[engine].append(answer["seconds"])
            logits[engine] = np.array(answer["logits"])
            for limit, rate in limits("limits").items():
                limits_between[limit].append(rate)
        differences = compare(name, logits)
    return {
        "name": name,
        "n_texts": len(inputs),
        "n_tokens": workload.n_tokens,
        "batch_sizes": workload.batch_sizes,
        "differences": differences,
        "seconds": seconds,
        "limits": limits_between,
    }


def turns_of(workload: Workload, effort: Effort) -> tuple[int, dict[str, Any]]:
    """Return how many turns every engine has with a workload, and the arguments of each."""
    if workload.is_single:
        return effort.single_rounds, {"seconds": effort.seconds, "n_warm_up": 1}
    return effort.set_rounds, {"seconds": 0, "n_warm_up": 0}


class UnequalLogits(Exception):
    """The engines computed different logits, so their times mean nothing."""


def compare(name: str, logits: Mapping[str, NDArray[np.float64]]) -> dict[str, float]:
    """Return the largest difference of each peer's logits from ours, relative to our largest logit.

    Raises
    ------
    UnequalLogits
        A difference is larger than rounding explains.
    """
    ours = logits[OURS]
    differences = {
        engine: float(np.abs(theirs - ours).max() / np.abs(ours).max())
        for engine, theirs in logits.items()
        if engine != OURS
    }
    for engine, difference in differences.items():
        if not difference <= TOLERANCE:  # this form also catches NaN
            raise UnequalLogits(
                f"{name}: the logits of {engine} differ by {difference:.2g} of the largest logit, "
                f"expected at most {TOLERANCE:.2g}"
            )
    return differences


def measure_callers(workload: Workload, ours: Worker, effort: Effort) -> dict[str, Any]:
    """Measure the calls per second of one Python thread, and of several at once."""
    name, inputs = workload.name, workload.inputs
    ours("prepare", workload=name, inputs=inputs, batch_size=len(inputs))
    throughput: dict[int, list[float]] = {1: [], N_CALLERS: []}
    for _ in range(effort.single_rounds):
        for n_callers, measured in throughput.items():
            measured.append(ours("throughput", workload=name, n_callers=n_callers, n_calls=N_CALLS))
    return {"name": name, "n_callers": N_CALLERS, "alone": throughput[1], "at_once": throughput[N_CALLERS]}


def measure_products(
    config: DistilBertConfig, effort: Effort, limits: Worker, n_threads: int
) -> list[dict[str, Any]]:
    """Measure our matrix products and NumPy's, for the layers of a model, with the FMA peak of each round."""
    print("matrix products", file=sys.stderr)
    measured = []
    with ExitStack() as stack:
        workers = {name: stack.enter_context(Worker(name, n_threads)) for name in SERVERS}
        for layer, (n, k) in shapes(config).items():
            for m in ROWS:
                rates: dict[str, list[float]] = {name: [] for name in SERVERS}
                peaks = []
                for _ in range(effort.product_rounds):
                    for name, worker in workers.items():
                        rates[name].append(worker("rate", m=m, n=n, k=k))
                        peaks.append(limits("fma_peak"))
                measured.append({"layer": layer, "m": m, "n": n, "k": k, "flops": rates, "fma_peak": peaks})
    return measured


if __name__ == "__main__":
    sys.exit(main())
