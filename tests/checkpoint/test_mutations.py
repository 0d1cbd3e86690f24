"""Damaged and hostile folders: each gives an error of ours or a valid classifier, within limits.

A process of its own loads them, with little memory and a time limit. A folder that kills it is a failure.
"""

import subprocess
import sys
from pathlib import Path

import pytest
from support.children import environment, start_python
from support.mutations import write_sources

# More than the process has before the first folder. A hostile pickle of the largest size takes 0.3 GB; the
# folders' models take a few kilobytes.
MEMORY_BYTES = 1 << 30

# A folder takes some milliseconds. Only a hang takes this long, even on a busy machine.
SECONDS = 30

LOAD = """
import math, os, re, resource, shutil, signal, sys, tempfile, warnings
from pathlib import Path
from support.mutations import mutated
import distilnp

sources, first, last, memory, seconds = Path(sys.argv[1]), *map(int, sys.argv[2:])
folders = sorted(sources.iterdir())
for folder in folders:  # this also imports and compiles everything that is needed
    distilnp.load(folder, threads=1)("w1 w2")
size = int(re.search(r"VmSize:\\s+(\\d+) kB", open("/proc/self/status").read())[1]) * 1024
resource.setrlimit(resource.RLIMIT_AS, (size + memory, size + memory))
signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends the process even inside C code
loaded = 0
with tempfile.TemporaryDirectory() as scratch:
    for seed in range(first, last):
        folder = Path(scratch, str(seed))
        print("trying", mutated(folders[seed % len(folders)], folder, seed), flush=True)
        signal.alarm(seconds)
        try:
            precision = ("float32", "int8")[seed // len(folders) % 2]
            prediction = distilnp.load(folder, precision=precision, threads=1)("w1 w2")
        except distilnp.DistilnpError as error:
            assert 20 < len(str(error)) < 20_000, len(str(error))
        else:
            loaded += 1
            assert prediction.label in prediction.scores
            assert all(map(math.isfinite, prediction.scores.values()))
        signal.alarm(0)
        shutil.rmtree(folder, ignore_errors=True)
print("loaded", loaded, flush=True)
"""


def load_mutations(tmp_path: Path, first: int, last: int) -> int:
    """Load the folders of these seeds in one process; return how many were valid."""
    write_sources(tmp_path)
    arguments = (tmp_path, first, last, MEMORY_BYTES, SECONDS)
    with start_python(LOAD, *arguments, env=environment(), stderr=subprocess.PIPE) as process:
        output, errors = process.communicate()
    end = output.splitlines()[-1:]
    assert process.returncode == 0, f"{process.returncode} after {end}\n{errors[:1500]} ... {errors[-1500:]}"
    assert errors == ""
    return int(end[0].removeprefix("loaded "))


linux = pytest.mark.skipif(
    sys.platform != "linux", reason="sets and reads limits of a process in the way of Linux"
)


@linux
def test_a_thousand_mutations_end_well(tmp_path: Path) -> None:
    # Some are valid, because mutations that the first check catches would test nothing else. Most are not.
    assert 50 < load_mutations(tmp_path, 0, 1_000) < 700


@linux
@pytest.mark.sweep
@pytest.mark.parametrize("first", range(1_000, 20_000, 1_000))
def test_twenty_thousand_mutations_end_well(tmp_path: Path, first: int) -> None:
    assert 50 < load_mutations(tmp_path, first, first + 1_000) < 700
