"""The distributions that the declared backend builds: an sdist, and a wheel with checkpoints and kernels."""

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import distilnp
from distilnp.native.library import MANIFEST
from distilnp.native.linker import has_linker, targets_to_build
from distilnp.native.targets import TARGETS, targets_of_this_machine

REPOSITORY = Path(__file__).parents[1]
CHECKPOINTS = ("imdb-mini", "sst2-mini")
CHECKPOINT = {"README.md", "config.json", "model.safetensors", "tokenizer_config.json", "vocab.txt"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an sdist and a wheel: those that make has built, if it names them."""
    if made := os.environ.get("DISTILNP_DIST"):
        return REPOSITORY / made
    folder = tmp_path_factory.mktemp("dist")
    build(REPOSITORY, folder)
    return folder


def build(sources: Path, folder: Path, *options: str, **variables: str) -> None:
    """Build an sdist and a wheel, or the one that `options` ask for. The default target is this machine."""
    command = [sys.executable, "-m", "hatchling", "build", "-d", folder, *options]
    environment = {name: value for name, value in os.environ.items() if name != "DISTILNP_BUILD_TARGETS"}
    subprocess.run(
        command, cwd=sources, env=environment | variables, check=True, capture_output=True, text=True
    )


def libraries(wheel: Path) -> set[str]:
    """Return the names of the files that a wheel has in the folder of libraries."""
    names = [Path(name) for name in zipfile.ZipFile(wheel).namelist()]
    return {path.name for path in names if path.parent == Path("distilnp/native/lib")}


def test_the_wheel_holds_only_the_package_and_its_checkpoints(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = [Path(name) for name in zipfile.ZipFile(wheel).namelist()]

    for checkpoint in CHECKPOINTS:
        folder = Path("distilnp/weights", checkpoint)
        assert {path.name for path in names if path.parent == folder} == CHECKPOINT
    assert {path.parts[2] for path in names if path.parts[:2] == ("distilnp", "weights")} == set(CHECKPOINTS)
    assert {path.parts[0] for path in names} == {"distilnp", f"distilnp-{distilnp.__version__}.dist-info"}
    assert wheel.stat().st_size < len(CHECKPOINTS) * 25e6


@pytest.mark.skipif(not targets_of_this_machine(), reason="kernels are built ahead of time for Linux alone")
def test_the_wheel_holds_all_kernels_that_link_here_and_any_c_library_runs_them(built: Path) -> None:
    targets = targets_to_build()
    (wheel,) = built.glob("*.whl")

    assert libraries(wheel) == {MANIFEST, *(f"{target.name}.so" for target in targets)}
    _, python, abi, platforms = wheel.stem.rsplit("-", 3)
    assert (python, abi) == ("py3", "none")
    assert {name.split("_")[0].rstrip("0123456789") for name in platforms.split(".")} == {
        "manylinux",
        "musllinux",
    }
    command = [sys.executable, "-m", "auditwheel", "show", wheel]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    lowest = re.search('is consistent with the following platform tag:\\s+"(.*)"', shown)[1]
    assert lowest in platforms.split(".")


@pytest.mark.parametrize("folder", ["plain", "with spaces, ä and 中"])
def test_a_wheel_answers_from_its_own_checkpoint(built: Path, tmp_path: Path, folder: str) -> None:
    (wheel,) = built.glob("*.whl")
    unpacked = tmp_path / folder
    zipfile.ZipFile(wheel).extractall(unpacked)
    for path in (*unpacked.rglob("*"), unpacked):  # so that not even compiled modules can be written
        path.chmod(0o555)
    code = "import distilnp; print(distilnp.load().folder); print(distilnp.classify('What a joy.').label)"

    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(unpacked), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )

    assert run.stdout.splitlines() == [str(unpacked / "distilnp/weights/sst2-mini"), "POSITIVE"]
    if targets_of_this_machine():
        assert run.stderr == ""


def test_a_wheel_has_what_a_page_is_made_of(built: Path) -> None:
    (wheel,) = built.glob("*.whl")

    names = zipfile.ZipFile(wheel).namelist()
    assert {f"distilnp/explain/page/page.{kind}" for kind in ("html", "css", "js")} <= set(names)


def test_a_wheel_without_kernels_is_for_every_platform(tmp_path: Path) -> None:
    build(REPOSITORY, tmp_path, "-t", "wheel", DISTILNP_BUILD_TARGETS="none")

    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name.endswith("-py3-none-any.whl")
    assert libraries(wheel) == set()


@pytest.fixture
def linkers(tmp_path: Path) -> str:
    """Return a PATH with a linker for every machine. A false one links nothing and is content."""
    folder = tmp_path / "linkers"
    folder.mkdir()
    for target in TARGETS.values():
        if not has_linker(target):
            linker = folder / f"{target.machine}-linux-gnu-gcc"
            linker.write_text('#!/bin/sh\nwhile [ "$1" != -o ]; do shift; done\ncp "$3" "$2"\n')
            linker.chmod(0o755)
    return os.pathsep.join([str(folder), os.environ["PATH"]])


@pytest.mark.skipif(not targets_of_this_machine(), reason="kernels are built ahead of time for Linux alone")
# Not all, because each takes ten seconds; `built` has all that link here.
@pytest.mark.parametrize("targets", ["x86-64-v3 aarch64", pytest.param("aarch64", marks=pytest.mark.sweep)])
def test_a_wheel_is_for_every_machine_that_it_has_kernels_for(
    tmp_path: Path, linkers: str, targets: str
) -> None:
    names = targets.split()

    build(REPOSITORY, tmp_path, "-t", "wheel", DISTILNP_BUILD_TARGETS=targets, PATH=linkers)

    (wheel,) = tmp_path.glob("*.whl")
    assert libraries(wheel) == {MANIFEST, *(f"{name}.so" for name in names)}
    platforms = wheel.stem.rsplit("-", 1)[1].split(".")
    machines = {TARGETS[name].machine for name in names}
    assert {name.partition("_")[2].lstrip("0123456789_") for name in platforms} == machines
    assert len(platforms) == 3 * len(machines)


def test_numba_is_installed_only_where_it_compiles_the_kernels() -> None:
    """On Linux, a wheel has them; on other systems than macOS and Linux, Numba's are refused."""
    requirements = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["dependencies"]
    (numba,) = [Requirement(text) for text in requirements if text.startswith("numba")]

    systems = ("linux", "darwin", "win32", "freebsd14", "emscripten")
    assert [name for name in systems if numba.marker.evaluate({"sys_platform": name})] == ["darwin"]


def test_impossible_targets_are_an_error(tmp_path: Path) -> None:
    targets = "x86-64-v3 x86-64-v9"

    with pytest.raises(subprocess.CalledProcessError) as failure:
        build(REPOSITORY, tmp_path, "-t", "wheel", DISTILNP_BUILD_TARGETS=targets)

    assert f"DISTILNP_BUILD_TARGETS is '{targets}', " in failure.value.stderr
    assert "which holds x86-64-v9, expected some of" in failure.value.stderr


def test_the_sdist_is_enough_to_build_from(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {Path(*Path(name).parts[1:]) for name in archive.getnames()}

    for checkpoint in CHECKPOINTS:
        assert {path.name for path in names if path.parent == Path("weights", checkpoint)} == CHECKPOINT
    assert {Path("pyproject.toml"), Path("LICENSE"), Path("distilnp/api.py")} <= names
    assert not [path for path in names if path.suffix in {".so", ".o"}]


# One target, or in `make check-full` all that `built` has: each takes seconds.
@pytest.mark.parametrize("n_targets", [1, pytest.param(None, marks=pytest.mark.sweep)])
def test_a_wheel_built_from_the_sdist_has_the_same_bytes(
    built: Path, tmp_path: Path, n_targets: int | None
) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (sources,) = tmp_path.iterdir()
    targets = " ".join(target.name for target in targets_to_build()[:n_targets]) or "none"

    build(sources, tmp_path / "dist", "-t", "wheel", DISTILNP_BUILD_TARGETS=targets)

    (wheel,), (again,) = built.glob("*.whl"), (tmp_path / "dist").glob("*.whl")
    if n_targets is None:
        assert again.read_bytes() == wheel.read_bytes()
    # These say which libraries there are, and for which platforms.
    lists = {MANIFEST, "RECORD", "WHEEL"}
    expected, found = (
        {name: archive.read(name) for name in archive.namelist() if Path(name).name not in lists}
        for archive in (zipfile.ZipFile(wheel), zipfile.ZipFile(again))
    )
    missing = {Path(name).suffix for name in expected.keys() - found.keys()}
    assert missing <= {".so"}
    assert found == {name: expected[name] for name in found}


def test_the_version_of_the_project_is_that_of_the_package() -> None:
    metadata = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())

    assert metadata["project"]["version"] == distilnp.__version__


REQUIRES = "from hatchling.build import get_requires_for_build_wheel; print(*get_requires_for_build_wheel())"


def build_requirements(**variables: str) -> list[str]:
    run = subprocess.run(
        [sys.executable, "-c", REQUIRES],
        cwd=REPOSITORY,
        env=os.environ | variables,
        check=True,
        capture_output=True,
        text=True,
    )
    return run.stdout.split()


def test_building_requires_only_the_packages_that_it_needs(tmp_path: Path) -> None:
    """Kernels need Numba, and a linker if there is none. Only the backend is installed when it says so."""
    for package in ("numpy", "numba"):
        (tmp_path / f"{package}.py").write_text("raise ImportError")
    (target,) = targets_of_this_machine()[:1] or [TARGETS["aarch64"]]
    bare = {"PYTHONPATH": str(tmp_path), "DISTILNP_BUILD_TARGETS": target.name}

    assert build_requirements(**bare | {"DISTILNP_BUILD_TARGETS": "none"}) == []
    numba, *linker = build_requirements(**bare, PATH=os.devnull)
    assert numba.startswith("numba>=")
    assert linker == ([] if find_spec("ziglang") else ["ziglang"])
    if has_linker(target):
        assert build_requirements(**bare) == [numba]
    if not all(map(has_linker, TARGETS.values())):
        assert build_requirements(**bare | {"DISTILNP_BUILD_TARGETS": "all"}) == [numba, "ziglang"]
