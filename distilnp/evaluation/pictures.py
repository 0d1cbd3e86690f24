"""Pictures of figures: reliability, confusion, coverage, F1 by label, and numbers beside the true ones."""

from collections.abc import Sequence
from math import ceil, cos, floor, log10, radians, sin

import numpy as np
from numpy.typing import NDArray

from ..calibration import expected_calibration_error, reliability
from ..svg import SMALL, TITLE, Plot, Svg, cut, element, group, picture, text, tip, width_of
from .base import LabelScores
from .coverage import coverage_table, curve

# A picture is as wide as the text of a page, with two plots beside each other.
WIDTH = 760
MARGIN = 24
PLOT_LEFT, PLOT_TOP, PLOT_SIZE = 62, 92, 270
SECOND = 390  # from one plot to the one at its right
BELOW = 76  # what the axis of a plot needs below it

TENTHS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)

# The bars of how many scores there are take this share of the plot.
HISTOGRAM = 0.16

# Before so many answers, one of them moves the accuracy by more than 5 %, and the line jumps.
FIRST_ANSWERS = 20

# More points than the plot has columns would only make the file larger.
MOST_POINTS = 300
MOST_DOTS = 1500

# These least scores are marked on the line, if there is room between them.
MARKED_MIN_SCORES = (0.5, 0.7, 0.9, 0.95, 0.99)
ROOM_BETWEEN_MARKS = 34

# More labels than these cannot be read in the width of a page: those with the most texts are drawn.
MOST_LABELS = 30

# The most that the name of a label takes beside its row.
NAME_WIDTH = 150

# The slope of the names above columns that are too narrow for them.
SLOPE = 40

# The colour of a whole row: numbers can be read on it, on dark paper and on light.
DARKEST = 0.55

# A smaller number than this cannot be read; the cell has it for a pointer.
SMALLEST = 7.5
HEAD_WIDTH = 120


def single_label_picture(
    scores: NDArray[np.float64],
    right: NDArray[np.bool_],
    matrix: NDArray[np.int64],
    labels: Sequence[str],
    headline: str,
) -> Svg:
    """Draw reliability, coverage against accuracy, and the confusion matrix."""
    below = PLOT_TOP + PLOT_SIZE + BELOW
    confidences = np.minimum(scores, 1)
    confusion, height = _confusion(matrix, labels, below)
    headline = f"accuracy {headline}, calibration error {expected_calibration_error(confidences, right):.4f}"
    return picture(
        f"Evaluation of {len(right):,} texts: {headline}",
        WIDTH,
        height,
        _head(len(right), headline),
        _reliability(confidences, right, "answers that are right"),
        _coverage(scores, right, PLOT_LEFT + SECOND),
        confusion,
    )


def multi_label_picture(
    scores: NDArray[np.float64], truth: NDArray[np.bool_], per_label: dict[str, LabelScores], headline: str
) -> Svg:
    """Draw reliability over all texts and labels, and F1 by label."""
    bars, height = _f1_bars(per_label, PLOT_LEFT + SECOND - 38)
    return picture(
        f"Evaluation of {len(truth):,} texts: {headline}",
        WIDTH,
        max(height, PLOT_TOP + PLOT_SIZE + BELOW - 20),
        _head(len(truth), headline),
        _reliability(np.minimum(scores.ravel(), 1), truth.ravel(), "labels that are true"),
        bars,
    )


def regression_picture(truth: NDArray[np.float64], predicted: NDArray[np.float64], headline: str) -> Svg:
    """Draw the predicted numbers against the true ones."""
    low, high = float(min(truth.min(), predicted.min())), float(max(truth.max(), predicted.max()))
    ticks = _ticks(low, high)
    ends = (min(low, ticks[0]), max(high, ticks[-1]))
    plot = Plot(PLOT_LEFT + 20, PLOT_TOP, WIDTH - 2 * (PLOT_LEFT + 20), PLOT_SIZE + 60, ends, ends)
    step = max(1, len(truth) // MOST_DOTS)
    dots = [
        plot.dot(x, y, f"true {x:g}, predicted {y:g}", 2.5)
        for x, y in zip(truth[::step].tolist(), predicted[::step].tolist(), strict=True)
    ]
    note = "" if step == 1 else f" (one text in {step})"
    return picture(
        f"Evaluation of {len(truth):,} texts: {headline}",
        WIDTH,
        PLOT_TOP + PLOT_SIZE + 60 + BELOW - 20,
        _head(len(truth), headline),
        group(
            f"Predicted numbers against true ones{note}, from {low:.3g} to {high:.3g}",
            plot.axes(f"true number{note}", "predicted number", ticks, ticks),
            plot.line([(ends[0], ends[0]), (ends[1], ends[1])], "ideal"),
            *dots,
        ),
    )


def _head(n_texts: int, headline: str) -> str:
    title = f"{n_texts:,} {'text' if n_texts == 1 else 'texts'}"
    after = MARGIN + width_of(title, TITLE) + 10
    return text(title, MARGIN, 32, class_="title") + text(headline, after, 32, class_="soft")


def _reliability(scores: NDArray[np.float64], right: NDArray[np.bool_], name: str) -> str:
    """Draw how often scores are right: on the dashed line, they are as often as they say."""
    from .measures import wilson

    plot = Plot(PLOT_LEFT, PLOT_TOP, PLOT_SIZE, PLOT_SIZE)
    bins = reliability(scores, right)
    largest = max(one.n_texts for one in bins)
    marks, bars = [], []
    for one in bins:
        share = one.n_right / one.n_texts
        low, high = wilson(one.n_right, one.n_texts)
        words = (
            f"scores near {one.confidence:.2f}: {one.n_right:,} of {one.n_texts:,} right = {share:.2f}, "
            f"95 % interval {low:.2f} to {high:.2f}"
        )
        marks.append(plot.line([(one.confidence, low), (one.confidence, high)], "line"))
        marks.append(plot.dot(one.confidence, share, words))
        height = PLOT_SIZE * HISTOGRAM * one.n_texts / largest
        at = min(max(plot.x(one.confidence) - 6, plot.left), plot.left + PLOT_SIZE - 12)
        bars.append(element("rect", class_="faint", x=at, y=plot.y(0) - height, width=12, height=height))
    spoken = "; ".join(f"{one.confidence:.2f}: {one.n_right / one.n_texts:.2f}" for one in bins)
    return group(
        f"Reliability. Mean score and share of {name}, in ranges of scores: {spoken}",
        text("Reliability", MARGIN, PLOT_TOP - 30, class_="title"),
        plot.axes("score; bars: how many texts have it", f"share of {name}", TENTHS, TENTHS),
        plot.line([(0, 0), (1, 1)], "ideal"),
        *bars,
        *marks,
    )


def _coverage(scores: NDArray[np.float64], right: NDArray[np.bool_], left: float) -> str:
    """Draw how often answers are right if only the surest are given."""
    shares, accuracies = curve(scores, right)
    enough = shares * len(scores) >= min(FIRST_ANSWERS, len(scores))
    shares, accuracies = shares[enough], accuracies[enough]
    chosen = np.unique(np.linspace(0, len(shares) - 1, min(MOST_POINTS, len(shares))).round().astype(int))
    points = list(zip(shares[chosen].tolist(), accuracies[chosen].tolist(), strict=True))
    lowest = min(accuracy for _, accuracy in points)
    ticks = _ticks(max(floor(lowest * 10 - 0.5) / 10, 0.0), 1.0)  # room below the line, for its marks
    plot = Plot(left, PLOT_TOP, PLOT_SIZE, PLOT_SIZE, (0, 1), (ticks[0], ticks[-1]))
    marks, spoken, last = [], [], float("inf")
    for row in coverage_table(scores, right, MARKED_MIN_SCORES):
        if row.accuracy is None or row.n_answered < min(FIRST_ANSWERS, len(scores)):
            continue
        spoken.append(f"{row.min_score:g}: {row.coverage:.2f} answered, {row.accuracy:.3f} right")
        words = f"score at least {spoken[-1]}"
        marks.append(plot.dot(row.coverage, row.accuracy, words))
        is_at_axis = plot.x(row.coverage) < plot.left + ROOM_BETWEEN_MARKS
        # The words are at the left of a dot, but at its right where the axis is.
        if last - plot.x(row.coverage) >= ROOM_BETWEEN_MARKS * (1 + is_at_axis):
            last = plot.x(row.coverage)
            below = plot.y(row.accuracy) + 17
            at = (last - 4, below) if below < plot.top + plot.height - 4 else (last - 8, below - 26)
            if is_at_axis:
                at = (last + 5, below - 25)
            anchor = "start" if is_at_axis else "end"
            marks.append(text(f"{row.min_score:g}", *at, class_="soft", text_anchor=anchor))
    return group(
        f"Coverage against accuracy. By least score: {'; '.join(spoken) or 'too few answers'}",
        text("Coverage against accuracy", left - PLOT_LEFT + MARGIN, PLOT_TOP - 30, class_="title"),
        plot.axes(
            "share of texts answered; dots: least score", "share of answers that are right", TENTHS, ticks
        ),
        plot.line(points if len(points) > 1 else points * 2, "line"),
        *marks,
    )


def _confusion(matrix: NDArray[np.int64], labels: Sequence[str], top: float) -> tuple[str, float]:
    """Draw the confusion matrix below `top`; return it, and where it ends."""
    support = matrix.sum(axis=1) + matrix.sum(axis=0)
    drawn = np.sort(np.argsort(-support, kind="stable")[:MOST_LABELS])
    note = "" if len(drawn) == len(labels) else f"; {len(drawn)} of {len(labels)} labels, with the most texts"
    counts, totals = matrix[np.ix_(drawn, drawn)], matrix.sum(axis=1)[drawn]
    names = [cut(labels[i], NAME_WIDTH) for i in drawn]
    n = len(names)
    room = WIDTH - 2 * MARGIN - NAME_WIDTH - HEAD_WIDTH * cos(radians(SLOPE))
    width = min(96.0, room / n)
    height = min(40.0, max(width, 16.0))
    heads = [cut(labels[i], HEAD_WIDTH, SMALL) for i in drawn]
    is_level = all(width_of(head, SMALL) < width - 6 for head in heads)
    head_height = 16 if is_level else max(width_of(head, SMALL) for head in heads) * sin(radians(SLOPE)) + 14
    left = MARGIN + max(map(width_of, names)) + 10
    first = top + 28 + head_height
    parts = [
        text("Confusion", MARGIN, top, class_="title"),
        text(
            f"rows: true, columns: predicted; shade: share of the row{note}",
            MARGIN + width_of("Confusion", TITLE) + 14,
            top,
            class_="soft",
        ),
    ]
    for k, (name, head) in enumerate(zip(names, heads, strict=True)):
        y, x = first + (k + 0.5) * height, left + (k + 0.5) * width
        whole = labels[drawn[k]]
        parts.append(
            element("g", tip(whole), text(name, left - 8, y + 4, text_anchor="end"))
            if name != whole
            else text(name, left - 8, y + 4, text_anchor="end")
        )
        turned = (
            {"text_anchor": "middle"}
            if is_level
            else {"transform": f"rotate(-{SLOPE} {x:.1f} {first - 6:.1f})"}
        )
        parts.append(text(head, x, first - 6, class_="soft", **turned))
    for i, row in enumerate(counts.tolist()):
        for j, count in enumerate(row):
            x, y = left + j * width, first + i * height
            share = count / totals[i] if totals[i] else 0.0
            words = (
                f"true {labels[drawn[i]]}, predicted {labels[drawn[j]]}: {count:,} ({share:.0%} of the row)"
            )
            box = {"x": x, "y": y, "width": width, "height": height}
            shade = round(DARKEST * float(share), 3)
            cell = [
                element("rect", class_="grid", **box),
                element("rect", tip(words), class_="mark", fill_opacity=shade, **box),
            ]
            size = min(SMALL, width / width_of(str(count), 1.06))
            if count and size >= SMALLEST:
                at = {"x": x + width / 2, "y": y + height / 2 + 4}
                cell.append(
                    text(str(count), **at, text_anchor="middle", font_size=size, pointer_events="none")
                )
            parts.extend(cell)
    spoken = "; ".join(
        f"{labels[drawn[i]]}: "
        + ", ".join(f"{labels[drawn[j]]} {count}" for j, count in enumerate(row) if count)
        for i, row in enumerate(counts.tolist())
        if sum(row)
    )
    return group(
        f"Confusion matrix. Predicted labels by true label. {spoken}", *parts
    ), first + n * height + MARGIN


def _f1_bars(per_label: dict[str, LabelScores], left: float) -> tuple[str, float]:
    """Draw F1 by label; return it, and where it ends."""
    rows = sorted(per_label.items(), key=lambda item: -item[1].support)[:MOST_LABELS]
    note = "" if len(rows) == len(per_label) else f", the {len(rows)} of {len(per_label)} with the most texts"
    names = [cut(label, NAME_WIDTH) for label, _ in rows]
    start = left + max(map(width_of, names), default=0) + 8
    full = WIDTH - MARGIN - 40 - start
    parts = [
        text(f"F1 by label{note}", left, PLOT_TOP - 30, class_="title"),
        text("bar: F1; dots: precision (blue) and recall (orange)", left, PLOT_TOP - 10, class_="soft"),
    ]
    for k, (name, (label, scores)) in enumerate(zip(names, rows, strict=True)):
        y = PLOT_TOP + 6 + k * 20
        words = (
            f"{label}: precision {scores.precision:.2f}, recall {scores.recall:.2f}, F1 {scores.f1:.2f}, "
            f"{scores.support:,} texts"
        )
        parts += [
            element("g", tip(label), text(name, start - 8, y + 11, text_anchor="end")),
            element("rect", class_="grid", x=start, y=y, width=full, height=14),
            element("rect", tip(words), class_="faint", x=start, y=y, width=full * scores.f1, height=14),
            element("circle", class_="mark", cx=start + full * scores.precision, cy=y + 7.0, r=3),
            element("circle", class_="other", cx=start + full * scores.recall, cy=y + 7.0, r=3),
            text(f"{scores.f1:.2f}", start + full + 6, y + 11, class_="soft"),
        ]
    spoken = "; ".join(f"{label} {scores.f1:.2f}" for label, scores in rows)
    return group(f"F1 by label{note}: {spoken}", *parts), PLOT_TOP + 6 + len(rows) * 20 + MARGIN


def _ticks(low: float, high: float) -> list[float]:
    """Return about five round numbers from `low` to `high`, both included."""
    span = high - low or 1.0
    step = 10 ** floor(log10(span / 4))
    step *= next(k for k in (1, 2, 2.5, 5, 10) if span / (step * k) <= 5.5)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [round(k * step, 12) for k in range(first, max(last, first + 1) + 1)]
