"""Every word of `kernels/words` on its own, compared with NumPy to the bit."""

import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numba import types
from support.comparisons import assert_same_bits
from support.kernel_programs import on_threads
from support.rounded_once import fma as rounded_once

from distilnp.kernels.jit import entry_point
from distilnp.kernels.tiles import LANES, Instruction
from distilnp.kernels.words import atomics, integers, lanes_f32, memory, narrow, tiles
from distilnp.kernels.words.atomics import fetch_add, load_acquire
from distilnp.kernels.words.integers import centred, int_at, round_to_int, store_bytes, store_int
from distilnp.kernels.words.lanes_f32 import (
    first_lanes,
    fma,
    larger,
    largest_lane,
    load,
    power_of_two,
    smaller,
    smallest_lane,
    splat,
    store,
    sum_lanes,
)
from distilnp.kernels.words.memory import (
    advance,
    bytes_at,
    float_pointer,
    floats_at,
    int_pointer,
    ints_at,
)
from distilnp.kernels.words.narrow import load_bfloat16, load_float16, load_int8
from distilnp.kernels.words.tiles import multiply_tile

Floats = np.ndarray[Any, np.dtype[np.float32]]

# Any float32 numbers: infinities, NaN, both zeros and subnormal numbers are among them.
some_lanes = arrays(np.float32, LANES, elements=st.floats(width=32))

INF, NAN = np.inf, np.nan
FMA = int(Instruction.FMA)
# Every pair of these numbers is compared, added, multiplied and divided once.
SPECIAL = np.array(
    [0, -0.0, 1, -1, 1e-45, -1e-45, 3e38, -3e38, INF, -INF, NAN, 0.1, 1 / 3, 2**-126, 7, 8], "f4"
)


@entry_point(float_pointer, float_pointer, float_pointer, float_pointer)
def compute_lane_by_lane(x, y, z, c):
    x, y, z = load(x, 0), load(y, 0), load(z, 0)
    store(c, 0 * LANES, x + y)
    store(c, 1 * LANES, x - y)
    store(c, 2 * LANES, x * y)
    store(c, 3 * LANES, x / y)
    store(c, 4 * LANES, larger(x, y))
    store(c, 5 * LANES, smaller(x, y))
    store(c, 6 * LANES, fma(x, y, z))
    # This product is used nowhere else, because LLVM would otherwise have no reason to fuse it with the sum.
    store(c, 7 * LANES, y * z + x)


def lane_by_lane(x: Floats, y: Floats, z: Floats) -> dict[str, Floats]:
    c = np.zeros((8, LANES), np.float32)
    compute_lane_by_lane.call(*(array.ctypes.data for array in (x, y, z, c)))
    return dict(zip(("add", "sub", "mul", "div", "larger", "smaller", "fma", "mul, add"), c, strict=True))


def in_numpy(x: Floats, y: Floats, z: Floats) -> dict[str, Floats]:
    with np.errstate(all="ignore"):
        return {
            "add": x + y,
            "sub": x - y,
            "mul": x * y,
            "div": x / y,
            "larger": np.where(x > y, x, y),
            "smaller": np.where(x < y, x, y),
            "fma": rounded_once(x, y, z),
            "mul, add": y * z + x,
        }


def assert_lane_by_lane(x: Floats, y: Floats, z: Floats) -> None:
    expected = in_numpy(x, y, z)
    for word, result in lane_by_lane(x, y, z).items():
        assert_same_bits(result, expected[word])


@given(some_lanes, some_lanes, some_lanes)
def test_a_lane_gets_the_result_of_numpy(x: Floats, y: Floats, z: Floats) -> None:
    assert_lane_by_lane(x, y, z)


@pytest.mark.parametrize("turn", range(LANES))
def test_special_numbers_give_the_results_of_numpy(turn: int) -> None:
    assert_lane_by_lane(SPECIAL, np.roll(SPECIAL, turn), np.roll(SPECIAL, 2 * turn))


def test_an_fma_rounds_once_and_a_product_with_a_sum_rounds_twice() -> None:
    x = np.full(LANES, 1 + 2.0**-12, np.float32)
    minus_one = np.full(LANES, -1, np.float32)

    fused, apart = lane_by_lane(x, x, minus_one)["fma"], lane_by_lane(minus_one, x, x)["mul, add"]

    assert (fused == 2.0**-11 + 2.0**-24).all()
    assert (apart == 2.0**-11).all()


def test_larger_and_smaller_keep_a_nan_that_is_their_second_operand() -> None:
    nans, ones = np.full(LANES, NAN, np.float32), np.ones(LANES, np.float32)

    kept, lost = lane_by_lane(ones, nans, ones), lane_by_lane(nans, ones, ones)

    for word in ("larger", "smaller"):
        assert np.isnan(kept[word]).all()
        assert (lost[word] == 1).all()


@entry_point(float_pointer, types.int64, float_pointer)
def compute_of_one(x, n, c):
    number = x[LANES]
    store(c, 0 * LANES, first_lanes(load(x, 0), n))
    store(c, 1 * LANES, power_of_two(load(x, 0)))
    store(c, 2 * LANES, splat(number))
    store(c, 3 * LANES, splat(0.1))
    c[4 * LANES] = sum_lanes(load(x, 0))


def of_one(x: Any, n: int = 0, number: float = 0.0) -> dict[str, Floats]:
    """Return the results of the words that take 16 lanes x, the number n of lanes to keep, or one number."""
    lanes = np.append(np.asarray(x, np.float32), np.float32(number))
    c = np.zeros(4 * LANES + 1, np.float32)
    compute_of_one.call(lanes.ctypes.data, n, c.ctypes.data)
    words = ("first_lanes", "power_of_two", "splat", "splat a literal", "sum_lanes")
    return dict(zip(words, np.split(c, range(LANES, 5 * LANES, LANES)), strict=True))


@pytest.mark.parametrize("n", [-(2**31), -1, *range(LANES + 2), 1000, 2**31 - 1])
def test_first_lanes_keeps_the_first_n_lanes(n: int) -> None:
    # A lane that is cut off becomes 0 even if it was NaN.
    for x in (np.arange(1, LANES + 1, dtype=np.float32), np.full(LANES, NAN, np.float32)):
        assert_same_bits(of_one(x, n)["first_lanes"], np.where(np.arange(LANES) < n, x, np.float32(0)))


def test_power_of_two_is_exact_for_every_normal_float32() -> None:
    exponents = np.arange(-126, 128).astype(np.float32)
    for n in np.resize(exponents, (16, LANES)):
        shifted = n + np.float32(1.5 * 2**23)

        assert_same_bits(of_one(shifted)["power_of_two"], np.exp2(n.astype(np.float64)).astype(np.float32))


@pytest.mark.parametrize("number", [0.1, -0.0, INF, NAN, 1e-45])
def test_splat_fills_every_lane_with_a_number_or_a_rounded_literal(number: float) -> None:
    words = of_one(np.zeros(LANES), number=number)

    assert_same_bits(words["splat"], np.full(LANES, number, np.float32))
    assert_same_bits(words["splat a literal"], np.full(LANES, 0.1, np.float32))


@given(some_lanes)
# In any other order, at least one of the small numbers is lost beside a large one.
@example(np.array([2**24, 1, 2**24, 1, 1, 1, 1, 1, -(2**24), 1, -(2**24), 1, 1, 1, 1, 1], np.float32))
def test_lanes_are_summed_by_halves(x: Floats) -> None:
    expected = x
    with np.errstate(all="ignore"):
        for n in (8, 4, 2, 1):
            expected = expected[:n] + expected[n:]

    assert_same_bits(of_one(x)["sum_lanes"], expected)


# --- memory ---


@entry_point(types.int64, types.int64, types.int64)
def copy_by_address(floats, ints, offset):
    source = floats_at(floats)
    store(advance(source, LANES), offset, load(source, offset))
    numbers = ints_at(ints)
    numbers[0] = advance(numbers, 1)[offset]


@pytest.mark.parametrize("offset", [0, 1, 3, LANES - 1])
def test_lanes_are_loaded_and_stored_at_any_offset(offset: int) -> None:
    floats, ints = np.arange(4 * LANES, dtype=np.float32), np.arange(100, 100 + 2 * LANES)
    expected = floats.copy()
    expected[LANES + offset : 2 * LANES + offset] = floats[offset : LANES + offset]

    copy_by_address.call(floats.ctypes.data, ints.ctypes.data, offset)

    assert_same_bits(floats, expected)
    assert ints[0] == 101 + offset


# --- numbers in fewer bits ---


@entry_point(types.int64, types.int64, float_pointer)
def widen_int8(address, n, out):
    for i in range(0, n, LANES):
        store(out, i, load_int8(bytes_at(address), i))


@entry_point(types.int64, types.int64, float_pointer)
def widen_float16(address, n, out):
    for i in range(0, n, LANES):
        store(out, i, load_float16(bytes_at(address), i))


@entry_point(types.int64, types.int64, float_pointer)
def widen_bfloat16(address, n, out):
    for i in range(0, n, LANES):
        store(out, i, load_bfloat16(bytes_at(address), i))


EVERY_16_BITS = np.arange(2**16, dtype=np.uint16)


@pytest.mark.parametrize(
    ("widen", "numbers", "expected"),
    [
        (widen_int8, np.arange(-128, 128, dtype=np.int8), np.arange(-128, 128)),
        (widen_float16, EVERY_16_BITS.view(np.float16), EVERY_16_BITS.view(np.float16)),
        (widen_bfloat16, EVERY_16_BITS, (EVERY_16_BITS.astype(np.uint32) << 16).view(np.float32)),
    ],
    ids=["int8", "float16", "bfloat16"],
)
def test_every_finite_number_is_widened_exactly(widen: Any, numbers: Any, expected: Any) -> None:
    out = np.empty(numbers.size, np.float32)
    finite = np.isfinite(expected)

    widen.call(numbers.ctypes.data, numbers.size, out.ctypes.data)

    assert_same_bits(out[finite], expected.astype(np.float32)[finite])


# --- tiles ---


TILE = (
    types.int64,
    types.int64,
    float_pointer,
    types.int64,
    types.int64,
    float_pointer,
    float_pointer,
    types.int64,
)


@entry_point(*TILE)
def multiply_tile_of_one_panel(rows, k, a, a_row, a_k, b, c, adds):
    multiply_tile(FMA, 5, 1, 1, rows, k, a, a_row, a_k, b, LANES, 0, b, 0, 1, c, 3 * LANES, adds > 0)


@entry_point(*TILE)
def multiply_tile_of_two_panels(rows, k, a, a_row, a_k, b, c, adds):
    multiply_tile(FMA, 5, 2, 4, rows, k, a, a_row, a_k, b, LANES, k * LANES, b, 0, 4, c, 3 * LANES, adds > 0)


@pytest.mark.parametrize("adds", [0, 1])
@pytest.mark.parametrize("k", [1, 3, 4, 9])
@pytest.mark.parametrize("rows", range(1, 6))
@pytest.mark.parametrize("panels", [1, 2])
@pytest.mark.parametrize("transposed", [False, True])
def test_a_tile_is_summed_in_order_and_stored_or_added(
    panels: int, rows: int, k: int, adds: int, transposed: bool
) -> None:
    random = np.random.RandomState(0)
    a = random.standard_normal((rows, k)).astype(np.float32)
    b = random.standard_normal((panels, k, LANES)).astype(np.float32)
    c = random.standard_normal((rows + 1, 3 * LANES)).astype(np.float32)
    sums = np.zeros((rows, panels * LANES), np.float32)
    for p in range(k):
        sums = rounded_once(a[:, p : p + 1], b[:, p].ravel(), sums)
    expected = c.copy()
    expected[:rows, : panels * LANES] = sums + adds * c[:rows, : panels * LANES]
    stored, a_row, a_k = (a.T.copy(), 1, rows) if transposed else (a, k, 1)
    tile = multiply_tile_of_one_panel if panels == 1 else multiply_tile_of_two_panels

    tile.call(rows, k, stored.ctypes.data, a_row, a_k, b.ctypes.data, c.ctypes.data, adds)

    assert_same_bits(c, expected)


@entry_point(int_pointer, types.int64, float_pointer)
def multiply_ahead_of(addresses, n, numbers):
    for i in range(n):
        ahead = floats_at(addresses[i])
        multiply_tile(FMA, 1, 1, 4, 1, 8, numbers, 0, 0, numbers, 0, 0, ahead, 0, 4, numbers, LANES, False)


def test_a_prefetched_address_need_not_be_memory() -> None:
    addresses = np.array([0, 1, -1, 2**47, 2**62 + 1, -(2**63)])
    numbers = np.zeros(LANES, np.float32)

    multiply_ahead_of.call(addresses.ctypes.data, len(addresses), numbers.ctypes.data)


# --- integers ---


@entry_point(float_pointer, float_pointer, int_pointer, float_pointer, float_pointer)
def compute_with_integers(x, sums, numbers, quads, results):
    zero_point = round_to_int(x[0])
    store_int(results, 0, zero_point)
    store_int(results, 1, int_at(results, 0))
    results[2] = largest_lane(load(x, 0))
    results[3] = smallest_lane(load(x, 0))
    store(results, LANES, centred(sums, advance(sums, LANES), zero_point))
    store_bytes(quads, 3, load(x, 0), zero_point, numbers[0])


@given(
    arrays(np.float32, LANES, elements=st.floats(-200, 200, width=32)),
    arrays(np.int32, (2, LANES), elements=st.integers(-(2**22), 2**22)),
    st.integers(1, 127),
)
@example(np.arange(-8, 8, dtype=np.float32) / 2, np.full((2, LANES), 2**22, np.int32), 127)
def test_integers_are_rounded_to_even_centred_and_bounded(x: Floats, sums: Any, largest: int) -> None:
    quads, results = np.full(8, -1, np.int32), np.zeros(2 * LANES, np.float32)
    numbers = np.array([largest])

    operands = x, sums, numbers, quads, results
    compute_with_integers.call(*(array.ctypes.data for array in operands))

    zero_point = np.int32(np.rint(x[0]))
    assert results.view(np.int32)[:2].tolist() == [zero_point, zero_point]
    assert results[2:4].tolist() == [x.max(), x.min()]
    np.testing.assert_array_equal(results[LANES:], (sums[0] - zero_point * sums[1]).astype(np.float32))
    stored = np.minimum(np.rint(x).astype(np.int32) + zero_point, largest)
    np.testing.assert_array_equal(quads.view(np.uint8)[3:19], stored.astype(np.uint8))
    np.testing.assert_array_equal(np.delete(quads.view(np.uint8), range(3, 19)), 255)


# --- threads ---


# How often a thread looks at a counter that does not change: for some seconds, so that a failure ends.
PATIENCE = 10**10


@entry_point(types.int64, types.int64, int_pointer, int_pointer)
def draw_numbers(threads, n, counters, drawn):
    """When all threads are there, draw n numbers from the first counter; write them in this thread's row."""
    arrived = advance(counters, 1)
    row = advance(drawn, fetch_add(arrived, 1) * n)
    looks = 0
    while load_acquire(arrived) < threads and looks < PATIENCE:
        looks += 1
    for i in range(n):
        row[i] = fetch_add(counters, 1)


def test_each_number_is_drawn_by_one_thread() -> None:
    threads, n = 4, 300_000
    counters, drawn = np.zeros(2, np.int64), np.zeros((threads, n), np.int64)

    on_threads(threads, draw_numbers.call, threads, n, counters.ctypes.data, drawn.ctypes.data)

    np.testing.assert_array_equal(np.sort(drawn.ravel()), np.arange(threads * n))


@entry_point(types.int64, types.int64, int_pointer, int_pointer)
def play_ball(n, side, ball, result):
    """Wait until the ball is on this side, check the other side's last write, write, and hit it back."""
    for turn in range(n):
        looks = 0
        while load_acquire(ball) != 2 * turn + side:
            looks += 1
            if looks == PATIENCE:
                return
        if result[0] == 2 * turn + side:
            result[0] += 1
        fetch_add(ball, 1)


def test_a_thread_that_sees_a_counter_change_sees_all_earlier_writes() -> None:
    n = 300
    ball, result = np.zeros(1, np.int64), np.zeros(1, np.int64)
    addresses = ball.ctypes.data, result.ctypes.data
    other = threading.Thread(target=play_ball.call, args=(n, 1, *addresses))

    other.start()
    play_ball.call(n, 0, *addresses)
    other.join()

    assert ball[0] == result[0] == 2 * n


def test_every_word_is_tested_in_this_file() -> None:
    modules = (atomics, integers, lanes_f32, memory, narrow, tiles)
    words = {name for m in modules for name, word in vars(m).items() if isinstance(word, type(load))}

    assert words - set(globals()) == set()
