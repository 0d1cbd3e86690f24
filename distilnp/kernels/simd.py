"""The words of which kernels are written: one operation on 16 float32 lanes, or on memory, each.

A vector always has 16 lanes. LLVM splits it into what the target has: four NEON registers, two of AVX2 or one
of AVX-512. So the source does not know the width of the hardware, and cannot give other bits on another one:
lane by lane, IEEE 754 leaves no choice, and where lanes meet (`sum_lanes`) the tree is written out here.

No word allows LLVM to reorder, to fuse a product and a sum that are not an `fma`, or to assume that there is
no NaN. NaN in, NaN out: which NaN is not said.

Nothing is checked: a pointer is as good as the caller's word. This is the only file that knows LLVM; next:
`elementary.py`, the first sentences.
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

# As many as AVX-512 has. More would not fit its registers, fewer would leave half of them empty.
LANES = 16

FLOAT = ir.FloatType()
INT32 = ir.IntType(32)
INT64 = ir.IntType(64)
FLOATS = ir.VectorType(FLOAT, LANES)
INTS = ir.VectorType(INT32, LANES)

float_pointer = types.CPointer(types.float32)
int_pointer = types.CPointer(types.int64)


class Lanes(types.Type):
    """16 float32 numbers in registers."""

    def __init__(self) -> None:
        super().__init__(name="lanes")


lanes = Lanes()


@register_model(Lanes)
class LanesModel(models.PrimitiveModel):
    """A `lanes` is LLVM's <16 x float>."""

    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, FLOATS)


def has_fma() -> bool:
    """Say whether this CPU multiplies and adds with one rounding: all of ARM's 64-bit ones do."""
    return llvm.get_host_cpu_features().get("fma", platform.machine() in {"aarch64", "arm64"})


# --- memory ---


def lanes_at(builder: ir.IRBuilder, pointer: Any, offset: Any) -> Any:
    """Return an LLVM pointer to 16 floats that need no more than a float's alignment."""
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


@intrinsic
def advance(typing: Any, pointer: Any, offset: Any) -> Any:
    """Operation: &pointer[offset]."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        return builder.gep(args[0], [args[1]])

    return pointer(pointer, types.intp), generate


@intrinsic
def prefetch(typing: Any, pointer: Any, offset: Any) -> Any:
    """Ask for the cache line of pointer[offset], which need not be memory of ours: nothing is read.

    It comes into the second cache: more lines can be on their way there than into the first.
    """

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        byte_pointer = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [byte_pointer, INT32, INT32, INT32])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        address = builder.bitcast(builder.gep(args[0], [args[1]]), byte_pointer)
        for_reading, into_second_cache, data = INT32(0), INT32(2), INT32(1)
        builder.call(function, [address, for_reading, into_second_cache, data])
        return context.get_dummy_value()

    return types.void(float_pointer, types.intp), generate


@intrinsic
def floats_at(typing: Any, address: Any) -> Any:
    """Take an address for a pointer to float32."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], FLOAT.as_pointer())

    return float_pointer(types.int64), generate


@intrinsic
def ints_at(typing: Any, address: Any) -> Any:
    """Take an address for a pointer to int64."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], INT64.as_pointer())

    return int_pointer(types.int64), generate


# --- arithmetic, lane by lane ---


def broadcast(builder: ir.IRBuilder, x: Any) -> Any:
    """Return the LLVM vector that has `x` in every lane."""
    undefined = ir.Constant(FLOATS, ir.Undefined)
    first = builder.insert_element(undefined, x, INT32(0))
    return builder.shuffle_vector(first, undefined, ir.Constant(INTS, [0] * LANES))


def call_llvm(builder: ir.IRBuilder, name: str, *args: Any) -> Any:
    """Call an LLVM intrinsic that takes and returns vectors."""
    kind = ir.FunctionType(args[0].type, [arg.type for arg in args])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), args)


@intrinsic
def splat(typing: Any, x: Any) -> Any:
    """Put the same number in every lane; a float64, such as a literal, is rounded first."""

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
    """Return the code of "x if x <comparison> y else y": false for NaN, so y."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        return builder.select(builder.fcmp_ordered(comparison, *args), *args)

    return generate


@intrinsic
def larger(typing: Any, x: Any, y: Any) -> Any:
    """Operation: x if x > y else y. So y where either is NaN: `larger(bound, x)` keeps a NaN in x."""
    return lanes(lanes, lanes), choose(">")


@intrinsic
def smaller(typing: Any, x: Any, y: Any) -> Any:
    """Operation: x if x < y else y. So y where either is NaN: `smaller(bound, x)` keeps a NaN in x."""
    return lanes(lanes, lanes), choose("<")


@intrinsic
def first_lanes(typing: Any, x: Any, n: Any) -> Any:
    """Operation: x where the number of the lane is below n, else 0."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        x, n = args
        counts = builder.bitcast(broadcast(builder, builder.bitcast(builder.trunc(n, INT32), FLOAT)), INTS)
        is_kept = builder.icmp_signed("<", ir.Constant(INTS, list(range(LANES))), counts)
        return builder.select(is_kept, x, ir.Constant(FLOATS, [0.0] * LANES))

    return lanes(lanes, types.intp), generate


@intrinsic
def power_of_two(typing: Any, x: Any) -> Any:
    """Operation: 2 ** n for the integer n in the lowest bits of x, -126 <= n <= 127.

    The lowest bits hold n after 1.5 * 2**23 was added to it: there, neighbouring floats differ by 1. Shifted
    into the place of the exponent, and with its bias, n is the float 2 ** n.
    """

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        shifted = builder.shl(builder.bitcast(args[0], INTS), ir.Constant(INTS, [23] * LANES))
        return builder.bitcast(builder.add(shifted, ir.Constant(INTS, [127 << 23] * LANES)), FLOATS)

    return lanes(lanes), generate


def define_operator(symbol: Callable[..., Any], instruction: str) -> None:
    """Teach Numba `x <symbol> y` on lanes, each rounded by itself."""

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


@intrinsic
def sum_lanes(typing: Any, x: Any) -> Any:
    """Operation: the sum of the 16 lanes as float32, by halves: lane i + lane i + 8, then + 4, + 2, + 1."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        x = args[0]
        n = LANES
        while n > 1:
            n //= 2
            half = ir.VectorType(INT32, n)
            low = builder.shuffle_vector(x, x, ir.Constant(half, list(range(n))))
            high = builder.shuffle_vector(x, x, ir.Constant(half, list(range(n, 2 * n))))
            x = builder.fadd(low, high)
        return builder.extract_element(x, INT32(0))

    return types.float32(lanes), generate


# --- a tile: a few vectors side by side in registers ---


@intrinsic(prefer_literal=True)
def tile_zeros(typing: Any, rows: Any) -> Any:
    """Operation: numpy.zeros((rows, 16)); `rows` is a constant."""
    tile = types.UniTuple(lanes, rows.literal_value)

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        return ir.Constant(context.get_value_type(tile), None)

    return tile(rows), generate


@intrinsic
def tile_store(typing: Any, tile: Any, c: Any, c_row: Any) -> Any:
    """Operation: c[i * c_row : i * c_row + 16] = tile[i] for every row i."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        rows, c, c_row = args
        for i in range(tile.count):
            at = lanes_at(builder, c, builder.mul(c_row, INT64(i)))
            builder.store(builder.extract_value(rows, i), at, align=4)
        return context.get_dummy_value()

    return types.void(tile, float_pointer, types.intp), generate


@intrinsic
def tile_add(typing: Any, tile: Any, c: Any, c_row: Any) -> Any:
    """Operation: c[i * c_row : i * c_row + 16] += tile[i] for every row i."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        rows, c, c_row = args
        for i in range(tile.count):
            at = lanes_at(builder, c, builder.mul(c_row, INT64(i)))
            total = builder.fadd(builder.load(at, align=4), builder.extract_value(rows, i))
            builder.store(total, at, align=4)
        return context.get_dummy_value()

    return types.void(tile, float_pointer, types.intp), generate


@intrinsic
def tile_fma(typing: Any, tile: Any, a: Any, a_row: Any, b: Any) -> Any:
    """Operation: tile[i] + a[i * a_row] * b for every row i, each rounded once: an outer product."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        rows, a, a_row, b = args
        for i in range(tile.count):
            x = broadcast(builder, builder.load(builder.gep(a, [builder.mul(a_row, INT64(i))]), align=4))
            row = call_llvm(builder, "llvm.fma.v16f32", x, b, builder.extract_value(rows, i))
            rows = builder.insert_value(rows, row, i)
        return rows

    return tile(tile, float_pointer, types.intp, lanes), generate


# --- what threads say to each other ---


@intrinsic
def fetch_add(typing: Any, pointer: Any, n: Any) -> Any:
    """Operation: old = pointer[0]; pointer[0] += n; return old. In one, in order with all other memory."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        return builder.atomic_rmw("add", args[0], args[1], "seq_cst")

    return types.int64(int_pointer, types.int64), generate


@intrinsic
def load_acquire(typing: Any, pointer: Any) -> Any:
    """Operation: pointer[0]; what another thread wrote before it changed this is seen afterwards."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        return builder.load_atomic(args[0], "acquire", align=8)

    return types.int64(int_pointer), generate
