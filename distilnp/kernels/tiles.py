"""How much of a step is done at a time. Plain numbers, so that testing or explaining them needs no compiler.

The names are those of BLIS: Van Zee and van de Geijn, "BLIS: A Framework for Rapidly Instantiating BLAS
Functionality", ACM TOMS 41 (2015).
"""

# Numbers in a vector: as many float32 as an AVX-512 register holds. More would not fit into one, fewer would
# leave half of it empty.
LANES = 16

# Rows of a tile in registers. With AVX2, a tile of 6 x 16 takes 12 of the 16 registers, which leaves 2 for b
# and 1 for a. Hiding the latency of an FMA (4 cycles, 2 started per cycle) takes 8 sums under way, and 12
# are. AVX-512 has registers for more rows, but 8 and 12 rows were no faster.
MR = 6
# Terms that are summed in registers before their sum is added to the earlier ones. Shorter sums round less;
# 256 x 16 weights are 16 KB, half of a first-level cache; the additions cost 2 %. Part of the numerics.
KC = 256
# A job computes MC rows of NC panels of c. MC is 22 tiles: each block of weights is used that often once it
# is in the first-level cache. MC x KC floats of a are 135 KB, a quarter of a second-level cache.
MC = 132
NC = 4
# Up to this many rows, a product waits for its weights more than it computes, and takes them in the order in
# which they are stored.
FEW_ROWS = 48

# Rows in a job of a step that works row by row. With 768 columns a job takes about 1 us, twenty times the
# cost of taking it, and even a short text gives several threads a job.
JOB_ROWS = 4
