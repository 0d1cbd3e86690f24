"""The words of the grader: what differs, where first, by how much, and what to look at."""

import textwrap
from pathlib import Path
from typing import Any

import numpy as np

from .exercise import Case, Exercise, Mistake, tolerance
from .running import Failure

PLURAL = ("scores", "probs", "dscores", "dprobs", "word_embeddings", "position_embeddings")

# Words of an exception's message, and what to say then.
HINTS_BY_WORDS = {
    "read-only": "A function must not change its arguments. Write `x = x - mean`, and not `x -= mean`.",
    "broadcast": "Print both shapes before this line. A sum or a mean without keepdims=True loses its axis.",
    "matmul": (
        "Print both shapes before this line. A weight is stored as [out, in]. For a stack of matrices, "
        "swapaxes(-1, -2) transposes each; .T reverses all axes."
    ),
    "reshape": "A reshape keeps the number of elements: print the shape before this line.",
    "argument": "Compare the arguments with those in the empty file.",
}
ADVICE = {
    "AxisError": "Axes are counted from 0, or from the end by -1.",
    "Timeout": "Does every loop come to its end? In `while`, something has to change.",
    "Missing": "Keep the name and the arguments of the empty file.",
    "ModuleNotFoundError": "A file may import NumPy, distilnp, and the other files of its folder.",
    "OverflowError": "exp of a large number is infinite: subtract the largest one first.",
    "RecursionError": "Does the function call itself?",
}


def no_file(exercise: Exercise, path: Path) -> str:
    """Say that there is no answer yet."""
    where = f"{exercise.name}: there is no {path.name} in {path.parent.name}/."
    return f"{where}\n`python -m exercises start` writes it."


def not_written(exercise: Exercise, failure: Failure) -> str:
    """Say that the body is still empty."""
    return (
        f"{exercise.name}: not written yet.\n\n"
        f"  {failure.place} raises NotImplementedError. Write the body in its place.\n"
        "  The docstring has the formula, the shapes and an example."
    )


def passes(exercise: Exercise, n_cases: int) -> str:
    """Say that it passes, and where the package's own version is."""
    return f"{exercise.name}: passes, in all {n_cases} cases. Compare it with {exercise.package}."


def failure(exercise: Exercise, case: Case | None, failed: Failure) -> str:
    """Say which line of the learner failed, and how."""
    lines = [f"{exercise.name}: your code did not return."]
    if case is not None:
        lines.append(f"  Case: {case.name}")
    lines.append(f"  {failed.place}: {failed.kind}: {failed.message}")
    if failed.line:
        lines.append(f"      {failed.line}")
    by_words = (hint for words, hint in HINTS_BY_WORDS.items() if words in failed.message)
    advice = next(by_words, ADVICE.get(failed.kind, ""))
    return _report(lines, [advice] if advice else [])


def no_array(exercise: Exercise, case: Case, name: str, given: Any, expected: Any) -> str:
    """Say that something is not an array."""
    if given is None:
        found, advice = "None", "Is there a `return` at the end of the function?"
    else:
        found, advice = f"{_a(type(given).__name__)}", "Let NumPy compute with whole arrays, and return one."
    if isinstance(given, np.ndarray):
        found, advice = f"an array of {given.dtype}", "Its items have to be numbers."
    if isinstance(given, np.generic):
        advice = "A single number: a sum or mean without axis=-1, or without keepdims=True?"
    lines = [*_head(exercise, case), f"  Your {name} is {found}, expected an array {_shape(expected)}."]
    return _report(lines, [advice])


def no_tuple(exercise: Exercise, case: Case, given: Any, expected: tuple[Any, ...]) -> str:
    """Say that a function does not return several arrays."""
    found = f"{len(given)} items" if isinstance(given, tuple) else _noun(given)
    lines = [*_head(exercise, case), f"  Your result is {found}, expected a tuple of {len(expected)} arrays."]
    return _report(lines, ["The docstring says in which order they are returned."])


def other_type(exercise: Exercise, case: Case, name: str, given: Any, expected: Any) -> str:
    """Say that the numbers are right, and have another type."""
    lines = [
        *_head(exercise, case),
        f"  The numbers are right, but your {name} {_is(name)} {given.dtype}, expected {expected.dtype}.",
    ]
    hint = (
        "The pass runs in the type of the parameters. np.sqrt of a Python number is a float64, and so are "
        "np.float64(...) and np.zeros(n): take math.sqrt, and np.zeros(n, x.dtype)."
    )
    return _report(lines, [hint])


def other_numbers(
    exercise: Exercise,
    case: Case,
    name: str,
    given: Any,
    expected: Any,
    hints: list[str],
    has_intermediates: bool,
) -> str:
    """Say where the first number differs, and by how much."""
    lines = _head(exercise, case)
    axes = _axes(exercise, name, expected)
    if given.shape != expected.shape:
        lines.append(f"  Your {name} {_has(name)} the shape {_shape(given)}, expected {axes}.")
    else:
        with np.errstate(invalid="ignore"):
            distances = np.abs(np.asarray(given, np.float64) - expected)
        differs = ~(distances <= tolerance(expected))
        first = tuple(int(i) for i in np.argwhere(differs)[0])
        lines += [
            f"  First difference: {name} {axes}, at {_place(exercise, case, name, first)}",
            *_both(given[first], expected[first]),
            f"  {differs.sum()} of {differs.size} numbers differ{_largest(distances)}.",
        ]
    if not hints and not has_intermediates:
        call = "record(...)" if exercise.records == "record" else "under(..., record)"
        hints = [
            f"Hand over the intermediates by {call}, as the docstring shows, and the first one that "
            "differs will be named."
        ]
    return _report(lines, hints)


def other_text(exercise: Exercise, case: Case, given: Any, expected: Any, hints: list[str]) -> str:
    """Say where a str or a list differs first."""
    lines = _head(exercise, case)
    if given is None:
        lines.append(f"  Your result is None, expected {_a(type(expected).__name__)}.")
        return _report(lines, ["Is there a `return` at the end of the function?"])
    if type(given) is not type(expected):
        lines.append(f"  Your result is {_a(type(given).__name__)}, expected {_a(type(expected).__name__)}.")
        if not isinstance(given, str | list | tuple):
            return _report(lines, hints)
    position = next(
        (i for i, (a, b) in enumerate(zip(given, expected, strict=False)) if a != b),
        min(len(given), len(expected)),
    )
    lines += [
        f"  First difference: {'character' if isinstance(expected, str) else 'item'} {position}",
        f"      yours    {_shown(given)}",
        f"      expected {_shown(expected)}",
    ]
    return _report(lines, hints)


def recognised(exercise: Exercise, name: str, mistakes: tuple[Mistake, ...]) -> list[str]:
    """Name the mistakes that give these numbers."""
    verb = "equal those" if name in PLURAL else "equals that"
    results = ", and ".join(mistake.result for mistake in mistakes)
    return [
        f"Your {name} {verb} of {_a(exercise.function)} {results}.",
        *(f"Hint: {mistake.hint}." for mistake in mistakes),
    ]


def not_finite(given: Any) -> str:
    """Say that there are NaNs or infinities."""
    kind = "NaN" if np.isnan(given).any() else "infinity"
    return f"There is {kind} among your numbers: a division 0 / 0, or a number too large for exp?"


def _head(exercise: Exercise, case: Case) -> list[str]:
    return [f"{exercise.name}: not yet.", f"  Case: {case.name}"]


def _report(lines: list[str], hints: list[str]) -> str:
    wrapped = [
        line
        for hint in hints
        for line in textwrap.wrap(hint, 100, initial_indent="  ", subsequent_indent="    ")
    ]
    return "\n".join([lines[0], "", *lines[1:], *([""] if wrapped else []), *wrapped])


def _axes(exercise: Exercise, name: str, expected: Any) -> str:
    axes = exercise.axes.get(name, ())
    if len(axes) != expected.ndim:
        return _shape(expected)
    return f"[{', '.join(axes)}] = {_shape(expected)}"


def _place(exercise: Exercise, case: Case, name: str, index: tuple[int, ...]) -> str:
    axes = exercise.axes.get(name, ())
    if len(axes) != len(index):
        return f"index [{', '.join(map(str, index))}]"
    return ", ".join(
        f"{axis} {i}"
        + (f" ({case.tokens[i]})" if axis in ("token", "query", "key") and i < len(case.tokens) else "")
        for axis, i in zip(axes, index, strict=True)
    )


def _both(given: Any, expected: Any) -> list[str]:
    """Show two numbers with 6 digits, or with as many as it takes to see a difference."""
    digits = next((n for n in (6, 10) if f"{given:.{n}g}" != f"{expected:.{n}g}"), 17)
    return [f"      yours    {given: .{digits}g}", f"      expected {expected: .{digits}g}"]


def _largest(distances: Any) -> str:
    finite = distances[np.isfinite(distances)]
    return f", the largest difference is {finite.max():.3g}" if finite.any() else ""


def _shape(x: Any) -> str:
    return f"[{', '.join(map(str, x.shape))}]"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}..."


def _noun(given: Any) -> str:
    return (
        "None"
        if given is None
        else "one array"
        if isinstance(given, np.ndarray)
        else _a(type(given).__name__)
    )


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _is(name: str) -> str:
    return "are" if name in PLURAL else "is"


def _has(name: str) -> str:
    return "have" if name in PLURAL else "has"
