"""Numbers that are stored in fewer bits than float32, widened to 16 lanes without any rounding."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from ..tiles import LANES
from .lanes_f32 import FLOATS, INTS, lanes
from .memory import byte_pointer


def load_integers(builder: ir.IRBuilder, args: Any, bits: int) -> Any:
    """Return 16 integers of that many bits; `args` are a pointer and the index of the first."""
    pointer, index = args
    numbers = builder.bitcast(pointer, ir.IntType(bits).as_pointer())
    vector = ir.VectorType(ir.IntType(bits), LANES)
    return builder.load(builder.bitcast(builder.gep(numbers, [index]), vector.as_pointer()), align=1)


def everywhere(n: int) -> ir.Constant:
    """Return an integer in every lane."""
    return ir.Constant(INTS, [n] * LANES)


@intrinsic
def load_int8(typing: Any, pointer: Any, index: Any) -> Any:
    """Operation: float32(int8 numbers[index : index + 16])."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        return builder.sitofp(builder.sext(load_integers(builder, args, 8), INTS), FLOATS)

    return lanes(byte_pointer, types.intp), generate


@intrinsic
def load_bfloat16(typing: Any, pointer: Any, index: Any) -> Any:
    """Operation: float32(bfloat16 numbers[index : index + 16]). They are upper halves of float32."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        bits = builder.zext(load_integers(builder, args, 16), INTS)
        return builder.bitcast(builder.shl(bits, everywhere(16)), FLOATS)

    return lanes(byte_pointer, types.intp), generate


@intrinsic
def load_float16(typing: Any, pointer: Any, index: Any) -> Any:
    """Operation: float32(float16 numbers[index : index + 16]), for finite numbers.

    The exponent of float16 has a bias of 15, that of float32 one of 127: it grows by 112. A subnormal number
    has no leading 1. It gets one by growing by 113, to 2**-14 (1 + m), and 2**-14 is taken away again. No
    subnormal float32 is met, which CPUs are slow with. Integers do it on every CPU, where an instruction of
    its own would be called by name from the C library if it is missing.
    """

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        bits = builder.zext(load_integers(builder, args, 16), INTS)
        sign = builder.shl(builder.and_(bits, everywhere(0x8000)), everywhere(16))
        size = builder.shl(builder.and_(bits, everywhere(0x7FFF)), everywhere(13))
        normal = builder.add(size, everywhere(112 << 23))
        with_leading_1 = builder.bitcast(builder.add(size, everywhere(113 << 23)), FLOATS)
        subnormal = builder.fsub(with_leading_1, ir.Constant(FLOATS, [2.0**-14] * LANES))
        is_subnormal = builder.icmp_unsigned("<", size, everywhere(1 << 23))
        bits = builder.select(is_subnormal, builder.bitcast(subnormal, INTS), normal)
        return builder.bitcast(builder.or_(bits, sign), FLOATS)

    return lanes(byte_pointer, types.intp), generate
