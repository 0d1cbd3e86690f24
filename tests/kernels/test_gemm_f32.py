"""Products with packed weights: right at every edge, summed in one fixed order, each row on its own."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.comparisons import UNIT_ROUNDOFF, assert_same_bits, assert_within, gelu_tolerance
from support.kernel_programs import gemm, gemm_of_heads
from support.rounded_once import fma

from distilnp.kernels.steps import GELU, IDENTITY, NO_BIAS, RELU, RESIDUAL
from distilnp.kernels.tiles import KC, MC, MR
from distilnp.model import reference

pytestmark = pytest.mark.usefixtures("every_way")

Floats = np.ndarray[Any, np.dtype[np.float32]]

EPILOGUES = {"identity": IDENTITY, "gelu": GELU, "relu": RELU, "residual": RESIDUAL}
each_epilogue = pytest.mark.parametrize("epilogue", EPILOGUES.values(), ids=EPILOGUES)

# All heights of the last tile; the rows of one job and of two, with one more or one less; primes.
ROWS = [*range(1, 2 * MR + 2), 17, 31, 47, 61, 97, MC - 1, MC, MC + 1, 2 * MC, 2 * MC + 1, 409]
TERMS = [1, 2, 3, 17, 127, KC - 1, KC, KC + 1, 2 * KC - 1, 2 * KC + 1, 769]
# Up to 12 panels, so that some jobs have fewer panels than others.
COLUMNS = [1, 2, 15, 16, 17, 31, 33, 48, 53, 64, 65, 79, 97, 128, 131, 191]


def operands(m: int, k: int, n: int, seed: int = 0) -> tuple[Floats, Floats, Floats, Floats]:
    """Return a [m, k], weight [n, k], bias [n] and residual [m, n] of standard normal numbers."""
    random = np.random.RandomState(seed)
    shapes = ((m, k), (n, k), (n,), (m, n))
    a, weight, bias, residual = (random.standard_normal(shape).astype(np.float32) for shape in shapes)
    return a, weight, bias, residual


def assert_equals_numpy(m: int, k: int, n: int, **how: Any) -> None:
    """Assert that a product is within rounding of NumPy's in float64.

    In any order of the k products and the bias, each of the k + 1 additions rounds by at most a unit of its
    result, which is at most the sum of all absolute values (Higham, "Accuracy and Stability of Numerical
    Algorithms", 2002, section 3.1). A missing product would still be found: it would be about one k-th of
    that sum, which is more than the tolerance while k (k + 1) is below 2**24.
    """
    a, weight, bias, _ = (x.astype(np.float64) for x in operands(m, k, n))
    tolerance = (k + 1) * UNIT_ROUNDOFF * (np.abs(a) @ np.abs(weight).T + np.abs(bias))

    assert_within(gemm(a, weight, bias, **how)[:, :n], a @ weight.T + bias, tolerance)


@pytest.mark.parametrize("m", ROWS)
def test_a_product_of_any_number_of_rows_equals_numpy(m: int) -> None:
    assert_equals_numpy(m, 19, 33, threads=2)


@pytest.mark.parametrize("k", TERMS)
def test_a_product_of_any_number_of_terms_equals_numpy(k: int) -> None:
    assert_equals_numpy(2 * MR + 1, k, 33, threads=2)


@pytest.mark.parametrize("n", COLUMNS)
def test_a_product_of_any_number_of_columns_equals_numpy(n: int) -> None:
    assert_equals_numpy(MR + 1, 19, n, threads=2)


def in_order(a: Floats, weight: Floats, bias: Floats) -> Floats:
    """Return the product with every rounding: FMAs from 0 in the order of k, sums of KC terms, the bias."""
    k = a.shape[1]
    total = np.zeros((len(a), len(weight)), np.float32)
    for first in range(0, k, KC):
        block = np.zeros_like(total)
        for p in range(first, min(first + KC, k)):
            block = fma(a[:, p : p + 1], weight[:, p], block)
        total = total + block if first else block
    return total + bias


@pytest.mark.parametrize("m", [1, MR + 1, MC + 1])
@pytest.mark.parametrize("k", [1, 19, KC, KC + 1, 3 * KC - 1])
def test_terms_are_summed_in_one_order_and_rounded_once_each(m: int, k: int) -> None:
    a, weight, bias, _ = operands(m, k, 17)

    assert_same_bits(gemm(a, weight, bias)[:, :17], in_order(a, weight, bias))


# --- heads ---


@pytest.mark.parametrize(("m", "k", "n"), [(1, 1, 1), (1, 64, 768), (1, 768, 64), (MC + 1, KC + 1, 17)])
@pytest.mark.parametrize("threads", [1, 3])
def test_every_head_has_the_product_of_its_own_rows_and_weight(m: int, k: int, n: int, threads: int) -> None:
    heads = [operands(m, k, n, seed=head) for head in range(5)]
    a, weight, bias = (np.stack(parts) for parts in [*zip(*heads, strict=True)][:3])
    a = a.swapaxes(0, 1)

    together = gemm_of_heads(a, weight, bias, threads=threads)
    without_bias = gemm_of_heads(a, weight, np.full_like(bias, np.nan), epilogue=NO_BIAS, threads=threads)

    for head in range(5):
        assert_same_bits(together[:, head], gemm(a[:, head], weight[head], bias[head]))
        assert_same_bits(without_bias[:, head], gemm(a[:, head], weight[head], np.zeros_like(bias[head])))


# --- epilogues ---


@pytest.mark.parametrize(("m", "k", "n"), [(1, 1, 1), (MR + 1, KC + 1, 53), (MC + 1, 19, 131)])
def test_an_epilogue_is_applied_to_the_sum_with_its_bias(m: int, k: int, n: int) -> None:
    a, weight, bias, residual = operands(m, k, n)
    x = gemm(a, weight, bias)[:, :n]
    exact = x.astype(np.float64)

    def finished(epilogue: int) -> Floats:
        return gemm(a, weight, bias, epilogue=epilogue, residual=residual, threads=2)[:, :n]

    assert_same_bits(finished(IDENTITY), x)
    assert_same_bits(finished(RELU), np.where(x < 0, np.float32(0), x))
    assert_same_bits(finished(RESIDUAL), x + residual)
    assert_within(finished(GELU), reference.gelu(exact), gelu_tolerance(exact))


@each_epilogue
def test_columns_that_pad_the_last_panel_are_0(epilogue: int) -> None:
    a, weight, bias, residual = operands(MR + 1, 19, 17)

    padding = gemm(a, weight, bias, epilogue=epilogue, residual=residual)[:, 17:]

    np.testing.assert_array_equal(padding, np.zeros((MR + 1, 15)))


@each_epilogue
def test_only_the_residual_epilogue_reads_a_residual(epilogue: int) -> None:
    a, weight, bias, residual = operands(MR + 1, 19, 17)
    result = gemm(a, weight, bias, epilogue=epilogue, residual=np.full_like(residual, np.nan))

    assert np.isnan(result[:, :17]).any() == (epilogue == RESIDUAL)


# --- each row on its own ---


@given(
    m=st.integers(1, 2 * MC + 7),
    k=st.sampled_from([1, 7, 19, KC + 1]),
    n=st.integers(1, 97),
    epilogue=st.sampled_from(list(EPILOGUES.values())),
    threads=st.integers(1, 3),
    data=st.data(),
)
def test_a_row_has_the_same_bits_alone_at_any_position_and_on_any_number_of_threads(
    m: int, k: int, n: int, epilogue: int, threads: int, data: st.DataObject
) -> None:
    a, weight, bias, residual = operands(m, k, n, seed=m)
    row = data.draw(st.integers(0, m - 1))
    part = slice(data.draw(st.integers(0, row)), data.draw(st.integers(row + 1, m)))

    together = gemm(a, weight, bias, epilogue=epilogue, residual=residual, threads=threads)
    fewer = gemm(a[part], weight, bias, epilogue=epilogue, residual=residual[part])
    alone = gemm(a[[row]], weight, bias, epilogue=epilogue, residual=residual[[row]])

    assert_same_bits(together[[row]], alone)
    assert_same_bits(fewer, together[part])


@given(m=st.integers(2, 3 * MR), n=st.integers(1, 40), seed=st.integers(0, 100))
def test_a_column_has_the_same_bits_alone_and_beside_others(m: int, n: int, seed: int) -> None:
    a, weight, bias, _ = operands(m, 19, n, seed)
    column = seed % n

    alone = gemm(a, weight[[column]], bias[[column]])[:, 0]

    assert_same_bits(gemm(a, weight, bias)[:, column], alone)


# --- NaN and infinity ---


@each_epilogue
@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("row", [0, MR - 1, MR, MR + 2])
def test_nan_and_infinity_in_a_row_stay_in_that_row(row: int, number: float, epilogue: int) -> None:
    a, weight, bias, residual = operands(MR + 3, 19, 33)
    clean = gemm(a, weight, bias, epilogue=epilogue, residual=residual)
    a[row, 7] = number
    others = np.arange(len(a)) != row

    result = gemm(a, weight, bias, epilogue=epilogue, residual=residual)

    assert_same_bits(result[others], clean[others])
    sums = a[row] @ weight.T + bias  # NaN, or infinities of the weights' signs
    with np.errstate(invalid="ignore"):
        expected = {GELU: reference.gelu, RELU: reference.relu}.get(epilogue, np.positive)(sums)
    np.testing.assert_array_equal(result[row, :33], expected)


@pytest.mark.parametrize("number", [np.nan, np.inf])
@pytest.mark.parametrize("operand", ["weight", "bias"])
def test_nan_and_infinity_in_a_column_stay_in_that_column(operand: str, number: float) -> None:
    a, weight, bias, _ = operands(MR + 3, 19, 33)
    clean = gemm(a, weight, bias)
    others = np.arange(clean.shape[1]) != 20
    {"weight": weight[:, 7], "bias": bias}[operand][20] = number

    result = gemm(a, weight, bias)

    assert_same_bits(result[:, others], clean[:, others])
    assert not np.isfinite(result[:, 20]).any()


def test_a_sum_that_overflows_is_infinite_and_its_neighbours_are_not() -> None:
    a, weight, bias, _ = operands(MR + 3, 19, 33)
    clean = gemm(a, weight, bias)
    a[2, :], weight[20, :] = np.float32(3e38), np.float32(2)

    result = gemm(a, weight, bias)

    assert result[2, 20] == np.inf
    assert_same_bits(np.delete(result, 2, axis=0)[:, :20], np.delete(clean, 2, axis=0)[:, :20])
