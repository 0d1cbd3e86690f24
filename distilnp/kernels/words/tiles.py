"""A tile: some rows times one or two panels of 16 columns, summed in registers.

The tile is one operation for Numba and a loop for LLVM, written here as LLVM's instructions. Numba would need
half a minute for the tiles of all heights, and every use of one would be another copy.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from ..tiles import LANES, Instruction
from .amx import ROWS as AMX_ROWS
from .amx import AmxTileWriter
from .lanes_f32 import INTS
from .memory import FLOAT, INT32, INT64, float_pointer, prefetch_line
from .multiply_add import add, multiply_add, vector_of

# Rows that share an address register: row i of a group is at base + i * a_row, and x86-64 adds i * a_row to
# an address for i = 1, 2 and, in a register of its own, 3.
GROUP = 4

POINTER = FLOAT.as_pointer()
# fmt: off
OPERANDS = {
    "rows": INT64,
    "k": INT64,
    "a": POINTER, "a_row": INT64, "a_k": INT64,
    "b": POINTER, "b_row": INT64, "b_panel": INT64,
    "ahead": POINTER, "ahead_panel": INT64, "n_lines": INT64,
    "c": POINTER, "c_row": INT64,
    "adds": INT64,
}
# fmt: on


@intrinsic(prefer_literal=True)
def multiply_tile(
    typing: Any,
    instruction: Any,
    max_rows: Any,
    panels: Any,
    terms: Any,
    rows: Any,
    k: Any,
    a: Any,
    a_row: Any,
    a_k: Any,
    b: Any,
    b_row: Any,
    b_panel: Any,
    ahead: Any,
    ahead_panel: Any,
    n_lines: Any,
    c: Any,
    c_row: Any,
    adds: Any,
) -> Any:
    """Compute c[rows, 16 panels] (+)= a[rows, k] @ b[k, 16 panels].

    instruction, max_rows, panels, terms  constants; see `Tile`
    rows                                  1 to max_rows

    a[i, p] is at a[i * a_row + p * a_k], b[p, 16 j + l] at b[j * b_panel + p * b_row + l], c[i, 16 j + l] at
    c[i * c_row + 16 j + l]. Each sum starts at 0 and takes one FMA per term, in the order of p. If `adds`, it
    is added to c; otherwise it replaces c.

    For int8, every number is a quad in a and b, four int8 numbers in the place of one float32, and an int32
    in c. A term is the sum of four products, added without rounding.

    On the way, `n_lines` (0, 1, 2 or 4; with AMX, any number) lines of memory are prefetched in every turn of
    `terms` terms, one after another, at `ahead`, and at `ahead + ahead_panel` if there are two panels.
    Oracle: numpy's @.
    """
    form = Instruction(instruction.literal_value), panels.literal_value, terms.literal_value
    # AMX takes the number of rows from a register, and has a function for each 16 of them.
    group = AMX_ROWS if form[0] == Instruction.TDPBUSD else 1
    heights = range(1, max_rows.literal_value + 1)

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        _, _, _, _, rows, *operands, adds = args
        operands.append(builder.zext(adds, INT64))
        end = builder.append_basic_block("end")
        switch = builder.switch(rows, end)
        for first in heights[::group]:
            block = builder.append_basic_block(f"rows_{first}")
            for height in heights[first - 1 : first - 1 + group]:
                switch.add_case(INT64(height), block)
            builder.position_at_end(block)
            builder.call(tile_function(builder.module, first - 1 + group, *form), [rows, *operands])
            builder.branch(end)
        builder.position_at_end(end)
        return context.get_dummy_value()

    integer, pointer = types.intp, float_pointer
    # fmt: off
    signature = types.void(
        instruction, max_rows, panels, terms, integer, integer, pointer, integer, integer, pointer, integer,
        integer, pointer, integer, integer, pointer, integer, types.boolean,
    )
    # fmt: on
    return signature, generate


def tile_function(
    module: ir.Module, rows: int, instruction: Instruction, panels: int, terms: int
) -> ir.Function:
    """Return the function of a module that multiplies a tile of this form; write it if it is not there."""
    name = f"distilnp_tile_{instruction.name.lower()}_{rows}_{panels}_{terms}"
    if name in module.globals:
        return module.globals[name]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), OPERANDS.values()), name)
    function.linkage = "linkonce_odr"
    function.attributes.add("noinline")
    if instruction == Instruction.TDPBUSD:
        operands = dict(zip(OPERANDS, function.args, strict=True))
        AmxTileWriter(function, operands, rows // AMX_ROWS, panels).write()
    else:
        TileWriter(function, rows, instruction, panels, terms).write()
    return function


class TileWriter:
    """Writes the code of one tile."""

    def __init__(
        self, function: ir.Function, rows: int, instruction: Instruction, panels: int, terms: int
    ) -> None:
        self.instruction = instruction
        self.vector = vector_of(instruction)
        self.rows, self.panels, self.terms = rows, panels, terms
        self.operands = dict(zip(OPERANDS, function.args, strict=True))
        self.builder = builder = ir.IRBuilder(function.append_basic_block("entry"))
        zeros = ir.Constant(self.vector, None)
        # LLVM keeps these variables in registers.
        self.sums = [[cgutils.alloca_once_value(builder, zeros) for _ in range(panels)] for _ in range(rows)]
        self.ahead = cgutils.alloca_once_value(builder, self.operands["ahead"])

    def write(self) -> None:
        """Write the loop over the terms, the loop over those that are left, and what becomes of the sums."""
        builder, k, terms = self.builder, self.operands["k"], INT64(self.terms)
        turns = builder.udiv(k, terms)
        with cgutils.for_range(builder, turns) as turn:
            self.prefetch()
            first = builder.mul(turn.index, terms)
            for i in range(self.terms):
                self.multiply(builder.add(first, INT64(i)))
        if self.terms > 1:
            done = builder.mul(turns, terms)
            with cgutils.for_range(builder, builder.sub(k, done)) as turn:
                self.multiply(builder.add(done, turn.index))
        adds = builder.icmp_unsigned("!=", self.operands["adds"], INT64(0))
        with builder.if_else(adds) as (then, otherwise):
            with then:
                self.store(is_added=True)
            with otherwise:
                self.store(is_added=False)
        builder.ret_void()

    def at(self, pointer: Any, *steps: tuple[Any, Any]) -> Any:
        """Return the pointer, moved by the sum of n * size for all steps (n, size)."""
        for n, size in steps:
            pointer = self.builder.gep(pointer, [self.builder.mul(n, size)])
        return pointer

    def vector_at(self, pointer: Any, offset: Any) -> Any:
        """Return a pointer to 16 numbers, aligned as a single one is."""
        return self.builder.bitcast(self.builder.gep(pointer, [offset]), self.vector.as_pointer())

    def broadcast(self, pointer: Any) -> Any:
        """Return a vector with the number at a pointer in every lane."""
        builder, undefined = self.builder, ir.Constant(self.vector, ir.Undefined)
        number = builder.load(builder.bitcast(pointer, self.vector.element.as_pointer()), align=4)
        first = builder.insert_element(undefined, number, INT32(0))
        return builder.shuffle_vector(first, undefined, ir.Constant(INTS, [0] * LANES))

    def prefetch(self) -> None:
        """Prefetch `n_lines` lines for each panel."""
        builder, n_lines = self.builder, self.operands["n_lines"]
        ahead = builder.load(self.ahead)
        for least, lines in {1: [0], 2: [1], 4: [2, 3]}.items():
            with builder.if_then(builder.icmp_unsigned(">=", n_lines, INT64(least))):
                for line in lines:
                    for panel in range(self.panels):
                        distance = (INT64(panel), self.operands["ahead_panel"])
                        prefetch_line(builder, self.at(ahead, (INT64(line), INT64(LANES)), distance))
        builder.store(self.at(ahead, (n_lines, INT64(LANES))), self.ahead)

    def multiply(self, p: Any) -> None:
        """Add the products of term p: a column of a times a row of b.

        The order is row by row: the products with one number of a follow each other, and the register that it
        takes is free again. Panel by panel, LLVM would keep the numbers of all rows in registers.
        """
        builder, operands = self.builder, self.operands
        b = self.at(operands["b"], (p, operands["b_row"]))
        row_of_b = [
            builder.load(self.vector_at(b, builder.mul(INT64(j), operands["b_panel"])), align=4)
            for j in range(self.panels)
        ]
        a, a_row = operands["a"], operands["a_row"]
        base = opaque(builder, self.at(a, (p, operands["a_k"])))
        for i in range(self.rows):
            if i and i % GROUP == 0:
                base = opaque(builder, self.at(base, (INT64(GROUP), a_row)))
            x = self.broadcast(self.at(base, (INT64(i % GROUP), a_row)))
            for total, y in zip(self.sums[i], row_of_b, strict=True):
                builder.store(multiply_add(builder, self.instruction, x, y, builder.load(total)), total)

    def store(self, is_added: bool) -> None:
        """Write the sums to c, or add them to c."""
        builder, c_row = self.builder, self.operands["c_row"]
        for i, row in enumerate(self.sums):
            for j, total in enumerate(row):
                offset = builder.add(builder.mul(INT64(i), c_row), INT64(j * LANES))
                place = self.vector_at(self.operands["c"], offset)
                result = builder.load(total)
                if is_added:
                    result = add(builder, builder.load(place, align=4), result)
                builder.store(result, place, align=4)


def opaque(builder: ir.IRBuilder, pointer: Any) -> Any:
    """Return the pointer, so that LLVM does not know where it comes from.

    Otherwise LLVM would keep the address of every row in a register, and has not so many.
    """
    function_type = ir.FunctionType(pointer.type, [pointer.type])
    return builder.asm(function_type, "", "=r,0", [pointer], side_effect=False)
