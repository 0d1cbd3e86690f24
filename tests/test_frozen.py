"""A program that PyInstaller has frozen answers like any other: with its kernels and its models."""

import json
import runpy
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
from support.children import PACKAGES, environment
from test_imports import modules

import distilnp
from distilnp.checkpoint.registry import bundled_models
from distilnp.native.library import FOLDER, MANIFEST

REPOSITORY = Path(__file__).parents[1]

PROGRAM = """
import json, sys
import distilnp
from distilnp.native.loader import description
prediction = distilnp.load("sst2-mini")("What a joy.")
print(json.dumps([prediction.logits.tobytes().hex(), description(), "numba" in sys.modules]))
"""


@pytest.fixture
def hook() -> dict[str, object]:
    """Return the names that the hook defines, which is all that PyInstaller takes from it."""
    entry_points = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["entry-points"]
    module, _, function = entry_points["pyinstaller40"]["hook-dirs"].partition(":")
    (folder,) = getattr(import_module(module), function)()
    return runpy.run_path(f"{folder}/hook-distilnp.py")


def test_the_hook_names_every_module(hook: dict[str, object]) -> None:
    expected = {name.removesuffix(".__init__") for name in modules() - {"__init__", "__main__"}}
    named = {name.removeprefix("distilnp.") for name in hook["hiddenimports"]} - {"distilnp"}

    assert named == {name for name in expected if not name.startswith("__pyinstaller")}


def test_the_hook_collects_kernels_sources_and_models(hook: dict[str, object]) -> None:
    places: dict[str, set[str]] = {}
    for source, place in hook["datas"]:
        places.setdefault(place, set()).add(Path(source).name)

    package = Path(distilnp.__file__).parent
    assert places["distilnp/kernels"] == {path.name for path in (package / "kernels").glob("*.py")}
    assert places["distilnp/kernels/words"] == {
        path.name for path in (package / "kernels/words").glob("*.py")
    }
    assert places["distilnp/explain/page"] >= {"page.html", "page.css", "page.js"}
    assert places["distilnp/explain"] >= {"attributions.py", "left_out.py", "trace.py"}  # a page shows lines
    assert places["distilnp/model"] == {"reference.py"}
    assert places["distilnp/native"] >= {"object_code.py", "targets.py"}
    assert places.get("distilnp/native/lib", set()) == {path.name for path in FOLDER.glob("*")}
    for name, folder in bundled_models().items():
        assert places[f"distilnp/weights/{name}"] == {path.name for path in folder.iterdir()}


@pytest.mark.sweep
def test_a_frozen_program_answers_with_its_own_kernels_and_models(tmp_path: Path) -> None:
    pytest.importorskip("PyInstaller")
    if not (FOLDER / MANIFEST).exists():
        pytest.skip("no kernels have been built ahead of time")
    (tmp_path / "program.py").write_text(PROGRAM)
    hooks = Path(distilnp.__file__).parent / "__pyinstaller"
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN", "program.py"]
    subprocess.run([*command, "--additional-hooks-dir", hooks, "--paths", PACKAGES], cwd=tmp_path, check=True)

    program = tmp_path / "dist" / "program" / "program"
    done = subprocess.run([program], cwd="/", env={}, capture_output=True, text=True)
    script = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment(), capture_output=True, text=True, check=True
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == json.loads(script.stdout)
    assert ", built ahead of time" in done.stdout
