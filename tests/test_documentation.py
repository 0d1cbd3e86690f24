"""What the documents show is what happens: their code runs, their links lead somewhere."""

import doctest
import importlib
import re
from pathlib import Path

import pytest

import distilnp

REPOSITORY = Path(__file__).parents[1]
PACKAGE = REPOSITORY / "distilnp"

DOCUMENTS = [
    path
    for path in sorted(REPOSITORY.rglob("*.md"))
    if not path.relative_to(REPOSITORY).parts[0].startswith((".venv", "build", "dist"))
]
CARDS = sorted((REPOSITORY / "weights").glob("*/README.md"))
WITH_EXAMPLES = [path for path in sorted(PACKAGE.rglob("*.py")) if ">>> " in path.read_text(encoding="utf-8")]


@pytest.fixture(autouse=True)
def _in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)


def test_the_code_of_the_readme_does_what_it_shows() -> None:
    failed, tried = doctest.testfile(str(REPOSITORY / "README.md"), module_relative=False, encoding="utf-8")

    assert failed == 0
    assert tried > 10


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.parent.name)
def test_the_code_of_a_card_does_what_it_shows(path: Path) -> None:
    failed, tried = doctest.testfile(str(path), module_relative=False, encoding="utf-8")

    assert failed == 0
    assert tried > 0


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_the_examples_in_docstrings_do_what_they_show(path: Path) -> None:
    parts = path.relative_to(REPOSITORY).with_suffix("").parts
    module = importlib.import_module(".".join(parts).removesuffix(".__init__"))

    failed, tried = doctest.testmod(module)

    assert failed == 0
    assert tried > 0


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_links_to_files_lead_to_files(path: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text(encoding="utf-8"))

    assert [link for link in links if not (path.parent / link).exists()] == []


def test_every_public_function_documents_its_parameters() -> None:
    for name in ("load", "classify"):
        text = getattr(distilnp, name).__doc__
        assert all(section in text for section in ("Parameters", "Returns", "Raises", "Examples")), name
