"""The kernels of the engine, compiled by Numba.

Kernels know shapes; they do not know what a transformer is. Read in this order: `words/` (one operation
each); `elementary` (exp, erf, GELU); `gemm_f32`, `attention` and `row_wise` (the kernels), with `blocking`
and `tiles` (how their work is cut); `jobs` (how threads share it); `steps` and `program` (how kernels become
one program).

`native/` turns all this into a library, and chooses which machine code runs.
"""
