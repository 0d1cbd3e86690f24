"""Tables of the results in Markdown; `typical` and `fastest` reduce many samples to one number."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from .engines import OURS
from .products import TARGET as PRODUCT_TARGET
from .products import TARGET_ROWS

# The executed operations per second as a share of the FMA peak, at 128 tokens.
PASS_TARGET = 0.80
PASS_TARGET_NAME = "128 tokens"
# The throughput of many callers divided by that of one.
CALLERS_TARGET = 0.9

Rounds = Sequence[Sequence[float]]
Table = list[list[str]]


def typical(rounds: Rounds) -> float:
    """Return the median of the rounds' medians, so that each round counts once for any number of samples."""
    return statistics.median(statistics.median(samples) for samples in rounds)


def fastest(rounds: Rounds) -> float:
    """Return the smallest sample, which other load disturbed least."""
    return min(min(samples) for samples in rounds)


def markdown(results: Mapping[str, Any]) -> str:
    """Return all tables under a heading with the conditions of the measurement."""
    sections = [heading(results)]
    for name, model in results["models"].items():
        sections.append(f"## {name}")
        if model["workloads"]:
            sections.append(layout(workload_rows(model)))
        if model["callers"]:
            sections.append(layout(caller_rows(model["callers"])))
    if results.get("products"):
        sections += ["## Matrix products of base", layout(product_rows(results["products"]))]
    return "\n\n".join(sections) + "\n"


def heading(results: Mapping[str, Any]) -> str:
    """Return the conditions of the measurement: machine, versions, limits."""
    versions = ", ".join(f"{package} {version}" for package, version in results["versions"].items())
    quick = " **Quick: no basis for a claim.**" if results["quick"] else ""
    return f"""\
# Forward pass in float32, {results["threads"]} threads

{results["cpu"]}; Python {results["python"]}, {versions}; {results["started"]}.{quick}
Our kernels: {results["kernels"]}.

Limits, median and best: FMA {rates(measured_limits(results, "flops"), "GFLOP/s")}, reading
{rates(measured_limits(results, "bytes"), "GB/s")}.

Times are medians, with the shortest in parentheses. The ratio is the best peer's time divided by ours, for
medians and for the shortest times. The logits were compared. Shares are of the limits measured in the same
rounds."""


def measured_limits(results: Mapping[str, Any], limit: str) -> list[float]:
    """Return all measurements of one limit."""
    workloads = [workload for model in results["models"].values() for workload in model["workloads"]]
    beside_workloads = [rate for workload in workloads for rate in workload["limits"][limit]]
    products = results.get("products", []) if limit == "flops" else []
    return beside_workloads + [rate for product in products for rate in product["fma_peak"]]


def rates(measured: Sequence[float], unit: str) -> str:
    """Return the median and the best of some rates; the unit stands for 10**9 per second."""
    if not measured:
        return "not measured"
    return f"{statistics.median(measured) / 1e9:.1f} ({max(measured) / 1e9:.1f}) {unit}"


def workload_rows(model: Mapping[str, Any]) -> Table:
    """Return a row for each workload."""
    engines = list(model["workloads"][0]["seconds"])
    rows = [["texts", *engines, "ratio", "target", "of FMA peak", "target", "of bandwidth"]]
    for workload in model["workloads"]:
        seconds = workload["seconds"]
        ours = typical(seconds[OURS])
        flops, bandwidth = (statistics.median(workload["limits"][limit]) for limit in ("flops", "bytes"))
        share_target = PASS_TARGET if workload["target"] and workload["name"] == PASS_TARGET_NAME else None
        is_single = workload["n_texts"] == 1
        rows.append(
            [
                workload["name"] if is_single else f"{workload['name']}, {workload['n_texts']:,}",
                *(duration(typical(rounds), fastest(rounds)) for rounds in seconds.values()),
                ratio(seconds),
                at_least(workload["target"]),
                f"{workload['flops'] / ours / flops:.2f}",
                at_least(share_target),
                f"{model['weight_bytes'] / ours / bandwidth:.2f}" if is_single else "",
            ]
        )
    return rows


def ratio(seconds: Mapping[str, Rounds]) -> str:
    """Return the best peer's time divided by ours."""
    peers = [rounds for engine, rounds in seconds.items() if engine != OURS]
    if not peers:
        return ""
    of_medians = min(map(typical, peers)) / typical(seconds[OURS])
    of_fastest = min(map(fastest, peers)) / fastest(seconds[OURS])
    return f"{of_medians:.2f} ({of_fastest:.2f})"


def caller_rows(callers: Sequence[Mapping[str, Any]]) -> Table:
    """Return a row for each length of text that many threads classified at once."""
    rows = [["callers at once", "calls/s", "calls/s of one", "ratio", "target"]]
    for measured in callers:
        at_once, alone = statistics.median(measured["at_once"]), statistics.median(measured["alone"])
        name = f"{measured['n_callers']}, {measured['name']}"
        rows.append(
            [name, f"{at_once:.1f}", f"{alone:.1f}", f"{at_once / alone:.2f}", at_least(CALLERS_TARGET)]
        )
    return rows


def product_rows(products: Sequence[Mapping[str, Any]]) -> Table:
    """Return a row for each number of rows, with the share of the FMA peak that each product reaches."""
    layers = list(dict.fromkeys(product["layer"] for product in products))
    rows = [["rows", *(f"{layer} (NumPy)" for layer in layers), "target"]]
    for m in sorted({product["m"] for product in products}):
        cells = []
        for product in products:
            if product["m"] == m:
                peak = statistics.median(product["fma_peak"])
                ours, numpy = (
                    statistics.median(product["flops"][name]) / peak for name in ("distilnp", "numpy")
                )
                cells.append(f"{ours:.2f} ({numpy:.2f})")
        rows.append([str(m), *cells, at_least(PRODUCT_TARGET if m >= TARGET_ROWS else None)])
    return rows


def duration(median: float, shortest: float) -> str:
    """Return two times with three digits, in seconds or milliseconds."""
    unit, factor = ("s", 1) if median >= 1 else ("ms", 1000)
    return f"{median * factor:.3g} ({shortest * factor:.3g}) {unit}"


def at_least(target: float | None) -> str:
    """Return the cell of a target."""
    return "" if target is None else f">= {target:.2f}"


def layout(rows: Table) -> str:
    """Lay out a table in Markdown; the first row is its header, and numbers are aligned to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    aligned = [
        [
            row[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
        ]
        for row in rows
    ]
    return "\n".join("| " + " | ".join(row) + " |" for row in [aligned[0], rule, *aligned[1:]])
