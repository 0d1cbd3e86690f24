"""The machine code of every entry point needs no name from Python or Numba, on any target."""

import io
from functools import cache
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile
from support.entry_points import entry_points

from distilnp.kernels.jit import EntryPoint, entry_point
from distilnp.kernels.program import program
from distilnp.kernels.steps import SYMBOL
from distilnp.kernels.words.memory import int_pointer
from distilnp.native.object_code import module_for, object_code, target_machine
from distilnp.native.targets import TARGETS

# Names of the C library: sched_yield, which `jobs.py` calls, and those that LLVM may put in place of a loop.
ALLOWED = {"sched_yield", "memcpy", "memmove", "memset", "memcmp"}


def symbols(function: EntryPoint, target: str) -> list[Any]:
    file = ELFFile(io.BytesIO(object_code(function, TARGETS[target])))
    return [symbol for symbol in file.get_section_by_name(".symtab").iter_symbols() if symbol.name]


def undefined(symbols: list[Any]) -> set[str]:
    return {symbol.name for symbol in symbols if symbol["st_shndx"] == "SHN_UNDEF"}


@cache
def symbols_of(name: str, target: str) -> list[Any]:
    return symbols(entry_points()[name], target)


each = pytest.mark.parametrize(
    ("name", "target"), [(name, target) for name in entry_points() for target in TARGETS]
)


@each
def test_only_names_of_the_c_library_are_undefined(name: str, target: str) -> None:
    names = undefined(symbols_of(name, target))

    assert names <= ALLOWED
    # If the wrong table were read, no name would be found.
    assert "sched_yield" in names


@each
def test_one_name_is_exported_and_no_data_is_left(name: str, target: str) -> None:
    """Numba declares a variable for the environment of each function, which no code here uses."""
    defined = [symbol for symbol in symbols_of(name, target) if symbol["st_shndx"] != "SHN_UNDEF"]

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


def test_a_product_uses_the_full_width_of_avx_512() -> None:
    target = TARGETS["x86-64-v4"]
    machine = target_machine(target.triple, target.cpu, target.features)

    code = machine.emit_assembly(module_for(machine, program(target.tile))).splitlines()

    multiply_adds = [line for line in code if "vfmadd" in line and "ps" in line]
    assert [line for line in multiply_adds if "%zmm" in line]
    assert not [line for line in multiply_adds if "%ymm" in line]
