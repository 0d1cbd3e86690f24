"""Call a learner's function: nothing that it does ends the grader, and each failure names its line."""

import ctypes
import importlib.util
import linecache
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

# The slowest right answer takes about a second: the forward pass, written in loops over tokens.
TIME_LIMIT = 20.0


@dataclass(eq=False)
class Failure(Exception):
    """The learner's code did not return: what happened, and in which line.

    Attributes
    ----------
    kind : str
        The name of the exception; "Timeout" for a function that does not end, "Missing" for one that is not
        there.
    message : str
        What the exception says.
    place : str
        The file and the line, or the file alone.
    line : str
        The text of the line, or "".
    """

    kind: str
    message: str
    place: str
    line: str = ""


def load_function(path: Path, name: str, time_limit: float = TIME_LIMIT) -> Callable[..., Any]:
    """Return a function of a learner's file. The file may import the other files of its folder.

    Raises
    ------
    Failure
        The file cannot be run, or has no such function.
    """
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent))
    linecache.checkcache()
    try:
        call(spec.loader.exec_module, (module,), path, time_limit)
    finally:
        sys.path.remove(str(path.parent))
        _forget_modules_in(path.parent)
    function = getattr(module, name, None)
    # A function that was only imported is the package's own, and passes without being written.
    if not callable(function) or function.__module__ != module.__name__:
        raise Failure("Missing", f"there is no function {name} of your own", path.name)
    return function


def _forget_modules_in(folder: Path) -> None:
    """Forget the learner's modules, so that a changed file is read again."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and Path(file).parent == folder:
            del sys.modules[name]


def call(
    function: Callable[..., Any], arguments: tuple[Any, ...], path: Path, time_limit: float = TIME_LIMIT
) -> Any:
    """Call a function and return its result. NumPy's warnings are off: NaN is reported where it is compared.

    Raises
    ------
    Failure
        It raised an exception, or did not end in time.
    """
    results: list[Any] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            with np.errstate(all="ignore"):
                results.append(function(*arguments))
        except BaseException as error:  # also SystemExit, which a learner's file may raise
            errors.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(time_limit)
    if thread.is_alive():
        place, line = _place(traceback.extract_stack(sys._current_frames()[thread.ident or 0]), path)
        _stop(thread)
        raise Failure("Timeout", f"it was still running after {time_limit:g} seconds", place, line)
    if errors:
        raise _failure(errors[0], path)
    return results[0]


def _stop(thread: threading.Thread) -> None:
    """Raise SystemExit in a thread; Python has a function for that only in C."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread.ident or 0), ctypes.py_object(SystemExit)
    )
    thread.join(1)


def _failure(error: BaseException, path: Path) -> Failure:
    kind = type(error).__name__
    if isinstance(error, SyntaxError) and error.filename:
        place = f"{Path(error.filename).name}, line {error.lineno}"
        return Failure(kind, error.msg, place, (error.text or "").strip())
    place, line = _place(traceback.extract_tb(error.__traceback__), path)
    message = str(error).strip()
    # Numba's messages are pages; the first paragraph says what it could not compile.
    return Failure(kind, message.split("\n\n")[0], place, line)


def _place(frames: traceback.StackSummary, path: Path) -> tuple[str, str]:
    """Return the last line that is in the learner's folder."""
    for frame in reversed(frames):
        if Path(frame.filename).parent == path.parent:
            return f"{Path(frame.filename).name}, line {frame.lineno}", frame.line or ""
    return path.name, ""
