"""The digest that libraries are checked by: the same if the kernels are right, different if they are not."""

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from support.kernel_calls import WAYS, call

from distilnp.kernels.steps import KIND, OPERANDS, QUANTIZE, QUANTIZED, C
from distilnp.kernels.tiles import LANES
from distilnp.native.self_check import DIGEST, digest, program

N_STEPS = len(program(0, dict.fromkeys(range(4), 0)))


@pytest.mark.parametrize("way", WAYS)
def test_the_kernels_have_the_stored_digest(way: str) -> None:
    computed = digest(call(way))

    assert computed == DIGEST, (
        "the kernels compute other bits than before. If this is intended, say so in CHANGELOG.md, run "
        f"tests/witness/engine_bits.py, and write in distilnp/native/self_check.py:\nDIGEST = {computed!r}"
    )


def memory(address: int, n: int, c_type: Any) -> Any:
    return np.ctypeslib.as_array(ctypes.cast(address, ctypes.POINTER(c_type)), (n,))


def outputs(n: int, steps: int) -> list[int]:
    """Return the index in `batch` of each step's result."""
    table = memory(steps, n * len(OPERANDS), ctypes.c_int64).reshape(n, -1)
    return [int(row[QUANTIZED if row[KIND] == QUANTIZE else C]) for row in table]


def changed(run: Callable[..., None], step: int) -> Callable[..., None]:
    """Return a `run` that changes one bit of the result of a step."""

    def run_and_change(n: int, steps: int, batch: int, *others: int) -> None:
        run(n, steps, batch, *others)
        position = outputs(n, steps)[step]
        address = int(memory(batch, position + 1, ctypes.c_int64)[position])
        memory(address, 1, ctypes.c_uint32)[0] ^= 1

    return run_and_change


@pytest.mark.parametrize("step", range(N_STEPS))
def test_a_changed_bit_in_any_step_changes_the_digest(step: int) -> None:
    run = call(WAYS[-1])

    assert digest(changed(run, step)) != digest(run) == digest(run)


def test_no_result_in_the_digest_is_nan() -> None:
    """A digest of NaN would not be the same everywhere: the bits of a NaN result are not specified."""

    def run(n: int, steps: int, batch: int, *others: int) -> None:
        call(WAYS[-1])(n, steps, batch, *others)
        for position in outputs(n, steps):
            address = int(memory(batch, position + 1, ctypes.c_int64)[position])
            assert np.isfinite(memory(address, 2 * LANES, ctypes.c_float)).all()
            assert memory(address, 2 * LANES, ctypes.c_float).any()

    digest(run)
