"""Damaged and hostile packages: each gives an error of ours or a valid classifier, within limits.

A process of its own loads them, with little memory and a time limit, as in `test_mutations`.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.children import environment, start_python
from support.tensorflow_files import unpack_package

# More than the process has before the first package. The largest index, graph or vocabulary takes 0.3 GB.
MEMORY_BYTES = 1 << 30

# A package takes some milliseconds. Only a hang takes this long, even on a busy machine.
SECONDS = 30

LOAD = """
import math, os, re, resource, shutil, signal, sys, tempfile
from pathlib import Path
from support.package_mutations import mutated
import distilnp

source, first, last, memory, seconds = Path(sys.argv[1]), *map(int, sys.argv[2:])
text = "hello there ."
distilnp.load(source, threads=1)(text)  # this also imports everything that is needed
size = int(re.search(r"VmSize:\\s+(\\d+) kB", open("/proc/self/status").read())[1]) * 1024
resource.setrlimit(resource.RLIMIT_AS, (size + memory, size + memory))
signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends the process even inside C code
loaded = 0
for seed in range(first, last):
    with tempfile.TemporaryDirectory() as scratch:
        path, damage = mutated(source, Path(scratch, "package"), seed)
        print("trying", damage, flush=True)
        signal.alarm(seconds)
        try:
            prediction = distilnp.load(path, threads=1)(text)
        except distilnp.DistilnpError as error:
            assert 20 < len(str(error)) < 20_000, len(str(error))
        else:
            loaded += 1
            assert prediction.label in prediction.scores
            assert all(map(math.isfinite, prediction.scores.values()))
        signal.alarm(0)
unfinished = [path for path in Path(os.environ["XDG_CACHE_HOME"]).rglob("*unfinished*")]
assert unfinished == [], unfinished
print("loaded", loaded, flush=True)
"""


def load_mutations(tmp_path: Path, first: int, last: int) -> int:
    """Load the packages of these seeds in one process; return how many were valid."""
    unpack_package(tmp_path / "package")
    arguments = (tmp_path / "package", first, last, MEMORY_BYTES, SECONDS)
    env = environment(XDG_CACHE_HOME=os.fspath(tmp_path / "cache"))
    with start_python(LOAD, *arguments, env=env, stderr=subprocess.PIPE) as process:
        output, errors = process.communicate()
    end = output.splitlines()[-1:]
    assert process.returncode == 0, f"{process.returncode} after {end}\n{errors[:1500]} ... {errors[-1500:]}"
    assert errors == ""
    return int(end[0].removeprefix("loaded "))


linux = pytest.mark.skipif(
    sys.platform != "linux", reason="sets and reads limits of a process in the way of Linux"
)


@linux
def test_a_hundred_and_fifty_mutations_end_well(tmp_path: Path) -> None:
    # Some are valid, because mutations that the first check catches would test nothing else. Most are not.
    assert 15 < load_mutations(tmp_path, 0, 150) < 110


@linux
@pytest.mark.sweep
@pytest.mark.parametrize("first", range(1_000, 11_000, 1_000))
def test_ten_thousand_mutations_end_well(tmp_path: Path, first: int) -> None:
    assert 100 < load_mutations(tmp_path, first, first + 1_000) < 750
