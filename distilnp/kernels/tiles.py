"""How much of a step is done at a time. Plain numbers, so that testing or explaining them needs no compiler.

The names are those of BLIS: Van Zee and van de Geijn, "BLIS: A Framework for Rapidly Instantiating BLAS
Functionality", ACM TOMS 41 (2015).
"""

from enum import IntEnum, auto
from typing import NamedTuple

# Numbers in a vector: as many float32 as an AVX-512 register holds. More would not fit into one, fewer would
# leave half of it empty.
LANES = 16


# int8 numbers that take the place of one float32: instructions multiply four and add the products.
QUAD = 4


class Instruction(IntEnum):
    """What adds a term to a sum: for float32, one product; for int8, the four products of a quad.

    The number in a name is the width of the registers in bits.
    """

    FMA = 0
    # AVX-VNNI and AVX-512 VNNI: four products, added to an int32.
    VPDPBUSD_256 = auto()
    VPDPBUSD_512 = auto()
    # AMX: the same for 16 rows, 16 columns and 16 quads.
    TDPBUSD = auto()
    # AVX2 and AVX-512: VPMADDUBSW adds two products as int16, VPMADDWD two of those as int32.
    VPMADDUBSW_256 = auto()
    VPMADDUBSW_512 = auto()
    # NEON with the dot product of Armv8.2, and without it: SMULL, then sums of pairs.
    SDOT = auto()
    SMULL = auto()


class Tile(NamedTuple):
    """The sums that a product keeps in registers: some rows times one or two panels of 16 columns.

    Attributes
    ----------
    rows, panels : int
    terms : int
        Terms in a turn of the loop; for int8, quads.
    instruction : Instruction
    for_few_rows : Tile, optional
        Another tile, of as many panels, that multiplies up to as many rows as it has.
    """

    rows: int
    panels: int
    terms: int
    instruction: Instruction = Instruction.FMA
    for_few_rows: "Tile | None" = None

    def __str__(self) -> str:
        return f"{self.rows} x {self.panels * LANES}"


class Tiles(NamedTuple):
    """The tiles of float32 and of int8 products."""

    float32: Tile
    int8: Tile

    def __str__(self) -> str:
        return f"{self.float32}, for int8 {self.int8}"


# An FMA takes 4 cycles. A core starts up to two in each cycle, the largest of Arm up to four: so 8 or 16 sums
# have to be under way. The more rows and panels a tile has, the fewer numbers are loaded for each FMA. A
# core loads two in a cycle, so with 1 for each FMA it would wait for them. The registers set the limit: those
# of the sums, of a row of b, and of at least one number of a.
#
#                registers   sums               b   a    loads for each FMA
#  AVX2          16 x 8      6 x 2 = 12         2   1    (6 + 2) / 12 = 0.67
#  AVX-512       32 x 16     12 x 2 = 24        2   1    (12 + 2) / 24 = 0.58
#  NEON          32 x 4      6 x 4 = 24         4   1    (6 + 4) / 24 = 0.42
#
# Four terms in a turn take 0.94 of the time of one: fewer counters and jumps for each FMA. That needs an LLVM
# that keeps the order of the source (`object_code`). In its own order, it would first load the numbers of all
# four terms and move them to the stack, so what is compiled in the process takes one term in a turn.
AVX2_TILE = Tile(rows=6, panels=1, terms=4)
AVX512_TILE = Tile(rows=12, panels=2, terms=4)
NEON_TILE = Tile(rows=6, panels=1, terms=4)

# The same for int8. VPDPBUSD takes the place of an FMA, and as many registers. The other instructions need
# registers between the steps: VPMADDUBSW one for its result, one with ones for VPMADDWD, which adds pairs by
# multiplying them by 1. Their sums depend on each other by an addition, which takes one cycle, so that few
# sums are enough.
AVX2_INT8_TILE = Tile(rows=4, panels=1, terms=4, instruction=Instruction.VPMADDUBSW_256)
AVX_VNNI_TILE = Tile(rows=6, panels=1, terms=4, instruction=Instruction.VPDPBUSD_256)
AVX512_INT8_TILE = Tile(rows=12, panels=2, terms=4, instruction=Instruction.VPMADDUBSW_512)
AVX512_VNNI_TILE = Tile(rows=12, panels=2, terms=4, instruction=Instruction.VPDPBUSD_512)
# With up to 12 rows, a product waits for its weights, which AMX loads into its registers more slowly. A text
# of 8 tokens took 1.36 ms in place of 1.16.
AMX_TILE = Tile(rows=32, panels=2, terms=16, instruction=Instruction.TDPBUSD, for_few_rows=AVX512_VNNI_TILE)
NEON_INT8_TILE = Tile(rows=4, panels=1, terms=4, instruction=Instruction.SMULL)
NEON_DOT_TILE = Tile(rows=6, panels=1, terms=4, instruction=Instruction.SDOT)

# Terms that are summed in registers before their sum is added to the earlier ones. Shorter sums round less;
# 256 x 16 weights are 16 KB, and a first-level cache holds those of a tile's panels; the additions cost 2 %.
# Part of the numerics.
KC = 256
# A job computes MC rows of NC panels of c. MC is 11 of the highest tiles, or 22 of the others: each block of
# weights is used that often once it is in the caches. MC x KC floats of a are 135 KB, a quarter of a
# second-level cache. A job's rows are a multiple of MR, which is whole tiles of every form but that of AMX.
MC = 132
MR = 12
NC = 4
# Up to this many rows, a product waits for its weights more than it computes, and takes them in the order in
# which they are stored.
FEW_ROWS = 48

# Rows in a job of a step that works row by row. With 768 columns a job takes about 1 us, twenty times the
# cost of taking it, and even a short text gives several threads a job.
JOB_ROWS = 4
