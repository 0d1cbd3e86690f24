"""How kernels become machine code, and which machine code runs.

Ahead of time: `targets` (the kinds of CPU), `object_code` (from Numba to an object file), `linker`, `build`.
At run time: `library` (which library can run), `self_check` (whether it computes what it should), `loader`
(a library, Numba or NumPy).
"""
