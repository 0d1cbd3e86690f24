"""The machine code of every entry point needs no name from Python or Numba, on any target."""

import io
import re
from functools import cache
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile
from support.children import run_python
from support.entry_points import entry_points

from distilnp.kernels.jit import EntryPoint, entry_point
from distilnp.kernels.program import program
from distilnp.kernels.steps import SYMBOL
from distilnp.kernels.tiles import LANES
from distilnp.kernels.words.memory import int_pointer
from distilnp.native.build import environment
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

    code = machine.emit_assembly(module_for(machine, program(target.tiles))).splitlines()

    multiply_adds = [line for line in code if "vfmadd" in line and "ps" in line]
    assert [line for line in multiply_adds if "%zmm" in line]
    assert not [line for line in multiply_adds if "%ymm" in line]


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


@pytest.mark.parametrize("target", ["x86-64-v3", "x86-64-v4"])
def test_the_loop_of_the_highest_tile_keeps_its_sums_in_registers(target: str) -> None:
    """A sum on the stack would be as right, and a pass would take twice the time."""
    tile, floats = TARGETS[target].tiles, {"x86-64-v3": 8, "x86-64-v4": 16}[target]
    n_multiply_adds = tile.terms * tile.rows * tile.panels * LANES // floats
    build = environment(TARGETS[target])

    run = run_python(ASSEMBLY, target, env=build)

    assert run.returncode == 0, run.stderr
    blocks = re.split(r"^\.L\w+:|^\s+j\w+\s.*$", run.stdout, flags=re.M)
    (loop,) = (block for block in blocks if block.count("vfmadd") == n_multiply_adds)
    vectors_on_the_stack = re.findall(r"^\s+v\w+\s.*\(%rsp\).*$", loop, flags=re.M)
    assert vectors_on_the_stack == []
