"""Kernels as functions of arrays, computed in guarded memory.

- `gemm`, `gemm_of_heads`, `gemm_int8`, `quantize`, `attention`, `layer_norm`, `embed` and `gather` each run a
  program of one step.
- `run` runs any program; `on_threads` calls any function on several threads.
- `pack`, `with_zeros` and `spans_of` prepare operands.
- `Guarded` is one operand. It has memory of its own with guards before it, after it and between its rows.

A guard is a NaN, so a kernel that uses one shows it in its result. Every function asserts that only the
result has changed. The arguments `how` are those of `run`: `threads`, and `call`, the machine code to run
instead of that in `ways`.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilnp.engine.memory import aligned_floats
from distilnp.engine.packing import n_quads, padded
from distilnp.kernels.steps import (
    ATTENTION,
    BOARD_STEP,
    EMBED,
    GATHER,
    GEMM,
    GEMM_INT8,
    GEMM_SCRATCH,
    IDENTITY,
    LAYER_NORM,
    QUANTIZE,
    SPAN_QUERIES,
    attention_scratch,
    step,
)
from distilnp.kernels.tiles import LANES, QUAD
from distilnp.model.int8 import QuantizedRows

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

# The last one is the machine code of `program.run` that the current test is about; see `kernel_calls.WAYS`.
ways: list[Callable[..., None]] = []

# Each matrix has a NaN of its own for its guards. Arithmetic passes a NaN on, so a guard that a kernel
# carries into another matrix is a change there. Arithmetic itself makes the NaN 0x7FC00000 or 0xFFC00000.
_guards = count(0x7FC0_0001)

# Two vectors, so that an access that is a whole vector too far still falls on guards.
BAND = 2 * LANES

# The positions of a one-step program's operands in the table `batch`.
ROWS, A, B, C, INDEX, QUANTIZED = range(6)


class Guarded:
    """A matrix with guards around it, and inside it until it is filled. It starts on a cache line.

    Attributes
    ----------
    matrix : array, [rows, columns], float32
    stride : int
        Floats from one row to the next.
    address : int
        The address of the first element.
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
        """Record the current content for `assert_unchanged`."""
        self._before = self._words.copy()

    def assert_unchanged(self) -> None:
        """Assert that the matrix and all guards are, to the bit, as `remember` recorded them."""
        np.testing.assert_array_equal(self._words, self._before)


def run(
    steps: Sequence[Sequence[int]],
    batch: Sequence[int],
    *,
    scratch_size: int = 0,
    threads: int = 1,
    call: Callable[..., None] | None = None,
) -> Ints:
    """Run steps on the table `batch`; return the board as it is at the end."""
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
    """Call a function with the same arguments on that many threads, this one included."""
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
    """Run one step. Assert that it changes only `result`, a view of c's matrix; return a copy of that."""
    before = result.copy()
    places = {"rows": ROWS, "a": A, "b": B, "c": C, "index": INDEX, "quantized": QUANTIZED}
    run(
        [step(kind, **{**places, "c_row": c.stride, **numbers})],
        [batch.get(position, c.address if position == C else 0) for position in places.values()],
        **how,
    )
    after = result.copy()
    result[:] = before
    for operand in (c, *inputs):
        operand.assert_unchanged()
    return after


def pack(weight: Any) -> Floats:
    """Return a weight [out, in] in the layout that GEMM reads: [out / 16, in, 16], without gaps."""
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
    """Return epilogue(a @ weight.T + bias), computed inside a wider matrix: [m, padded(out)]."""
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
    """Return a[:, h] @ weight[h].T + bias[h] for every head h: [m, n_heads, padded(out)]."""
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


def quantize(x: Any, **how: Any) -> QuantizedRows:
    """Return the quantized rows of x."""
    m, dim = np.shape(x)
    rows = Guarded.of(x)
    quads = Guarded(m, n_quads(dim) + 2)
    after = run_step(
        QUANTIZE,
        quads,
        quads.matrix,
        [rows],
        {ROWS: m, A: rows.address, QUANTIZED: quads.address},
        {"a_row": rows.stride, "quantized_row": quads.stride, "dim": dim},
        **how,
    )
    return quantized_rows(after, dim)


def quantized_rows(words: Floats, dim: int) -> QuantizedRows:
    """Return what rows of words hold: quads, a scale and a zero point."""
    words = np.ascontiguousarray(words)
    integers = words.view(np.uint8)[:, :dim].astype(np.int32)
    k = n_quads(dim)
    return QuantizedRows(integers, words[:, k : k + 1], words.view(np.int32)[:, k + 1 : k + 2])


def pack_rows(rows: QuantizedRows) -> Floats:
    """Return rows in the layout of GEMM_INT8; bytes beyond the integers are 127."""
    m, dim = rows.integers.shape
    words = np.zeros((m, n_quads(dim) + 2), np.float32)
    words.view(np.uint8)[:, : QUAD * n_quads(dim)] = 127
    words.view(np.uint8)[:, :dim] = rows.integers
    words[:, -2:-1] = rows.scale
    words.view(np.int32)[:, -1:] = rows.zero_point
    return words


def pack_quads(weight: Any) -> Floats:
    """Return an int8 weight [out, in] in the layout that GEMM_INT8 reads: [out / 16, in / 4, 16, 4]."""
    out, dim = np.shape(weight)
    quads = np.zeros((padded(out) // LANES, n_quads(dim), LANES, QUAD), np.int8)
    for column, row in enumerate(np.asarray(weight)):
        padded_row = np.zeros(n_quads(dim) * QUAD, np.int8)
        padded_row[:dim] = row
        quads[column // LANES, :, column % LANES] = padded_row.reshape(-1, QUAD)
    return quads.view(np.float32).ravel()


def gemm_int8(
    rows: QuantizedRows,
    weight: Any,
    scale: Any,
    bias: Any,
    *,
    epilogue: int = IDENTITY,
    residual: Any = None,
    **how: Any,
) -> Floats:
    """Return epilogue(rows @ weight.T + bias), computed inside a wider matrix: [m, padded(out)]."""
    (m, dim), n = rows.integers.shape, padded(len(weight))
    a, quads = Guarded.of(pack_rows(rows)), Guarded.of(pack_quads(weight))
    scales, biases = Guarded.of(with_zeros(scale)), Guarded.of(with_zeros(bias))
    sums = np.zeros(n, np.int32)
    sums[: len(weight)] = np.sum(weight, axis=1, dtype=np.int32)
    of_columns = Guarded.of(sums.view(np.float32))
    added = Guarded(m, n) if residual is None else Guarded.of(with_zeros(residual))
    c = Guarded(m, n + LANES)
    return run_step(
        GEMM_INT8,
        c,
        c.matrix[:, :n],
        [a, quads, scales, biases, of_columns, added],
        {ROWS: m, A: a.address, B: added.address},
        {
            "a_row": a.stride,
            "b_row": added.stride,
            "dim": dim,
            "n_panels": n // LANES,
            "epilogue": epilogue,
            "weight": quads.address,
            "scale": scales.address,
            "sums": of_columns.address,
            "bias": biases.address,
        },
        scratch_size=GEMM_SCRATCH,
        **how,
    )


def attention(
    q: Any, k: Any, v: Any, spans: Any, *, n_heads: int = 1, head_dim: int | None = None, **how: Any
) -> Floats:
    """Return softmax(q @ k.T / sqrt(head_dim)) @ v for every span and head: [queries, n_heads * dim].

    k and v are side by side in one matrix, with a vector of guards before, between and after them.
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
    """Return spans for texts that lie end to end, in which every token attends to its own text."""
    starts = [sum(lengths[:i]) for i in range(len(lengths))]
    return [
        (start + query, min(SPAN_QUERIES, length - query), start, length)
        for start, length in zip(starts, lengths, strict=True)
        for query in range(0, length, SPAN_QUERIES)
    ]


def layer_norm(x: Any, weight: Any, bias: Any, *, in_place: bool = False, **how: Any) -> Floats:
    """Return LayerNorm(x): [m, padded(dim)]."""
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


def layer_norm_quantized(x: Any, weight: Any, bias: Any, **how: Any) -> tuple[Floats, QuantizedRows]:
    """Return LayerNorm(x) [m, dim], and its quantized rows."""
    m, dim = np.shape(x)
    a, weights, biases = (Guarded.of(with_zeros(operand)) for operand in (x, weight, bias))
    # Both results in one matrix, because only one may change: the rows, then the quads.
    c = Guarded(m, padded(dim) + n_quads(dim) + 2)
    after = run_step(
        LAYER_NORM,
        c,
        c.matrix,
        [a, weights, biases],
        {ROWS: m, A: a.address, QUANTIZED: c.address + 4 * padded(dim)},
        {
            "a_row": a.stride,
            "quantized_row": c.stride,
            "dim": dim,
            "weight": weights.address,
            "bias": biases.address,
        },
        **how,
    )
    return after[:, :dim], quantized_rows(after[:, padded(dim) :], dim)


def embed(ids: Any, positions: Any, word_vectors: Any, position_vectors: Any, **how: Any) -> Floats:
    """Return word_vectors[ids] + position_vectors[positions]: [m, padded(dim)]."""
    ids, positions = np.array(ids, np.int64), np.array(positions, np.int64)
    word_rows, position_rows = Guarded.of(with_zeros(word_vectors)), Guarded.of(with_zeros(position_vectors))
    c = Guarded(len(ids), word_rows.matrix.shape[1])
    return run_step(
        EMBED,
        c,
        c.matrix,
        [word_rows, position_rows],
        {ROWS: len(ids), INDEX: ids.ctypes.data, B: positions.ctypes.data},
        {
            "a_row": word_rows.stride,
            "b_row": position_rows.stride,
            "dim": np.shape(word_vectors)[1],
            "weight": word_rows.address,
            "bias": position_rows.address,
        },
        **how,
    )


def gather(a: Any, rows: Any, **how: Any) -> Floats:
    """Return a[rows]: [m, padded(dim)]."""
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
