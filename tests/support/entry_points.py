"""The entry points of the kernels: the functions that are compiled for Python to call."""

from distilnp.kernels.jit import EntryPoint
from distilnp.kernels.program import program
from distilnp.native.targets import TARGETS


def entry_points() -> dict[str, EntryPoint]:
    """Return the program for each form of a tile, by the form."""
    tiles = {target.tiles for target in TARGETS.values()}
    return {f"tiles of {tile}": program(tile) for tile in sorted(tiles)}
