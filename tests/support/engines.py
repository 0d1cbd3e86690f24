"""Compiled engines for the weights that tests make, with the kernels that `load` would choose."""

from distilnp.engine.compiled_engine import CompiledEngine
from distilnp.engine.weights import PackedWeights
from distilnp.native.loader import Program, choose


def compiled_engine(weights: PackedWeights, threads: int, program: Program | None = None) -> CompiledEngine:
    """Return an engine that computes with compiled kernels: these, or those of `load`."""
    program = program or choose().program
    assert program is not None, "no compiled kernels can run here"
    return CompiledEngine(weights, threads, program)
