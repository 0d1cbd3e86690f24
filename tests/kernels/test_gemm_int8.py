"""Products of integers: exact at every edge and for the worst operands, then the epilogue of the scheme."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.comparisons import assert_same_bits, assert_within, gelu_tolerance
from support.kernel_programs import gemm_int8

from distilnp.kernels.steps import GELU, IDENTITY, RELU, RESIDUAL
from distilnp.kernels.tiles import AMX_TILE, KC, MC, MR, QUAD
from distilnp.model import int8, reference
from distilnp.model.config import LARGEST
from distilnp.model.int8 import Int8Linear, QuantizedRows

pytestmark = pytest.mark.usefixtures("every_way_of_int8")

Floats = np.ndarray[Any, np.dtype[np.float32]]

# All heights of the last tile, the rows of one job and of two, with one more or one less.
HEIGHT = AMX_TILE.rows
ROWS = [*range(1, HEIGHT + 2), 47, 61, 127, 128, 129, MC - 1, MC, MC + 1, 2 * MC + 1, 409]
# Around a quad, a register of AMX, a block of terms and two of them.
TERMS = [1, 3, 4, 5, 63, 64, 65, 127, 768, QUAD * KC - 1, QUAD * KC, QUAD * KC + 1, 2 * QUAD * KC + 3, 3072]
COLUMNS = [1, 15, 16, 17, 31, 33, 48, 64, 65, 97, 128, 131]


def operands(m: int, k: int, n: int, seed: int = 0) -> tuple[Floats, Int8Linear, Floats]:
    """Return x [m, k], a dense layer from k to n, and a residual [m, n]."""
    random = np.random.RandomState(seed)
    x, residual = (random.standard_normal(shape).astype(np.float32) for shape in ((m, k), (m, n)))
    weight = random.randint(-128, 128, (n, k)).astype(np.int8)
    scale = random.uniform(0.001, 0.1, n).astype(np.float32)
    return x, Int8Linear(weight, scale, random.standard_normal(n).astype(np.float32)), residual


def product(x: Floats, layer: Int8Linear, **how: Any) -> Floats:
    """Return what the kernel makes of quantized rows of x, without the columns that pad it."""
    return gemm_int8(int8.quantize_rows(x), *layer, **how)[:, : len(layer.weight)]


def assert_equals_numpy(m: int, k: int, n: int) -> None:
    x, layer, _ = operands(m, k, n)

    assert_same_bits(product(x, layer, threads=2), int8.linear(x, layer))


@pytest.mark.parametrize("m", ROWS)
def test_a_product_of_any_number_of_rows_has_the_bits_of_numpy(m: int) -> None:
    assert_equals_numpy(m, 70, 33)


@pytest.mark.parametrize("k", TERMS)
def test_a_product_of_any_number_of_terms_has_the_bits_of_numpy(k: int) -> None:
    assert_equals_numpy(2 * MR + 1, k, 33)


@pytest.mark.parametrize("n", COLUMNS)
def test_a_product_of_any_number_of_columns_has_the_bits_of_numpy(n: int) -> None:
    assert_equals_numpy(HEIGHT + 1, 70, n)


@pytest.mark.parametrize("integer", [0, 1, 63, 64, 127])
@pytest.mark.parametrize("weight", [-128, -127, 127])
@pytest.mark.parametrize("m", [1, HEIGHT])
def test_the_largest_operands_do_not_saturate(m: int, weight: int, integer: int) -> None:
    """Two products are up to 32,512 of the 32,767 that 16 bits hold; a sum of all is exact in float64."""
    k, n = 3072, 17
    scale, zero_point = np.ones((m, 1), np.float32), np.full((m, 1), 127 - integer, np.int32)
    rows = QuantizedRows(np.full((m, k), integer, np.int32), scale, zero_point)
    layer = Int8Linear(np.full((n, k), weight, np.int8), np.ones(n, np.float32), np.zeros(n, np.float32))

    found = gemm_int8(rows, *layer)[:, :n]

    expected = k * weight * (integer - (127 - integer))
    np.testing.assert_array_equal(found, np.full((m, n), np.float32(expected)))


@given(st.integers(1, 20), st.integers(1, 200), st.integers(1, 20), st.integers(0, 9))
def test_extreme_integers_in_any_mixture_are_summed_exactly(m: int, k: int, n: int, seed: int) -> None:
    random = np.random.RandomState(seed)
    integers = random.choice([0, 1, 126, 127], (m, k)).astype(np.int32)
    weight = random.choice([-128, -127, -1, 0, 126, 127], (n, k)).astype(np.int8)
    rows = QuantizedRows(
        integers, np.ones((m, 1), np.float32), random.choice([0, 127], (m, 1)).astype(np.int32)
    )

    found = gemm_int8(rows, weight, np.ones(n, np.float32), np.zeros(n, np.float32))[:, :n]

    expected = (integers - rows.zero_point).astype(np.int64) @ weight.T.astype(np.int64)
    np.testing.assert_array_equal(found, expected.astype(np.float32))


def test_a_sum_of_as_many_terms_as_a_model_may_have_is_exact() -> None:
    k = LARGEST["hidden_dim"]
    rows = QuantizedRows(
        np.full((2, k), 127, np.int32), np.ones((2, 1), np.float32), np.array([[0], [127]], np.int32)
    )
    weight = np.full((1, k), -128, np.int8)

    found = gemm_int8(rows, weight, np.ones(1, np.float32), np.zeros(1, np.float32))[:, 0]

    np.testing.assert_array_equal(found, np.array([-127 * 128 * k, 0], np.float32))


# --- epilogues ---


@pytest.mark.parametrize(("m", "k", "n"), [(1, 1, 1), (MR + 1, QUAD * KC + 1, 53), (MC + 1, 19, 131)])
def test_an_epilogue_is_applied_to_the_sum_with_its_bias(m: int, k: int, n: int) -> None:
    x, layer, residual = operands(m, k, n)
    y = int8.linear(x, layer)
    exact = y.astype(np.float64)

    def finished(epilogue: int) -> Floats:
        return product(x, layer, epilogue=epilogue, residual=residual, threads=2)

    assert_same_bits(finished(IDENTITY), y)
    assert_same_bits(finished(RELU), np.where(y < 0, np.float32(0), y))
    assert_same_bits(finished(RESIDUAL), y + residual)
    assert_within(finished(GELU), reference.gelu(exact), gelu_tolerance(exact))


def test_a_row_that_is_not_finite_gives_nan_and_changes_no_other() -> None:
    x, layer, _ = operands(40, 70, 33)
    clean = product(x, layer)
    x[17, 3] = np.inf

    found = product(x, layer)

    assert np.isnan(found[17]).all()
    others = np.arange(40) != 17
    assert_same_bits(found[others], clean[others])


# --- each row on its own ---


@given(
    m=st.integers(1, 2 * MC + 7),
    k=st.sampled_from([1, 7, 70, QUAD * KC + 1]),
    n=st.integers(1, 97),
    threads=st.integers(1, 3),
    data=st.data(),
)
def test_a_row_has_the_same_bits_alone_at_any_position_and_on_any_number_of_threads(
    m: int, k: int, n: int, threads: int, data: st.DataObject
) -> None:
    x, layer, residual = operands(m, k, n, seed=m)
    row = data.draw(st.integers(0, m - 1))
    part = slice(data.draw(st.integers(0, row)), data.draw(st.integers(row + 1, m)))

    together = product(x, layer, epilogue=GELU, residual=residual, threads=threads)
    beside_others = product(x[part], layer, epilogue=GELU, residual=residual[part])
    alone = product(x[row : row + 1], layer, epilogue=GELU, residual=residual[row : row + 1])

    assert_same_bits(together[row], alone[0])
    assert_same_bits(together[part], beside_others)
