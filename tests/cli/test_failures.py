"""Errors that are not ours: each is one message that says what failed, whatever the streams are like."""

import errno
import io
import json
import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from support.children import run_python
from support.seeded_models import CONFIGS, seeded_tensors, write_checkpoint

from distilnp.cli import main
from distilnp.cli.failures import NO_MEMORY, while_doing
from distilnp.errors import ArgumentError, DistilnpError

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]

CONFIG = CONFIGS["one-layer"]

# What each command does besides writing its results, as it stands in the message, and where it can fail.
READING = "the model cannot be read"
COMMANDS = {
    "classify": (("w1",), "distilnp.cli.loading.load", READING),
    "inspect": (("w1", "-o", "FOLDER/page.html"), "distilnp.cli.loading.load", READING),
    "info": ((), "distilnp.cli.info.describe", READING),
    "verify": ((), "distilnp.cli.verify.locate", READING),
    "convert": (("FOLDER/new",), "distilnp.cli.convert.find_checkpoint", READING),
    "bundle": (("FOLDER/new",), "distilnp.cli.bundle.load", READING),
    "models": ((), "distilnp.cli.models.bundled_models", "the models cannot be read"),
    "download": ((), "distilnp.cli.download.find_checkpoint", "the model cannot be fetched"),
}

ERRORS = [
    (MemoryError(), lambda doing: NO_MEMORY),
    (OSError(errno.ENOMEM, "Cannot allocate memory"), lambda doing: NO_MEMORY),
    (RecursionError("maximum recursion depth"), lambda doing: "a file nests values more deeply than Python"),
    (
        UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"),
        lambda doing: r"'\ud800' cannot be encoded in utf-8",
    ),
    (OSError(errno.EIO, "Input/output error"), lambda doing: f"{doing}: Input/output error"),
    (
        PermissionError(errno.EACCES, "Permission denied", "/a\x1bb"),
        lambda doing: rf"{doing}: /a\x1bb: Permission denied",
    ),
    (
        OSError(errno.ENAMETOOLONG, "File name too long", b"/\xff"),
        lambda doing: rf"{doing}: /\xff: File name too long",
    ),
]


def run_main(command: str, model: str, folder: Path) -> int:
    arguments = [argument.replace("FOLDER", str(folder)) for argument in COMMANDS[command][0]]
    option = ["--model", model]
    named = {"classify": option, "inspect": option, "bundle": option, "models": []}.get(command, [model])
    return main([command, *named, *arguments])


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("error", "expected"), ERRORS, ids=lambda value: type(value).__name__)
def test_an_error_of_the_system_says_what_the_command_was_doing(
    command: str,
    error: Exception,
    expected: Callable[[str], str],
    model: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    _, function, doing = COMMANDS[command]
    monkeypatch.setattr(function, fail)

    assert run_main(command, model, tmp_path) == 1

    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith(f"distilnp: error: {expected(doing)}")
    assert errors.count("\n") == 1
    assert [*tmp_path.iterdir()] == []


def test_an_error_that_names_a_file_is_not_about_the_results(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "/secret")

    monkeypatch.setattr("distilnp.cli.info.info", fail)

    assert main(["info"]) == 1
    assert capsys.readouterr().err == "distilnp: error: /secret cannot be used: Permission denied\n"


@pytest.mark.parametrize(
    "error", [BrokenPipeError(errno.EPIPE, "Broken pipe"), ArgumentError("x is 1"), KeyError(1)]
)
def test_other_errors_pass_unchanged(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, while_doing("the model cannot be read"):
        raise error
    assert caught.value is error


def test_an_error_of_the_system_becomes_one_of_ours() -> None:
    with pytest.raises(DistilnpError) as caught, while_doing("the model cannot be read"):
        raise OSError(errno.ENOSPC, "No space left")
    assert str(caught.value) == "the model cannot be read: No space left"


# ---------------------------------------------------------------------------------------------------- streams


class Full(io.StringIO):
    """A stream without a number, on which nothing can be written."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("command", ["classify", "info", "verify", "convert", "models"])
def test_a_stream_of_the_callers_that_is_full_is_an_error(
    command: str, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with redirect_stdout(Full()):
        assert run_main(command, model, tmp_path) == 1
    assert capsys.readouterr().err == (
        "distilnp: error: the results cannot be written: No space left on device\n"
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["info", "--help"], ["models"]], ids=" ".join
)
def test_a_full_disk_is_an_error_for_every_command(
    run: Run, environment: dict[str, str], arguments: list[str], unbuffered: str
) -> None:
    with open("/dev/full", "wb") as full:  # noqa: PTH123 (a device)
        done = run(*arguments, stdout=full, env=environment | {"PYTHONUNBUFFERED": unbuffered})

    message = "distilnp: error: the results cannot be written: No space left on device\n"
    assert (done.returncode, done.stderr.decode()) == (1, message)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["classify", "--model", "/none", "w1"], 1), (["classify", "--none"], 2), (["--help"], 0)],
    ids=["error", "usage", "help"],
)
@pytest.mark.parametrize("stream", ["closed", "full"])
def test_no_message_goes_to_standard_output_if_nobody_hears_it(
    run: Run, arguments: list[str], code: int, stream: str
) -> None:
    def prepare() -> None:
        if stream == "closed":
            os.close(2)
        else:
            os.dup2(os.open("/dev/full", os.O_WRONLY), 2)

    if stream == "full" and not Path("/dev/full").exists():
        pytest.skip("only Linux has a device that is always full")
    done = run(*arguments, preexec_fn=prepare)

    assert done.returncode == code
    assert (done.stdout == b"") == (code != 0)
    assert done.stderr == b""


# -------------------------------------------------------------------------------------------------- encodings

LABELS = ("悲しみ\x1b[31m", "\ud83d")
ASCII = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.parametrize("encoding", [ASCII, {"PYTHONIOENCODING": "latin-1"}, {"PYTHONIOENCODING": "utf-8"}])
@pytest.mark.parametrize("command", ["info", "verify", "convert", "bundle", "models", "classify"])
@pytest.mark.parametrize("name", ["模型", "bad\udcff"])
def test_every_command_writes_what_the_locale_lacks(
    run: Run, environment: dict[str, str], tmp_path: Path, command: str, encoding: dict[str, str], name: str
) -> None:
    labels = {str(i): label for i, label in enumerate(LABELS)}
    folder = tmp_path / name
    model = os.fsencode(write_checkpoint(folder, CONFIG, seeded_tensors(CONFIG), id2label=labels))
    new = os.fsencode(tmp_path / f"new {name}")
    arguments = {
        "convert": [model, new],
        "bundle": [new, "--model", model],
        "classify": ["--model", model, "--format", "table", "--all-scores", "w1"],
        "models": [],
    }.get(command, [model])

    done = run(command, *arguments, env=environment | encoding)

    assert (done.returncode, done.stderr) == (0, b"")
    assert b"\x1b" not in done.stdout


# ----------------------------------------------------------------------------------------------------- Ctrl-C


@pytest.mark.parametrize(
    "module",
    ["distilnp.cli", "distilnp.foreign", "argparse", "distilnp.cli.grammar", "distilnp.api", "numpy"],
)
def test_ctrl_c_during_the_start_ends_the_process_silently(module: str, model: str) -> None:
    script = f"""
import runpy, signal, sys

class Finder:
    def find_spec(name, path=None, target=None):
        if name == {module!r}:
            sys.meta_path.remove(Finder)
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Finder)
runpy.run_module("distilnp", run_name="__main__", alter_sys=True)
"""
    done = run_python(script, "classify", "--model", model, "w1")

    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


def test_a_process_that_ignores_ctrl_c_goes_on_ignoring_it(model: str) -> None:
    script = """
import runpy, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
import distilnp.cli
main = distilnp.cli.main
def pressed():
    signal.raise_signal(signal.SIGINT)
    return main()
distilnp.cli.main = pressed
runpy.run_module("distilnp", run_name="__main__", alter_sys=True)
"""
    done = run_python(script, "classify", "--model", model, "w1")

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["text"] == "w1"
