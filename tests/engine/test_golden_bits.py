"""The logits equal those in the repository to the bit, on any CPU and with every kind of kernels.

`tests/witness/engine_bits.py` writes them again.
"""

import pytest
from support.golden_bits import MODELS, engine_bits, golden

from distilnp.native.loader import no_library, no_numba


@pytest.mark.parametrize("kernels", ["aot", "jit"])
@pytest.mark.parametrize("name", MODELS)
def test_the_logits_are_the_golden_ones(name: str, kernels: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if why := {"aot": no_library, "jit": no_numba}[kernels]():
        pytest.skip(why)
    monkeypatch.setenv("DISTILNP_KERNELS", kernels)

    assert engine_bits(name, threads=2) == golden()[name]
