"""Programs of several steps: the same bits whichever threads take part, and whenever they come."""

import threading
import time
from functools import cache

import numpy as np
import pytest
from support.comparisons import assert_same_bits
from support.kernel_programs import (
    Floats,
    Guarded,
    Ints,
    attention,
    embed,
    gather,
    gemm,
    layer_norm,
    on_threads,
    pack,
    run,
    spans_of,
    ways,
)

from distilnp.kernels.steps import (
    ATTENTION,
    BOARD_STEP,
    DONE,
    EMBED,
    GATHER,
    GELU,
    GEMM,
    LAYER_NORM,
    RESIDUAL,
    TAKEN,
    attention_scratch,
    step,
)
from distilnp.kernels.tiles import LANES

pytestmark = pytest.mark.usefixtures("every_way")

# With these lengths of texts and this size of a layer, there are steps of one job and of dozens.
LENGTHS = [37, 1, 146, 200]
N, DIM, HEADS = sum(LENGTHS), 48, 3
MOST_THREADS = 9

# The positions of operands in the table `batch`.
N_TOKENS, N_TEXTS, N_SPANS, IDS, POSITIONS, STARTS, SPANS, X, SUMS, QKV, CONTEXT, CLS = range(12)


def seeded(*shape: int) -> Floats:
    return np.random.RandomState(sum(shape)).standard_normal(shape).astype(np.float32)


IDS_OF_TOKENS = np.arange(N) * 7 % 11
POSITIONS_OF_TOKENS = np.concatenate([np.arange(length) for length in LENGTHS])
STARTS_OF_TEXTS = np.cumsum([0, *LENGTHS[:-1]])
WORD_VECTORS, POSITION_VECTORS = seeded(11, DIM), seeded(max(LENGTHS), DIM)
NORM = seeded(DIM), seeded(DIM + 1)[1:]
QKV_LIN = seeded(3 * DIM, DIM), seeded(3 * DIM)
OUT_LIN = seeded(DIM, DIM), seeded(DIM)


@cache
def step_by_step() -> Floats:
    """Return the rows of [CLS] after embedding, attention and a product, each step a program of its own."""
    x = layer_norm(embed(IDS_OF_TOKENS, POSITIONS_OF_TOKENS, WORD_VECTORS, POSITION_VECTORS), *NORM)
    qkv = gemm(x, *QKV_LIN, epilogue=GELU)
    context = attention(*np.split(qkv, 3, axis=1), spans_of(LENGTHS), n_heads=HEADS)
    x = layer_norm(gemm(context, *OUT_LIN, epilogue=RESIDUAL, residual=x), *NORM)
    return gather(x, STARTS_OF_TEXTS)


class OneProgram:
    """The steps of `step_by_step` as one program, with a board and memory for one run."""

    def __init__(self) -> None:
        x, sums, qkv, context = (Guarded(N, columns) for columns in (DIM, DIM, 3 * DIM, DIM))
        self.cls = Guarded(len(LENGTHS), DIM)
        self.scratch_size = attention_scratch(DIM // HEADS, max(LENGTHS))
        word_rows, position_rows = Guarded.of(WORD_VECTORS), Guarded.of(POSITION_VECTORS)
        norm, qkv_lin, out_lin = (
            {"weight": Guarded.of(weight), "bias": Guarded.of(bias)}
            for weight, bias in (NORM, (pack(QKV_LIN[0]), QKV_LIN[1]), (pack(OUT_LIN[0]), OUT_LIN[1]))
        )
        spans = np.array(spans_of(LENGTHS), np.int64)
        ints = [np.array(array, np.int64) for array in (IDS_OF_TOKENS, POSITIONS_OF_TOKENS, STARTS_OF_TEXTS)]
        buffers = x, sums, qkv, context, self.cls
        self.table = np.array(
            [
                *(N, len(LENGTHS), len(spans)),
                *(array.ctypes.data for array in (*ints, spans)),
                *(buffer.address for buffer in buffers),
            ],
            np.int64,
        )

        def addresses(parameters: dict[str, Guarded]) -> dict[str, int]:
            return {name: operand.address for name, operand in parameters.items()}

        of_x = {"a_row": x.stride, "b_row": x.stride, "c_row": x.stride, "dim": DIM}
        self.steps = np.array(
            [
                step(EMBED, rows=N_TOKENS, index=IDS, b=POSITIONS, c=SUMS,
                     **of_x | {"a_row": word_rows.stride, "b_row": position_rows.stride},
                     **addresses({"weight": word_rows, "bias": position_rows})),
                step(LAYER_NORM, rows=N_TOKENS, a=SUMS, c=X, **of_x, **addresses(norm)),
                step(GEMM, rows=N_TOKENS, a=X, b=X, c=QKV, **of_x | {"c_row": qkv.stride},
                     n_panels=3 * DIM // LANES, n_heads=1, epilogue=GELU, **addresses(qkv_lin)),
                step(ATTENTION, rows=N_SPANS, a=QKV, b=QKV, c=CONTEXT, index=SPANS, a_row=qkv.stride,
                     b_row=qkv.stride, c_row=context.stride, dim=DIM // HEADS, n_heads=HEADS,
                     head_dim=DIM // HEADS, key_column=DIM, value_column=2 * DIM),
                step(GEMM, rows=N_TOKENS, a=CONTEXT, b=X, c=SUMS, **of_x, n_panels=DIM // LANES, n_heads=1,
                     epilogue=RESIDUAL, **addresses(out_lin)),
                step(LAYER_NORM, rows=N_TOKENS, a=SUMS, c=X, **of_x, **addresses(norm)),
                step(GATHER, rows=N_TEXTS, a=X, index=STARTS, c=CLS, **of_x),
            ],
            np.int64,
        )  # fmt: skip
        self.board = np.zeros((len(self.steps) + 1, BOARD_STEP), np.int64)
        self._scratch = Guarded(1, MOST_THREADS * self.scratch_size)
        self._alive = word_rows, position_rows, norm, qkv_lin, out_lin, ints, spans, buffers
        self.args = (
            len(self.steps),
            *(array.ctypes.data for array in (self.steps, self.table, self.board)),
            self._scratch.address,
            self.scratch_size,
        )

    @property
    def n_jobs(self) -> Ints:
        """How many jobs of each step have been done."""
        return self.board[1:, DONE]


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_a_program_equals_its_steps_one_by_one_on_any_number_of_threads(threads: int) -> None:
    for _ in range(20):
        whole = OneProgram()

        on_threads(threads, ways[-1], *whole.args)

        assert_same_bits(whole.cls.matrix, step_by_step())


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_every_thread_takes_jobs_until_there_are_none(threads: int) -> None:
    alone, together = OneProgram(), OneProgram()
    ways[-1](*alone.args)

    on_threads(threads, ways[-1], *together.args)

    assert together.board[0, 0] == threads
    np.testing.assert_array_equal(together.n_jobs, alone.n_jobs)
    np.testing.assert_array_equal(together.board[1:, TAKEN], together.n_jobs + threads)
    assert alone.n_jobs.min() == 1 < MOST_THREADS < alone.n_jobs.max()


def test_a_thread_that_comes_after_the_end_changes_nothing() -> None:
    whole = OneProgram()
    ways[-1](*whole.args)
    whole.cls.matrix[:] = 0

    ways[-1](*whole.args)

    np.testing.assert_array_equal(whole.cls.matrix, np.zeros_like(whole.cls.matrix))


@pytest.mark.parametrize("slow_step", [0, 2, 3, 6])
def test_threads_wait_for_a_slow_one_and_another_may_join_them(slow_step: int) -> None:
    done, whole = OneProgram(), OneProgram()
    ways[-1](*done.args)
    counters = whole.board[1 + slow_step]
    counters[TAKEN] = 1  # by a slow thread
    threads = [threading.Thread(target=ways[-1], args=whole.args) for _ in range(2)]

    threads[0].start()
    while counters[DONE] < done.n_jobs[slow_step] - 1 or counters[TAKEN] == 1:
        time.sleep(0.001)
    threads[1].start()
    threads[1].join(0.05)
    assert threads[0].is_alive()
    assert threads[1].is_alive()
    assert not whole.n_jobs[slow_step + 1 :].any()

    # Do all jobs: the first one, and the others again, with the same results. Then report the first one as
    # done, as the slow thread would.
    run(whole.steps[[slow_step]].tolist(), whole.table.tolist(), scratch_size=whole.scratch_size)
    counters[DONE] += 1
    for thread in threads:
        thread.join()
    assert_same_bits(whole.cls.matrix, step_by_step())


@pytest.mark.parametrize("threads", [1, 8])
def test_a_program_without_steps_returns(threads: int) -> None:
    assert run([], [], threads=threads)[0, 0] == threads
