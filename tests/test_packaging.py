"""What is shipped: a wheel and an sdist that carry the checkpoint, built by the declared backend."""

import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import distilnp

REPOSITORY = Path(__file__).parents[1]
CHECKPOINT = {"README.md", "config.json", "model.safetensors", "tokenizer_config.json", "vocab.txt"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-d", folder]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    return folder


def test_the_wheel_holds_the_package_and_the_checkpoint_and_no_more(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = [Path(name) for name in zipfile.ZipFile(wheel).namelist()]

    assert {path.name for path in names if path.parent == Path("distilnp/weights/sst2-mini")} == CHECKPOINT
    assert {path.parts[0] for path in names} == {"distilnp", f"distilnp-{distilnp.__version__}.dist-info"}
    assert wheel.stat().st_size < 30e6


def test_a_wheel_answers_from_its_own_checkpoint(built: Path, tmp_path: Path) -> None:
    (wheel,) = built.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = "import distilnp; print(distilnp.load().folder); print(distilnp.classify('What a joy.').label)"

    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path.parent,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert run.stdout.splitlines() == [str(tmp_path / "distilnp/weights/sst2-mini"), "POSITIVE"]


def test_the_sdist_is_enough_to_build_from(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {Path(*Path(name).parts[1:]) for name in archive.getnames()}

    assert {path.name for path in names if path.parent == Path("weights/sst2-mini")} == CHECKPOINT
    assert {Path("pyproject.toml"), Path("LICENSE"), Path("distilnp/api.py")} <= names


def test_the_version_is_one() -> None:
    metadata = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())

    assert metadata["project"]["version"] == distilnp.__version__
