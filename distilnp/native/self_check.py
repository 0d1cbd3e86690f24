"""A program with every kind of step, and a hash of its results, which are the same bits on every CPU.

It finds a library that a linker has spoilt, or whose code this CPU runs wrongly, before that library answers.
"""

from collections.abc import Callable
from enum import IntEnum, auto
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels.steps import (
    ATTENTION,
    BFLOAT16,
    BOARD_STEP,
    EMBED,
    FLOAT16,
    GATHER,
    GELU,
    GEMM,
    GEMM_INT8,
    GEMM_SCRATCH,
    IDENTITY,
    INT8,
    LAYER_NORM,
    NO_BIAS,
    QUANTIZE,
    RELU,
    RESIDUAL,
    Step,
    attention_scratch,
    step,
)
from ..kernels.tiles import LANES, QUAD

# The result of `digest`. If a change of the kernels moves a bit on purpose, the test prints the new one.
DIGEST = "c41fbf58c95e3a08acd7c7669c03e0b6dd4e9e68ba3edf481c0696d321aea28e"

# The smallest program with a text of two spans (16 + 3 queries), rows that are not whole vectors, a product
# of more than one block of terms, and tiles of many heights.
LENGTHS = (19, 2)
DIM, PADDED, N_HEADS = 40, 48, 2
INNER_DIM = 1088


class Place(IntEnum):
    """Where each entry is in the table `batch`."""

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
    WORDS_INT8 = auto()
    OF_INT8 = auto()
    QUANTIZED = auto()
    NORMALIZED = auto()
    OF_QUADS = auto()
    OF_NORMALIZED = auto()
    OF_FLOAT16 = auto()
    OF_BFLOAT16 = auto()


WIDTH = {
    Place.SUMS: PADDED,
    Place.X: PADDED,
    Place.QKV: 3 * PADDED,
    Place.CONTEXT: PADDED,
    Place.INNER: INNER_DIM,
    Place.Y: PADDED,
    Place.CLS: PADDED,
    Place.SCORES: LANES,
    Place.OF_HEADS: N_HEADS * LANES,
    Place.WORDS_INT8: PADDED,
    Place.OF_INT8: PADDED,
    Place.QUANTIZED: INNER_DIM // QUAD + LANES,
    Place.NORMALIZED: PADDED,
    Place.OF_QUADS: PADDED,
    Place.OF_NORMALIZED: PADDED,
    Place.OF_FLOAT16: PADDED,
    Place.OF_BFLOAT16: PADDED,
}


def digest(run: Callable[..., None]) -> str:
    """Return a hash of everything that the program computes with `run`, the entry point `program.run`."""
    n_tokens = sum(LENGTHS)
    indices = {
        Place.IDS: [7 * i % n_tokens for i in range(n_tokens)],
        Place.POSITIONS: [*range(LENGTHS[0]), *range(LENGTHS[1])],
        Place.SPANS: [0, 16, 0, 19, 16, 3, 0, 19, 19, 2, 19, 2],
        Place.STARTS: [0, LENGTHS[0]],
    }
    arrays = {slot: np.array(values, np.int64) for slot, values in indices.items()}
    first = [n_tokens * sum(list(WIDTH.values())[:i]) for i in range(len(WIDTH) + 1)]
    room = np.zeros(first[-1] + LANES, np.float32)  # attention may read some floats beyond the last row
    batch = np.zeros(len(Place), np.int64)
    batch[Place.N_TOKENS], batch[Place.N_TEXTS], batch[Place.N_SPANS] = n_tokens, len(LENGTHS), 3
    for slot, array in (arrays | {slot: room[i:] for slot, i in zip(WIDTH, first, strict=False)}).items():
        batch[slot] = array.ctypes.data
    weights = numbers()
    narrow: dict[int, NDArray[Any]] = {
        INT8: np.rint(127 * weights).astype(np.int8),
        FLOAT16: weights.astype(np.float16),
        BFLOAT16: (weights.view(np.uint32) >> 16).astype(np.uint16),
    }
    addresses = {storage: array.ctypes.data for storage, array in narrow.items()}
    steps = np.array(program(weights.ctypes.data, addresses), np.int64)
    board = np.zeros((len(steps) + 1, BOARD_STEP), np.int64)
    scratch_size = max(attention_scratch(DIM // N_HEADS, max(LENGTHS)), GEMM_SCRATCH)
    scratch = np.zeros(scratch_size, np.float32)
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
    """Return parameters from -1 to 1, enough for any step; columns 40 to 48 are 0 in the first rows."""
    bits = np.arange(INNER_DIM * PADDED, dtype=np.uint32) * np.uint32(2654435761) >> np.uint32(16)
    uniform = bits.astype(np.float32) / np.float32(2**15) - np.float32(1)
    uniform.reshape(-1, PADDED)[: sum(LENGTHS), DIM:] = 0
    return uniform


def program(parameters: int, narrow: dict[int, int]) -> list[Step]:
    """Return the steps. All of them take their parameters from the same address, in each storage."""

    def product(x: Place, out: Place, rows: Place, epilogue: int, **operands: int) -> Step:
        places = {"rows": rows, "a": x, "b": x, "c": out, "weight": parameters, "bias": parameters}
        shape = {"dim": DIM, "a_row": WIDTH[x], "c_row": WIDTH[out], "n_panels": WIDTH[out] // LANES}
        return step(GEMM, **places | shape | {"n_heads": 1} | operands, epilogue=epilogue)

    def stored_as(storage: int) -> dict[str, int]:
        return {"storage": storage, "weight": narrow[storage], "scale": parameters}

    def product_of_quads(out: Place, rows: Place, dim: int, **operands: int) -> Step:
        of_int8 = {"weight": narrow[INT8], "scale": parameters, "sums": parameters, "dim": dim}
        a = {"a": Place.QUANTIZED, "a_row": WIDTH[Place.QUANTIZED], "n_panels": WIDTH[out] // LANES}
        places = {"rows": rows, "b": Place.X, "b_row": PADDED, "c": out, "c_row": WIDTH[out]}
        return step(GEMM_INT8, **places, **a, **of_int8, bias=parameters, **operands)

    def narrow_product(storage: int, out: Place) -> Step:
        return product(Place.INNER, out, Place.N_TOKENS, IDENTITY, dim=INNER_DIM, **stored_as(storage))

    quantized = {"quantized": Place.QUANTIZED, "quantized_row": WIDTH[Place.QUANTIZED]}
    table = {"weight": parameters, "bias": parameters, "dim": DIM, "c_row": PADDED}
    return [
        step(EMBED, rows=Place.N_TOKENS, index=Place.IDS, b=Place.POSITIONS, c=Place.SUMS,
             a_row=PADDED, b_row=PADDED, **table),
        step(LAYER_NORM, rows=Place.N_TOKENS, a=Place.SUMS, c=Place.X, a_row=PADDED, **table),
        product(Place.X, Place.QKV, Place.N_TOKENS, IDENTITY),
        step(ATTENTION, rows=Place.N_SPANS, a=Place.QKV, b=Place.QKV, c=Place.CONTEXT, index=Place.SPANS,
             a_row=3 * PADDED, b_row=3 * PADDED, c_row=PADDED, dim=DIM // N_HEADS, n_heads=N_HEADS,
             head_dim=DIM // N_HEADS, key_column=PADDED, value_column=2 * PADDED),
        product(Place.CONTEXT, Place.INNER, Place.N_TOKENS, GELU),
        product(Place.INNER, Place.Y, Place.N_TOKENS, RESIDUAL, dim=INNER_DIM, b=Place.X, b_row=PADDED),
        step(GATHER, rows=Place.N_TEXTS, a=Place.Y, index=Place.STARTS, c=Place.CLS,
             a_row=PADDED, dim=PADDED, c_row=PADDED),
        product(Place.CLS, Place.SCORES, Place.N_TEXTS, RELU),
        product(Place.X, Place.OF_HEADS, Place.N_TOKENS, NO_BIAS, dim=DIM // N_HEADS, n_panels=1,
                n_heads=N_HEADS, a_head=DIM // N_HEADS, c_head=LANES),
        step(EMBED, rows=Place.N_TOKENS, index=Place.IDS, b=Place.POSITIONS, c=Place.WORDS_INT8,
             a_row=PADDED, b_row=PADDED, **table | stored_as(INT8)),
        narrow_product(INT8, Place.OF_INT8),
        step(QUANTIZE, rows=Place.N_TOKENS, a=Place.INNER, a_row=INNER_DIM, dim=INNER_DIM, **quantized),
        product_of_quads(Place.OF_QUADS, Place.N_TOKENS, INNER_DIM, epilogue=RESIDUAL),
        step(LAYER_NORM, rows=Place.N_TOKENS, a=Place.X, c=Place.NORMALIZED, a_row=PADDED, **table,
             **quantized),
        product_of_quads(Place.OF_NORMALIZED, Place.N_TEXTS, DIM, epilogue=GELU),
        narrow_product(FLOAT16, Place.OF_FLOAT16),
        narrow_product(BFLOAT16, Place.OF_BFLOAT16),
    ]  # fmt: skip
