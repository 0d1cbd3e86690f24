"""How much of a step is done at a time. Plain numbers, so that who tests or explains them needs no compiler.

Names are those of BLIS: Van Zee and van de Geijn, "BLIS: A Framework for Rapidly Instantiating BLAS
Functionality", ACM TOMS 41 (2015).
"""

# Rows of a tile in registers. On AVX2, 6 x 16 are 12 of the 16 registers, which leaves 2 for b and 1 for a; 8
# sums under way hide the latency of an FMA (4 cycles, 2 a cycle), so 12 do. With AVX-512, which has room for
# more, 8 and 12 rows were no faster.
MR = 6
# Terms that are summed in registers before their sum is added to those before: shorter sums round less, 256 x
# 16 weights are 16 KB, half of a first cache, and the additions cost 2 %. Part of the numerics.
KC = 256
# A job's part of c is MC rows of NC panels. MC is 22 tiles: so often is a block of weights used once it is in
# the first cache, and MC x KC floats of a are 135 KB, a quarter of a second cache.
MC = 132
NC = 4
# So few rows wait for weights more than they compute, and take them as they lie.
FEW_ROWS = 48

# Rows of a job that works on each of them by itself: with 768 columns about 1 us, twenty times what taking a
# job costs; and a short text, too, has jobs for several threads.
JOB_ROWS = 4
