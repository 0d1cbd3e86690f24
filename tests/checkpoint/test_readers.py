"""Loading needs no thread: it reads with one helper if a thread can be started, and alone otherwise."""

import _thread
import os
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.children import WITHOUT_THREADS, run_python
from support.seeded_models import CONFIGS, seeded_tensors, write_checkpoint

from distilnp import TensorError
from distilnp.checkpoint import tensors as module
from distilnp.checkpoint.stored import StoredRows
from distilnp.checkpoint.tensors import load_tensors, read_tensors

CONFIG = CONFIGS["odd-sizes"]
TENSORS = seeded_tensors(CONFIG)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_checkpoint(tmp_path, CONFIG, TENSORS)


def assert_read(found: dict[str, np.ndarray]) -> None:
    assert found.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        np.testing.assert_array_equal(found[name], tensor)


# Ways in which the last moments of a process, its limits or other libraries take threads away. Each script
# has the folder as its argument and prints True if the classifier answers.
ANSWER = """
import sys
def answer():
    import distilnp
    return distilnp.load(sys.argv[1])("w1 w2").label in "abcdefg"
"""
# What concurrent.futures and asyncio do to a process that imports them.
POOL = "import concurrent.futures.thread\n"
SCRIPTS = {
    "in atexit": "import atexit\natexit.register(lambda: print(answer()))",
    "in a thread after the main thread's end": """
import threading, time
def later():
    while threading.main_thread().is_alive():
        time.sleep(0.01)
    print(answer())
threading.Thread(target=later).start()
""",
    "in a finalizer at the end": """
import distilnp
class Last:
    def __del__(self, answer=answer, print=print):
        print(answer())
import atexit
last = Last()
atexit.register(lambda: globals().pop("last"))
""",
    "at a limit of processes": f"{WITHOUT_THREADS}print(answer())",
    "where green threads never run": """
import _thread, threading
def never(*args, **kwargs):
    return 1
_thread.start_new_thread = threading._start_new_thread = never
print(answer())
""",
}


@pytest.mark.parametrize("first", ["", POOL], ids=["alone", "beside a pool"])
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_classifier_loads(folder: Path, name: str, first: str) -> None:
    done = run_python(first + ANSWER + SCRIPTS[name], folder)

    assert (done.stdout, done.stderr) == ("True\n", "")


def test_a_thread_that_is_refused_costs_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)

    assert_read(load_tensors(folder, CONFIG, np.float32))


def test_green_threads_are_not_asked_for_help(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A green thread would run only while this one waits, and in gevent never beside it."""
    monkeypatch.setattr(_thread, "start_new_thread", lambda *args: pytest.fail("a green thread was started"))
    monkeypatch.setattr(threading.Thread, "start", lambda self: pytest.fail("a green thread was started"))

    assert_read(load_tensors(folder, CONFIG, np.float32))


@pytest.fixture
def many_chunks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(module, "CHUNK_BYTES", 1)
    yield


@pytest.mark.usefixtures("many_chunks")
def test_two_threads_share_the_rows(folder: Path) -> None:
    readers = set()
    seen: list[tuple[str, int]] = []

    def store(name: str, shape: tuple[int, ...], first_row: int, rows: object) -> None:
        readers.add(threading.get_ident())
        seen.append((name, first_row))
        time.sleep(0.001)  # lets the other thread take the next rows

    read_tensors(folder, CONFIG, lambda types: store)

    assert threading.get_ident() in readers
    assert len(readers) == 2
    assert sorted(seen) == sorted((n, i) for n, t in TENSORS.items() for i in range(0, len(t), 16))


@pytest.mark.usefixtures("many_chunks")
@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt, OSError])
@pytest.mark.parametrize("in_helper", [False, True])
def test_an_error_in_either_thread_ends_the_reading(
    folder: Path, error: type[BaseException], in_helper: bool
) -> None:
    main = threading.get_ident()

    def store(name: str, shape: tuple[int, ...], first_row: int, rows: object) -> None:
        if (threading.get_ident() != main) is in_helper:
            raise error("no more")
        time.sleep(0.001)

    with pytest.raises(error, match="no more"):
        read_tensors(folder, CONFIG, lambda types: store)

    for thread in threading.enumerate():
        if thread.name == "distilnp-reader":
            thread.join(60)
            assert not thread.is_alive()


@pytest.mark.usefixtures("many_chunks")
def test_every_fault_is_found_by_either_thread(tmp_path: Path) -> None:
    broken = {name: np.full_like(tensor, np.nan) for name, tensor in list(TENSORS.items())[::5]}
    folder = write_checkpoint(tmp_path, CONFIG, TENSORS | broken)

    with pytest.raises(TensorError) as raised:
        load_tensors(folder, CONFIG, np.float32)

    assert str(raised.value).count("  - ") == str(raised.value).count(" holds NaN") == len(broken)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks")
@pytest.mark.usefixtures("many_chunks")
@pytest.mark.parametrize("after", [1, 2, 40])
def test_a_child_that_is_forked_while_two_threads_read_reads_all_rows(folder: Path, after: int) -> None:
    """A signal handler may fork. The child has this thread and not the helper, which has taken some rows."""
    parent, main = os.getpid(), threading.get_ident()
    found = {name: np.full_like(tensor, np.nan) for name, tensor in TENSORS.items()}
    children: list[int] = []
    n_stored = 0

    def store(name: str, shape: tuple[int, ...], first_row: int, rows: StoredRows) -> None:
        nonlocal n_stored
        time.sleep(0.002)
        if threading.get_ident() == main and os.getpid() == parent:
            n_stored += 1
            if n_stored == after:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", DeprecationWarning)
                    children.append(os.fork())
        found[name][first_row : first_row + len(rows.stored)] = rows.floats()

    try:
        read_tensors(folder, CONFIG, lambda types: store)
        assert_read(found)
    finally:
        if os.getpid() != parent:
            os._exit(0 if sys.exc_info() == (None, None, None) else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]) == 0
