"""`distilnp bundle`: the folder answers like the installation that wrote it, and needs only Python."""

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from support.children import environment
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


@pytest.mark.skipif(no_numba() is not None, reason="building needs Numba")
@pytest.mark.skipif(not has_linker(TARGETS[LIBRARIES[0]]), reason="building needs a linker")
def test_kernels_can_be_built_for_another_cpu(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"

    assert bundle(folder, "--model", model, "--target", LIBRARIES[0]) == 0

    libraries = folder / "distilnp" / "native" / "lib"
    assert {path.name for path in libraries.iterdir()} == {MANIFEST, f"{LIBRARIES[0]}.so"}
    assert [*json.loads((libraries / MANIFEST).read_text())["libraries"]] == [LIBRARIES[0]]


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


def test_packages_of_this_machine_are_not_bundled_for_another_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    foreign = next(name for name in TARGETS if name not in LIBRARIES)

    error = error_of(capsys, tmp_path / "bundle", "--with-dependencies", "--target", foreign)

    assert f"do not run on {foreign}" in error
    assert not (tmp_path / "bundle").exists()


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
    names = {requirement.partition(">=")[0] for requirement in requirements}

    assert set(DEPENDENCIES) == names - {"numba", "huggingface_hub"}
