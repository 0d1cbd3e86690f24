"""What people see: each test runs `distilnp` on its own pseudo-terminal."""

import fcntl
import gzip
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

Start = Callable[..., "subprocess.Popen[bytes]"]

PATIENCE_SECONDS = 60
COLUMNS = 50
BAR = re.compile(r"\d+%\|")


class Terminal:
    """Both ends of a pseudo-terminal: `end` is for a process, the other one is for the test."""

    def __init__(self) -> None:
        self._test_end, self.end = pty.openpty()
        fcntl.ioctl(self.end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
        self.shown = ""

    def type(self, text: str) -> None:
        os.write(self._test_end, text.encode())

    def read_until(self, pattern: str, process: "subprocess.Popen[bytes]") -> str:
        """Return everything shown until the pattern matches; if it never does, end the process and fail."""
        deadline = threading.Timer(PATIENCE_SECONDS, process.kill)
        deadline.start()
        while not re.search(pattern, self.shown):
            assert self._read(), f"{pattern!r} did not come; last shown: {self.shown[-500:]!r}"
        deadline.cancel()
        return self.shown

    def read_all(self) -> str:
        while self._read():
            pass
        return self.shown

    def _read(self) -> bool:
        try:
            chunk = os.read(self._test_end, 65536)
        except OSError:  # on Linux: the other end has been closed
            return False
        self.shown += chunk.decode()
        return bool(chunk)

    def close(self) -> None:
        os.close(self._test_end)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    terminal = Terminal()
    yield terminal
    terminal.close()


@contextmanager
def started(
    start: Start, terminal: Terminal, *arguments: str, **others: object
) -> Iterator["subprocess.Popen[bytes]"]:
    """Start a process whose streams are the terminal, except for `others`."""
    with start(*arguments, **dict.fromkeys(("stdin", "stdout", "stderr"), terminal.end) | others) as process:
        os.close(terminal.end)
        yield process


def test_a_terminal_gets_a_table_in_colours_cut_to_its_width(
    start: Start, model: str, terminal: Terminal
) -> None:
    with started(start, terminal, "classify", "--model", model, "w1 \x1b[31m" + "w2 " * 40, "w3") as process:
        shown = terminal.read_all()
    assert process.returncode == 0
    first, second = shown.splitlines()
    assert re.fullmatch(r" \d\.\d{4}  \x1b\[1;3[25]m(NEGAT|POSIT)IVE\x1b\[0m  w1 ␛\[31mw2 .*…", first)
    assert len(re.sub(r"\x1b\[[\d;]*m", "", first)) == COLUMNS
    assert second.endswith("w3")


def test_no_color_is_respected(
    start: Start, model: str, terminal: Terminal, environment: dict[str, str]
) -> None:
    with started(start, terminal, "classify", "--model", model, "w1", env=environment | {"NO_COLOR": "1"}):
        shown = terminal.read_all()
    assert re.fullmatch(r" \d\.\d{4}  (NEGAT|POSIT)IVE  w1\r\n", shown)


def test_a_terminal_is_asked_for_texts_and_answered_one_by_one(
    start: Start, model: str, terminal: Terminal
) -> None:
    with started(start, terminal, "classify", "--model", model) as process:
        terminal.read_until("type texts, one per line, and Ctrl-D at the end", process)
        for text in ("w1", "w2"):
            terminal.type(f"{text}\n")
            terminal.read_until(rf"IVE\x1b\[0m  {text}\r\n", process)
        terminal.type("\x04")
        terminal.read_all()
    assert process.returncode == 0


def test_a_long_file_has_a_bar_below_the_rows(
    start: Start, model: str, many_texts: str, terminal: Terminal
) -> None:
    with started(start, terminal, "classify", "--model", model, "--file", many_texts) as process:
        terminal.read_until(BAR.pattern, process)
        process.send_signal(signal.SIGINT)
        shown = terminal.read_all()
    assert process.returncode == -signal.SIGINT
    assert "Traceback" not in shown


def test_a_long_pipe_into_a_file_has_a_count(
    start: Start, model: str, many_texts: str, terminal: Terminal, tmp_path: Path
) -> None:
    with (
        subprocess.Popen(["cat", many_texts], stdout=subprocess.PIPE) as cat,
        (tmp_path / "out").open("wb") as out,
        started(start, terminal, "classify", "--model", model, stdin=cat.stdout, stdout=out) as process,
    ):
        # A fast machine answers thousands of texts before the bar is due: "1.04k texts".
        terminal.read_until(r"\dk? texts ", process)
        process.send_signal(signal.SIGINT)
        cat.stdout.close()
    assert (tmp_path / "out").read_bytes().startswith(b'{"text": "w1 w2')


def test_a_short_file_has_no_bar(start: Start, model: str, terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("w1\nw2\n")
    file = os.fspath(tmp_path / "in.txt")
    with started(
        start, terminal, "classify", "--model", model, "--file", file, stdout=subprocess.DEVNULL
    ) as process:
        assert terminal.read_all() == ""
    assert process.returncode == 0


@pytest.mark.parametrize("source", ["file", "pipe"])
def test_a_long_evaluation_has_a_bar_and_then_no_report_if_it_is_interrupted(
    start: Start, model: str, terminal: Terminal, tmp_path: Path, source: str
) -> None:
    content = b"text,label\n" + b"w1 w2 w3 w4 w5 w6,0\n" * 2_000_000
    path = tmp_path / "many.csv.gz"
    path.write_bytes(gzip.compress(content, 1) if source == "file" else content)
    options = ("--model", model, "--input-format", "csv")
    with (
        subprocess.Popen(["cat", path], stdout=subprocess.PIPE) as cat,
        started(
            start,
            terminal,
            "evaluate",
            os.fspath(path) if source == "file" else "-",
            *options,
            stdin=cat.stdout,
        ) as process,
    ):
        terminal.read_until(BAR.pattern if source == "file" else r"\dk? texts ", process)
        process.send_signal(signal.SIGINT)
        cat.stdout.close()
        shown = terminal.read_all()
    assert process.returncode == -signal.SIGINT
    assert "precision" not in shown
    assert "Traceback" not in shown
