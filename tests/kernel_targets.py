"""Kernels, compiled for other CPUs than that of this process."""

import importlib
import pkgutil
import platform
import re
from typing import NamedTuple

import llvmlite.binding as llvm

from distilnp import kernels
from distilnp.kernels.jit import EntryPoint

X86_64 = "x86_64-unknown-linux-gnu"
AARCH64 = "aarch64-unknown-linux-gnu"


class Target(NamedTuple):
    """A kind of CPU, with the object format of Linux, ELF."""

    triple: str
    cpu: str
    features: str = ""


def host() -> Target:
    """Return the CPU of this machine."""
    triple = AARCH64 if platform.machine() in {"aarch64", "arm64"} else X86_64
    return Target(triple, llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten())


def entry_points() -> dict[str, EntryPoint]:
    """Return all of distilnp.kernels by name."""
    names = [f"{kernels.__name__}.{module.name}" for module in pkgutil.iter_modules(kernels.__path__)]
    return {
        f"{module.__name__}.{name}": value
        for module in map(importlib.import_module, names)
        for name, value in vars(module).items()
        if isinstance(value, EntryPoint)
    }


def target_machine(target: Target, **options: str) -> llvm.TargetMachine:
    """Return what makes machine code for a target."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    return llvm.Target.from_triple(target.triple).create_target_machine(
        cpu=target.cpu, features=target.features, opt=3, **options
    )


def module_for(machine: llvm.TargetMachine, entry_point: EntryPoint) -> llvm.ModuleRef:
    """Return what Numba has made of an entry point, in LLVM's language, for another machine."""
    text = entry_point.compiled.inspect_llvm()
    text = re.sub(
        "^target datalayout = .*$", f'target datalayout = "{machine.target_data}"', text, flags=re.M
    )
    text = re.sub("^target triple = .*$", f'target triple = "{machine.triple}"', text, flags=re.M)
    module = llvm.parse_assembly(text)
    module.verify()
    return module
