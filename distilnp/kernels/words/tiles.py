"""A tile: vectors of 16 float32 numbers, one a row, that stay in registers while a product is summed."""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .lanes_f32 import broadcast, call_llvm, lanes, lanes_at
from .memory import INT64, float_pointer


@intrinsic(prefer_literal=True)
def tile_zeros(typing: Any, rows: Any) -> Any:
    """Operation: numpy.zeros((rows, 16)); `rows` is a constant."""
    tile = types.UniTuple(lanes, rows.literal_value)

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        return ir.Constant(context.get_value_type(tile), None)

    return tile(rows), generate


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


@intrinsic
def tile_store(typing: Any, tile: Any, c: Any, c_row: Any) -> Any:
    """Operation: c[i * c_row : i * c_row + 16] = tile[i] for every row i."""
    return write_rows(tile, lambda builder, row, place: row)


@intrinsic
def tile_add(typing: Any, tile: Any, c: Any, c_row: Any) -> Any:
    """Operation: c[i * c_row : i * c_row + 16] += tile[i] for every row i."""
    return write_rows(tile, lambda builder, row, place: builder.fadd(builder.load(place, align=4), row))


def write_rows(tile: Any, combine: Callable[[ir.IRBuilder, Any, Any], Any]) -> Any:
    """Return the signature and the code that write combine(tile[i], place of row i) into each row of c."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        rows, c, c_row = args
        for i in range(tile.count):
            place = lanes_at(builder, c, builder.mul(c_row, INT64(i)))
            builder.store(combine(builder, builder.extract_value(rows, i), place), place, align=4)
        return context.get_dummy_value()

    return types.void(tile, float_pointer, types.intp), generate
