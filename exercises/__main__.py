"""The command: list the exercises, write the empty files, grade answers."""

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from .grading import grade
from .registry import EXERCISES
from .small_model import bundled_model

HERE = Path(__file__).parent
EMPTY = HERE / "empty"
# Git ignores this folder, so that answers are not in the way of a pull.
ANSWERS = HERE.parent / "answers"


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit code: 0 if all that was graded passes, 1 if not, 2 for a wrong name."""
    parser = argparse.ArgumentParser(
        prog="python -m exercises",
        description="Write the model yourself. Without a name: list all exercises with what is done.",
        epilog="See docs/exercises.md for the order.",
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help='exercises to grade, or "start" to write the empty files'
    )
    parser.add_argument(
        "--folder", type=Path, default=ANSWERS, help="the folder of your answers (default: answers/)"
    )
    given = parser.parse_args(arguments)
    folder = given.folder.absolute()

    if given.names == ["start"]:
        return start(folder)
    unknown = [name for name in given.names if name not in EXERCISES]
    if unknown:
        print(f"{unknown[0]!r} is no exercise. There are: {', '.join(EXERCISES)}; and start", file=sys.stderr)
        return 2
    return grade_all(given.names, folder) if given.names else list_all(folder)


def start(folder: Path) -> int:
    """Write the empty files; those that are there stay."""
    folder.mkdir(parents=True, exist_ok=True)
    new = [name for name in EXERCISES if not (folder / f"{name}.py").exists()]
    for name in new:
        shutil.copyfile(EMPTY / f"{name}.py", folder / f"{name}.py")
    print(f"{len(new)} new files in {_shown(folder)}; {len(EXERCISES) - len(new)} were there and stay.")
    print(f"Open {_shown(folder / 'softmax.py')} and write the body.")
    print(f"Then run: python -m exercises softmax{_option(folder)}")
    return 0


def grade_all(names: Sequence[str], folder: Path) -> int:
    """Grade some answers, and print a report on each."""
    grades = [grade(EXERCISES[name], folder / f"{name}.py") for name in names]
    print("\n\n".join(one.report for one in grades))
    all_pass = all(one.state == "passes" for one in grades)
    following = list(EXERCISES)[list(EXERCISES).index(names[-1]) + 1 :]
    if all_pass and following:
        print(f"Next: python -m exercises {following[0]}{_option(folder)}")
    if bundled_model() is None:
        print("The cases with sst2-mini were left out: its files in weights/ cannot be read.")
    return 0 if all_pass else 1


def list_all(folder: Path) -> int:
    """Print all exercises with what is done."""
    part, n_passed = "", 0
    width = max(map(len, EXERCISES))
    for exercise in EXERCISES.values():
        if exercise.part != part:
            part = exercise.part
            print(f"\n{part}")
        state = grade(exercise, folder / f"{exercise.name}.py").state
        n_passed += state == "passes"
        print(f"  {exercise.name:{width}} {exercise.minutes:2} min  {state:12} {exercise.summary}")
    print(f"\n{n_passed} of {len(EXERCISES)} pass.")
    if not folder.exists():
        print(f"Begin with: python -m exercises start{_option(folder)}")
    return 0


def _shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _option(folder: Path) -> str:
    return "" if folder == ANSWERS else f" --folder {_shown(folder)}"


if __name__ == "__main__":
    sys.exit(main())
