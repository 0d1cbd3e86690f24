"""Climb the rungs of the matrix product: check them, time them in turns, write the table, draw."""

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..machine import cpu
from . import team, timing
from .machine import Machine
from .operands import Floats, copied, zeros
from .picture import Result, picture
from .rungs import BESIDE, RUNGS, Rung, float32
from .timing import Effort


class Shape(NamedTuple):
    """The sizes of the product: weights [n, k], and inputs of few rows and of many.

    Several weights take turns, as in a model, so that none is in a near cache when its turn comes.
    """

    n: int
    k: int
    rows: tuple[int, ...]
    n_weights: int


# lin1 of DistilBERT-base, for a very short text and for the longest one. Seven of its weights take 66 MB.
FULL = Shape(n=3072, k=768, rows=(8, 512), n_weights=7)
QUICK = Shape(n=80, k=300, rows=(3, 20), n_weights=2)


def climb(shape: Shape, effort: Effort, path: Path | None) -> str:
    """Return the table in Markdown, and draw the picture if there is a path."""
    results, machine = measure(shape, effort)
    if path:
        path.write_text(picture(results, machine, shape.rows, cpu()), encoding="utf-8")
    return report(results, machine, shape)


def measure(shape: Shape, effort: Effort) -> tuple[list[Result], Machine]:
    """Check every rung, then time all of them in turns."""
    random = np.random.default_rng(0)
    weights = [random.standard_normal((shape.n, shape.k), np.float32) for _ in range(shape.n_weights)]
    a = copied(random.standard_normal((max(shape.rows), shape.k), np.float32))
    rungs = (*RUNGS, *BESIDE)
    # Rungs with the same layout share the prepared weights.
    layouts: dict[Any, list[Any]] = {}
    for rung in rungs:
        n_weights = 1 if rung.rows else shape.n_weights  # for a slow rung, reading takes no time
        prepare = rung.module.prepare
        if len(layouts.get(prepare, ())) < n_weights:
            layouts[prepare] = [prepare(weight) for weight in weights[:n_weights]]
    errors = {rung: check(rung, a, weights[0], layouts[rung.module.prepare][0]) for rung in rungs}
    samples: dict[tuple[Rung, int], list[list[float]]] = {}
    machine = Machine()
    for _ in range(effort.rounds):
        machine.measure()
        for rung in rungs:
            for m in {rung.most(m) for m in shape.rows}:
                c = zeros(m, shape.n)
                calls = [partial(rung.module.multiply, a[:m], w, c) for w in layouts[rung.module.prepare]]
                with team.of(rung.n_threads):
                    samples.setdefault((rung, m), []).append(timing.turn(calls, effort.seconds))

    def rate(rung: Rung, m: int) -> float:
        return 2 * m * shape.n * shape.k / timing.median_of(samples[rung, m])

    rates = {rung: tuple(rate(rung, rung.most(m)) for m in shape.rows) for rung in rungs}
    return [Result(rung, rates[rung], errors[rung]) for rung in rungs], machine


def check(rung: Rung, a: Floats, weight: Floats, prepared: Any) -> float:
    """Compare a rung's product with the exact one; return its relative error, as the root of mean squares."""
    a = a[: rung.most(len(a))]
    c = zeros(len(a), len(weight))
    with team.of(rung.n_threads):
        rung.module.multiply(a, prepared, c)
    timing.check(rung.name, c, *rung.exact(a, weight))
    exact, _ = float32(a, weight)
    return float(np.sqrt(np.square(c - exact).mean() / np.square(exact).mean()))


def report(results: list[Result], machine: Machine, shape: Shape) -> str:
    """Return the table of all rungs, and the limits that it is compared with."""
    heads = [part for m in shape.rows for part in (f"{m} rows, GFLOP/s", "of peak")]
    lines = [["rung", "threads", *heads, "error"]]
    for rung, rates, error in results:
        peak = machine.rates(rung.n_threads).flops
        cells = [part for rate in rates for part in (figure(rate / 1e9), figure(rate / peak))]
        lines.append([rung.name, str(rung.n_threads), *cells, f"{error:.1e}"])
    limits = []
    for n in range(1, team.MOST + 1):
        flops, bytes_ = machine.rates(n)
        limits.append(
            f"{n} thread{'s' * (n > 1)}: {flops / 1e9:.0f} GFLOP/s of multiply-adds in registers, and "
            f"{bytes_ / 1e9:.1f} GB/s of reading 256 MB."
        )
    sizes = f"C = A B^T in float32, B [{shape.n}, {shape.k}], {shape.n_weights} weights in turn, {cpu()}."
    return "\n".join([sizes, "", timing.table(lines), "", *limits])


def figure(x: float) -> str:
    """Return a number with three digits that count, and without an exponent."""
    return f"{x:.0f}" if x >= 100 else f"{x:.3g}" if x >= 0.1 else f"{x:.2g}" if x >= 0.001 else f"{x:.4f}"
