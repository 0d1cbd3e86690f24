"""The notebooks: made from the lessons, without outputs, and each of them runs."""

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from support.pages import blocks

DOCS = Path(__file__).parents[1] / "docs"
NOTEBOOKS = sorted((DOCS / "notebooks").glob("*.ipynb"))
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path: Path, kind: str) -> list[dict[str, Any]]:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == kind]


def maker() -> ModuleType:
    pytest.importorskip("jupytext")
    spec = importlib.util.spec_from_file_location("make_notebooks", DOCS / "notebooks" / "make.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_there_is_a_notebook_for_every_lesson() -> None:
    lessons = [path.stem for path in sorted((DOCS / "course").glob("*.md"))]

    assert [path.stem for path in NOTEBOOKS] == lessons
    assert len(lessons) == 7


def test_the_notebooks_are_what_make_notebooks_writes() -> None:
    make = maker()

    for lesson in make.LESSONS:
        path, text = make.written(lesson)

        assert path.read_text(encoding="utf-8") == text, f"{path.name} is old: run `make notebooks`"


@each_notebook
def test_a_notebook_is_small_and_has_no_outputs(path: Path) -> None:
    assert path.stat().st_size < 20_000
    assert [cell["outputs"] for cell in cells(path, "code") if cell["outputs"]] == []


@each_notebook
def test_the_cells_of_a_notebook_run(path: Path) -> None:
    shared: dict[str, Any] = {"__name__": "notebook"}

    for cell in cells(path, "code"):
        exec(compile("".join(cell["source"]), path.name, "exec"), shared)

    assert "classifier" in shared


@each_notebook
def test_the_links_of_a_notebook_lead_somewhere(path: Path) -> None:
    text = "".join("".join(cell["source"]) for cell in cells(path, "markdown"))

    for link in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (path.parent / link).exists(), link


@pytest.mark.sweep
@each_notebook
def test_jupyter_shows_what_the_lesson_shows(path: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    notebook = nbformat.read(path, as_version=4)

    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": path.parent}}).execute()

    shown = [
        output["text"] if output.output_type == "stream" else output["data"]["text/plain"]
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    ]
    lesson = DOCS / "course" / f"{path.stem}.md"
    page = [
        line
        for _, block in blocks(lesson, "python")
        for line in block.splitlines()
        if not line.startswith((">>> ", "... "))
    ]
    # IPython breaks lines where it likes.
    assert re.sub(r"\s", "", "".join(shown)) == re.sub(r"\s", "", "".join(page))
