"""The machine code of every entry point stands alone: no name of Python's or Numba's, on any target.

The object files are read here, not by a tool of the system: of 64-bit ELF (`man 5 elf`), the table of symbols
and the relocations, which say what code and constants refer to.
"""

import struct
from functools import cache
from typing import NamedTuple

import pytest
from kernel_targets import AARCH64, X86_64, Target, entry_points, host, module_for, target_machine

from distilnp.kernels.jit import EntryPoint, entry_point
from distilnp.kernels.simd import int_pointer

TARGETS = {
    "host": host(),
    "x86-64-v3": Target(X86_64, "x86-64-v3"),
    "x86-64-v4": Target(X86_64, "x86-64-v4"),
    "aarch64": Target(AARCH64, "generic"),
}

# Of the C library: sched_yield, which `jobs.py` calls, and what LLVM may put in place of a loop anywhere.
ALLOWED = {"sched_yield", "memcpy", "memmove", "memset", "memcmp"}

SYMBOL_TABLE, RELOCATIONS = 2, 4  # types of sections
UNDEFINED, COMMON = 0, 0xFFF2  # in place of a section's number


class Symbol(NamedTuple):
    name: str
    section: int


class ObjectFile:
    """The symbols of an ELF file, and those that something in it refers to."""

    def __init__(self, data: bytes) -> None:
        first = struct.unpack_from("<Q", data, 0x28)[0]
        size, n = struct.unpack_from("<HH", data, 0x3A)
        sections = [Section(*struct.unpack_from("<IIQQQQIIQQ", data, first + i * size)) for i in range(n)]
        (table,) = [section for section in sections if section.type == SYMBOL_TABLE]
        names = sections[table.link].content(data)
        self.symbols = [
            Symbol(names[name : names.index(b"\0", name)].decode(), section)
            for name, _, _, section, _, _ in struct.iter_unpack("<IBBHQQ", table.content(data))
        ]
        self.referred = {
            self.symbols[info >> 32]
            for section in sections
            if section.type == RELOCATIONS
            for _, info, _ in struct.iter_unpack("<QQq", section.content(data))
        }

    def undefined(self) -> set[str]:
        return {symbol.name for symbol in self.symbols if symbol.name and symbol.section == UNDEFINED}


class Section(NamedTuple):
    name: int
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    alignment: int
    entry_size: int

    def content(self, data: bytes) -> bytes:
        return data[self.offset : self.offset + self.size]


def compiled(function: EntryPoint, target: Target) -> ObjectFile:
    machine = target_machine(target, reloc="pic", codemodel="small")
    return ObjectFile(machine.emit_object(module_for(machine, function)))


@cache
def object_file(name: str, target: str) -> ObjectFile:
    return compiled(entry_points()[name], TARGETS[target])


each = pytest.mark.parametrize(
    ("name", "target"), [(name, target) for name in entry_points() for target in TARGETS]
)


@each
def test_only_names_of_the_c_library_are_undefined(name: str, target: str) -> None:
    undefined = object_file(name, target).undefined()

    assert undefined <= ALLOWED
    # Whoever reads the wrong table finds nothing.
    assert "sched_yield" in undefined


@each
def test_nothing_of_python_or_numba_is_referred_to(name: str, target: str) -> None:
    """Numba declares a variable for each function, its environment: a common symbol that nothing names."""
    file = object_file(name, target)

    assert {symbol.name for symbol in file.referred if symbol.section == COMMON} == set()
    assert any(symbol.section == COMMON for symbol in file.symbols)
    assert "sched_yield" in {symbol.name for symbol in file.referred}


@entry_point(int_pointer)
def raise_an_exception(x):
    if x[0]:
        raise ValueError


@pytest.mark.parametrize("target", TARGETS)
def test_a_function_that_needs_python_would_be_found(target: str) -> None:
    file = compiled(raise_an_exception, TARGETS[target])

    assert {name for name in file.undefined() - ALLOWED if name.startswith(("Py", "numba"))}


def test_the_program_is_an_entry_point_that_is_looked_at() -> None:
    assert "distilnp.kernels.program.run" in entry_points()
