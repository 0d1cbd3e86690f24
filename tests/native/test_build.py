"""Building libraries: the content of the files, the same bytes from every build, and error messages."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile
from support.children import environment

from distilnp.errors import BuildError
from distilnp.kernels.steps import SYMBOL
from distilnp.native import build, linker
from distilnp.native.library import MANIFEST, path_of
from distilnp.native.targets import TARGETS, targets_of_this_machine

# Names of the C library; see test_object_code.py.
ALLOWED = {"sched_yield", "memcpy", "memmove", "memset", "memcmp"}

BUILDABLE = [target for target in TARGETS.values() if linker.has_linker(target)]
# The same command builds the others, in ten seconds each.
BUILT = BUILDABLE[:1]
pytestmark = pytest.mark.skipif(not BUILDABLE, reason="nothing here links for any target")


def run_build(*arguments: object, **variables: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "distilnp.native.build", *map(str, arguments)]
    return subprocess.run(command, env=environment(**variables), capture_output=True, text=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built") / "new"
    done = run_build("--output", folder, *(target.name for target in BUILT))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return folder


@pytest.fixture(params=BUILDABLE, ids=lambda target: target.name)
def library(request: pytest.FixtureRequest) -> Any:
    """Yield a library of this installation."""
    with path_of(request.param).open("rb") as file:
        yield ELFFile(file)


def tags(library: ELFFile) -> dict[str, Any]:
    return {tag["d_tag"]: tag for tag in library.get_section_by_name(".dynamic").iter_tags()}


def test_a_library_exports_one_name_and_needs_only_names_of_the_c_library(library: ELFFile) -> None:
    symbols = [symbol for symbol in library.get_section_by_name(".dynsym").iter_symbols() if symbol.name]
    undefined = {symbol.name for symbol in symbols if symbol["st_shndx"] == "SHN_UNDEF"}

    assert {symbol.name for symbol in symbols} - undefined == {SYMBOL}
    assert "sched_yield" in undefined <= ALLOWED
    assert "DT_NEEDED" not in tags(library)
    # A versioned name would tie the library to one C library.
    assert not [s for s in library.iter_sections() if s["sh_type"] in {"SHT_GNU_verneed", "SHT_GNU_verdef"}]


def test_no_memory_of_a_library_is_both_writable_and_executable(library: ELFFile) -> None:
    segments = list(library.iter_segments())
    (stack,) = [segment for segment in segments if segment["p_type"] == "PT_GNU_STACK"]
    executable, writable = 1, 2

    assert not stack["p_flags"] & executable
    assert not [s for s in segments if s["p_flags"] & executable and s["p_flags"] & writable]
    assert "DT_TEXTREL" not in tags(library)
    assert [segment for segment in segments if segment["p_type"] == "PT_GNU_RELRO"]
    assert (
        tags(library)["DT_FLAGS"]["d_val"] & 8
    )  # DF_BIND_NOW: names are resolved while the library is loaded


def test_another_build_in_another_environment_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    """One target is enough: the same commands build the others."""
    target = BUILDABLE[0]
    variables = {
        "PYTHONHASHSEED": "7",
        "NUMBA_CPU_NAME": "generic",
        "HOME": str(tmp_path),
        "TZ": "Asia/Tokyo",
    }

    done = run_build("--output", tmp_path / "a longer name", target.name, **variables)

    assert done.returncode == 0, done.stderr
    again = path_of(target, tmp_path / "a longer name")
    assert again.read_bytes() == path_of(target, folder).read_bytes()


def test_no_path_of_the_building_machine_is_in_a_library(folder: Path) -> None:
    for target in BUILT:
        content = path_of(target, folder).read_bytes()
        for path in (Path.cwd(), Path.home(), folder, Path(build.__file__).parent):
            assert str(path).encode() not in content


def test_a_build_leaves_only_libraries_and_a_manifest(folder: Path) -> None:
    files = {path.name for path in folder.iterdir()}

    assert files == {MANIFEST, *(path_of(target).name for target in BUILT)}


def test_an_unknown_target_is_an_error_that_lists_the_targets(tmp_path: Path) -> None:
    done = run_build("--output", tmp_path, "x86-64-v9")

    assert done.returncode == 2
    assert f"'x86-64-v9' is not a target, expected one of {', '.join(TARGETS)}" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_missing_linker_is_an_error_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(linker, "find_spec", lambda name: None)

    for target in TARGETS.values():
        with pytest.raises(
            BuildError, match=f"linking for {target.name} takes a C compiler .* pip install zig"
        ):
            linker.linker(target)


def test_missing_numba_is_an_error_that_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(build, "find_spec", lambda name: None)

    with pytest.raises(BuildError, match="needs Numba, which is not installed: pip install"):
        build.build(TARGETS.values(), tmp_path)


@pytest.mark.skipif(not targets_of_this_machine(), reason="no target is of this kind of machine")
def test_an_error_of_the_linker_shows_its_command_and_output(tmp_path: Path) -> None:
    (tmp_path / "no.o").write_text("nothing")

    with pytest.raises(BuildError, match=r"this command failed:\n.* -o .*\nIt said:\n.*no\.o"):
        linker.link(targets_of_this_machine()[0], tmp_path / "no.o", tmp_path / "no.so")
