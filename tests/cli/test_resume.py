"""A run that is cut off at any moment goes on, and its output is that of a run that nobody cut off."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from distilnp.cli import main, output_file

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

PATIENCE_SECONDS = 60

N_ROWS = 300

# A run that brings every row to the disk, so that it can be cut off after any of them.
EVERY_ROW = """
import sys
from distilnp.cli import main, output_file
output_file.COMMIT_SECONDS = 0.0
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("table") / "in.parquet"
    texts = [None if i % 13 == 5 else f"w{i % 7} w{i % 3}, é\n" * (1 + i % 4) for i in range(N_ROWS)]
    kinds = pyarrow.array([["a", "b", None][i % 3] for i in range(N_ROWS)]).dictionary_encode()
    columns = {"id": pyarrow.array(range(N_ROWS), pyarrow.int16()), "text": texts, "kind": kinds}
    parquet.write_table(pyarrow.table(columns), path, row_group_size=70)
    return path


def arguments(model: str, table: Path, output: Path, *more: str) -> list[str]:
    files = ("--file", os.fspath(table), os.fspath(table), "--keep")
    return ["classify", "--model", model, *files, "--all-scores", "-o", os.fspath(output), *more]


def content_of(path: Path) -> object:
    return parquet.read_table(path) if path.suffix == ".parquet" else path.read_bytes()


def n_rows_done(output: Path) -> int:
    try:
        return int(json.loads(Path(f"{output}{output_file.STATE}").read_text())["n_rows"])
    except FileNotFoundError:
        return -1


def killed(command: list[str], output: Path, n_rows: int, environment: dict[str, str]) -> int | None:
    """Run the command, and kill it when so many rows are done; return its exit code, None if it was "
    "killed."""
    python = [sys.executable, "-P", "-c", EVERY_ROW, *command]
    with subprocess.Popen(python, env=environment, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while process.poll() is None and n_rows_done(output) < n_rows and time.monotonic() < deadline:
            time.sleep(0.001)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.wait(PATIENCE_SECONDS)
            return None
        assert process.stderr is not None
        assert process.returncode == 0, process.stderr.read().decode()
        return 0


def tear(output: Path, rng: random.Random) -> None:
    """Change the end of the part as a power failure may: bytes that no state names come, go or are others."""
    part = Path(f"{output}{output_file.PART}")
    n_bytes = json.loads(Path(f"{output}{output_file.STATE}").read_text())["n_bytes"]
    with part.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.truncate(rng.randint(n_bytes, size))
        file.seek(0, os.SEEK_END)
        file.write(rng.randbytes(rng.randint(0, 50)))


def assert_equal_after_kills(
    n_kills: int, suffix: str, model: str, table: Path, folder: Path, environment: dict[str, str]
) -> None:
    whole, output = folder / f"whole{suffix}", folder / f"out{suffix}"
    assert killed(arguments(model, table, whole), whole, 10**9, environment) == 0
    rng = random.Random(suffix)
    for n_rows in sorted(rng.sample(range(1, 2 * N_ROWS - 20), n_kills)):
        assert killed(arguments(model, table, output, "--resume"), output, n_rows, environment) is None
        assert n_rows_done(output) >= n_rows
        assert not output.exists()
        tear(output, rng)

    assert killed(arguments(model, table, output, "--resume"), output, 10**9, environment) == 0

    assert content_of(output) == content_of(whole)
    assert sorted(path.name for path in folder.iterdir()) == sorted([whole.name, output.name])


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl"])
def test_after_two_kills_the_output_is_that_of_one_run(
    suffix: str, model: str, table: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    assert_equal_after_kills(2, suffix, model, table, tmp_path, environment)


@pytest.mark.sweep
@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl"])
def test_after_20_kills_the_output_is_that_of_one_run(
    suffix: str, model: str, table: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    assert_equal_after_kills(20, suffix, model, table, tmp_path, environment)


# ---------------------------------------------------------------------------------------------- within a
# process


class Cut(BaseException):
    """The power fails."""


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISTILNP_KERNELS", "numpy")
    monkeypatch.setattr(output_file, "COMMIT_SECONDS", 0.0)


def steps(monkeypatch: pytest.MonkeyPatch, cut_after: int | None = None) -> list[tuple[str, str]]:
    """Return what is done to the disk, and in which order; after so many steps, the power fails."""
    done: list[tuple[str, str]] = []

    def watched(name: str, function: Callable[..., Any], what: Callable[..., str]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if cut_after is not None and len(done) >= cut_after:
                raise Cut
            done.append((name, what(*arguments)))
            return function(*arguments, **options)

        return call

    def of_descriptor(number: int) -> str:
        return Path(f"/proc/self/fd/{number}").readlink().name

    monkeypatch.setattr(os, "fsync", watched("fsync", os.fsync, of_descriptor))
    monkeypatch.setattr(Path, "replace", watched("replace", Path.replace, lambda old, new: new.name))
    monkeypatch.setattr(Path, "unlink", watched("unlink", Path.unlink, lambda path: path.name))
    return done


def classifying_two_rows(model: str, folder: Path, output: Path) -> list[str]:
    """Write a file of two texts, and return the command that answers them into `output`."""
    (folder / "in.txt").write_text("w1\nw2\n")
    return ["classify", "--model", model, "--file", os.fspath(folder / "in.txt"), "-o", os.fspath(output)]


linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux names the files of descriptors")


@linux_only
@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_answers_are_on_the_disk_before_a_state_names_them(
    suffix: str, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / f"out{suffix}"
    command = classifying_two_rows(model, tmp_path, output)

    with monkeypatch.context() as patched:
        done = steps(patched)
        assert main(command) == 0

    part, state = f"{output.name}{output_file.PART}", f"{output.name}{output_file.STATE}"
    commit = [("fsync", part), ("fsync", f"{state}~"), ("replace", state), ("fsync", tmp_path.name)]
    assert done[:16] == commit * 4  # at the beginning, after each row, and at the end
    if suffix == ".parquet":
        last = [("fsync", f"{part}~"), ("replace", output.name), *commit, ("unlink", part)]
    else:
        last = [*commit, ("replace", output.name)]
    assert done[16:] == [*last, ("fsync", tmp_path.name), ("unlink", state), ("fsync", tmp_path.name)]


@linux_only
@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_a_run_that_is_cut_off_before_any_step_goes_on(
    suffix: str, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / f"out{suffix}"
    command = classifying_two_rows(model, tmp_path, output)
    with monkeypatch.context() as patched:
        done = steps(patched)
        assert main(command) == 0
        n_steps = len(done)
    whole = content_of(output)

    for n in range(4, n_steps):  # before the first state, there is nothing to go on with
        output.unlink()
        with monkeypatch.context() as patched:
            steps(patched, cut_after=n)
            with pytest.raises(Cut):
                main(command)
        assert main([*command, "--resume"] if Path(f"{output}{output_file.STATE}").exists() else command) == 0
        assert content_of(output) == whole
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["in.txt", output.name])


def cut_off(command: list[str], monkeypatch: pytest.MonkeyPatch, n_steps: int = 13) -> None:
    with monkeypatch.context() as patched:
        steps(patched, cut_after=n_steps)
        with pytest.raises(Cut):
            main(command)


@linux_only
@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--all-scores"], "was begun with --all-scores False, and now it is True"),
        (["--max-length", "4"], "was begun with the model with the fingerprint"),
        (["--keep"], "was begun with --keep None, and now it is []"),
        ("a file", "was begun with the file in.csv of {'bytes': 14"),
        ("a part", "expected "),
        ("a state", "is no state of a run that this version of distilnp can continue"),
        ("nothing to resume", "exists, and beside it is no run that was cut off"),
        ("no --resume", "holds the answers of a run that was cut off. Give --resume to continue it"),
    ],
)
def test_a_run_is_not_continued_by_another_one(
    change: str | list[str],
    message: str,
    model: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in.csv").write_text("text\nw1\nw2\nw3\n")
    command = ["classify", "--model", model, "--file", "in.csv", "-o", "out.csv"]
    if change == "nothing to resume":
        Path("out.csv").touch()
    else:
        cut_off(command, monkeypatch)
    if change == "a file":
        Path("in.csv").write_text("text\nw1\nw2\nw33\n")
    if change == "a part":
        os.truncate("out.csv" + output_file.PART, 5)
    if change == "a state":
        Path("out.csv" + output_file.STATE).write_text("{}")
    more = change if isinstance(change, list) else []

    assert main([*command, *more, *([] if change == "no --resume" else ["--resume"])]) == 1

    assert message in capsys.readouterr().err


@pytest.mark.usefixtures("in_process")
def test_a_run_that_a_bad_row_ended_goes_on_with_another_policy(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in.csv").write_text("text,id\nw1,1\nw2\nw3,3\n")
    command = ["classify", "--model", model, "--file", "in.csv", "--keep", "id", "-o", "out.jsonl"]

    assert main(command) == 1
    assert "rows that are answered: 1. --resume goes on after them" in capsys.readouterr().err
    assert not Path("out.jsonl").exists()
    assert main([*command, "--on-error", "null", "--resume"]) == 0

    rows = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    assert [(row["id"], row["label"] is None) for row in rows] == [("1", False), (None, True), ("3", False)]


@pytest.mark.usefixtures("in_process")
def test_two_processes_do_not_write_one_output(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("fcntl")
    first = output_file.OutputFile(tmp_path / "out.csv", {}, resume=False)
    with pytest.raises(output_file.ArgumentError, match="is being written by another process"):
        output_file.OutputFile(tmp_path / "out.csv", {}, resume=True)
    first.close()


@pytest.mark.usefixtures("in_process")
def test_an_output_without_a_second_reading_leaves_nothing_behind(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["classify", "--model", model, "--threads", "0", "-o", "out.csv", "w1"]) == 1
    assert list(tmp_path.iterdir()) == []
    assert main(["classify", "--model", model, "-o", "out.csv", "w1", "w2"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]
    assert len(Path("out.csv").read_text().splitlines()) == 3
