"""Arithmetic on vectors of 16 float32 numbers, and how they are loaded and stored.

A vector always has 16 lanes. LLVM splits it into the registers of the target: four of NEON, two of AVX2 or
one of AVX-512. So the source does not know the width of the hardware, and the width cannot change a bit: IEEE
754 fixes the result in each lane, and where lanes meet (`sum_lanes`) the order of the sum is written out
here.

No word lets LLVM reorder operations, fuse a product and a sum that are not an `fma`, or assume that there is
no NaN. A NaN that goes in comes out as a NaN; which NaN is not promised.
"""

import operator
import platform
from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.imputils import lower_builtin
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, models, register_model

from ..tiles import (
    AVX2_INT8_TILE,
    AVX2_TILE,
    AVX512_INT8_TILE,
    AVX512_TILE,
    AVX512_VNNI_TILE,
    AVX_VNNI_TILE,
    LANES,
    NEON_DOT_TILE,
    NEON_INT8_TILE,
    NEON_TILE,
    Tiles,
)
from .memory import FLOAT, INT32, float_pointer

FLOATS = ir.VectorType(FLOAT, LANES)
INTS = ir.VectorType(INT32, LANES)


class Lanes(types.Type):
    """16 float32 numbers in registers."""

    def __init__(self) -> None:
        super().__init__(name="lanes")


lanes = Lanes()


@register_model(Lanes)
class LanesModel(models.PrimitiveModel):
    """A `lanes` is LLVM's <16 x float>."""

    def __init__(self, manager: Any, numba_type: Any) -> None:
        super().__init__(manager, numba_type, FLOATS)


def has_fma() -> bool:
    """Return whether this CPU can multiply and add with one rounding, as every 64-bit ARM CPU can."""
    return llvm.get_host_cpu_features().get("fma", is_arm())


def is_arm() -> bool:
    """Return whether this CPU is a 64-bit ARM CPU."""
    return platform.machine() in {"aarch64", "arm64"}


def host_tiles() -> Tiles:
    """Return the tiles for the registers of this CPU, for code that is compiled in this process."""
    has = llvm.get_host_cpu_features().get
    if is_arm():
        tiles = Tiles(NEON_TILE, NEON_DOT_TILE if has("dotprod") else NEON_INT8_TILE)
    elif has("avx512f"):
        tiles = Tiles(AVX512_TILE, AVX512_VNNI_TILE if has("avx512vnni") else AVX512_INT8_TILE)
    else:
        tiles = Tiles(AVX2_TILE, AVX_VNNI_TILE if has("avxvnni") else AVX2_INT8_TILE)
    return Tiles(*(tile._replace(terms=1) for tile in tiles))


# --- memory ---


def lanes_at(builder: ir.IRBuilder, pointer: Any, offset: Any) -> Any:
    """Return an LLVM pointer to 16 floats, aligned as a single float is."""
    return builder.bitcast(builder.gep(pointer, [offset]), FLOATS.as_pointer())


@intrinsic
def load(typing: Any, pointer: Any, offset: Any) -> Any:
    """Operation: pointer[offset : offset + 16]."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        return builder.load(lanes_at(builder, *args), align=4)

    return lanes(float_pointer, types.intp), generate


@intrinsic
def store(typing: Any, pointer: Any, offset: Any, x: Any) -> Any:
    """Operation: pointer[offset : offset + 16] = x."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        builder.store(args[2], lanes_at(builder, args[0], args[1]), align=4)
        return context.get_dummy_value()

    return types.void(float_pointer, types.intp, lanes), generate


# --- arithmetic, lane by lane ---


def broadcast(builder: ir.IRBuilder, x: Any) -> Any:
    """Return an LLVM vector with `x` in every lane."""
    undefined = ir.Constant(FLOATS, ir.Undefined)
    first = builder.insert_element(undefined, x, INT32(0))
    return builder.shuffle_vector(first, undefined, ir.Constant(INTS, [0] * LANES))


def call_llvm(builder: ir.IRBuilder, name: str, *args: Any) -> Any:
    """Call an LLVM intrinsic that takes and returns vectors."""
    function_type = ir.FunctionType(args[0].type, [arg.type for arg in args])
    return builder.call(cgutils.get_or_insert_function(builder.module, function_type, name), args)


@intrinsic
def splat(typing: Any, x: Any) -> Any:
    """Put one number in every lane. A float64, such as a literal, is rounded to float32 first."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        number = args[0] if sig.args[0] == types.float32 else builder.fptrunc(args[0], FLOAT)
        return broadcast(builder, number)

    return lanes(types.float32 if x == types.float32 else types.float64), generate


@intrinsic
def fma(typing: Any, x: Any, y: Any, z: Any) -> Any:
    """Operation: x * y + z, rounded once."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        return call_llvm(builder, "llvm.fma.v16f32", *args)

    return lanes(lanes, lanes, lanes), generate


def choose(comparison: str) -> Callable[..., Any]:
    """Return the code of "x if x <comparison> y else y"; a comparison with NaN is false, so it gives y."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        return builder.select(builder.fcmp_ordered(comparison, *args), *args)

    return generate


@intrinsic
def larger(typing: Any, x: Any, y: Any) -> Any:
    """Operation: x if x > y else y. If either is NaN, that is y: `larger(bound, x)` keeps a NaN in x."""
    return lanes(lanes, lanes), choose(">")


@intrinsic
def smaller(typing: Any, x: Any, y: Any) -> Any:
    """Operation: x if x < y else y. If either is NaN, that is y: `smaller(bound, x)` keeps a NaN in x."""
    return lanes(lanes, lanes), choose("<")


@intrinsic
def first_lanes(typing: Any, x: Any, n: Any) -> Any:
    """Operation: x in the first n lanes, 0 in the others."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        x, n = args
        counts = builder.bitcast(broadcast(builder, builder.bitcast(builder.trunc(n, INT32), FLOAT)), INTS)
        is_kept = builder.icmp_signed("<", ir.Constant(INTS, list(range(LANES))), counts)
        return builder.select(is_kept, x, ir.Constant(FLOATS, [0.0] * LANES))

    return lanes(lanes, types.intp), generate


@intrinsic
def power_of_two(typing: Any, x: Any) -> Any:
    """Operation: 2 ** n for the integer n in the lowest bits of x, -126 <= n <= 127.

    Adding 1.5 * 2**23 to n puts n into the lowest bits, because neighbouring floats of that size differ by 1.
    Shifting n to the place of the exponent and adding the exponent's bias makes the float 2 ** n.
    """

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        shifted = builder.shl(builder.bitcast(args[0], INTS), ir.Constant(INTS, [23] * LANES))
        return builder.bitcast(builder.add(shifted, ir.Constant(INTS, [127 << 23] * LANES)), FLOATS)

    return lanes(lanes), generate


def define_operator(symbol: Callable[..., Any], instruction: str) -> None:
    """Teach Numba `x <symbol> y` on lanes; each operation is rounded by itself."""

    @infer_global(symbol)
    class OnLanes(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            return signature(lanes, lanes, lanes) if args == (lanes, lanes) else None

    @lower_builtin(symbol, lanes, lanes)
    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        return getattr(builder, instruction)(*args)


define_operator(operator.add, "fadd")
define_operator(operator.sub, "fsub")
define_operator(operator.mul, "fmul")
define_operator(operator.truediv, "fdiv")


# --- where lanes meet ---


def by_halves(combine: Callable[[ir.IRBuilder, Any, Any], Any]) -> Callable[..., Any]:
    """Return the code that combines 16 lanes: lane i and lane i + 8, then those with i + 4, i + 2, i + 1."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        x = args[0]
        n = LANES
        while n > 1:
            n //= 2
            half = ir.VectorType(INT32, n)
            low = builder.shuffle_vector(x, x, ir.Constant(half, list(range(n))))
            high = builder.shuffle_vector(x, x, ir.Constant(half, list(range(n, 2 * n))))
            x = combine(builder, low, high)
        return builder.extract_element(x, INT32(0))

    return generate


@intrinsic
def sum_lanes(typing: Any, x: Any) -> Any:
    """Operation: the sum of the 16 lanes as float32, by halves: lane i + lane i + 8, then + 4, + 2, + 1."""
    return types.float32(lanes), by_halves(lambda builder, low, high: builder.fadd(low, high))


@intrinsic
def largest_lane(typing: Any, x: Any) -> Any:
    """Operation: the largest of the 16 lanes; with a NaN among them, any of them."""
    return types.float32(lanes), by_halves(
        lambda builder, low, high: builder.select(builder.fcmp_ordered(">", low, high), low, high)
    )


@intrinsic
def smallest_lane(typing: Any, x: Any) -> Any:
    """Operation: the smallest of the 16 lanes; with a NaN among them, any of them."""
    return types.float32(lanes), by_halves(
        lambda builder, low, high: builder.select(builder.fcmp_ordered("<", low, high), low, high)
    )
