"""Compiled engines for the weights that tests make, with the kernels that `load` would choose."""

from distilnp.engine.compiled_engine import CompiledEngine
from distilnp.engine.weights import PackedWeights
from distilnp.native.loader import choose


def compiled_engine(weights: PackedWeights, threads: int) -> CompiledEngine:
    """Return an engine that computes with compiled kernels."""
    program = choose().program
    assert program is not None, "no compiled kernels can run here"
    return CompiledEngine(weights, threads, program)
