"""What libraries are checked by is the same wherever the kernels are right, and other where they are not."""

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from support.kernel_calls import WAYS, call

from distilnp.kernels.steps import OPERANDS
from distilnp.native.self_check import DIGEST, digest


@pytest.mark.parametrize("way", WAYS)
def test_the_digest_is_that_of_the_kernels(way: str) -> None:
    computed = digest(call(way))

    assert computed == DIGEST, (
        "the kernels compute other bits than before. If that is meant to be, say so in CHANGELOG.md, run "
        f"tests/witness/engine_bits.py, and write in distilnp/native/self_check.py:\nDIGEST = {computed!r}"
    )


def memory(address: int, n: int, kind: Any) -> Any:
    return np.ctypeslib.as_array(ctypes.cast(address, ctypes.POINTER(kind)), (n,))


def changed(run: Callable[..., None], step: int) -> Callable[..., None]:
    """Return `run` with one bit of what a step computes changed."""

    def run_and_change(n: int, steps: int, batch: int, *others: int) -> None:
        run(n, steps, batch, *others)
        place = memory(steps, n * len(OPERANDS), ctypes.c_int64).reshape(n, -1)[step, OPERANDS.index("c")]
        address = int(memory(batch, place + 1, ctypes.c_int64)[place])
        memory(address, 1, ctypes.c_uint32)[0] ^= 1

    return run_and_change


@pytest.mark.parametrize("step", range(9))
def test_every_step_counts(step: int) -> None:
    run = call(WAYS[-1])

    assert digest(changed(run, step)) != digest(run) == digest(run)


def test_no_result_is_nan() -> None:
    """Which NaN comes out of NaN is not promised."""

    def run(n: int, steps: int, batch: int, *others: int) -> None:
        call(WAYS[-1])(n, steps, batch, *others)
        table = memory(steps, n * len(OPERANDS), ctypes.c_int64).reshape(n, -1)
        for place in table[:, OPERANDS.index("c")]:
            address = int(memory(batch, place + 1, ctypes.c_int64)[place])
            assert np.isfinite(memory(address, 2 * 16, ctypes.c_float)).all()
            assert memory(address, 2 * 16, ctypes.c_float).any()

    digest(run)
