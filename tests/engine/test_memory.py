"""Memory comes from the system, and a process that classifies for a long time does not grow."""

import sys
from types import SimpleNamespace

import pytest
from support.children import MEMORY_OF_THIS_PROCESS, run_python

from distilnp.engine import memory

CLASSIFY_FOR_LONG = (
    MEMORY_OF_THIS_PROCESS
    + """
import random
from support.seeded_models import CONFIGS, packed, seeded_tensors
from support.engines import compiled_engine

config = CONFIGS["odd-sizes"]
engine = compiled_engine(packed(seeded_tensors(config), config), 2)
draw = random.Random(1)

def classify(n_texts):
    while n_texts:
        n = min(n_texts, draw.randint(1, 100))
        # Most texts are short, as in practice; the longest fill every position.
        lengths = [min(512, int(draw.paretovariate(0.8))) for _ in range(n)]
        engine.forward([[draw.randrange(config.vocab_size) for _ in range(length)] for length in lengths])
        n_texts -= n

classify(500)
before = memory("VmRSS")
classify(20_000)
print(before, memory("VmRSS"))
"""
)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports the resident size")
def test_the_resident_size_changes_by_at_most_a_twentieth_in_twenty_thousand_texts() -> None:
    before, after = map(int, run_python(CLASSIFY_FOR_LONG).stdout.split())

    assert abs(after - before) <= before / 20


def test_memory_needs_no_flags_that_windows_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("mmap.MAP_PRIVATE")
    monkeypatch.delattr("mmap.MAP_ANONYMOUS")
    monkeypatch.setattr(memory, "os", SimpleNamespace(name="nt"))

    floats = memory.aligned_floats(1000)

    assert (len(floats), floats.any(), floats.ctypes.data % memory.CACHE_LINE) == (1000, False, 0)
    floats[:] = 1


def test_memory_that_the_system_refuses_is_a_memory_error() -> None:
    with pytest.raises(MemoryError, match="the system has no"):
        memory.aligned_bytes(1 << 62)
