"""A tile of int8 sums in the registers of AMX: up to 32 rows times one or two panels of 16 columns.

AMX has eight registers of 16 rows and 64 bytes. As sums, one holds 16 rows of 16 int32. As activations, it
holds 16 rows of 16 quads, and as weights 16 quads of 16 columns, which is how panels of quads lie in memory
anyway. TDPBUSD multiplies two of them, 16,384 products of int8, in 16 cycles.
"""

from typing import Any

from llvmlite import ir
from numba.core import cgutils

from .memory import INT8, INT16, INT64, prefetch_line

# Rows of a register, and quads in a row of it.
ROWS = QUADS = 16
ROW_BYTES = 64

# The registers: sums of each half of the rows and panel, activations of each half, weights of each panel.
SUMS = ((0, 1), (2, 3))
ACTIVATIONS = (4, 5)
WEIGHTS = (6, 7)

# What LDTILECFG reads: palette 1 in the first byte, the bytes of a row of each register from byte 16, and the
# rows of each from byte 48.
CONFIG_BYTES, FIRST_ROW_BYTES, FIRST_ROWS = 64, 16, 48


class AmxTileWriter:
    """Writes the code of a tile with one or two halves of up to 16 rows; `rows` says how many there are."""

    def __init__(self, function: ir.Function, operands: dict[str, Any], halves: int, panels: int) -> None:
        self.halves, self.panels = range(halves), range(panels)
        self.operands = operands
        self.builder = ir.IRBuilder(function.append_basic_block("entry"))

    def write(self) -> None:
        """Write the loop over 16 quads at a time, and what becomes of the sums."""
        builder, operands = self.builder, self.operands
        self.ahead = cgutils.alloca_once_value(builder, operands["ahead"])
        self.configure()
        adds = builder.icmp_unsigned("!=", operands["adds"], INT64(0))
        with builder.if_else(adds) as (then, otherwise):
            with then:
                self.each_sum("tileloadd64")
            with otherwise:
                for half in self.halves:
                    for panel in self.panels:
                        self.call("tilezero", INT8(SUMS[half][panel]))
        with cgutils.for_range(builder, builder.udiv(operands["k"], INT64(QUADS))) as turn:
            self.prefetch()
            self.multiply(builder.mul(turn.index, INT64(QUADS)))
        self.each_sum("tilestored64")
        self.call("tilerelease")
        builder.ret_void()

    def call(self, name: str, *args: Any) -> None:
        """Call an intrinsic of AMX."""
        function_type = ir.FunctionType(ir.VoidType(), [arg.type for arg in args])
        function = cgutils.get_or_insert_function(self.builder.module, function_type, f"llvm.x86.{name}")
        self.builder.call(function, args)

    def at(self, name: str, *offsets: Any) -> Any:
        """Return a pointer to bytes: an operand, moved by numbers of 4 bytes."""
        pointer = self.operands[name]
        for offset in offsets:
            pointer = self.builder.gep(pointer, [offset])
        return self.builder.bitcast(pointer, INT8.as_pointer())

    def configure(self) -> None:
        """Say how many rows and bytes the registers have."""
        builder, rows = self.builder, self.operands["rows"]
        content = cgutils.alloca_once(builder, ir.ArrayType(INT8, CONFIG_BYTES))
        builder.store(ir.Constant(content.type.pointee, None), content)
        config = builder.bitcast(content, INT8.as_pointer())
        builder.store(INT8(1), config)
        before = ROWS * (len(self.halves) - 1)
        last = builder.trunc(builder.sub(rows, INT64(before)), INT8)
        rows_of_half = [INT8(ROWS), last][-len(self.halves) :]
        rows_of = {ACTIVATIONS[half]: rows_of_half[half] for half in self.halves}
        rows_of |= {SUMS[half][panel]: rows_of_half[half] for half in self.halves for panel in self.panels}
        rows_of |= {WEIGHTS[panel]: INT8(QUADS) for panel in self.panels}
        for register, n in rows_of.items():
            builder.store(n, builder.gep(config, [INT64(FIRST_ROWS + register)]))
            width = builder.gep(config, [INT64(FIRST_ROW_BYTES + 2 * register)])
            builder.store(INT16(ROW_BYTES), builder.bitcast(width, INT16.as_pointer()), align=1)
        self.call("ldtilecfg", config)

    def each_sum(self, name: str) -> None:
        """Load or store all registers of sums."""
        builder, c_row = self.builder, self.operands["c_row"]
        stride = builder.mul(c_row, INT64(4))
        for half in self.halves:
            first = builder.mul(INT64(ROWS * half), c_row)
            for panel in self.panels:
                place = self.at("c", first, INT64(ROWS * panel))
                self.call(name, INT8(SUMS[half][panel]), place, stride)

    def multiply(self, first: Any) -> None:
        """Add the products of 16 quads."""
        builder, operands = self.builder, self.operands
        a_row = operands["a_row"]
        stride = builder.mul(a_row, INT64(4))
        for panel in self.panels:
            panel_offset = builder.mul(INT64(panel), operands["b_panel"])
            place = self.at("b", panel_offset, builder.mul(first, INT64(QUADS)))
            self.call("tileloadd64", INT8(WEIGHTS[panel]), place, INT64(ROW_BYTES))
        for half in self.halves:
            place = self.at("a", builder.mul(INT64(ROWS * half), a_row), first)
            self.call("tileloadd64", INT8(ACTIVATIONS[half]), place, stride)
            for panel in self.panels:
                registers = SUMS[half][panel], ACTIVATIONS[half], WEIGHTS[panel]
                self.call("tdpbusd", *map(INT8, registers))

    def prefetch(self) -> None:
        """Prefetch `n_lines` lines for each panel."""
        builder, operands = self.builder, self.operands
        ahead = builder.load(self.ahead)
        with cgutils.for_range(builder, operands["n_lines"]) as line:
            for panel in self.panels:
                pointer = builder.gep(ahead, [builder.mul(INT64(panel), operands["ahead_panel"])])
                prefetch_line(builder, builder.gep(pointer, [builder.mul(line.index, INT64(QUADS))]))
        builder.store(builder.gep(ahead, [builder.mul(operands["n_lines"], INT64(QUADS))]), self.ahead)
