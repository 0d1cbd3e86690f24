"""What the engine computes with, compiled by Numba. Knows shapes, knows no transformer.

In the order in which to read: `simd.py`, the words; `elementary.py`; `gemm.py`, `attention.py` and
`row_wise.py`, the sentences, and `tiles.py`, how they are cut; `jobs.py`, how threads share them; `steps.py`
and `program.py`, how they become one program.

How that becomes a library: `targets.py`, `object_code.py`, `linker.py`, `build.py`. Which library computes,
or what else: `self_check.py`, `library.py`, `loader.py`.
"""
