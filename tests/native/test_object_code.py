"""The machine code of every entry point needs no name from Python or Numba, on any target."""

import io
import re
from functools import cache
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile
from support.children import run_python

from distilnp.kernels.jit import EntryPoint, entry_point
from distilnp.kernels.program import program
from distilnp.kernels.steps import SYMBOL
from distilnp.kernels.tiles import LANES
from distilnp.kernels.words.memory import int_pointer
from distilnp.native.build import environment
from distilnp.native.library import path_of
from distilnp.native.object_code import object_code
from distilnp.native.targets import TARGETS, targets_of_this_machine

# Names of the C library: sched_yield, which `jobs.py` calls, and those that LLVM may put in place of a loop.
ALLOWED = {"sched_yield", "memcpy", "memmove", "memset", "memcmp"}


def symbols(function: EntryPoint, target: str) -> list[Any]:
    """Return the symbols of an object file with a function."""
    return in_section(".symtab", io.BytesIO(object_code(function, TARGETS[target])))


def in_section(name: str, file: Any) -> list[Any]:
    return [symbol for symbol in ELFFile(file).get_section_by_name(name).iter_symbols() if symbol.name]


def undefined(symbols: list[Any]) -> set[str]:
    return {symbol.name for symbol in symbols if symbol["st_shndx"] == "SHN_UNDEF"}


@cache
def symbols_of(target: str) -> list[Any]:
    """Return the symbols of the program: those of the library, or of an object for another machine."""
    if TARGETS[target] in targets_of_this_machine():
        return in_section(".dynsym", io.BytesIO(path_of(TARGETS[target]).read_bytes()))
    return symbols(program(TARGETS[target].tiles), target)


each = pytest.mark.parametrize("target", TARGETS)


@each
def test_only_names_of_the_c_library_are_undefined(target: str) -> None:
    names = undefined(symbols_of(target))

    assert names <= ALLOWED
    # If the wrong table were read, no name would be found.
    assert "sched_yield" in names


@each
def test_one_name_is_exported_and_no_data_is_left(target: str) -> None:
    """Numba declares a variable for the environment of each function, which no code here uses."""
    defined = [symbol for symbol in symbols_of(target) if symbol["st_shndx"] != "SHN_UNDEF"]

    assert {s.name for s in defined if s["st_info"]["bind"] != "STB_LOCAL"} == {SYMBOL}
    assert {s["st_info"]["type"] for s in defined} <= {"STT_FUNC", "STT_FILE", "STT_SECTION", "STT_NOTYPE"}


@entry_point(int_pointer)
def raise_an_exception(x):
    if x[0]:
        raise ValueError


@pytest.mark.parametrize("target", TARGETS)
def test_a_function_that_needs_python_has_undefined_names_of_python(target: str) -> None:
    names = undefined(symbols(raise_an_exception, target))

    assert {name for name in names - ALLOWED if name.startswith(("Py", "numba"))}


ASSEMBLY = """
import sys
from distilnp.kernels.program import program
from distilnp.native.object_code import keep_order, module_for, target_machine
from distilnp.native.targets import TARGETS

keep_order()
target = TARGETS[sys.argv[1]]
machine = target_machine(target.triple, target.cpu, target.features)
print(machine.emit_assembly(module_for(machine, program(target.tiles))))
"""


# For each target: the width of its registers, and the instruction that adds int8 products last.
REGISTERS = {"x86-64-v3": ("ymm", "vpmaddwd"), "x86-64-v4-vnni": ("zmm", "vpdpbusd")}


@pytest.mark.parametrize("target", REGISTERS)
def test_the_loops_of_the_highest_tiles_keep_their_sums_in_registers(target: str) -> None:
    """A sum on the stack would be as right, and a pass would take twice the time."""
    register, int8 = REGISTERS[target]

    run = run_python(ASSEMBLY, target, env=environment(TARGETS[target]))

    assert run.returncode == 0, run.stderr
    blocks = re.split(r"^\.L\w+:|^\s+j\w+\s.*$", run.stdout, flags=re.M)
    for tile, name in zip(TARGETS[target].tiles, ("vfmadd", int8), strict=True):
        n_registers = LANES * 32 // {"ymm": 256, "zmm": 512}[register]
        n_multiply_adds = tile.terms * tile.rows * tile.panels * n_registers
        (loop,) = (block for block in blocks if block.count(name) == n_multiply_adds)
        assert re.findall(rf"{name}\w*\s.*%{register}", loop)
        vectors_on_the_stack = re.findall(r"^\s+v\w+\s.*\(%rsp\).*$", loop, flags=re.M)
        assert vectors_on_the_stack == []
