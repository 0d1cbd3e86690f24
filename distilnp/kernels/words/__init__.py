"""The words that kernels are written in: each is one LLVM operation, or a few that belong together.

`memory`: pointers. `lanes_f32`: arithmetic on 16 float32 numbers. `tiles`: several vectors side by side in
registers. `atomics`: what threads write for each other to read.

Nothing is checked: a word trusts the pointers and sizes that it is given. Only this folder and
`native/object_code.py` import llvmlite.
"""
