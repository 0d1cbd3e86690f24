"""The exercises: right answers pass, and a learner is told which mistake was made."""

import doctest
import importlib
import importlib.util
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.learners import ANSWERS, IMPORTS

from exercises import __main__ as command
from exercises import differences, small_model
from exercises.__main__ import EMPTY, main
from exercises.exercise import Case, Exercise, mistake
from exercises.grading import Grade, grade, same
from exercises.registry import EXERCISES

PAGE = Path(__file__).parents[1] / "docs" / "exercises.md"

each_exercise = pytest.mark.parametrize("name", EXERCISES)
each_failure = pytest.mark.parametrize(
    ("name", "right", "wrong", "said"),
    [(name, *failure) for name, answer in ANSWERS.items() for failure in answer.failures],
)


def write(folder: Path, name: str, source: str) -> Path:
    path = folder / f"{name}.py"
    path.write_text(IMPORTS + source)
    return path


def grade_source(folder: Path, name: str, source: str, time_limit: float = 20) -> Grade:
    if name == "encode":
        for other in ("normalize", "pre_tokenize", "wordpiece"):
            write(folder, other, ANSWERS[other].source)
    return grade(EXERCISES[name], write(folder, name, source), time_limit)


def words(text: str) -> str:
    return re.sub(r"\s+", " ", text)


# ------------------------------------------------------------------------------------------------ the grader


@each_exercise
def test_the_answer_of_a_learner_passes(name: str, tmp_path: Path) -> None:
    given = grade_source(tmp_path, name, ANSWERS[name].source)

    assert given.state == "passes", given.report


@each_failure
def test_a_learner_who_fails_is_told_how(
    name: str, right: str, wrong: str, said: str, tmp_path: Path
) -> None:
    source = ANSWERS[name].source
    assert right in source

    given = grade_source(tmp_path, name, source.replace(right, wrong), 0.5 if "Timeout" in said else 20)

    assert said in words(given.report)


@each_exercise
def test_the_package_itself_is_a_solution(name: str) -> None:
    exercise = EXERCISES[name]

    for case in exercise.cases():
        solved = exercise.solution(*exercise.arguments(case, {}))

        assert same(exercise.variant(*exercise.arguments(case, {})), solved), case.name


@pytest.mark.parametrize(
    ("name", "i"), [(name, i) for name, exercise in EXERCISES.items() for i in range(len(exercise.mistakes))]
)
def test_every_mistake_is_recognised_when_it_is_made(name: str, i: int, tmp_path: Path) -> None:
    exercise = EXERCISES[name]
    source = f"""
from exercises.registry import EXERCISES
exercise = EXERCISES[{name!r}]
def {exercise.function}(*arguments):
    return exercise.variant(*arguments, **exercise.mistakes[{i}].switches)
"""

    given = grade_source(tmp_path, name, source)

    assert given.state == "differs"
    assert exercise.mistakes[i].result in words(given.report)


def test_two_mistakes_at_once_are_both_named(tmp_path: Path) -> None:
    source = ANSWERS["gelu"].source.replace("0.5 * x", "x").replace(" / math.sqrt(2.0)", "")

    given = words(grade_source(tmp_path, "gelu", source).report)

    assert "without the division by sqrt(2), and without the factor 1/2" in given


def test_a_later_mistake_is_named_beside_the_first(tmp_path: Path) -> None:
    source = (
        ANSWERS["attention"]
        .source.replace(" / math.sqrt(head_dim)", "")
        .replace("linear(context, layer.out_lin)", "context")
    )

    given = words(grade_source(tmp_path, "attention", source).report)

    assert "without the division by sqrt(head_dim), and without the output projection" in given


def test_a_report_names_the_first_intermediate_its_place_and_both_numbers(tmp_path: Path) -> None:
    source = ANSWERS["attention"].source.replace(" / math.sqrt(head_dim)", "")
    right = small_model.small_model().trace["layer.0.attention.scores"]

    given = grade_source(tmp_path, "attention", source).report

    assert (
        "First difference: scores [head, query, key] = [2, 4, 4], at head 0, query 0 ([CLS]), key 0 ([CLS])"
        in given
    )
    assert re.search(rf"yours +{right[0, 0, 0] * 3**0.5:.6g}\n +expected +{right[0, 0, 0]:.6g}\n", given)
    assert "32 of 32 numbers differ" in given


def test_a_difference_that_no_mistake_explains_is_reported_with_its_relation(tmp_path: Path) -> None:
    source = ANSWERS["linear"].source.replace("return ", "return 1.5 * (") + ")"

    given = grade_source(tmp_path, "linear", source.replace("\n)", ")")).report

    assert "Each of your numbers is 1.5000 times the expected one." in given


def test_without_intermediates_the_learner_is_told_to_hand_them_over(tmp_path: Path) -> None:
    source = (
        ANSWERS["attention"]
        .source.replace("    record(", "    dict(")
        .replace("softmax(scores)", "scores**2")
    )

    given = words(grade_source(tmp_path, "attention", source).report)

    assert "Hand over the intermediates" in given


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def softmax(x)\n", "softmax.py, line 8: SyntaxError"),
        ("def soft_max(x): return x\n", "there is no function softmax"),
        ("import torch_is_not_here\n", "softmax.py, line 8: ModuleNotFoundError"),
        ("raise SystemExit\n", "softmax.py, line 8: SystemExit"),
        ("while True:\n    pass\n", "Timeout"),
        ("def softmax(x):\n    return list(x)\n", "Your result is a list, expected an array"),
        ("def softmax(x):\n    return softmax(x)\n", "RecursionError"),
    ],
)
def test_a_file_that_cannot_run_is_reported_with_its_line(source: str, said: str, tmp_path: Path) -> None:
    given = grade_source(tmp_path, "softmax", source, 0.5 if said == "Timeout" else 20)

    assert given.state == "fails" or "a list" in said
    assert said in given.report
    assert "Traceback" not in given.report


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    right, wrong = ANSWERS["pre_tokenize"].source, "def pre_tokenize(text): return []"

    states = []
    for source in (right, wrong):
        grade_source(tmp_path, "encode", ANSWERS["encode"].source)
        write(tmp_path, "pre_tokenize", source)
        states.append(grade(EXERCISES["encode"], tmp_path / "encode.py").state)

    assert states == ["passes", "differs"]


def test_a_kernel_may_be_compiled(tmp_path: Path) -> None:
    pytest.importorskip("numba")
    source = "from numba import njit\n@njit" + ANSWERS["online_softmax"].source

    given = grade(EXERCISES["online_softmax"], write(tmp_path, "online_softmax", source))

    assert given.state == "passes", given.report


def test_without_the_bundled_weights_the_small_model_is_enough(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in (small_model, command):
        monkeypatch.setattr(module, "bundled_model", lambda: None)
    write(tmp_path, "attention", ANSWERS["attention"].source)

    assert main(["attention", "--folder", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "attention: passes, in all 2 cases." in printed
    assert "The cases with sst2-mini were left out" in printed


def linear_backward(
    x: Any, weight: Any, dy: Any, *, transposes: bool = True, exchanged: bool = False
) -> tuple[Any, Any]:
    """Return the gradients of y = x @ weight.T with respect to x and to the weight."""
    dweight = dy.T @ x
    dx = dy @ (weight if transposes else weight.T)
    return (dweight, dx) if exchanged else (dx, dweight)


def a_backward_exercise() -> Exercise:
    x, weight, dy = np.random.RandomState(3).standard_normal((3, 4, 4))
    return replace(
        EXERCISES["linear"],
        name="linear_backward",
        function="linear_backward",
        solution=linear_backward,
        variant=linear_backward,
        mistakes=(
            mistake("with dy @ W.T instead of dy @ W", "go back the way that forward came", transposes=False),
            mistake("with the gradients exchanged", "dx comes first", exchanged=True),
        ),
        cases=lambda: [Case("random numbers", (x, weight, dy))],
    )


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("dy @ weight, dy.T @ x", "passes"),
        (
            "dy @ weight.T, dy.T @ x",
            "Your result[0] equals that of a linear_backward with dy @ W.T instead of dy @ W.",
        ),
        ("dy.T @ x, dy @ weight", "with the gradients exchanged"),
        ("dy @ weight, x.T @ dy", "First difference: result[1] [4, 4], at index [0, 1]"),
        ("dy @ weight", "Your result is one array, expected a tuple of 2 arrays."),
        ("dy @ weight, [1, 2]", "Your result[1] is a list"),
        ("dy @ weight, (dy.T @ x).astype(object)", "an array of object"),
    ],
)
def test_a_further_exercise_is_one_entry_and_may_return_several_gradients(
    body: str, said: str, tmp_path: Path
) -> None:
    path = write(tmp_path, "linear_backward", f"def linear_backward(x, weight, dy):\n    return {body}\n")

    assert said in words(grade(a_backward_exercise(), path).report)


# ------------------------------------------------------------------------------------------- the empty files


@each_exercise
def test_an_empty_file_is_not_written_yet(name: str, tmp_path: Path) -> None:
    main(["start", "--folder", str(tmp_path)])

    assert grade(EXERCISES[name], tmp_path / f"{name}.py").state == "not written"


def test_there_is_an_empty_file_for_every_exercise() -> None:
    assert {path.stem for path in EMPTY.glob("*.py")} == set(EXERCISES) == set(ANSWERS)


@each_exercise
def test_the_example_in_an_empty_file_is_what_the_package_gives(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(EMPTY))
    exercise = EXERCISES[name]
    spec = importlib.util.spec_from_file_location(f"empty_{name}", EMPTY / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    shared: dict[str, Any] = dict(vars(module))
    function = getattr(module, exercise.function)
    (example,) = doctest.DocTestFinder(recurse=False).find(function, name, module, globs=shared)
    example.globs[exercise.function] = exercise.solution

    assert example.examples
    assert doctest.DocTestRunner().run(example).failed == 0


def test_the_example_of_finite_differences_is_right() -> None:
    failed, tried = doctest.testmod(differences)

    assert (failed, tried) == (0, 1)


# --------------------------------------------------------------------------------------------------- the page


def test_the_report_on_the_page_is_what_the_grader_says(tmp_path: Path) -> None:
    source = ANSWERS["attention"].source.replace(" / math.sqrt(head_dim)", "")

    report = grade_source(tmp_path, "attention", source).report

    assert f"$ python -m exercises attention\n{report}\n```" in PAGE.read_text(encoding="utf-8")


def test_the_table_of_the_page_has_every_exercise_with_its_minutes() -> None:
    text = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \|", text, re.MULTILINE)

    assert rows == [(exercise.name, str(exercise.minutes)) for exercise in EXERCISES.values()]


# -------------------------------------------------------------------------------------------------- commands


def test_starting_again_keeps_the_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, "softmax", ANSWERS["softmax"].source)
    before = path.read_text()

    assert main(["start", "--folder", str(tmp_path)]) == 0

    assert path.read_text() == before
    assert f"{len(EXERCISES) - 1} new files" in capsys.readouterr().out


def test_the_command_says_what_is_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "softmax", ANSWERS["softmax"].source)
    write(tmp_path, "gelu", ANSWERS["gelu"].source.replace("0.5 * x", "x"))

    assert main(["--folder", str(tmp_path)]) == 0
    listed = capsys.readouterr().out
    assert main(["softmax", "--folder", str(tmp_path)]) == 0
    assert "Next: python -m exercises linear" in capsys.readouterr().out
    assert main(["softmax", "gelu", "--folder", str(tmp_path)]) == 1
    assert main(["sotfmax"]) == 2

    assert re.search(r"softmax +5 min  passes ", listed)
    assert re.search(r"gelu +5 min  differs ", listed)
    assert re.search(r"linear +3 min  not written ", listed)
    assert f"1 of {len(EXERCISES)} pass." in listed


def test_the_forward_pass_can_be_graded_with_numpy_alone(tmp_path: Path) -> None:
    write(tmp_path, "attention", ANSWERS["attention"].source)
    program = f"""
import sys
for name in ("safetensors", "tqdm", "huggingface_hub", "numba", "llvmlite"):
    sys.modules[name] = None
from exercises.__main__ import main
sys.exit(main(["attention", "--folder", {str(tmp_path)!r}]))
"""

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=EMPTY.parents[1]
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "attention: passes, in all 3 cases." in done.stdout


def test_numbers_that_round_differently_are_the_same() -> None:
    x = np.array([1.0, 2.0], np.float32)

    assert same(x + np.float32(1e-6), x)
    assert not same(x + np.float32(1e-3), x)
