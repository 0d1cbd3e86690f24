"""How far each method of `Classifier.explain` can be trusted: deletion and insertion curves on SST-2.

    python -m benchmarks.faithfulness
    python -m benchmarks.faithfulness --every 10 --svg build/faithfulness.svg

Remove the words of a sentence in the order of their attributions, the strongest first: if the method is right
about which words count, the logit of the predicted label falls fast (deletion). Give an empty sentence its
words in that order: the logit rises fast (insertion). See Samek et al. 2017, arXiv:1509.06321, and Petsiuk et
al. 2018, arXiv:1806.07421. Random order is the yardstick: a method that does no better says nothing.

The script needs `DISTILNP_DATA`.
"""

import argparse
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

import distilnp
from benchmarks.machine import cpu
from distilnp.api import Classifier
from distilnp.choices import ExplainMethod
from distilnp.explain.inputs import read_inputs
from distilnp.explain.left_out import mean_logits, variants_without
from distilnp.svg import Plot, Svg, element, picture, text

RANDOM = "random order"

# Shares of the words that are removed or given.
SHARES = np.linspace(0.0, 1.0, 11)

# A text of fewer words has fewer different shares than these.
FEWEST_WORDS = 5

# After so many of its words are removed, how many answers have turned?
FIFTH = 2  # the third of SHARES, 20 %

LINES = {
    "leave_one_out": "stroke:var(--mark)",
    "integrated_gradients": "stroke:var(--mark);stroke-dasharray:7 3",
    "gradient_x_input": "stroke:var(--other)",
    "attention_rollout": "stroke:var(--other);stroke-dasharray:7 3",
    RANDOM: "stroke:var(--soft);stroke-dasharray:2 3",
}


def curves(
    classifier: Classifier, sentence: str, order: Sequence[int], label: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a label's logit, less the mean of the others', along deletion and insertion: [n_shares] each."""
    given = read_inputs(classifier.reading, sentence, "sentence")
    counts = [round(share * len(order)) for share in SHARES]
    removed = [tuple(order[:n]) for n in counts] + [tuple(order[n:]) for n in counts]
    logits = np.stack(
        [mean_logits(given, one.logits) for one in variants_without(classifier.engine, given, removed)]
    )
    others = np.delete(logits, label, axis=1).mean(axis=1)
    margins = logits[:, label] - others
    return margins[: len(counts)], margins[len(counts) :]


def measure(
    classifier: Classifier, sentences: Sequence[str]
) -> tuple[dict[str, NDArray[np.float64]], dict[str, list[float]]]:
    """Return the curves of each method, [n_sentences, 2, n_shares], and how long each explanation took."""
    rng = np.random.default_rng(1)
    found: dict[str, list[NDArray[np.float64]]] = {name: [] for name in LINES}
    seconds: dict[str, list[float]] = {name: [] for name in LINES}
    for sentence in sentences:
        label = classifier.labels.index(classifier(sentence).label)
        for method in get_args(ExplainMethod):
            start = time.perf_counter()
            explanation = classifier.explain(sentence, method=method)
            seconds[method].append(time.perf_counter() - start)
            values = [-word.attribution for word in explanation.words]
            order = np.argsort(values, kind="stable").tolist()
            found[method].append(np.stack(curves(classifier, sentence, order, label)))
        order = rng.permutation(len(explanation.words)).tolist()
        found[RANDOM].append(np.stack(curves(classifier, sentence, order, label)))
    return {name: np.stack(rows) for name, rows in found.items()}, seconds


def table(found: dict[str, NDArray[np.float64]], seconds: dict[str, list[float]]) -> str:
    """Return the means of both curves with their standard errors, as Markdown."""
    lines = [
        "| order of words | deletion (less is better) | insertion (more is better) | turned at 20 % | ms |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, rows in found.items():
        areas = rows.mean(axis=2)  # [n_sentences, 2]
        errors = areas.std(axis=0, ddof=1) / np.sqrt(len(areas))
        turned = (rows[:, 0, FIFTH] < 0).mean()
        took = f"{1000 * float(np.median(seconds[name])):.0f}" if seconds[name] else ""
        (deletion, insertion), (e1, e2) = areas.mean(axis=0), errors
        lines.append(
            f"| {name} | {deletion:.2f} ± {e1:.2f} | {insertion:.2f} ± {e2:.2f} | {turned:.0%} | {took} |"
        )
    return "\n".join(lines)


def chart(found: dict[str, NDArray[np.float64]], headline: str) -> Svg:
    """Draw both curves of every method."""
    # Even numbers, so that the ticks are too.
    means = [rows.mean(axis=0) for rows in found.values()]
    low = 2 * np.floor(min(map(np.min, means)) / 2)
    high = 2 * np.ceil(max(map(np.max, means)) / 2)
    parts = [text(headline, 24, 30, class_="title")]
    for side, (name, left) in enumerate((("words removed", 62), ("words given", 452))):
        plot = Plot(left, 92, 270, 240, y_range=(low, high))
        ticks = np.arange(low, high + 1, 2).tolist()
        parts.append(plot.axes(name, "logit of the label, less the other's", (0, 0.5, 1), ticks))
        for method, rows in found.items():
            points = list(zip(SHARES.tolist(), rows[:, side].mean(axis=0).tolist(), strict=True))
            parts.append(plot.line(points, "line").replace("/>", f' style="{LINES[method]}"/>'))
    for i, method in enumerate(found):
        x, y = 62 + i % 3 * 230, 386 + i // 3 * 22
        parts.append(element("path", class_="line", style=LINES[method], d=f"M{x} {y}H{x + 34}"))
        parts.append(text(method, x + 42, y + 4, class_="soft"))
    return picture(headline, 760, 430, *parts)


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="sst2-mini")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth sentence")
    parser.add_argument("--svg", type=Path, default=Path("docs/faithfulness.svg"), help="where the plot goes")
    options = parser.parse_args()
    classifier = distilnp.load(options.model)
    path = Path(os.environ["DISTILNP_DATA"]) / "sst2/dev.tsv"
    rows = [line.rsplit("\t", 1)[0].strip() for line in path.read_text().splitlines()[1:]]
    sentences = [row for row in rows[:: options.every] if len(classifier.explain(row).words) >= FEWEST_WORDS]
    found, seconds = measure(classifier, sentences)
    print(f"{options.model}, {len(sentences)} sentences of SST-2 dev, {cpu()}\n")
    print(table(found, seconds))
    options.svg.parent.mkdir(parents=True, exist_ok=True)
    options.svg.write_text(chart(found, f"{options.model} on {len(sentences)} sentences of SST-2 dev"))


if __name__ == "__main__":
    main()
