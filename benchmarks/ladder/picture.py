"""Draw the ladder: a rung is a row, its rates are dots on a logarithmic axis, the limits are lines."""

from collections.abc import Sequence
from math import ceil, floor, log10
from typing import NamedTuple

from distilnp.svg import Plot, Svg, element, group, text, width_of
from distilnp.svg import picture as svg_picture

from . import team
from .machine import Machine
from .rungs import Rung

WIDTH, TOP, ROW, BELOW, MARGIN = 760, 92, 24, 56, 24
# The colours of few rows and of many, by their class in `svg.STYLE`.
KINDS = ("other", "mark")


class Result(NamedTuple):
    """What was measured of a rung: operations per second for each number of rows, and its relative error."""

    rung: Rung
    rates: tuple[float, ...]
    error: float


def picture(results: Sequence[Result], machine: Machine, rows: Sequence[int], cpu: str) -> Svg:
    """Return the picture of a climb."""
    peaks = {n: machine.rates(n).flops / 1e9 for n in range(1, team.MOST + 1)}
    rates = [rate / 1e9 for result in results for rate in result.rates]
    low, high = floor(log10(min(rates))), ceil(log10(max(*rates, *peaks.values())))
    left = MARGIN + max(width_of(rung.name) for rung, _, _ in results)
    height = len(results) * ROW
    plot = Plot(left, TOP, WIDTH - MARGIN - left, height, (low, high), (0, len(results)))
    title = "From Python loops to the shipped kernel: GFLOP/s"
    parts = [
        text(title, MARGIN, 26, class_="title"),
        text(f"C = A B^T, {cpu}", MARGIN, 44, class_="soft"),
        plot.axes("GFLOP/s", "", range(low, high + 1), (), lambda power: f"{10**power:g}"),
    ]
    for m, kind, x in zip(rows, KINDS, (MARGIN, MARGIN + 90), strict=True):
        parts.append(element("circle", class_=kind, cx=x + 4.0, cy=58.0, r=4))
        parts.append(text(f"{m} rows", x + 13, 62, class_="soft"))
    parts += [plot.line([(log10(peak), 0), (log10(peak), len(results))], "ideal") for peak in peaks.values()]
    both = " and ".join(f"{peak:.0f}" for peak in peaks.values())
    parts.append(text(f"peak of 1 and 2 threads: {both}", plot.x(log10(peaks[1])), TOP - 8, class_="soft",
                      text_anchor="end"))  # fmt: skip
    for i, (rung, of_rows, _) in enumerate(results):
        y = len(results) - i - 0.5
        parts.append(plot.line([(low, y), (high, y)], "grid"))
        parts.append(text(rung.name, left - 8, plot.y(y) + 4, text_anchor="end"))
        for m, rate, kind in zip(rows, of_rows, KINDS, strict=True):
            words = f"{rung.name}, {m} rows: {rate / 1e9:.3g} GFLOP/s"
            parts.append(plot.dot(log10(rate / 1e9), y, words, 4.5, kind))
    spoken = "; ".join(
        f"{rung.name}: " + " and ".join(f"{rate / 1e9:.3g}" for rate in of_rows)
        for rung, of_rows, _ in results
    )
    label = f"{title}, with {' and '.join(map(str, rows))} rows. {spoken}"
    return svg_picture(title, WIDTH, TOP + height + BELOW, group(label, *parts))
