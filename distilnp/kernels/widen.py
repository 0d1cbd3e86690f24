"""Weights that are stored in fewer bits, widened to the float32 numbers that the model computes with.

A checkpoint in int8 or in halves of float32 stays so in memory, and only what is needed next is widened. So
it takes less memory, and a short text, which waits for its weights, is answered sooner.
"""

from .jit import inlined
from .steps import BFLOAT16, FLOAT16, FLOAT32, INT8
from .tiles import LANES
from .words.lanes_f32 import load, splat, store
from .words.memory import advance, bytes_at, floats_at
from .words.narrow import load_bfloat16, load_float16, load_int8


@inlined
def load_stored(address, index, storage, scale):
    """Return the weights `index` to `index + 16` of those stored at an address; `scale` multiplies int8."""
    if storage == INT8:
        return load_int8(bytes_at(address), index) * scale
    if storage == FLOAT16:
        return load_float16(bytes_at(address), index)
    if storage == BFLOAT16:
        return load_bfloat16(bytes_at(address), index)
    return load(floats_at(address), index)


@inlined
def widen_panels(n_panels, k, address, panel_size, storage, scales, b):
    """b[n_panels, k, 16] = the weights as float32.

    address  of the first weight; panels are panel_size weights apart
    scales   [n_panels, 16], for int8
    """
    for j in range(n_panels):
        scale = load(scales, j * LANES) if storage == INT8 else splat(1.0)
        first, panel = j * panel_size, advance(b, j * k * LANES)
        for i in range(0, k * LANES, LANES):
            store(panel, i, load_stored(address, first + i, storage, scale))


@inlined
def stored_bytes(storage):
    """Return the bytes of one weight."""
    return 4 if storage == FLOAT32 else 1 if storage == INT8 else 2
