"""Integers of the int8 products: between 16 float32 numbers and int32 sums or bytes."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from ..tiles import LANES
from .lanes_f32 import FLOATS, INTS, broadcast, lanes
from .memory import FLOAT, INT8, INT32, float_pointer

# Adding it to a float32 below 2**22 rounds that to the nearest integer, to the even one between two, and
# leaves it in the lowest bits.
ROUNDING = 1.5 * 2.0**23
ROUNDING_BITS = 0x4B400000


def ints_everywhere(builder: ir.IRBuilder, n: Any) -> Any:
    """Return a vector with an int32 in every lane."""
    return builder.bitcast(broadcast(builder, builder.bitcast(n, FLOAT)), INTS)


@intrinsic
def centred(typing: Any, sums: Any, column_sums: Any, zero_point: Any) -> Any:
    """Operation: float32(sums[:16] - zero_point * column_sums[:16]), where both hold int32."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        total, of_columns = (
            builder.load(builder.bitcast(pointer, INTS.as_pointer()), align=4) for pointer in args[:2]
        )
        offset = builder.mul(of_columns, ints_everywhere(builder, args[2]))
        return builder.sitofp(builder.sub(total, offset), FLOATS)

    return lanes(float_pointer, float_pointer, types.int32), generate


@intrinsic
def round_to_int(typing: Any, x: Any) -> Any:
    """Operation: int32(x), rounded to the nearest integer; |x| < 2**22."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        shifted = builder.fadd(args[0], FLOAT(ROUNDING))
        return builder.sub(builder.bitcast(shifted, INT32), INT32(ROUNDING_BITS))

    return types.int32(types.float32), generate


@intrinsic
def store_bytes(typing: Any, pointer: Any, offset: Any, x: Any, zero_point: Any, largest: Any) -> Any:
    """Operation: uint8 pointer[offset : offset + 16] = min(round(x) + zero_point, largest).

    The offset counts bytes. Each number is rounded as in `round_to_int`.
    """

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        pointer, offset, x, zero_point, largest = args
        shifted = builder.bitcast(builder.fadd(x, ir.Constant(FLOATS, [ROUNDING] * LANES)), INTS)
        added = builder.sub(zero_point, INT32(ROUNDING_BITS))
        numbers = builder.add(shifted, ints_everywhere(builder, added))
        bound = ints_everywhere(builder, builder.trunc(largest, INT32))
        numbers = builder.select(builder.icmp_signed("<", numbers, bound), numbers, bound)
        bytes_ = builder.trunc(numbers, ir.VectorType(INT8, LANES))
        place = builder.gep(builder.bitcast(pointer, INT8.as_pointer()), [offset])
        builder.store(bytes_, builder.bitcast(place, bytes_.type.as_pointer()), align=1)
        return context.get_dummy_value()

    return types.void(float_pointer, types.intp, lanes, types.int32, types.intp), generate


@intrinsic
def int_at(typing: Any, pointer: Any, offset: Any) -> Any:
    """Operation: the int32 at pointer[offset]."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        return builder.load(builder.bitcast(builder.gep(args[0], [args[1]]), INT32.as_pointer()), align=4)

    return types.int32(float_pointer, types.intp), generate


@intrinsic
def store_int(typing: Any, pointer: Any, offset: Any, n: Any) -> Any:
    """Operation: the int32 at pointer[offset] becomes n."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        pointer, offset, n = args
        builder.store(n, builder.bitcast(builder.gep(pointer, [offset]), INT32.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.void(float_pointer, types.intp, types.int32), generate
