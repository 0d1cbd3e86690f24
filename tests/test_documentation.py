"""The documents are true: their code runs, their commands parse, their links lead somewhere."""

import ast
import dataclasses
import doctest
import importlib
import inspect
import re
import shlex
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from support.pages import blocks, failures

import distilnp
from distilnp.cli import grammar

REPOSITORY = Path(__file__).parents[1]
PACKAGE = REPOSITORY / "distilnp"
README = REPOSITORY / "README.md"

DOCUMENTS = [
    path
    for path in sorted(REPOSITORY.rglob("*.md"))
    if not path.relative_to(REPOSITORY).parts[0].startswith((".venv", ".pytest", "build", "dist"))
]
PAGES = [README, *sorted((REPOSITORY / "docs").rglob("*.md"))]
CARDS = sorted((REPOSITORY / "weights").glob("*/README.md"))

COMMANDS = (
    *("classify", "evaluate", "compare", "explain", "inspect"),
    *("info", "models", "download", "verify", "bundle", "convert"),
)


def in_repository(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


# tests/spark runs the code of these.
NEED_SPARK = [REPOSITORY / "docs" / "spark.md", *(PACKAGE / "spark").rglob("*.py")]
PAGES_WITH_CODE = [path for path in PAGES if any(blocks(path, "python")) and path not in NEED_SPARK]
WITH_EXAMPLES = [
    path
    for path in sorted(PACKAGE.rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8") and path not in NEED_SPARK
]
COMMAND_LINES = [
    pytest.param(line[2:], id=f"{in_repository(path)}:{first + i + 1}")
    for path in DOCUMENTS
    for first, block in blocks(path, "console")
    for i, line in enumerate(block.splitlines())
    if line.startswith("$ ") and re.search(r"\bdistilnp [a-z]", line)
]


@pytest.fixture(autouse=True)
def _in_the_repository(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # a page opens a package


# ------------------------------------------------------------------------------------------------------- code


def fastapi_that_only_decorates() -> ModuleType:
    """Return a stand-in for FastAPI, which no test needs otherwise: its decorators return the function."""

    class FastAPI:
        def get(self, path: str) -> Callable[[Any], Any]:
            return lambda function: function

        post = get

    module = ModuleType("fastapi")
    module.FastAPI = FastAPI  # type: ignore[attr-defined]
    return module


def test_some_pages_have_code() -> None:
    assert README in PAGES_WITH_CODE
    assert len(PAGES_WITH_CODE) > 3


@pytest.mark.parametrize("path", PAGES_WITH_CODE, ids=in_repository)
def test_the_code_of_a_page_does_what_it_shows(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if "fastapi" not in sys.modules:
        monkeypatch.setitem(sys.modules, "fastapi", fastapi_that_only_decorates())

    assert failures(path) == 0


def test_the_web_service_and_the_function_of_serving_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastapi", fastapi_that_only_decorates())
    service: dict[str, Any] = {}
    function: dict[str, Any] = {}
    (_, app), (_, handler) = blocks(REPOSITORY / "docs" / "serving.md", "python")
    exec(app, service)
    exec(handler, function)

    answers = service["classify"](["What a joy.", "What a bore."])

    assert [answer["label"] for answer in answers] == ["POSITIVE", "NEGATIVE"]
    assert service["health"]()["label"] == "POSITIVE"
    assert function["handler"]({"texts": ["What a joy.", "What a bore."]}, None) == answers


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


# --------------------------------------------------------------------------------------------------- commands


@pytest.mark.parametrize("line", COMMAND_LINES)
def test_the_commands_of_a_document_are_of_the_grammar(line: str) -> None:
    tokens = list(shlex.shlex(line, posix=True, punctuation_chars=True))
    starts = [i + 1 for i, token in enumerate(tokens) if token == "distilnp" and tokens[i + 1] in COMMANDS]

    assert starts
    for start in starts:
        ends = (i for i in range(start, len(tokens)) if set(tokens[i]) <= set("|&;<>"))
        grammar.parse(tokens[start : next(ends, len(tokens))])


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_a_command_is_on_a_page(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        grammar.parse([command, "--help"])
    options = set(re.findall(r"(?<![\w-])--[a-z-]+", capsys.readouterr().out)) - {"--help"}
    pages = "".join(path.read_text(encoding="utf-8") for path in PAGES)

    assert {option for option in options if not re.search(rf"{option}(?![\w-])", pages)} == set()


# ------------------------------------------------------------------------------------------ links and lengths


def anchors(path: Path) -> set[str]:
    """Return the anchors of the headings of a page, as hosts of repositories make them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=in_repository)
def test_links_lead_to_files_and_headings(path: Path) -> None:
    broken = []
    for link, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", path.read_text(encoding="utf-8")):
        target = path.parent / link if link else path
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(f"{link}#{anchor}")

    assert broken == []


def test_the_readme_has_at_most_150_lines() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 150


def test_the_citation_names_this_version() -> None:
    citation = (REPOSITORY / "CITATION.cff").read_text(encoding="utf-8")

    assert re.findall(r"^version: (.+)$", citation, re.MULTILINE) == [distilnp.__version__]


def test_every_page_is_in_the_table_of_contents() -> None:
    contents = REPOSITORY / "docs" / "README.md"
    links = re.findall(r"\]\(([^)]+)\)", contents.read_text(encoding="utf-8"))
    pages = {path.relative_to(contents.parent).as_posix() for path in PAGES[1:] if path != contents}

    assert pages - set(links) == set()


# ------------------------------------------------------------------------------------------ public docstrings


def public_functions() -> dict[str, Callable[..., Any]]:
    """Return the functions of `distilnp.__all__` and the public methods that its classes define, by name."""
    found: dict[str, Callable[..., Any]] = {}
    for name in distilnp.__all__:
        value = getattr(distilnp, name)
        if inspect.isfunction(value):
            found[name] = value
        elif inspect.isclass(value):
            for key, member in vars(value).items():
                function = getattr(member, "__func__", member)  # that of a class method or a static method
                if not key.startswith("_") and inspect.isfunction(function):
                    found[f"{name}.{key}"] = function
    return found


def public_dataclasses() -> list[type]:
    values = [getattr(distilnp, name) for name in distilnp.__all__]
    return [value for value in values if inspect.isclass(value) and dataclasses.is_dataclass(value)]


FUNCTIONS = public_functions()
each_function = pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)


def sections(documented: Any) -> dict[str, list[str]]:
    """Return the entries of each numpydoc section: its lines that are not indented."""
    lines = (inspect.getdoc(documented) or "").splitlines()
    found: dict[str, list[str]] = {}
    entries: list[str] = []
    for line, next_line in zip(lines, [*lines[1:], ""], strict=True):
        if next_line and set(next_line) == {"-"} and len(next_line) == len(line):
            entries = found[line] = []
        elif line and line[0] not in " -":
            entries.append(line)
    return found


def names(entries: list[str]) -> list[str]:
    """Return the names of entries such as `model, **options` and `start, end : int`."""
    return [name.strip().lstrip("*") for entry in entries for name in re.split(r" : |$", entry)[0].split(",")]


def raised(function: Callable[..., Any]) -> set[str]:
    """Return the exceptions that a function raises itself, or by a private function of its module."""
    module = ast.parse(inspect.getsource(inspect.getmodule(function)))  # type: ignore[arg-type]
    private = {
        node.name: node
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("_") and not node.name.endswith("__")
    }
    waiting: list[ast.AST] = [ast.parse(textwrap.dedent(inspect.getsource(function)))]
    found = set()
    while waiting:
        for node in ast.walk(waiting.pop()):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                found.add(ast.unparse(node.exc.func))
            elif isinstance(node, ast.Call):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
                if called in private:
                    waiting.append(private.pop(called))
    return found


@each_function
def test_the_documented_parameters_are_those_of_the_signature(function: Callable[..., Any]) -> None:
    parameters = [name for name in inspect.signature(function).parameters if name not in ("self", "cls")]

    assert names(sections(function).get("Parameters", [])) == parameters


@each_function
def test_what_a_function_with_parameters_returns_is_documented(function: Callable[..., Any]) -> None:
    signature = inspect.signature(function)

    if set(signature.parameters) > {"self"} and signature.return_annotation is not None:
        assert "Returns" in sections(function)


@each_function
def test_every_error_that_a_function_raises_is_documented(function: Callable[..., Any]) -> None:
    documented = tuple(getattr(distilnp, name) for name in names(sections(function).get("Raises", [])))

    for name in raised(function):
        assert issubclass(getattr(distilnp, name), documented), name


@pytest.mark.parametrize("value", public_dataclasses(), ids=lambda value: value.__name__)
def test_the_documented_attributes_are_those_of_the_class(value: type) -> None:
    documented = set(names(sections(value)["Attributes"]))
    bases = [base for base in value.__bases__ if dataclasses.is_dataclass(base)]
    inherited = {field.name for base in bases for field in dataclasses.fields(base)}
    fields = {field.name for field in dataclasses.fields(value)} - inherited
    properties = {name for name, member in vars(value).items() if isinstance(member, property)}

    assert fields - documented == set()
    assert documented - fields - properties == set()


@pytest.mark.parametrize("name", ["load", "classify"])
def test_the_functions_that_everyone_calls_have_examples(name: str) -> None:
    assert "Examples" in sections(getattr(distilnp, name))
