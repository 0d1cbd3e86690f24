"""Attention: right for every number of queries, keys and columns of a head, and each text on its own."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.comparisons import UNIT_ROUNDOFF, assert_same_bits, assert_within
from support.kernel_programs import attention, spans_of

from distilnp.kernels.tiles import KC, LANES
from distilnp.model import reference

pytestmark = pytest.mark.usefixtures("every_way")

Floats = np.ndarray[Any, np.dtype[np.float32]]


def operands(n_rows: int, dim: int, seed: int = 0, size: float = 1.0) -> list[Floats]:
    """Return queries, keys and values [n_rows, dim]. `size` is the spread of their scores."""
    q, k, v = np.random.RandomState(seed).standard_normal((3, n_rows, dim))
    return [x.astype(np.float32) for x in (q * size, k, v)]


def in_float64(q: Any, k: Any, v: Any) -> tuple[Any, Any]:
    """Return the context of one head's queries over the keys of one text, and how far off it may be.

    A sum of n numbers, rounded at each addition, is off by at most n units of the sum of their absolute
    values (Higham, "Accuracy and Stability of Numerical Algorithms", 2002, section 3.1). That holds for a
    score, a sum of head_dim products, with 3 units more: for the root and the quotient in its scale, and for
    multiplying by it. It does not matter which maximum is subtracted, only that each difference is rounded.
    An error of an exponent is a relative error of its exp, which has 3 units of its own. The sum of the
    probabilities and the sum for the context then add n_keys units each. The last 3 units are for 1 / sum,
    for multiplying by it, and for the exponents below -87, which count as -87.
    """
    q, k, v = (x.astype(np.float64) for x in (q, k, v))
    head_dim, n_keys = q.shape[1], len(k)
    scores = q @ k.T / math.sqrt(head_dim)
    score_error = (head_dim + 3) * UNIT_ROUNDOFF * (np.abs(q) @ np.abs(k).T) / math.sqrt(head_dim)
    difference = scores.max(axis=1, keepdims=True) - scores
    probs = reference.softmax(scores)
    relative_error = np.expm1(score_error + UNIT_ROUNDOFF * difference) + (3 + n_keys) * UNIT_ROUNDOFF

    sum_error = (probs * relative_error).sum(axis=1, keepdims=True)
    size = probs @ np.abs(v)
    error = ((probs * relative_error) @ np.abs(v) + sum_error * size) / (1 - sum_error)
    return probs @ v, error + 3 * UNIT_ROUNDOFF * size


def assert_equals_reference(
    lengths: list[int], head_dim: int, *, n_heads: int = 1, size: float = 1.0, **how: Any
) -> None:
    q, k, v = operands(sum(lengths), n_heads * head_dim, size=size)

    result = attention(q, k, v, spans_of(lengths), n_heads=n_heads, **how)

    for end, length in zip(np.cumsum(lengths), lengths, strict=True):
        for head in range(n_heads):
            block = slice(end - length, end), slice(head * head_dim, (head + 1) * head_dim)
            assert_within(result[block], *in_float64(q[block], k[block], v[block]))


@pytest.mark.parametrize("n_keys", [*range(1, 2 * LANES + 2), 61, 127, 128, 131, 256, 509, 511, 512])
def test_attention_to_any_number_of_keys_equals_the_reference(n_keys: int) -> None:
    assert_equals_reference([n_keys], 17, threads=2)


@pytest.mark.parametrize("head_dim", [1, 2, 7, 15, 16, 17, 31, 32, 33, 64, 67])
def test_attention_of_any_number_of_columns_equals_the_reference(head_dim: int) -> None:
    assert_equals_reference([19, 1, 37], head_dim, n_heads=3, threads=2)


def test_attention_of_the_longest_text_of_a_full_model_equals_the_reference() -> None:
    assert_equals_reference([512], 64, n_heads=12, threads=2)


@pytest.mark.parametrize("dim", [KC - 1, KC, KC + 1, 768])
def test_keys_may_be_longer_than_the_dimension_that_scales_a_score(dim: int) -> None:
    # This is the case in the last layer, where a head attends to whole hidden states.
    q, k, v = operands(37, dim)

    result = attention(q[:12], k, v, [(0, 12, 0, 37)], head_dim=17, threads=2)

    as_if_scaled_by_dim = q[:12] * np.sqrt(np.float64(dim) / 17)
    expected, tolerance = in_float64(as_if_scaled_by_dim, k, v)
    assert_within(result, expected, tolerance)


@pytest.mark.parametrize("n_queries", range(1, LANES + 1))
def test_one_span_may_have_any_number_of_queries(n_queries: int) -> None:
    # The queries have rows of their own, as in the last layer, and do not begin in the first row.
    q, k, v = operands(41, 17)
    first_query, first_key, n_keys = 3, 11, 29

    spans = [(first_query, n_queries, first_key, n_keys)]
    other_rows = [(row, 1, 0, 41) for row in {*range(41)} - {*range(first_query, first_query + n_queries)}]
    result = attention(q, k, v, spans + other_rows)

    rows, keys = slice(first_query, first_query + n_queries), slice(first_key, first_key + n_keys)
    assert_within(result[rows], *in_float64(q[rows], k[keys], v[keys]))


def test_rows_outside_all_spans_are_not_written() -> None:
    q, k, v = operands(40, 17)

    written = attention(q, k, v, [(3, 5, 0, 40), (20, 16, 0, 40)])

    # Rows that are not written still hold the guards, which are NaN.
    is_written = ~np.isnan(written)
    np.testing.assert_array_equal(is_written.all(axis=1), is_written.any(axis=1))
    np.testing.assert_array_equal(np.flatnonzero(is_written.all(axis=1)), [*range(3, 8), *range(20, 36)])


def test_a_single_key_gives_its_own_values() -> None:
    q, k, v = operands(1, 17)

    assert_same_bits(attention(q, k, v, spans_of([1])), v)


@pytest.mark.parametrize("size", [30.0, 1e4])
def test_scores_may_be_too_large_for_exp(size: float) -> None:
    assert_equals_reference([37], 16, size=size)


def test_equal_scores_give_the_mean_of_the_values() -> None:
    _, k, v = operands(37, 17)

    result = attention(np.zeros((37, 17)), k, v, spans_of([37]))

    tolerance = (37 + 3) * UNIT_ROUNDOFF * np.abs(v).mean(axis=0)
    assert_within(result, np.tile(v.mean(axis=0, dtype=np.float64), (37, 1)), tolerance)


# --- each text, each head and each query on its own ---


@given(
    lengths=st.lists(st.integers(1, 60), min_size=1, max_size=5),
    n_heads=st.integers(1, 3),
    head_dim=st.sampled_from([1, 7, 16, 17]),
    threads=st.integers(1, 3),
    data=st.data(),
)
def test_a_text_has_the_same_bits_alone_at_any_position_and_on_any_number_of_threads(
    lengths: list[int], n_heads: int, head_dim: int, threads: int, data: st.DataObject
) -> None:
    q, k, v = operands(sum(lengths), n_heads * head_dim, seed=lengths[0])
    text = data.draw(st.integers(0, len(lengths) - 1))
    start, length = sum(lengths[:text]), lengths[text]
    rows = slice(start, start + length)
    query = data.draw(st.integers(0, length - 1))

    together = attention(q, k, v, spans_of(lengths), n_heads=n_heads, threads=threads)
    alone = attention(q[rows], k[rows], v[rows], spans_of([length]), n_heads=n_heads)
    one_query = attention(q[rows][[query]], k[rows], v[rows], [(0, 1, 0, length)], n_heads=n_heads)

    assert_same_bits(together[rows], alone)
    assert_same_bits(alone[[query]], one_query)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("operand", ["q", "k", "v"])
def test_nan_and_infinity_in_a_text_stay_in_that_text(operand: str, number: float) -> None:
    lengths = [16, 21, 5]
    q, k, v = operands(42, 2 * 17)
    clean = attention(q, k, v, spans_of(lengths), n_heads=2)
    # This is the first column of the second head. A vector that reads too far for the first head reads it.
    row, column = 20, 17
    {"q": q, "k": k, "v": v}[operand][row, column] = number

    result = attention(q, k, v, spans_of(lengths), n_heads=2)

    affected = np.zeros(result.shape, bool)
    if operand == "q":
        affected[row, 17:] = True
    elif operand == "k":
        affected[16:37, 17:] = True
    else:
        affected[16:37, 17] = True
    assert_same_bits(result[~affected], clean[~affected])
    q, k, v = (x[16:37, 17:].astype(np.float64) for x in (q, k, v))
    with np.errstate(invalid="ignore"):
        expected = reference.softmax(q @ k.T / math.sqrt(17)) @ v
    np.testing.assert_array_equal(np.isfinite(result[16:37, 17:]), np.isfinite(expected))


def test_a_nan_is_not_lost_beside_a_score_that_overflows() -> None:
    q, k, v = operands(3, 16)
    q[:], k[0], k[1], k[2] = 1, 1e30, np.nan, -1e30

    assert np.isnan(attention(q, k, v, spans_of([3]))).all()
