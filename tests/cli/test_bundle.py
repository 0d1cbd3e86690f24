"""`distilnp bundle`: the folder answers like the installation that wrote it, and needs only Python."""

import json
import os
import platform
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest
from support.children import environment, run_python
from support.kernel_calls import LIBRARIES
from support.seeded_models import CONFIGS, seeded_tensors, write_checkpoint
from support.torch_files import write_torch

import distilnp
from distilnp import cli
from distilnp.cli.bundle import DEPENDENCIES
from distilnp.native.library import FOLDER, MANIFEST
from distilnp.native.linker import has_linker
from distilnp.native.loader import no_numba
from distilnp.native.targets import TARGETS

CONFIG = CONFIGS["odd-sizes"]

needs_libraries = pytest.mark.skipif(
    not (FOLDER / MANIFEST).exists(), reason="no kernels have been built ahead of time"
)
needs_pip = pytest.mark.skipif(find_spec("pip") is None, reason="pip is not installed")

# Prints the logits, and every imported file that is neither of the bundle nor of Python's standard library.
SCRIPT = """
import json, sys, sysconfig
import distilnp
logits = distilnp.load(sys.argv[1])("w1 w2 w3").logits.tobytes().hex()
homes = sys.argv[2], sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")
files = [getattr(module, "__file__", None) or "" for module in sys.modules.values()]
foreign = [file for file in files if file and not file.startswith(homes)]
print(json.dumps([logits, foreign, "numba" in sys.modules]))
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "eleven words"
    return write_checkpoint(folder, CONFIG, seeded_tensors(CONFIG))


def bundle(*arguments: object) -> int:
    return cli.main(["bundle", *map(str, arguments)])


def answer(folder: Path, name: str) -> list[object]:
    # -S: without site-packages. -B: without bytecode being written.
    run = subprocess.run(
        [sys.executable, "-P", "-S", "-B", "-c", SCRIPT, name, folder],
        env=environment(PYTHONPATH=str(folder), HOME=None),
        cwd="/",
        capture_output=True,
        text=True,
    )
    assert (run.returncode, run.stderr) == (0, "")
    return json.loads(run.stdout)


@needs_libraries
def test_a_bundle_needs_only_python(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "Ein Bündel für unterwegs"

    assert bundle(folder, "--model", model, "--with-dependencies") == 0

    expected = distilnp.load(model)("w1 w2 w3").logits.tobytes().hex()
    assert answer(folder, model.name) == [expected, [], False]
    assert capsys.readouterr().out.startswith(f"{folder}: ")
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


@needs_libraries
def test_without_dependencies_a_bundle_is_the_package_and_the_model(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    folder.mkdir()

    assert bundle(folder, "--model", model) == 0

    assert [path.name for path in folder.iterdir()] == ["distilnp"]
    weights = folder / "distilnp" / "weights"
    assert [path.name for path in weights.iterdir()] == [model.name]
    for file in model.iterdir():
        assert (weights / model.name / file.name).read_bytes() == file.read_bytes()
    bytecode = {path.name.partition(".")[0] for path in (folder / "distilnp").glob("__pycache__/*.pyc")}
    assert bytecode == {path.stem for path in (folder / "distilnp").glob("*.py")}


@needs_libraries
def test_weights_are_copied_in_their_own_form(tmp_path: Path) -> None:
    model = write_checkpoint(tmp_path / "torch", CONFIG, {})
    (model / "model.safetensors").unlink()
    write_torch(model / "pytorch_model.bin", seeded_tensors(CONFIG))

    assert bundle(tmp_path / "bundle", "--model", model) == 0

    weights = tmp_path / "bundle" / "distilnp" / "weights" / "torch"
    assert {path.name for path in weights.iterdir()} == {"config.json", "pytorch_model.bin", "vocab.txt"}
    assert (weights / "pytorch_model.bin").read_bytes() == (model / "pytorch_model.bin").read_bytes()


@needs_libraries
def test_kernels_for_one_cpu_are_those_of_this_installation(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"

    assert bundle(folder, "--model", model, "--target", LIBRARIES[0]) == 0

    libraries = folder / "distilnp" / "native" / "lib"
    assert_holds_one_library(libraries)
    assert (libraries / f"{LIBRARIES[0]}.so").read_bytes() == (FOLDER / f"{LIBRARIES[0]}.so").read_bytes()


@pytest.mark.skipif(no_numba() is not None, reason="building needs Numba")
@pytest.mark.skipif(not has_linker(TARGETS[LIBRARIES[0]]), reason="building needs a linker")
def test_kernels_that_this_installation_does_not_have_are_built(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("distilnp.native.library.FOLDER", tmp_path / "nowhere")
    folder = tmp_path / "bundle"

    assert bundle(folder, "--model", model, "--target", LIBRARIES[0]) == 0

    assert_holds_one_library(folder / "distilnp" / "native" / "lib")


def assert_holds_one_library(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {MANIFEST, f"{LIBRARIES[0]}.so"}
    assert [*json.loads((folder / MANIFEST).read_text())["libraries"]] == [LIBRARIES[0]]


# --- another Python, or another machine ---


class Machine(NamedTuple):
    """A Python on a machine: the options that ask for it, and the names of its files."""

    options: tuple[str, ...]
    tag: str
    suffix: str


HERE = platform.machine()
MACHINES = [
    Machine(("--python", "3.12"), f"cp312-cp312-manylinux2014_{HERE}", f".cpython-312-{HERE}-linux-gnu.so"),
    Machine(
        ("--python", "3.13", "--platform", f"musllinux_1_2_{HERE}"),
        f"cp313-cp313-musllinux_1_2_{HERE}",
        f".cpython-313-{HERE}-linux-musl.so",
    ),
    Machine(("--python", "3.12", "--platform", "win_amd64"), "cp312-cp312-win_amd64", ".cp312-win_amd64.pyd"),
    Machine(
        ("--python", "3.12", "--platform", "macosx_14_0_arm64"),
        "cp312-cp312-macosx_14_0_arm64",
        ".cpython-312-darwin.so",
    ),
]
each_machine = pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.tag)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder in which pip looks for wheels instead of asking PyPI."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    (tmp_path / "index").mkdir()
    return tmp_path / "index"


def write_wheel(folder: Path, name: str, tag: str, *files: str) -> None:
    """Write a wheel whose files are empty."""
    about = f"{name}-99.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-99.0-{tag}.whl", "w") as wheel:
        for file in (f"{name}/__init__.py", f"{name}/tests/test_it.py", *files):
            wheel.writestr(file, "")
        wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 99.0\n")
        wheel.writestr(f"{about}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n")
        wheel.writestr(f"{about}/RECORD", "")


def write_wheels(folder: Path, machine: Machine) -> None:
    write_wheel(
        folder,
        "numpy",
        machine.tag,
        f"numpy/_core/_multiarray_umath{machine.suffix}",
        "numpy/_core/_multiarray_umath.lib",
    )
    write_wheel(folder, "safetensors", machine.tag)
    write_wheel(folder, "tqdm", "py3-none-any")


@needs_libraries
@needs_pip
@each_machine
def test_pip_installs_the_packages_of_another_python_or_machine(
    model: Path, tmp_path: Path, index: Path, machine: Machine
) -> None:
    folder = tmp_path / "bundle"
    write_wheels(index, machine)

    assert bundle(folder, "--model", model, *machine.options) == 0

    assert {path.name for path in folder.iterdir()} == {
        "distilnp",
        *(f"{name}{end}" for name in ("numpy", "safetensors", "tqdm") for end in ("", "-99.0.dist-info")),
    }
    assert not [*folder.rglob("tests")]
    # Kernels are built ahead of time for Linux only.
    assert (folder / "distilnp" / "native" / "lib").exists() == ("linux" in machine.tag)


@needs_libraries
@needs_pip
@each_machine
def test_a_bundle_says_which_python_it_is_for(
    model: Path, tmp_path: Path, index: Path, machine: Machine
) -> None:
    folder = tmp_path / "bundle"
    write_wheels(index, machine)
    bundle(folder, "--model", model, *machine.options)

    done = run_python("import distilnp", env=environment(PYTHONPATH=str(folder)))

    (why,) = [line for line in done.stderr.splitlines() if line.startswith("ImportError: ")]
    ours = EXTENSION_SUFFIXES[0].split(".")[1]
    assert f"are for {machine.suffix.split('.')[1]}, expected {ours}, which runs here" in why
    assert str(folder) in why


@needs_libraries
@needs_pip
def test_packages_that_pip_does_not_find_are_an_error(
    model: Path, tmp_path: Path, index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = error_of(capsys, tmp_path / "bundle", "--model", model, "--python", "3.12")

    assert "pip finds no packages for Python 3.12 on this platform. It said:" in error
    assert "No matching distribution found" in error
    assert not (tmp_path / "bundle").exists()


@needs_libraries
def test_without_pip_there_are_no_packages_for_another_python(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("distilnp.cli.bundle.find_spec", lambda name: None)

    error = error_of(capsys, tmp_path / "bundle", "--model", model, "--python", "3.12")

    assert "pip, which is not installed here. Install it: python -m ensurepip" in error


@pytest.mark.parametrize("version", ["3.10", "3", "4.0", "3.12.1", "py312", "3.¹²"])
def test_a_version_that_distilnp_does_not_run_on_is_refused(
    version: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        bundle(tmp_path / "bundle", "--python", version)
    assert f"{version!r} is not a version from 3.11 on, such as 3.12" in capsys.readouterr().err


# --- errors ---


def error_of(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert bundle(*arguments) == 1
    output, errors = capsys.readouterr()
    assert output == ""
    return errors


def test_a_folder_that_is_not_empty_is_left_alone(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("mine")

    for place in (tmp_path, tmp_path / "file"):
        error = error_of(capsys, place, "--model", model)
        assert f"{place} exists, expected a new or an empty folder" in error

    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


def test_a_model_that_cannot_be_loaded_is_reported_before_anything_is_written(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = shutil.copytree(model, tmp_path / "damaged")
    with (damaged / "model.safetensors").open("r+b") as file:
        file.truncate(1000)

    assert "is not a whole safetensors file" in error_of(capsys, tmp_path / "bundle", "--model", damaged)
    assert "no model 'nothing'" in error_of(capsys, tmp_path / "bundle", "--model", "nothing")
    assert not (tmp_path / "bundle").exists()


def test_packages_for_two_kinds_of_machine_are_refused(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    targets = [word for name in TARGETS for word in ("--target", name)]

    error = error_of(capsys, tmp_path / "bundle", "--model", model, "--with-dependencies", *targets)

    assert "the bundle is for aarch64 and x86_64, expected one kind of machine" in error
    assert not (tmp_path / "bundle").exists()


def test_a_folder_inside_the_package_is_refused(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    package = Path(distilnp.__file__).parent
    (tmp_path / "link").symlink_to(package)

    for place in (package / "new", package / "weights" / "new", tmp_path / "link" / "new"):
        assert "is inside the package that is copied" in error_of(capsys, place, "--model", model)
        assert not place.exists()


def test_without_built_kernels_there_is_no_bundle(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("distilnp.native.library.FOLDER", tmp_path / "nowhere")

    error = error_of(capsys, tmp_path / "bundle")

    assert "no kernels to put into the folder: none are built" in error
    assert [*tmp_path.iterdir()] == []


def test_a_folder_that_cannot_be_written_is_an_error(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")

    error = error_of(capsys, tmp_path / "file" / "bundle", "--model", model)

    assert "cannot be written" in error


def test_the_bundled_dependencies_are_those_of_the_package_except_numba_and_the_hub() -> None:
    pyproject = Path(__file__).parents[2] / "pyproject.toml"
    requirements = tomllib.loads(pyproject.read_text())["project"]["dependencies"]
    unneeded = ("numba", "huggingface_hub")

    assert {*DEPENDENCIES} == {name for name in requirements if not name.startswith(unneeded)}
