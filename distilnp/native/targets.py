"""The kinds of CPU for which kernels are built ahead of time, and what this one is.

A further kind is a row of `TARGETS`. Next: `object_code.py`, which makes machine code for a row, and
`library.py`, which looks for the best row that can run.
"""

import platform
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

CPU_INFO = Path("/proc/cpuinfo")


class Target(NamedTuple):
    """A kind of CPU, on Linux.

    Attributes
    ----------
    name : str
    machine : str
        As `platform.machine` and the tags of wheels call it.
    cpu, features : str
        As LLVM calls them.
    needs : frozenset of str
        What a CPU must have, as Linux calls it in /proc/cpuinfo.
    """

    name: str
    machine: str
    cpu: str
    features: str
    needs: frozenset[str]

    @property
    def triple(self) -> str:
        """As LLVM calls it."""
        return f"{self.machine}-unknown-linux-gnu"


# What the psABI of x86-64 says for these levels, but for what every CPU with AVX2 has.
X86_64_V3 = frozenset({"abm", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe"})
X86_64_V4 = X86_64_V3 | {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}

# Of one machine, the better comes later. LLVM would keep to 256 bits, where it is free to, on a CPU that has
# 512: the first ones were slower for a while after each use of them, but a product uses them all the time.
TARGETS = {
    target.name: target
    for target in (
        Target("x86-64-v3", "x86_64", "x86-64-v3", "", X86_64_V3),
        Target("x86-64-v4", "x86_64", "x86-64-v4", "-prefer-256-bit", X86_64_V4),
        Target("aarch64", "aarch64", "generic", "", frozenset()),  # NEON is part of what every one has
    )
}


def targets_of_this_machine() -> list[Target]:
    """Return what kernels are built for on a machine like this, whatever its CPU; the best comes last."""
    machine = platform.machine() if platform.system() == "Linux" else None
    return [target for target in TARGETS.values() if target.machine == machine]


def cpu_features() -> frozenset[str]:
    """Return what this CPU has, as Linux calls it; nothing where Linux does not say.

    NumPy knows, too, but by names that are its own, not all of those that are needed, and others in every few
    versions. Linux's names never change; it leaves out what it does not support itself, and gVisor gives the
    same names.
    """
    with suppress(OSError), CPU_INFO.open(encoding="ascii", errors="replace") as file:
        for line in file:  # many CPUs have many lines, of which only the first ones are waited for
            name, _, value = line.partition(":")
            if name.strip() == "flags":
                return frozenset(value.split())
    return frozenset()


def lacks(target: Target) -> str | None:
    """Say what this CPU has not that the target needs, or None."""
    features = cpu_features()
    if missing := sorted(target.needs - features):
        return (
            f"the CPU has no {', '.join(missing)}"
            if features
            else f"{CPU_INFO} does not say what the CPU has"
        )
    return None
