"""Make a notebook of every lesson: the prose as Markdown cells, the code as cells to run, without outputs.

`make notebooks` runs it; the tests compare its result with the committed files.
"""

import doctest
import re
from collections.abc import Iterator
from pathlib import Path

import jupytext
import nbformat

HERE = Path(__file__).parent
LESSONS = sorted((HERE.parent / "course").glob("*.md"))

# A reader who opens a notebook elsewhere has no clone.
FIRST = (
    "*Made from [{name}](../course/{name}). Needs distilnp: `pip install .` in a clone of the repository.*"
)


def notebook(lesson: Path) -> nbformat.NotebookNode:
    """Return the notebook of a lesson.

    Cells have numbers for ids, so that the same page gives the same bytes.
    """
    text = re.sub(
        r"^```python\n(.*?)^```$",
        lambda block: "\n\n".join(f"```python\n{cell}```" for cell in _cells(block[1])),
        lesson.read_text(encoding="utf-8"),
        flags=re.DOTALL | re.MULTILINE,
    )
    # Links between lessons lead from notebook to notebook.
    text = re.sub(r"\]\((\d-[\w-]+)\.md\)", r"](\1.ipynb)", text)
    title, rest = text.split("\n", 1)
    made = jupytext.reads(f"{title}\n\n{FIRST.format(name=lesson.name)}\n{rest}", fmt="md")
    for i, cell in enumerate(made.cells):
        cell.id = f"cell-{i}"
    made.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    nbformat.validate(made)
    return made


def _cells(block: str) -> Iterator[str]:
    """Yield the code of a block with prompts, without its outputs.

    A notebook shows only the last value of a cell, so a cell ends where the page shows an output.
    """
    cell = ""
    for example in doctest.DocTestParser().get_examples(block):
        cell += example.source
        if example.want:
            yield cell
            cell = ""
    if cell:
        yield cell


def written(lesson: Path) -> tuple[Path, str]:
    """Return the path of a lesson's notebook, and its text."""
    return HERE / f"{lesson.stem}.ipynb", nbformat.writes(notebook(lesson)) + "\n"


if __name__ == "__main__":
    for lesson in LESSONS:
        path, text = written(lesson)
        path.write_text(text, encoding="utf-8")
