"""Pointers: how kernels get from an address to numbers."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

FLOAT = ir.FloatType()
INT8 = ir.IntType(8)
INT16 = ir.IntType(16)
INT32 = ir.IntType(32)
INT64 = ir.IntType(64)

float_pointer = types.CPointer(types.float32)
int_pointer = types.CPointer(types.int64)
byte_pointer = types.CPointer(types.uint8)


@intrinsic
def floats_at(typing: Any, address: Any) -> Any:
    """Return a pointer to float32 at an address."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], FLOAT.as_pointer())

    return float_pointer(types.int64), generate


@intrinsic
def ints_at(typing: Any, address: Any) -> Any:
    """Return a pointer to int64 at an address."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], INT64.as_pointer())

    return int_pointer(types.int64), generate


@intrinsic
def bytes_at(typing: Any, address: Any) -> Any:
    """Return a pointer to bytes at an address."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], ir.IntType(8).as_pointer())

    return byte_pointer(types.int64), generate


@intrinsic
def advance(typing: Any, pointer: Any, offset: Any) -> Any:
    """Operation: &pointer[offset]."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        return builder.gep(args[0], [args[1]])

    return pointer(pointer, types.intp), generate


def prefetch_line(builder: ir.IRBuilder, pointer: Any) -> None:
    """Write the instruction that asks for a cache line. Nothing is read, so the address need not be valid.

    The line goes into the second-level cache: more lines can be on their way there than into the first.
    """
    bytes_ = ir.IntType(8).as_pointer()
    function_type = ir.FunctionType(ir.VoidType(), [bytes_, INT32, INT32, INT32])
    function = cgutils.get_or_insert_function(builder.module, function_type, "llvm.prefetch.p0")
    for_reading, into_second_level, data = INT32(0), INT32(2), INT32(1)
    builder.call(function, [builder.bitcast(pointer, bytes_), for_reading, into_second_level, data])
