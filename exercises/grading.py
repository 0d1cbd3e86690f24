"""Grade an answer: call it with every case, find the first difference, and recognise the mistake.

An array is compared with the package's result, and its intermediates with those of the same names in the
reference's trace. A difference is recognised by trying every mistake of the exercise, then every two of them.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from . import messages
from .exercise import Case, Exercise, Mistake, tolerance
from .running import TIME_LIMIT, Failure, call, load_function


@dataclass(frozen=True)
class Grade:
    """What became of an answer.

    Attributes
    ----------
    state : {"passes", "not written", "differs", "fails"}
        "fails" means that the code did not return.
    report : str
        What to tell the learner.
    """

    state: str
    report: str


def grade(exercise: Exercise, path: Path, time_limit: float = TIME_LIMIT) -> Grade:
    """Grade the answer in a file."""
    if not path.exists():
        return Grade("not written", messages.no_file(exercise, path))
    case = None
    try:
        function = load_function(path, exercise.function, time_limit)
        # Numba keeps the function that it compiles: errors of that one have lines, and it can be stopped.
        versions = [function.py_func, function] if hasattr(function, "py_func") else [function]
        n_cases = 0
        for case in exercise.cases():
            for one in versions:
                report = _difference(exercise, case, one, path, time_limit)
                if report:
                    return Grade("differs", report)
            n_cases += 1
    except Failure as failure:
        if failure.kind == "NotImplementedError":
            return Grade("not written", messages.not_written(exercise, failure))
        return Grade("fails", messages.failure(exercise, case, failure))
    return Grade("passes", messages.passes(exercise, n_cases))


def _difference(exercise: Exercise, case: Case, function: Any, path: Path, time_limit: float) -> str | None:
    """Return what to say if the function's result for a case is not the expected one."""
    expected_by_name: dict[str, Any] = {}
    expected = exercise.solution(*exercise.arguments(case, expected_by_name))
    recorded: dict[str, Any] = {}
    given = call(function, exercise.arguments(case, recorded), path, time_limit)

    if isinstance(expected, tuple):
        if not isinstance(given, tuple) or len(given) != len(expected):
            return messages.no_tuple(exercise, case, given, expected)
    elif not isinstance(expected, np.ndarray):
        if same(given, expected):
            return None
        hints = _hints(exercise, case, "result", {"result": given}, expected)
        return messages.other_text(exercise, case, given, expected, hints)

    results, rights = _parts(given), _parts(expected)
    if all(_passes(results[name], right) for name, right in rights.items()):
        return None
    # The first intermediate that differs says more than the result.
    values = [(name, recorded[name], expected_by_name[name]) for name in expected_by_name if name in recorded]
    values += [(name, results[name], right) for name, right in rights.items()]
    for name, value, right in values:
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiub":
            return messages.no_array(exercise, case, name, value, right)
        if same(value, right):
            continue
        hints = _hints(exercise, case, name, {name: value, **results}, right)
        has_intermediates = bool(recorded) or not exercise.records
        return messages.other_numbers(exercise, case, name, value, right, hints, has_intermediates)
    for name, value, right in values:
        if value.dtype != right.dtype:
            return messages.other_type(exercise, case, name, value, right)
    raise AssertionError("a result cannot differ in nothing")


def _parts(result: Any) -> dict[str, Any]:
    """Return a result by name; the items of a tuple, such as several gradients, have names of their own."""
    if isinstance(result, tuple):
        return {f"result[{i}]": item for i, item in enumerate(result)}
    return {"result": result}


def _passes(given: Any, expected: Any) -> bool:
    return same(given, expected) and bool(given.dtype == expected.dtype)


def same(given: Any, expected: Any) -> bool:
    """Return whether two results are equal, up to the rounding of sums in another order."""
    if not isinstance(expected, np.ndarray):
        return type(given) is type(expected) and bool(given == expected)
    if not isinstance(given, np.ndarray) or given.shape != expected.shape or given.dtype.kind not in "fiu":
        return False
    return bool(np.allclose(given, expected, rtol=0, atol=tolerance(expected), equal_nan=True))


def _hints(exercise: Exercise, case: Case, name: str, given: Mapping[str, Any], expected: Any) -> list[str]:
    """Return hints: the mistakes that give the numbers of this name, or a simple relation.

    Several mistakes may give the same intermediate. Those that give the same result, too, are preferred.
    """
    found: tuple[Mistake, ...] = ()
    for mistakes in _combinations(exercise.mistakes):
        made = _made(exercise, case, mistakes)
        if name in made and _alike(made[name], given[name]) and not _alike(made[name], expected):
            found = found or mistakes
            if all(_alike(made[part], given[part]) for part in made if part.startswith("result")):
                return messages.recognised(exercise, name, mistakes)
    if found:
        return messages.recognised(exercise, name, found)
    return list(_relations(given[name], expected)) if isinstance(expected, np.ndarray) else []


def _combinations(mistakes: tuple[Mistake, ...]) -> Iterator[tuple[Mistake, ...]]:
    """Yield every mistake, then every two that do not turn the same switch."""
    yield from ((mistake,) for mistake in mistakes)
    for first, second in itertools.combinations(mistakes, 2):
        if not first.switches.keys() & second.switches.keys():
            yield first, second


def _made(exercise: Exercise, case: Case, mistakes: tuple[Mistake, ...]) -> dict[str, Any]:
    """Return the result and the intermediates with some mistakes made; nothing if the shapes do not fit."""
    switches: dict[str, Any] = {}
    for mistake in mistakes:
        switches |= mistake.switches
    intermediates: dict[str, Any] = {}
    try:
        with np.errstate(all="ignore"):
            result = exercise.variant(*exercise.arguments(case, intermediates), **switches)
    except (ValueError, IndexError, KeyError):
        return {}
    return intermediates | _parts(result)


def _alike(made: Any, given: Any) -> bool:
    """Compare without axes of length 1: heads that are not split may have one, or none."""
    if isinstance(made, np.ndarray) and isinstance(given, np.ndarray):
        return same(given.squeeze(), made.squeeze())
    return same(given, made)


def _relations(given: Any, expected: Any) -> Iterator[str]:
    """Yield simple relations between the numbers."""
    if given.ndim == 2 and _alike(expected.T, given):
        yield "Your numbers are the expected ones, transposed."
    if given.shape != expected.shape or given.dtype.kind not in "fiu":
        return
    if not np.isfinite(given).all():
        yield messages.not_finite(given)
        return
    clear = np.abs(expected) > 1e-3 * np.abs(expected).max(initial=0)
    if clear.sum() > 2:
        ratios = given[clear] / expected[clear]
        if np.allclose(ratios, ratios[0], rtol=1e-4) and abs(ratios[0]) > 1e-3:
            yield f"Each of your numbers is {ratios[0]:.4f} times the expected one."
    steps = given - expected
    if np.allclose(steps, steps.flat[0], atol=tolerance(expected)) and steps.size > 2:
        direction = "large" if steps.flat[0] > 0 else "small"
        yield f"Each of your numbers is {abs(steps.flat[0]):.4f} too {direction}."
    if given.ndim > 1 and given.shape[0] > 1:
        right = [i for i in range(len(given)) if same(given[i], expected[i])]
        if right:
            yield f"Right along the first axis: {', '.join(map(str, right))} (counted from 0)."
