"""The kinds of CPU that kernels are built for ahead of time, and which of them this CPU is.

Another kind is another row of `TARGETS`. `object_code` compiles for a row; `library` looks for the best row
that can run.
"""

import ctypes
import platform
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

from ..kernels.tiles import (
    AMX_TILE,
    AVX2_INT8_TILE,
    AVX2_TILE,
    AVX512_INT8_TILE,
    AVX512_TILE,
    AVX512_VNNI_TILE,
    AVX_VNNI_TILE,
    NEON_DOT_TILE,
    NEON_INT8_TILE,
    NEON_TILE,
    Instruction,
    Tiles,
)

CPU_INFO = Path("/proc/cpuinfo")

# The call by which Linux on x86-64 gives large registers to a process, and the number of those of AMX.
ARCH_PRCTL, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA = 158, 0x1023, 18


class Target(NamedTuple):
    """A kind of CPU, on Linux.

    Attributes
    ----------
    name : str
    machine : str
        The name that `platform.machine` and the tags of wheels use.
    cpu, features : str
        LLVM's names.
    needs : frozenset of str
        The features that a CPU must have, by their names in /proc/cpuinfo.
    tiles : Tiles
        The sums that products keep in registers.
    """

    name: str
    machine: str
    cpu: str
    features: str
    needs: frozenset[str]
    tiles: Tiles

    @property
    def triple(self) -> str:
        """LLVM's name for the machine and system."""
        return f"{self.machine}-unknown-linux-gnu"


# The features of these levels by the psABI of x86-64, without those that every CPU with AVX2 has.
X86_64_V3 = frozenset({"abm", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe"})
X86_64_V4 = X86_64_V3 | {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}

# For one machine, the better target comes later. Where LLVM is free to choose, it would use 256 bits even on
# a CPU with 512, because the first such CPUs slowed down for a while after each use of 512. A product uses
# them all the time.
TARGETS = {
    target.name: target
    for target in (
        Target("x86-64-v3", "x86_64", "x86-64-v3", "", X86_64_V3, Tiles(AVX2_TILE, AVX2_INT8_TILE)),
        Target(
            "x86-64-v3-vnni",
            "x86_64",
            "x86-64-v3",
            "+avxvnni",
            X86_64_V3 | {"avx_vnni"},
            Tiles(AVX2_TILE, AVX_VNNI_TILE),
        ),
        Target(
            "x86-64-v4",
            "x86_64",
            "x86-64-v4",
            "-prefer-256-bit",
            X86_64_V4,
            Tiles(AVX512_TILE, AVX512_INT8_TILE),
        ),
        Target(
            "x86-64-v4-vnni",
            "x86_64",
            "x86-64-v4",
            "-prefer-256-bit,+avx512vnni",
            X86_64_V4 | {"avx512_vnni"},
            Tiles(AVX512_TILE, AVX512_VNNI_TILE),
        ),
        Target(
            "x86-64-v4-amx",
            "x86_64",
            "x86-64-v4",
            "-prefer-256-bit,+avx512vnni,+amx-tile,+amx-int8",
            X86_64_V4 | {"avx512_vnni", "amx_tile", "amx_int8"},
            Tiles(AVX512_TILE, AMX_TILE),
        ),
        # Every aarch64 has NEON.
        Target("aarch64", "aarch64", "generic", "", frozenset(), Tiles(NEON_TILE, NEON_INT8_TILE)),
        Target(
            "aarch64-dotprod",
            "aarch64",
            "generic",
            "+dotprod",
            frozenset({"asimddp"}),
            Tiles(NEON_TILE, NEON_DOT_TILE),
        ),
    )
}


def targets_of_this_machine() -> list[Target]:
    """Return the targets for this kind of machine, whatever its CPU; the best comes last."""
    machine = platform.machine() if platform.system() == "Linux" else None
    return [target for target in TARGETS.values() if target.machine == machine]


def cpu_features() -> frozenset[str]:
    """Return the features of this CPU by Linux's names, or none if Linux does not list them.

    Linux's names never change, and it leaves out features that it does not support itself; gVisor uses the
    same names. NumPy lists features too, but under names of its own, which change between versions and do not
    cover every feature needed here.
    """
    with suppress(OSError), CPU_INFO.open(encoding="ascii", errors="replace") as file:
        for line in file:  # a machine with many CPUs has many lines; the first CPU's are enough
            name, _, value = line.partition(":")
            if name.strip() in {"flags", "Features"}:  # on x86-64, on aarch64
                return frozenset(value.split())
    return frozenset()


@cache
def may_use_amx() -> bool:
    """Ask Linux to let this process use the registers of AMX, which take 8 KB of each thread that does.

    Linux refuses where it is too old (before 5.16), or where a stack for signals has no room for them. See
    "Using XSTATE features in user space applications" in Linux's documentation.
    """
    system_call = getattr(ctypes.CDLL(None), "syscall", None)
    return system_call is not None and system_call(ARCH_PRCTL, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0


def lacks(target: Target) -> str | None:
    """Return which features the target needs and this CPU lacks, as a reason, or None."""
    features = cpu_features()
    if missing := sorted(target.needs - features):
        return (
            f"the CPU has no {', '.join(missing)}"
            if features
            else f"{CPU_INFO} does not list the features of the CPU"
        )
    if target.tiles.int8.instruction == Instruction.TDPBUSD and not may_use_amx():
        return "the system does not let processes use AMX"
    return None
