"""Time each kind of step of a pass beside the limits of the machine: a roofline, as a table.

    PYTHONPATH=tests python -m benchmarks.forward.steps [--model NAME] [--lengths N ...] [--threads N]

Each kind runs in an engine that has no other steps, after a whole pass. The weights of its first step are
therefore as cold as in a pass, and all activations have the values of one. The time of a call without any
step is measured as well, and subtracted from the others. Only distilnp runs here, and no logits are compared.
"""

import argparse
import platform
import statistics
import sys
import time
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from support.seeded_models import BASE, packed, seeded_ids, seeded_tensors

from distilnp.checkpoint.config_json import read_config
from distilnp.checkpoint.registry import find_checkpoint
from distilnp.engine.buffers import Slot
from distilnp.engine.compiled_engine import CompiledEngine
from distilnp.engine.shared_weights import load_packed
from distilnp.engine.weights import PackedWeights
from distilnp.kernels import steps
from distilnp.model.config import DistilBertConfig
from distilnp.native.loader import choose, description

from ..machine import cpu
from .limits import Limits
from .operations import ATTENTION, LAST_LAYER, Cost, costs
from .report import layout
from .workloads import TARGET_LENGTHS

# The product that takes one buffer to another.
PRODUCTS = {
    (Slot.HIDDEN_STATES, Slot.QKV): "q_lin, k_lin, v_lin",
    (Slot.CONTEXT, Slot.SUMS): "out_lin",
    (Slot.HIDDEN_STATES, Slot.FFN): "lin1",
    (Slot.FFN, Slot.SUMS): "lin2",
}
KINDS = {steps.EMBED: "embed", steps.LAYER_NORM: "LayerNorm", steps.ATTENTION: ATTENTION}

CALL = "a call without steps"
PASS = "whole pass"

# The limits are measured before each round.
ROUNDS = 5
# The untimed passes before the first round. The memory of a worker is new in its first pass, and a single
# thread takes a different worker for each pass.
WARM_UP = 3


def kind(step: NDArray[np.int64]) -> str:
    """Return the name of a step's kind; LayerNorm and attention of the last layer belong to that layer."""
    if step[steps.ROWS] in (Slot.N_TEXTS, Slot.N_CLS_SPANS):
        return LAST_LAYER
    return KINDS.get(step[steps.KIND]) or PRODUCTS.get((step[steps.A], step[steps.C]), "other")


def parts(whole: CompiledEngine) -> dict[str, CompiledEngine]:
    """Return an engine for each kind of step, and one without steps.

    Each is an engine of its own. A helper that comes late reads the steps of the engine that called it, so
    those of an engine that has run must never change.
    """
    kinds = [kind(step) for step in whole._steps]
    engines = {}
    for name in (CALL, *dict.fromkeys(kinds)):
        engines[name] = CompiledEngine(whole.weights, whole.threads, whole.program)
        engines[name]._steps = np.ascontiguousarray(whole._steps[[other == name for other in kinds]])
    return engines


def measure(
    whole: CompiledEngine, parts: Mapping[str, CompiledEngine], limits: Limits, n_seq: int, seconds: float
) -> tuple[dict[str, float], dict[str, float]]:
    """Time a pass and its parts in turns, and measure the limits before each round.

    Returns
    -------
    times : dict of str to float
        The median seconds of the whole pass, of a call without steps, and of each kind without that call.
    rates : dict of str to float
        The median of each limit.
    """
    inputs = [seeded_ids(whole.config.vocab_size, n_seq, seed=n_seq)]
    samples: dict[str, list[float]] = {name: [] for name in (PASS, *parts)}
    between: dict[str, list[float]] = {"flops": [], "bytes": []}
    for _ in range(WARM_UP):
        whole.forward(inputs)
    for _ in range(ROUNDS):
        for limit, rate in limits.limits().items():
            between[limit].append(rate)
        whole.forward(inputs)  # untimed, because the limits have emptied the caches
        ends = time.perf_counter() + seconds / ROUNDS
        is_first = True
        while is_first or time.perf_counter() < ends:
            is_first = False
            for name, part in parts.items():
                samples[PASS].append(timed(whole, inputs))
                samples[name].append(timed(part, inputs))
    times = {name: statistics.median(measured) for name, measured in samples.items()}
    own = {name: median - times[CALL] for name, median in times.items() if name not in (PASS, CALL)}
    return times | own, {limit: statistics.median(measured) for limit, measured in between.items()}


def timed(engine: CompiledEngine, inputs: list[list[int]]) -> float:
    """Return the seconds of one pass."""
    started = time.perf_counter_ns()
    engine.forward(inputs)
    return (time.perf_counter_ns() - started) / 1e9


def table(
    config: DistilBertConfig,
    n_seq: int,
    n_steps: Mapping[str, int],
    times: Mapping[str, float],
    rates: Mapping[str, float],
) -> str:
    """Return the table of one length, in the order of the steps."""
    cost = costs(config, n_seq)
    total = Cost(*map(sum, zip(*cost.values(), strict=True)))
    rows = {name: (seconds, cost.get(name, Cost(0, 0))) for name, seconds in times.items() if name != PASS}
    rows["sum"] = sum(seconds for seconds, _ in rows.values()), total
    rows[PASS] = times[PASS], total
    header = ["steps", "number", "ms", "of the pass", "GFLOP", "GFLOP/s", "of FMA peak"]
    lines = [[*header, "MB of weights", "GB/s", "of bandwidth"]]
    for name, (seconds, (flops, weight_bytes)) in rows.items():
        lines.append(
            [
                name,
                str(n_steps.get(name, "")),
                f"{seconds * 1e3:.3f}",
                f"{seconds / times[PASS]:.3f}",
                *rate(flops, seconds, rates["flops"]),
                *rate(weight_bytes, seconds, rates["bytes"], unit=1e6),
            ]
        )
    return layout(lines)


def rate(amount: int, seconds: float, limit: float, unit: float = 1e9) -> list[str]:
    """Return the cells of an amount, its rate in 10**9 per second, and the share of a limit."""
    if not amount:
        return ["", "", ""]
    return [f"{amount / unit:.4g}", f"{amount / seconds / 1e9:.1f}", f"{amount / seconds / limit:.2f}"]


def load(model: str) -> PackedWeights:
    """Return the weights of "base", which are seeded, of a checkpoint by name, or of a folder."""
    if model == "base":
        return packed(seeded_tensors(BASE), BASE)
    folder = find_checkpoint(model)
    return load_packed(folder, read_config(folder))


def run(model: str, lengths: Sequence[int], n_threads: int, seconds: float) -> None:
    """Measure and print."""
    program = choose().program
    if program is None:
        raise RuntimeError("no compiled kernels can run here, so there are no steps to time")
    whole = CompiledEngine(load(model), n_threads, program)
    limits = Limits(n_threads)
    engines = parts(whole)
    n_steps = {name: len(engine._steps) for name, engine in engines.items()}
    print(f"# Steps of {model}, {n_threads} threads\n")
    print(f"{cpu()}; Python {platform.python_version()}. Kernels: {description()}.\n")
    print("Medians. Bias, activation and residual are part of a product. The sum may differ from the whole")
    print("pass, because every part wakes its helpers anew and finds its first activations cold.")
    for n_seq in lengths:
        times, rates = measure(whole, engines, limits, n_seq, seconds)
        print(f"\n## {n_seq} tokens\n")
        print(f"Limits: FMA {rates['flops'] / 1e9:.1f} GFLOP/s, reading {rates['bytes'] / 1e9:.1f} GB/s.\n")
        print(table(whole.config, n_seq, n_steps, times, rates), flush=True)


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--model", default="base", help="base (default), sst2-mini or another name, or a folder"
    )
    parser.add_argument("--lengths", type=int, nargs="+", default=TARGET_LENGTHS, help="numbers of tokens")
    parser.add_argument("--threads", type=int, default=2, help="default: 2")
    parser.add_argument(
        "--seconds", type=float, default=2, help="time for each length, without the limits (default: 2)"
    )
    arguments = parser.parse_args()
    run(arguments.model, arguments.lengths, arguments.threads, arguments.seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
