"""What adds a term to 16 sums, for each instruction: total + x * y, or the same with four int8 in a number.

Vectors are 16 lanes of 32 bits here, too. For int8, a lane of x and y is a quad: four numbers, of x from 0 to
127, and of y from -128 to 127. Within these bounds no instruction saturates: the largest sum that VPMADDUBSW
keeps in 16 bits is 2 * 127 * 128 = 32,512, and an int16 goes up to 32,767. So every instruction gives the
same integers, the exact ones.
"""

from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba.core import cgutils

from ..tiles import LANES, Instruction
from .lanes_f32 import FLOATS, INTS, call_llvm, is_arm
from .memory import INT8, INT16, INT32

# The beginning of the names of intrinsics for another machine. `object_code` takes it away.
FOREIGN = "distilnp."

# Takes a builder, parts of x, y and total that fill one register, and returns total + x * y.
Part = Callable[[ir.IRBuilder, Any, Any, Any], Any]


def vector_of(instruction: Instruction) -> ir.VectorType:
    """Return the type of 16 sums."""
    return FLOATS if instruction == Instruction.FMA else INTS


def add(builder: ir.IRBuilder, x: Any, y: Any) -> Any:
    """Return x + y for two vectors of sums."""
    return builder.fadd(x, y) if x.type == FLOATS else builder.add(x, y)


def multiply_add(builder: ir.IRBuilder, instruction: Instruction, x: Any, y: Any, total: Any) -> Any:
    """Return total + x * y."""
    if instruction == Instruction.FMA:
        return call_llvm(builder, "llvm.fma.v16f32", x, y, total)
    lanes, part = PARTS[instruction]
    parts = [
        part(builder, *(lanes_of(builder, vector, first, lanes) for vector in (x, y, total)))
        for first in range(0, LANES, lanes)
    ]
    while len(parts) > 1:
        parts = [joined(builder, *parts[i : i + 2]) for i in range(0, len(parts), 2)]
    return parts[0]


def vpdpbusd(lanes: int) -> Part:
    """Four products, added to an int32 in one step. x is unsigned, y is signed."""

    def part(builder: ir.IRBuilder, x: Any, y: Any, total: Any) -> Any:
        return call(builder, f"llvm.x86.avx512.vpdpbusd.{32 * lanes}", total.type, total, x, y)

    return part


def vpmaddubsw(lanes: int, pairs: str, sums: str) -> Part:
    """Two products as an int16, then two of those as an int32. x is unsigned, y is signed."""

    def part(builder: ir.IRBuilder, x: Any, y: Any, total: Any) -> Any:
        bytes_, words = ir.VectorType(INT8, 4 * lanes), ir.VectorType(INT16, 2 * lanes)
        x, y = builder.bitcast(x, bytes_), builder.bitcast(y, bytes_)
        ones = ir.Constant(words, [1] * (2 * lanes))
        return builder.add(total, call(builder, sums, total.type, call(builder, pairs, words, x, y), ones))

    return part


def sdot(builder: ir.IRBuilder, x: Any, y: Any, total: Any) -> Any:
    """Four products, added to an int32 in one step. Both are signed; up to 127 that makes no difference."""
    bytes_ = ir.VectorType(INT8, 16)
    x, y = builder.bitcast(x, bytes_), builder.bitcast(y, bytes_)
    return call(builder, "llvm.aarch64.neon.sdot.v4i32.v16i8", total.type, total, x, y)


def smull(builder: ir.IRBuilder, x: Any, y: Any, total: Any) -> Any:
    """Products of 8 bits as int16, then the sums of pairs, twice."""
    bytes_, words = ir.VectorType(INT8, 16), ir.VectorType(INT16, 8)
    x, y = builder.bitcast(x, bytes_), builder.bitcast(y, bytes_)
    pairs = []
    for first in (0, 8):
        halves = (lanes_of(builder, vector, first, 8) for vector in (x, y))
        products = call(builder, "llvm.aarch64.neon.smull.v8i16", words, *halves)
        pairs.append(call(builder, "llvm.aarch64.neon.saddlp.v4i32.v8i16", total.type, products))
    return builder.add(total, call(builder, "llvm.aarch64.neon.addp.v4i32", total.type, *pairs))


# How many lanes fill a register, and what is done to them.
PARTS: dict[Instruction, tuple[int, Part]] = {
    Instruction.VPDPBUSD_256: (8, vpdpbusd(8)),
    Instruction.VPDPBUSD_512: (16, vpdpbusd(16)),
    Instruction.VPMADDUBSW_256: (8, vpmaddubsw(8, "llvm.x86.avx2.pmadd.ub.sw", "llvm.x86.avx2.pmadd.wd")),
    Instruction.VPMADDUBSW_512: (
        16,
        vpmaddubsw(16, "llvm.x86.avx512.pmaddubs.w.512", "llvm.x86.avx512.pmaddw.d.512"),
    ),
    Instruction.SDOT: (4, sdot),
    Instruction.SMULL: (4, smull),
}


def call(builder: ir.IRBuilder, name: str, result: ir.Type, *args: Any) -> Any:
    """Call an LLVM intrinsic whose result may have another type than its arguments.

    Numba compiles for this machine before `object_code` compiles for another. It cannot compile the other
    one's intrinsics, so they are functions for it, which exist as a name and are never called.
    """
    if name.startswith("llvm.aarch64") != is_arm():
        name = FOREIGN + name
        llvm.add_symbol(name, 1)
    function_type = ir.FunctionType(result, [arg.type for arg in args])
    return builder.call(cgutils.get_or_insert_function(builder.module, function_type, name), args)


def lanes_of(builder: ir.IRBuilder, x: Any, first: int, n: int) -> Any:
    """Return n lanes of a vector."""
    if n == x.type.count:
        return x
    places = ir.Constant(ir.VectorType(INT32, n), list(range(first, first + n)))
    return builder.shuffle_vector(x, ir.Constant(x.type, ir.Undefined), places)


def joined(builder: ir.IRBuilder, x: Any, y: Any) -> Any:
    """Return the lanes of x, followed by those of y."""
    n = 2 * x.type.count
    return builder.shuffle_vector(x, y, ir.Constant(ir.VectorType(INT32, n), list(range(n))))
