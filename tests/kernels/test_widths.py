"""The same code gives the same bits on vectors of 4, 8 and 16 lanes, from Numba and from any library.

Only the widths that this CPU has can be tested.
"""

from collections.abc import Callable, Iterator
from typing import Any

import llvmlite.binding as llvm
import numpy as np
import pytest
from support import kernel_calls
from support.comparisons import assert_same_bits
from support.kernel_programs import attention, embed, gather, gemm, layer_norm, spans_of, ways

from distilnp.kernels.program import program
from distilnp.kernels.steps import GELU, IDENTITY, RELU, RESIDUAL, SYMBOL
from distilnp.kernels.tiles import AVX2_TILE, KC, MR, Tiles
from distilnp.native.object_code import module_for, target_machine

# A CPU of the host's family that no library is built for, if there is one. An x86-64 without AVX has 4 lanes
# and calls the C library for an FMA.
LEAST = ["x86-64"] if "x86-64-v3" in kernel_calls.LIBRARIES else []


@pytest.fixture(scope="module", autouse=True)
def numba() -> Iterator[None]:
    """Compare with the code that Numba compiles for this CPU."""
    ways.append(kernel_calls.call("jit"))
    yield
    ways.pop()


@pytest.fixture(scope="module", params=[*kernel_calls.LIBRARIES, *LEAST])
def call(request: pytest.FixtureRequest) -> Any:
    """Yield `program.run`, from a library or compiled for the least CPU."""
    if request.param not in LEAST:
        yield kernel_calls.call(request.param)
        return
    least = program(Tiles(AVX2_TILE, AVX2_TILE))  # it has no instruction for int8
    machine = target_machine(llvm.get_process_triple(), request.param, jit=True)
    engine = llvm.create_mcjit_compiler(module_for(machine, least), machine)
    engine.finalize_object()
    yield type(least.call)(engine.get_function_address(SYMBOL))
    engine.close()


def numbers(*shape: int) -> Any:
    """Return random numbers, among them a subnormal one, infinity and NaN."""
    random = np.random.RandomState(0)
    x = random.standard_normal(shape).astype(np.float32)
    x.ravel()[random.randint(0, x.size, 3)] = 1e-40, np.inf, np.nan
    return x


@pytest.mark.parametrize("epilogue", [IDENTITY, GELU, RELU, RESIDUAL])
def test_a_product_has_the_same_bits_at_every_width(call: Callable[..., None], epilogue: int) -> None:
    m, k, n = 2 * MR + 1, KC + 1, 33
    a, weight, bias, residual = numbers(m, k), numbers(n, k), numbers(n), numbers(m, n)

    def product(**how: Any) -> Any:
        return gemm(a, weight, bias, epilogue=epilogue, residual=residual, **how)

    assert_same_bits(product(call=call), product())


def test_attention_has_the_same_bits_at_every_width(call: Callable[..., None]) -> None:
    q, k, v = 3 * numbers(3, 67, 34)[0], numbers(67, 34), numbers(67, 34)
    spans = spans_of([19, 1, 17, 30])

    assert_same_bits(attention(q, k, v, spans, n_heads=2, call=call), attention(q, k, v, spans, n_heads=2))


def test_layer_norm_has_the_same_bits_at_every_width(call: Callable[..., None]) -> None:
    x, weight, bias = numbers(13, 67), numbers(67), numbers(67)

    assert_same_bits(layer_norm(x, weight, bias, call=call), layer_norm(x, weight, bias))


def test_embed_and_gather_have_the_same_bits_at_every_width(call: Callable[..., None]) -> None:
    words, positions, ids = numbers(7, 35), numbers(7, 35), [3, 0, 6, 6]

    assert_same_bits(embed(ids, ids, words, positions, call=call), embed(ids, ids, words, positions))
    assert_same_bits(gather(words, ids, call=call), gather(words, ids))
