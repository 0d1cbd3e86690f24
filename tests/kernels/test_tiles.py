"""The form of a tile never changes a bit: all give the bits of the one for this CPU."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from support.comparisons import assert_same_bits
from support.kernel_calls import call
from support.kernel_programs import attention, gemm, gemm_int8, spans_of, ways

from distilnp.kernels.program import program
from distilnp.kernels.steps import GELU, IDENTITY, NO_BIAS, RELU, RESIDUAL
from distilnp.kernels.tiles import KC, MC, MR, QUAD, Tile, Tiles
from distilnp.kernels.words.lanes_f32 import host_tiles
from distilnp.model.int8 import quantize_matrix, quantize_rows
from distilnp.native.targets import TARGETS

# The tiles of all targets, also of those whose registers this CPU lacks, and two forms that none has. For
# int8, forms with the instruction of this CPU: libraries with others are tested where they can run.
FLOAT32_TILES = sorted({target.tiles.float32 for target in TARGETS.values()} | {Tile(1, 1, 4), Tile(5, 2, 1)})
INT8 = host_tiles().int8
INT8_FORMS = [(1, 1, 4), (4, 1, 4), (5, 2, 1), (12, 2, 4)]
INT8_TILES = [INT8._replace(rows=rows, panels=panels, terms=terms) for rows, panels, terms in INT8_FORMS]
# Tiles of both kinds side by side, because compiling takes seconds.
TILES = [Tiles(*pair) for pair in zip(FLOAT32_TILES, INT8_TILES, strict=True)]


Floats = np.ndarray[Any, np.dtype[np.float32]]


def numbers(*shape: int, seed: int = 0) -> Floats:
    """Return standard normal numbers."""
    return np.random.RandomState(seed).standard_normal(shape).astype(np.float32)


@pytest.fixture(scope="module", params=TILES, ids=str)
def tiles(request: pytest.FixtureRequest) -> Tiles:
    forms: Tiles = request.param
    return forms


@pytest.fixture(scope="module", autouse=True)
def chosen() -> Iterator[None]:
    """Compare with the code for this CPU."""
    ways.append(call("jit"))
    yield
    ways.pop()


@pytest.mark.parametrize("epilogue", [NO_BIAS, IDENTITY, GELU, RELU, RESIDUAL])
@pytest.mark.parametrize(
    ("m", "k", "n"), [(1, 7, 16), (5, KC + 1, 17), (2 * MR + 1, 40, 81), (MC + 5, 2 * KC + 3, 70)]
)
def test_a_product_has_the_same_bits_in_tiles_of_every_form(
    tiles: Tiles, m: int, k: int, n: int, epilogue: int
) -> None:
    a, weight, bias, residual = numbers(m, k), numbers(n, k), numbers(n), numbers(m, n)

    def product(**how: Any) -> Floats:
        return gemm(a, weight, bias, epilogue=epilogue, residual=residual, **how)

    assert_same_bits(product(call=program(tiles).call, threads=2), product())


@pytest.mark.parametrize(("m", "k", "n"), [(1, 7, 16), (2 * MR + 1, 70, 81), (MC + 5, QUAD * KC + 1, 70)])
def test_an_int8_product_has_the_same_bits_in_tiles_of_every_form(
    tiles: Tiles, m: int, k: int, n: int
) -> None:
    layer = quantize_matrix(numbers(n, k))
    operands = quantize_rows(numbers(m, k)), *layer, numbers(n)

    assert_same_bits(gemm_int8(*operands, call=program(tiles).call, threads=2), gemm_int8(*operands))


@pytest.mark.parametrize("head_dim", [7, 32, 50])
def test_attention_has_the_same_bits_in_tiles_of_every_form(tiles: Tiles, head_dim: int) -> None:
    lengths = [1, 5, 16, 17, 33, 70]
    q, k, v = (numbers(sum(lengths), 2 * head_dim, seed=seed) for seed in range(3))
    spans = spans_of(lengths)

    result = attention(q, k, v, spans, n_heads=2, call=program(tiles).call)

    assert_same_bits(result, attention(q, k, v, spans, n_heads=2))
