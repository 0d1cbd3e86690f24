"""Curves of time against length, with the limits of the machine."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter

from .engines import OURS
from .report import fastest, typical

# Okabe and Ito's palette, whose colours can be told apart without colour vision and by brightness.
COLOURS = {
    "distilnp": "#000000",
    "distilnp-jit": "#CC79A7",
    "onnxruntime": "#0072B2",
    "pytorch": "#D55E00",
    "openvino": "#009E73",
    "distilnp float32": "#E69F00",
    "onnxruntime u8": "#56B4E9",
}
MARKERS = {
    "distilnp": "o",
    "distilnp-jit": "v",
    "onnxruntime": "s",
    "pytorch": "^",
    "openvino": "D",
    "distilnp float32": "o",
    "onnxruntime u8": "P",
}
LIMIT = "#999999"

LENGTHS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
MILLISECONDS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)


def curves(results: Mapping[str, Any], name: str, path: Path) -> None:
    """Draw one model: milliseconds per text above, and the time of each peer divided by ours below."""
    model = results["models"][name]
    texts = [workload for workload in model["workloads"] if workload["n_texts"] == 1]
    if not texts:
        return
    figure, (above, below) = plt.subplots(
        2, sharex=True, figsize=(9, 9), height_ratios=(3, 2), layout="constrained"
    )
    draw_times(above, texts)
    if "limits" in texts[0]:
        draw_limits(above, model, texts)
    above.legend(loc="upper left", frameon=False)
    draw_ratios(below, texts)
    precision = results["precision"]
    above.set_title(
        f"{name}, {precision}, one text, {results['threads']} threads; {results['cpu']}", fontsize=10
    )
    below.set_xscale("log", base=2)
    name_ticks(below.xaxis, LENGTHS)
    below.set_xlabel("tokens")
    figure.savefig(path, dpi=150)
    plt.close(figure)


def draw_times(axes: Axes, texts: list[Mapping[str, Any]]) -> None:
    """Draw medians, with shading down to the shortest time."""
    lengths = [text["n_tokens"] for text in texts]
    for engine in texts[0]["seconds"]:
        medians = [typical(text["seconds"][engine]) * 1000 for text in texts]
        shortest = [fastest(text["seconds"][engine]) * 1000 for text in texts]
        axes.plot(lengths, medians, label=engine, **line(engine))
        axes.fill_between(lengths, shortest, medians, color=COLOURS[engine], alpha=0.12, linewidth=0)
    axes.set_yscale("log")
    name_ticks(axes.yaxis, MILLISECONDS)
    axes.set_ylabel("ms; median, shaded down to the shortest")
    axes.grid(alpha=0.2)


def draw_limits(axes: Axes, model: Mapping[str, Any], texts: list[Mapping[str, Any]]) -> None:
    """Draw the time of our operations at the FMA peak, and of one read of the weights at full bandwidth."""
    flops, bandwidth = (
        statistics.median(rate for text in texts for rate in text["limits"][limit])
        for limit in ("flops", "bytes")
    )
    compute = {int(n_seq): 1000 * count / flops for n_seq, count in model["flops"].items()}
    memory = 1000 * model["weight_bytes"] / bandwidth
    axes.plot(
        compute.keys(),
        compute.values(),
        color=LIMIT,
        linestyle="--",
        label=f"our operations at {flops / 1e9:.0f} GFLOP/s",
    )
    axes.axhline(memory, color=LIMIT, linestyle=":", label=f"weights at {bandwidth / 1e9:.0f} GB/s")
    shortest = min(fastest(text["seconds"][OURS]) * 1000 for text in texts)
    axes.set_ylim(bottom=min(memory, shortest) / 2)


def draw_ratios(axes: Axes, texts: list[Mapping[str, Any]]) -> None:
    """Draw the peers' times divided by ours, and the targets for the best peer."""
    lengths = [text["n_tokens"] for text in texts]
    for engine in texts[0]["seconds"]:
        if engine != OURS:
            ratios = [typical(text["seconds"][engine]) / typical(text["seconds"][OURS]) for text in texts]
            axes.plot(lengths, ratios, **line(engine))
    aimed = [(text["n_tokens"], text["target"]) for text in texts if text["target"]]
    if aimed:
        axes.plot(
            *zip(*aimed, strict=True),
            "k_",
            markersize=14,
            markeredgewidth=2,
            label="target for the best peer",
        )
        axes.legend(loc="best", frameon=False)
    axes.axhline(1, color=COLOURS[OURS], linewidth=1)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("peer's time / ours")
    axes.grid(alpha=0.2)


def name_ticks(axis: Axis, values: Sequence[float]) -> None:
    """Put ticks at these values, written in full, instead of at powers of the base."""
    axis.set_major_locator(FixedLocator(values))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(ScalarFormatter())


def line(engine: str) -> dict[str, Any]:
    """Return the style of an engine's line in both plots."""
    return {
        "color": COLOURS[engine],
        "marker": MARKERS[engine],
        "markersize": 4,
        "linewidth": 2.2 if engine == OURS else 1.4,
    }
