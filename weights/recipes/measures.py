"""What the recipes measure of a checkpoint: its logits as distilnp computes them, and how good they are."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest
from tqdm import tqdm

import distilnp
from distilnp.calibration import errors

LONGEST = (10, 20, 30, 60)  # words of the sentences in each row of the table by length


def logits_of(classifier: distilnp.Classifier, texts: Sequence[str]) -> NDArray[np.float64]:
    """Return the logits of every text, [n_texts, n_labels]."""
    predictions = tqdm(classifier.stream(texts), total=len(texts))
    return np.array([prediction.logits for prediction in predictions], np.float64)


def reliability(logits: NDArray[np.float64], truth: NDArray[np.int64]) -> str:
    """Return log loss and expected calibration error, in words."""
    loss, error = errors(logits, truth)
    return f"log loss {loss:.4f}, expected calibration error {error:.4f}"


def interval(n_right: int, n_texts: int) -> str:
    """Return the 95 % interval of an accuracy: Wilson's, which is good near 1 too."""
    low, high = binomtest(n_right, n_texts).proportion_ci(0.95, method="wilson")
    return f"{low:.4f} to {high:.4f}"


def by_length(texts: list[str], right: dict[str, NDArray[np.bool_]]) -> list[str]:
    """Return the rows of a table in Markdown: how many of the sentences of each length are right."""
    n_words = np.array([len(text.split()) for text in texts])
    rows, shorter = [], 0
    for longest in LONGEST:
        chosen = (n_words > shorter) & (n_words <= longest)
        cells = (
            f"{(n_right := int(answers[chosen].sum()))}/{chosen.sum()} = {n_right / chosen.sum():.4f}"
            for answers in right.values()
        )
        rows.append(f"| {shorter + 1} to {longest} | {' | '.join(cells)} |")
        shorter = longest
    return rows


def mcnemar(ours: NDArray[np.bool_], theirs: NDArray[np.bool_]) -> tuple[int, int, float]:
    """Return how many texts only we, only they get right, and the exact two-sided p-value."""
    gained, lost = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    return gained, lost, float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0
