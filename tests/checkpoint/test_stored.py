"""Rows as they are stored: their value as floats, and whether they are finite, for every type."""

import numpy as np
import pytest

from distilnp.checkpoint.stored import StoredRows

BITS = np.arange(2**16, dtype=np.uint16)


def float16(bits: np.ndarray) -> StoredRows:
    return StoredRows(bits.view(np.float16), "F16")


def bfloat16(bits: np.ndarray) -> StoredRows:
    return StoredRows(bits, "BF16")


@pytest.mark.parametrize("rows", [float16, bfloat16])
def test_every_number_of_16_bits_is_finite_exactly_if_its_float32_is(rows: object) -> None:
    is_finite = np.isfinite(rows(BITS).floats())

    assert rows(BITS[is_finite]).are_finite()
    for bits in BITS[~is_finite]:
        assert not rows(np.array([0, bits, 0], np.uint16)).are_finite()


def test_a_bfloat16_is_the_upper_half_of_a_float32() -> None:
    x = np.array([[1.0, -0.15625], [3.0e38, 1.0e-45]], np.float32)

    floats = bfloat16((x.view(np.uint32) >> 16).astype(np.uint16)).floats()

    np.testing.assert_array_equal(floats.view(np.uint32), x.view(np.uint32) & 0xFFFF0000)
    assert floats.dtype == np.float32


def test_float32_and_float64_are_not_copied() -> None:
    for stored in (np.ones((2, 3), np.float32), np.ones((2, 3), np.float64)):
        assert StoredRows(stored, "F32" if stored.itemsize == 4 else "F64").floats() is stored


@pytest.mark.parametrize(
    ("value", "is_finite"),
    [(1e300, False), (-1e300, False), (3.4028234e38, True), (3.4028236e38, False), (np.nan, False)],
)
def test_a_float64_is_finite_if_float32_can_hold_it(value: float, is_finite: bool) -> None:
    assert StoredRows(np.array([0.0, value]), "F64").are_finite() == is_finite


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_float32_that_is_not_finite_is_found(value: float) -> None:
    assert not StoredRows(np.array([[0.0, value]], np.float32), "F32").are_finite()


@pytest.mark.parametrize(
    ("integers", "scale", "is_finite"),
    [
        ([-128, 127], 1e-3, True),
        ([1, -1], 3e38, True),  # 128 times the scale is infinite, and no row has 128
        ([1, 2], 3e38, False),
    ],
)
def test_int8_rows_are_finite_if_their_products_are(
    integers: list[int], scale: float, is_finite: bool
) -> None:
    rows = StoredRows(np.array([integers], np.int8), "I8", np.array([[scale]], np.float32))

    assert rows.are_finite() == is_finite


def test_int8_rows_are_multiplied_by_their_scales() -> None:
    integers = np.array([[1, -127], [64, 0]], np.int8)
    scale = np.array([[0.1], [1 / 3]], np.float32)

    floats = StoredRows(integers, "I8", scale).floats()

    np.testing.assert_array_equal(floats, integers.astype(np.float32) * scale)
    assert floats.dtype == np.float32
