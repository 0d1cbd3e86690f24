"""Kernels as functions of arrays: programs of one step, run as the engine runs them, on guarded memory.

Every operand has memory of its own, full of guards: before it, behind it, and between its rows. A guard is a
NaN, so a kernel that uses one shows it in what it returns; and every function here asserts that nothing but
the result has changed. `how` is handed on to `run`: `threads`, and `call`, the machine code, in place of what
`ways` has.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilnp.engine.memory import aligned_floats
from distilnp.engine.packing import padded
from distilnp.kernels.steps import (
    ATTENTION,
    BOARD_STEP,
    EMBED,
    GATHER,
    GEMM,
    IDENTITY,
    LAYER_NORM,
    SPAN_QUERIES,
    attention_scratch,
    step,
)
from distilnp.model import reference

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

UNIT_ROUNDOFF = 2.0**-24  # of float32
LANES = 16

# One of `kernel_calls.WAYS` to call `program.run`: that which the test is about.
ways: list[Callable[..., None]] = []

# The guards of each matrix are NaN of their own: one that a kernel takes from one matrix to another, as
# arithmetic takes a NaN along, is a change there. A new NaN is 0x7FC00000 or 0xFFC00000.
_guards = count(0x7FC0_0001)

# Two vectors: what is read or written a vector too far falls on guards.
BAND = 2 * LANES

# The places of a one-step program's operands in the table `batch`.
ROWS, A, B, C, INDEX = range(5)


class Guarded:
    """A matrix with guards around it, and in it until it is filled; it starts on a cache line.

    Attributes
    ----------
    matrix : array, [rows, columns], float32
    stride : int
        Floats from one row to the next.
    address : int
        Of the first element.
    guard : int
        The bits of a guard.
    """

    def __init__(self, rows: int, columns: int) -> None:
        self.stride = padded(columns) + LANES
        self._words = aligned_floats(BAND + rows * self.stride + BAND).view(np.uint32)
        self.guard = next(_guards)
        self._words[:] = self.guard
        inside = self._words[BAND : BAND + rows * self.stride].view(np.float32)
        self.matrix = inside.reshape(rows, self.stride)[:, :columns]
        self.address = inside.ctypes.data
        self.remember()

    @classmethod
    def of(cls, values: Any) -> "Guarded":
        """Return a guarded copy of a matrix or, as its only row, a vector."""
        values = np.atleast_2d(np.asarray(values, np.float32))
        guarded = cls(*values.shape)
        guarded.matrix[:] = values
        guarded.remember()
        return guarded

    def remember(self) -> None:
        """Take what is there now for what has to be there later."""
        self._before = self._words.copy()

    def assert_unchanged(self) -> None:
        """Assert that the matrix and all guards are, to the bit, what they were when remembered."""
        np.testing.assert_array_equal(self._words, self._before)


def run(
    steps: Sequence[Sequence[int]],
    batch: Sequence[int],
    *,
    scratch_size: int = 0,
    threads: int = 1,
    call: Callable[..., None] | None = None,
) -> Ints:
    """Run steps on the table `batch`; return the board as it is left."""
    table_of_steps, table = np.array(steps, np.int64), np.array(batch, np.int64)
    board = np.zeros((len(steps) + 1, BOARD_STEP), np.int64)
    scratch = Guarded(1, threads * scratch_size)
    on_threads(
        threads,
        call or ways[-1],
        len(steps),
        table_of_steps.ctypes.data,
        table.ctypes.data,
        board.ctypes.data,
        scratch.address,
        scratch_size,
    )
    scratch.matrix.view(np.uint32)[:] = scratch.guard
    scratch.assert_unchanged()
    return board


def on_threads(threads: int, call: Callable[..., None], *args: int) -> None:
    """Call the same on so many threads, this one included."""
    others = [threading.Thread(target=call, args=args) for _ in range(threads - 1)]
    for thread in others:
        thread.start()
    call(*args)
    for thread in others:
        thread.join()


def run_step(
    kind: int,
    c: Guarded,
    result: Floats,
    inputs: Sequence[Guarded],
    batch: Mapping[int, int],
    numbers: Mapping[str, int],
    **how: Any,
) -> Floats:
    """Run one step; assert that it changes nothing but `result`, a view of c's matrix; return that."""
    before = result.copy()
    run(
        [step(kind, rows=ROWS, a=A, b=B, c=C, index=INDEX, c_row=c.stride, **numbers)],
        [batch.get(place, c.address if place == C else 0) for place in (ROWS, A, B, C, INDEX)],
        **how,
    )
    after = result.copy()
    result[:] = before
    for operand in (c, *inputs):
        operand.assert_unchanged()
    return after


def pack(weight: Any) -> Floats:
    """Lay a weight [out, in] out as GEMM reads it: [out / 16, in, 16], one after the other."""
    out, k = np.shape(weight)
    panels = np.zeros((padded(out) // LANES, k, LANES), np.float32)
    for column, row in enumerate(np.asarray(weight)):
        panels[column // LANES, :, column % LANES] = row
    return panels.ravel()


def with_zeros(x: Any) -> Floats:
    """Pad the last axis to whole vectors."""
    x = np.asarray(x, np.float32)
    return np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, -x.shape[-1] % LANES)])


def gemm(
    a: Any,
    weight: Any,
    bias: Any,
    *,
    epilogue: int = IDENTITY,
    residual: Any = None,
    **how: Any,
) -> Floats:
    """Return epilogue(a @ weight.T + bias), [m, out up to 16 columns], computed inside a wider matrix."""
    (m, k), n = np.shape(a), padded(len(weight))
    rows, panels, biases = Guarded.of(a), Guarded.of(pack(weight)), Guarded.of(with_zeros(bias))
    added = Guarded(m, n) if residual is None else Guarded.of(with_zeros(residual))
    c = Guarded(m, n + LANES)
    return run_step(
        GEMM,
        c,
        c.matrix[:, :n],
        [rows, panels, biases, added],
        {ROWS: m, A: rows.address, B: added.address},
        {
            "a_row": rows.stride,
            "b_row": added.stride,
            "dim": k,
            "n_panels": n // LANES,
            "n_heads": 1,
            "epilogue": epilogue,
            "weight": panels.address,
            "bias": biases.address,
        },
        **how,
    )


def gemm_of_heads(a: Any, weight: Any, bias: Any, *, epilogue: int = IDENTITY, **how: Any) -> Floats:
    """Return a[:, h] @ weight[h].T + bias[h] of every head h, [m, n_heads, out up to 16 columns]."""
    (m, n_heads, k), n = np.shape(a), padded(np.shape(weight)[1])
    rows = Guarded.of(np.reshape(a, (m, n_heads * k)))
    panels = Guarded.of(np.concatenate([pack(part) for part in weight]))
    biases = Guarded.of(with_zeros(bias).ravel())
    c_head = n + LANES
    c = Guarded(m, n_heads * c_head)
    row, item = c.matrix.strides
    return run_step(
        GEMM,
        c,
        np.lib.stride_tricks.as_strided(c.matrix, (m, n_heads, n), (row, c_head * item, item)),
        [rows, panels, biases],
        {ROWS: m, A: rows.address, B: rows.address},
        {
            "a_row": rows.stride,
            "b_row": rows.stride,
            "dim": k,
            "n_panels": n // LANES,
            "n_heads": n_heads,
            "a_head": k,
            "c_head": c_head,
            "epilogue": epilogue,
            "weight": panels.address,
            "bias": biases.address,
        },
        **how,
    )


def attention(
    q: Any, k: Any, v: Any, spans: Any, *, n_heads: int = 1, head_dim: int | None = None, **how: Any
) -> Floats:
    """Return softmax(q @ k.T / sqrt(head_dim)) @ v of every span and head, [queries, n_heads * dim].

    k and v stand beside each other in one matrix, with a vector of guards before, between and behind them.
    """
    (n_queries, dim), n_rows = np.shape(q), len(k)
    spans = np.array(spans, np.int64)
    queries = Guarded.of(q)
    value_column = LANES + padded(dim) + LANES
    keys_values = Guarded(n_rows, value_column + dim)
    keys_values.matrix[:, LANES : LANES + dim] = k
    keys_values.matrix[:, value_column:] = v
    keys_values.remember()
    c = Guarded(n_queries, dim)
    return run_step(
        ATTENTION,
        c,
        c.matrix,
        [queries, keys_values],
        {ROWS: len(spans), A: queries.address, B: keys_values.address, INDEX: spans.ctypes.data},
        {
            "a_row": queries.stride,
            "b_row": keys_values.stride,
            "dim": dim // n_heads,
            "n_heads": n_heads,
            "head_dim": head_dim or dim // n_heads,
            "key_column": LANES,
            "value_column": value_column,
        },
        scratch_size=attention_scratch(dim // n_heads, int(spans[:, 3].max())),
        **how,
    )


def spans_of(lengths: Sequence[int]) -> list[tuple[int, int, int, int]]:
    """Return the spans in which all tokens of texts that lie end to end attend to their text."""
    starts = [sum(lengths[:i]) for i in range(len(lengths))]
    return [
        (start + query, min(SPAN_QUERIES, length - query), start, length)
        for start, length in zip(starts, lengths, strict=True)
        for query in range(0, length, SPAN_QUERIES)
    ]


def layer_norm(x: Any, weight: Any, bias: Any, *, in_place: bool = False, **how: Any) -> Floats:
    """Return LayerNorm(x), [m, dim up to 16 columns]."""
    m, dim = np.shape(x)
    a, weights, biases = (Guarded.of(with_zeros(operand)) for operand in (x, weight, bias))
    c = a if in_place else Guarded(m, padded(dim))
    return run_step(
        LAYER_NORM,
        c,
        c.matrix,
        [a, weights, biases],
        {ROWS: m, A: a.address},
        {"a_row": a.stride, "dim": dim, "weight": weights.address, "bias": biases.address},
        **how,
    )


def embed(ids: Any, positions: Any, words: Any, places: Any, **how: Any) -> Floats:
    """Return words[ids] + places[positions], [m, dim up to 16 columns]."""
    ids, positions = np.array(ids, np.int64), np.array(positions, np.int64)
    word_rows, place_rows = Guarded.of(with_zeros(words)), Guarded.of(with_zeros(places))
    c = Guarded(len(ids), word_rows.matrix.shape[1])
    return run_step(
        EMBED,
        c,
        c.matrix,
        [word_rows, place_rows],
        {ROWS: len(ids), INDEX: ids.ctypes.data, B: positions.ctypes.data},
        {
            "a_row": word_rows.stride,
            "b_row": place_rows.stride,
            "dim": np.shape(words)[1],
            "weight": word_rows.address,
            "bias": place_rows.address,
        },
        **how,
    )


def gather(a: Any, rows: Any, **how: Any) -> Floats:
    """Return a[rows], [m, dim up to 16 columns]."""
    rows = np.array(rows, np.int64)
    source = Guarded.of(with_zeros(a))
    c = Guarded(len(rows), source.matrix.shape[1])
    return run_step(
        GATHER,
        c,
        c.matrix,
        [source],
        {ROWS: len(rows), A: source.address, INDEX: rows.ctypes.data},
        {"a_row": source.stride, "dim": np.shape(a)[1]},
        **how,
    )


def assert_same_bits(actual: Any, expected: Any) -> None:
    """Assert that float32 arrays are the same to the bit, but for which NaN a NaN is."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.dtype == expected.dtype == np.float32
    assert actual.shape == expected.shape
    is_nan = np.isnan(expected)
    np.testing.assert_array_equal(np.isnan(actual), is_nan)
    bits = [np.ascontiguousarray(x).view(np.uint32)[~is_nan] for x in (actual, expected)]
    np.testing.assert_array_equal(*bits)


def assert_within(actual: Any, expected: Any, tolerance: Any) -> None:
    """Assert that every element is within its tolerance, and NaN or infinite where it should be."""
    actual, expected = np.asarray(actual, np.float64), np.asarray(expected, np.float64)
    is_special = ~np.isfinite(expected)
    np.testing.assert_array_equal(actual[is_special], expected[is_special])
    error = np.abs(actual - expected)[~is_special]
    tolerance = np.broadcast_to(tolerance, expected.shape)[~is_special]
    worst = np.max(error / tolerance, initial=0) if tolerance.all() else error.max(initial=0)
    assert (error <= tolerance).all(), (
        f"{(error > tolerance).sum()} elements are off, by up to {worst:.3g} tolerances"
    )


def gelu_tolerance(x: Any) -> Any:
    """Return by how much gelu may be off, that of float32 numbers x in float64.

    The error of erf is 6 units of rounding. Its argument is off by 2 (the constant, the product), which moves
    erf by no more than 1, because x erf'(x) is at most 0.49. All this counts x / 2 times; then the result is
    rounded once. Half a subnormal number, and a subnormal result, may each be off by half of 2**-149 instead.
    """
    return UNIT_ROUNDOFF * (7 * np.abs(x) / 2 + np.abs(reference.gelu(x))) + 2.0**-149
