"""The ways to call `program.run` from Python: compiled by Numba, or from a library for a kind of CPU."""

from collections.abc import Callable
from functools import cache

import pytest

from distilnp.native.library import NotRun, open_checked, read_manifest
from distilnp.native.loader import no_numba
from distilnp.native.targets import TARGETS, targets_of_this_machine

LIBRARIES = [target.name for target in targets_of_this_machine()]
WAYS = ["jit", *LIBRARIES]
# For each tile of float32 the library that needs least: others differ from it only in int8.
FLOAT32_WAYS = ["jit", *{TARGETS[name].tiles.float32: name for name in reversed(LIBRARIES)}.values()]


@cache
def call(way: str) -> Callable[..., None]:
    """Return the entry point. If it cannot run here, skip the test, or fail if the reason is a fault."""
    if way == "jit":
        if why := no_numba():
            pytest.skip(why)
        from distilnp.kernels.program import program
        from distilnp.kernels.words.lanes_f32 import host_tiles

        return program(host_tiles()).call
    try:
        return open_checked(TARGETS[way], read_manifest()[way])
    except NotRun as error:
        if error.is_fault:
            raise
        pytest.skip(str(error))
