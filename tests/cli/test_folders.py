"""The folders that commands write: refused before the work, whole or absent, and nothing left beside them."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.children import run_python

from distilnp.cli import main
from distilnp.cli.folders import NAME_CHARACTERS, check_is_new, written_whole
from distilnp.errors import ArgumentError, DistilnpError

PATIENCE_SECONDS = 60

# The places where no finished folder can be put, each with a part of its message.
Place = Callable[[Path], Path]


def file(folder: Path) -> Path:
    (folder / "place").write_text("mine")
    return folder / "place"


def full(folder: Path) -> Path:
    (folder / "place").mkdir()
    (folder / "place" / ".hidden").touch()
    return folder / "place"


def link_to_an_empty_folder(folder: Path) -> Path:
    (folder / "target").mkdir()
    (folder / "place").symlink_to("target")
    return folder / "place"


def link_to_nothing(folder: Path) -> Path:
    (folder / "place").symlink_to("nowhere")
    return folder / "place"


def dot(folder: Path) -> Path:
    (folder / "work").mkdir()
    os.chdir(folder / "work")
    return Path()


def working_folder_by_name(folder: Path) -> Path:
    dot(folder)
    return folder / "work"


def too_long(folder: Path) -> Path:
    return folder / ("a" * 300)


def below_a_file(folder: Path) -> Path:
    return file(folder) / "below"


PLACES = [
    (file, "place exists, expected a new or an empty folder"),
    (full, "place exists, expected a new or an empty folder"),
    (link_to_an_empty_folder, "place is a link, expected a new or an empty folder"),
    (link_to_nothing, "place is a link, expected a new or an empty folder"),
    (dot, ". is the folder in which this command runs, expected a folder that can be replaced"),
    (working_folder_by_name, "work is the folder in which this command runs"),
    (too_long, "cannot be written: "),
    (below_a_file, "cannot be written: "),
]


@pytest.mark.parametrize("command", ["convert", "bundle"])
@pytest.mark.parametrize(("place", "message"), PLACES)
def test_a_place_that_cannot_be_taken_is_refused_before_any_work(
    command: str,
    place: Place,
    message: str,
    tmp_path: Path,
    model: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = os.fspath(place(tmp_path))
    before = sorted(tmp_path.rglob("*"))
    worked: list[object] = []
    monkeypatch.setattr("distilnp.cli.convert.convert_weights", lambda *_: worked.append(1))
    monkeypatch.setattr("distilnp.cli.bundle._write", lambda *_: worked.append(1))

    assert main([command, *([model, folder] if command == "convert" else [folder, "--model", model])]) == 1

    assert message in capsys.readouterr().err
    assert worked == []
    assert sorted(tmp_path.rglob("*")) == before


def test_a_place_that_is_the_root_of_a_file_system_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty volume of a container is one: it can be filled and not replaced."""
    monkeypatch.setattr("os.path.ismount", lambda path: True)

    with pytest.raises(ArgumentError, match=r"is the root of a file system, .* a new folder inside it"):
        check_is_new(tmp_path)


@pytest.mark.parametrize("exists", [False, True])
@pytest.mark.parametrize("name", ["new", "ä" * 100, "." + "b" * 200], ids=len)
def test_a_folder_appears_when_it_is_whole(tmp_path: Path, name: str, exists: bool) -> None:
    folder = tmp_path / name
    if exists:
        folder.mkdir()

    check_is_new(folder)
    with written_whole(folder) as unfinished:
        (unfinished / "file").write_text("content")
        (beside,) = [path for path in tmp_path.iterdir() if path != folder]
        assert beside.name.startswith(f".{name[:NAME_CHARACTERS]}.")

    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (folder / "file").read_text() == "content"


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), KeyError("a bug"), KeyboardInterrupt()]
)
def test_nothing_is_left_of_a_folder_that_is_not_finished(tmp_path: Path, error: BaseException) -> None:
    expected = DistilnpError if isinstance(error, OSError) else type(error)

    with pytest.raises(expected), written_whole(tmp_path / "new" / "folder") as unfinished:
        (unfinished / "file").write_text("content")
        raise error

    assert [*(tmp_path / "new").iterdir()] == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
@pytest.mark.parametrize("again", [False, True], ids=["once", "twice"])
def test_nothing_is_left_by_a_process_that_a_signal_ends(
    tmp_path: Path, number: signal.Signals, again: bool
) -> None:
    script = """
import shutil, signal, sys
from pathlib import Path
from distilnp.cli.folders import written_whole

number, again = int(sys.argv[2]), sys.argv[3] == "True"
signal.signal(number, signal.SIG_DFL)  # where nohup started the tests, SIGHUP is ignored
rmtree = shutil.rmtree
def remove(*arguments, **options):
    if again:
        signal.raise_signal(number)
    return rmtree(*arguments, **options)
shutil.rmtree = remove
with written_whole(Path(sys.argv[1])) as unfinished:
    (unfinished / "file").write_text("content")
    signal.raise_signal(number)
print("not reached")
"""
    done = run_python(script, tmp_path / "new", int(number), again)

    assert (done.returncode, done.stdout, done.stderr) == (-number, "", "")
    assert [*tmp_path.iterdir()] == []


def test_a_process_that_ignores_a_signal_goes_on_ignoring_it(tmp_path: Path) -> None:
    script = """
import signal, sys
from pathlib import Path
from distilnp.cli.folders import written_whole
signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
with written_whole(Path(sys.argv[1])) as unfinished:
    signal.raise_signal(signal.SIGHUP)
assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
"""
    done = run_python(script, tmp_path / "new")

    assert (done.returncode, done.stderr) == (0, "")
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_another_thread_may_write_a_folder(tmp_path: Path) -> None:
    """Only the main thread may catch signals."""
    script = """
import sys, threading
from pathlib import Path
from distilnp.cli.folders import written_whole
def work():
    with written_whole(Path(sys.argv[1])):
        pass
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""
    done = run_python(script, tmp_path / "new")

    assert (done.returncode, done.stderr) == (0, "")
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


# Converts a model, and waits when the weights would be written, so that a busy test can catch it there.
CONVERTING = """
import sys, time
import distilnp.cli.convert
def wait(*arguments, **options):
    print("writing", flush=True)
    time.sleep(60)
distilnp.cli.convert.convert_weights = wait
distilnp.cli.main(["convert", "sst2-mini", sys.argv[1]])
"""


def test_convert_leaves_nothing_when_it_is_terminated(environment: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-c", CONVERTING, os.fspath(tmp_path / "new")]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=environment, **pipes) as process:
        assert process.stdout.readline() == b"writing\n"
        assert [*tmp_path.iterdir()] != []
        process.terminate()
        assert process.wait(PATIENCE_SECONDS) == -signal.SIGTERM
        assert process.stderr.read() == b""
    assert [*tmp_path.iterdir()] == []
