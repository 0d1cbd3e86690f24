"""The expected calibration error, compared with cases worked out by hand and with the paper's formula."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from distilnp import ArgumentError
from distilnp.calibration import expected_calibration_error

PREDICTIONS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


def error_of(predictions: list[tuple[float, bool]], n_bins: int = 15) -> float:
    confidences, correct = zip(*predictions, strict=True)
    return expected_calibration_error(np.array(confidences), np.array(correct), n_bins)


def formula_of_the_paper(predictions: list[tuple[float, bool]], n_bins: int) -> float:
    total = 0.0
    for m in range(n_bins):
        lo, hi = m / n_bins, (m + 1) / n_bins
        in_bin = [(p, right) for p, right in predictions if lo < p <= hi or (m == 0 and p == 0)]
        if in_bin:
            accuracy = sum(right for _, right in in_bin) / len(in_bin)
            confidence = math.fsum(p for p, _ in in_bin) / len(in_bin)
            total += len(in_bin) / len(predictions) * abs(accuracy - confidence)
    return total


@pytest.mark.parametrize(
    ("predictions", "error"),
    [
        ([(1.0, True)], 0.0),
        ([(1.0, False)], 1.0),
        ([(0.0, True)], 1.0),  # the paper has no bin for it; the first one takes it
        ([(0.75, True), (0.75, True), (0.75, True), (0.75, False)], 0.0),
        ([(0.9, True), (0.9, False)], 0.4),
        # over-confident by 0.4 in one bin and under-confident by 0.4 in another: they do not cancel
        ([(0.9, True), (0.9, False), (0.6, True), (0.6, True)], 0.4),
        # two bins of unequal size: (3 x |2/3 - 0.9| + 1 x |1 - 0.5|) / 4
        ([(0.9, True), (0.9, True), (0.9, False), (0.5, True)], 0.3),
        # within a bin, over-confidence in one text and under-confidence in another cancel
        ([(0.94, True), (0.94, False), (0.95, True), (0.95, True)], 0.195),
    ],
)
def test_the_error_equals_cases_worked_out_by_hand(
    predictions: list[tuple[float, bool]], error: float
) -> None:
    assert error_of(predictions) == pytest.approx(error, abs=1e-15)


def test_an_edge_belongs_to_the_bin_below_it() -> None:
    # In one bin, the two errors cancel in part: |1 - (0.5 + 0.4)| / 2. In two bins, they do not:
    # (|1 - 0.5| + |0 - 0.6|) / 2.
    assert error_of([(0.5, True), (0.4, False)], n_bins=2) == pytest.approx(0.05)
    assert error_of([(0.5, True), (0.6, False)], n_bins=2) == pytest.approx(0.55)


def test_there_are_fifteen_bins_by_default() -> None:
    predictions = [(i / 200, i % 3 == 0) for i in range(201)]

    assert error_of(predictions) == error_of(predictions, n_bins=15) != error_of(predictions, n_bins=14)


@given(PREDICTIONS, st.integers(1, 20))
def test_the_error_equals_the_formula_of_the_paper(
    predictions: list[tuple[float, bool]], n_bins: int
) -> None:
    # Both sum at most 60 numbers up to 1, in different orders.
    assert error_of(predictions, n_bins) == pytest.approx(
        formula_of_the_paper(predictions, n_bins), abs=60 * 2.0**-52
    )


@given(st.data())
def test_the_order_of_the_texts_does_not_matter(data: st.DataObject) -> None:
    predictions = data.draw(PREDICTIONS)
    shuffled = data.draw(st.permutations(predictions))

    assert error_of(shuffled) == pytest.approx(error_of(predictions), abs=60 * 2.0**-52)


@given(PREDICTIONS)
def test_the_error_is_at_least_that_of_the_means_and_at_most_the_mean_distance(
    predictions: list[tuple[float, bool]],
) -> None:
    distances = [right - p for p, right in predictions]

    error = error_of(predictions)

    # The bounds are the errors with one bin for all texts and with one bin for each text: the triangle
    # inequality.
    assert error >= abs(math.fsum(distances)) / len(predictions) - 60 * 2.0**-52
    assert error <= math.fsum(map(abs, distances)) / len(predictions) + 60 * 2.0**-52
    assert 0 <= error <= 1


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(1, 8)), min_size=1, max_size=6))
def test_scores_that_equal_the_accuracy_have_no_error(accuracies: list[tuple[int, int]]) -> None:
    predictions = [(min(k, n) / n, i < k) for k, n in accuracies for i in range(n)]

    assert error_of(predictions) == pytest.approx(0, abs=60 * 2.0**-52)


@pytest.mark.parametrize(
    ("confidences", "correct", "n_bins", "message"),
    [
        ([], [], 15, r"confidences has the shape \(0,\) .* at least one text"),
        ([0.5], [True, False], 15, r"confidences has the shape \(1,\) and correct \(2,\)"),
        ([[0.5]], [[True]], 15, r"shape \(1, 1\) .* expected \[n_texts\]"),
        ([0.5, 1.5], [True, True], 15, r"confidences has 1\.5, expected scores from 0 to 1"),
        ([math.nan], [True], 15, "confidences has nan"),
        ([0.5], [True], 0, "n_bins is 0, expected an integer of at least 1"),
        ([0.5], [True], 1.5, r"n_bins is 1\.5"),
    ],
)
def test_unusable_arguments_are_refused(
    confidences: list[float], correct: list[bool], n_bins: int, message: str
) -> None:
    with pytest.raises(ArgumentError, match=message):
        expected_calibration_error(confidences, correct, n_bins)
