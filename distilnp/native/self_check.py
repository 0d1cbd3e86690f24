"""A program of every kind of step, and what it computes on any CPU: to the bit, because that is a contract.

A library whose code this CPU runs wrongly, or that a linker has spoilt, is found out before it answers.
"""

from collections.abc import Callable
from enum import IntEnum, auto
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from ..kernels.steps import (
    ATTENTION,
    BOARD_STEP,
    EMBED,
    GATHER,
    GELU,
    GEMM,
    IDENTITY,
    LAYER_NORM,
    NO_BIAS,
    RELU,
    RESIDUAL,
    attention_scratch,
    step,
)

# What `digest` returns. Where a change of the kernels moves a bit on purpose, its test says the new one.
DIGEST = "e9a093e2f7e3a2163363523303c9f94587576a142917114c86ab276337ca36eb"

# As small as goes with a text of two spans (16 + 3 queries), a row that is not whole vectors, a product of
# more than one block of terms, and tiles of many heights.
LENGTHS = (19, 2)
DIM, PADDED, N_HEADS = 40, 48, 2
INNER_DIM = 272


class Slot(IntEnum):
    """The places of the table `batch`."""

    N_TOKENS = 0
    N_TEXTS = auto()
    N_SPANS = auto()
    IDS = auto()
    POSITIONS = auto()
    SPANS = auto()
    STARTS = auto()
    SUMS = auto()
    X = auto()
    QKV = auto()
    CONTEXT = auto()
    INNER = auto()
    Y = auto()
    CLS = auto()
    SCORES = auto()
    OF_HEADS = auto()


WIDTH = {
    Slot.SUMS: PADDED,
    Slot.X: PADDED,
    Slot.QKV: 3 * PADDED,
    Slot.CONTEXT: PADDED,
    Slot.INNER: INNER_DIM,
    Slot.Y: PADDED,
    Slot.CLS: PADDED,
    Slot.SCORES: 16,
    Slot.OF_HEADS: N_HEADS * 16,
}


def digest(run: Callable[..., None]) -> str:
    """Return a hash of all that the program computes with `run`, the entry point `program.run`."""
    n_tokens = sum(LENGTHS)
    indices = {
        Slot.IDS: [7 * i % n_tokens for i in range(n_tokens)],
        Slot.POSITIONS: [*range(LENGTHS[0]), *range(LENGTHS[1])],
        Slot.SPANS: [0, 16, 0, 19, 16, 3, 0, 19, 19, 2, 19, 2],
        Slot.STARTS: [0, LENGTHS[0]],
    }
    arrays = {slot: np.array(values, np.int64) for slot, values in indices.items()}
    room = np.zeros((len(WIDTH), n_tokens, max(WIDTH.values())), np.float32)
    batch = np.zeros(len(Slot), np.int64)
    batch[Slot.N_TOKENS], batch[Slot.N_TEXTS], batch[Slot.N_SPANS] = n_tokens, len(LENGTHS), 3
    for slot, array in (arrays | dict(zip(WIDTH, room, strict=True))).items():
        batch[slot] = array.ctypes.data
    weights = numbers()
    steps = np.array(program(weights.ctypes.data), np.int64)
    board = np.zeros((len(steps) + 1, BOARD_STEP), np.int64)
    scratch = np.zeros(attention_scratch(DIM // N_HEADS, max(LENGTHS)), np.float32)
    run(
        len(steps),
        steps.ctypes.data,
        batch.ctypes.data,
        board.ctypes.data,
        scratch.ctypes.data,
        len(scratch),
    )
    return sha256(room.tobytes()).hexdigest()


def numbers() -> NDArray[np.float32]:
    """Return parameters: enough for any step, from -1 to 1, and after 40 columns of 48 some that are 0."""
    bits = np.arange(INNER_DIM * PADDED, dtype=np.uint32) * np.uint32(2654435761) >> np.uint32(16)
    uniform = bits.astype(np.float32) / np.float32(2**15) - np.float32(1)
    uniform.reshape(-1, PADDED)[: sum(LENGTHS), DIM:] = 0
    return uniform


def program(parameters: int) -> list[list[int]]:
    """Return the steps; all take their parameters from the same address."""

    def product(x: Slot, out: Slot, rows: Slot, epilogue: int, **operands: int) -> list[int]:
        places = {"rows": rows, "a": x, "b": x, "c": out, "weight": parameters, "bias": parameters}
        shape = {"dim": DIM, "a_row": WIDTH[x], "c_row": WIDTH[out], "n_panels": WIDTH[out] // 16}
        return step(GEMM, **places | shape | {"n_heads": 1} | operands, epilogue=epilogue)

    table = {"weight": parameters, "bias": parameters, "dim": DIM, "c_row": PADDED}
    return [
        step(EMBED, rows=Slot.N_TOKENS, index=Slot.IDS, b=Slot.POSITIONS, c=Slot.SUMS,
             a_row=PADDED, b_row=PADDED, **table),
        step(LAYER_NORM, rows=Slot.N_TOKENS, a=Slot.SUMS, c=Slot.X, a_row=PADDED, **table),
        product(Slot.X, Slot.QKV, Slot.N_TOKENS, IDENTITY),
        step(ATTENTION, rows=Slot.N_SPANS, a=Slot.QKV, b=Slot.QKV, c=Slot.CONTEXT, index=Slot.SPANS,
             a_row=3 * PADDED, b_row=3 * PADDED, c_row=PADDED, dim=DIM // N_HEADS, n_heads=N_HEADS,
             head_dim=DIM // N_HEADS, column=PADDED, value_column=2 * PADDED),
        product(Slot.CONTEXT, Slot.INNER, Slot.N_TOKENS, GELU),
        product(Slot.INNER, Slot.Y, Slot.N_TOKENS, RESIDUAL, dim=INNER_DIM, b=Slot.X, b_row=PADDED),
        step(GATHER, rows=Slot.N_TEXTS, a=Slot.Y, index=Slot.STARTS, c=Slot.CLS,
             a_row=PADDED, dim=PADDED, c_row=PADDED),
        product(Slot.CLS, Slot.SCORES, Slot.N_TEXTS, RELU),
        product(Slot.X, Slot.OF_HEADS, Slot.N_TOKENS, NO_BIAS, dim=DIM // N_HEADS, n_panels=1,
                n_heads=N_HEADS, a_head=DIM // N_HEADS, c_head=16),
    ]  # fmt: skip
