"""The words that kernels are written in: each is one LLVM operation, or a few that belong together.

`memory`: pointers. `lanes_f32`: arithmetic on 16 float32 numbers. `narrow`: numbers in fewer bits, as
float32. `atomics`: what threads write for each other to read. `tiles`: the loop that sums a tile in
registers, the only word that is more than a few operations; it says why.

Nothing is checked: a word trusts the pointers and sizes that it is given. Only this folder and
`native/object_code.py` import llvmlite.
"""
