"""`distilnp inspect`: the page in a file or on standard output, the arrays beside it, and what it refuses."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import distilnp
from distilnp.cli import main
from distilnp.cli.grammar import parse

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]


def test_the_page_in_the_file_is_that_of_the_library(model: str, tmp_path: Path) -> None:
    path = tmp_path / "page.html"

    options = ["--text-pair", "w3 w4", "--method", "leave_one_out", "--target", "NEGATIVE", "-o", str(path)]
    assert main(["inspect", "--model", model, "w1 w2", *options]) == 0

    text = {"text": "w1 w2", "text_pair": "w3 w4"}
    expected = distilnp.load(model).inspect(text, method="leave_one_out", target="NEGATIVE")
    assert path.read_bytes().decode() == expected


def test_a_page_on_standard_output_is_utf_8_in_every_locale(
    run: Run, environment: dict[str, str], model: str
) -> None:
    posix = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = run("inspect", "--model", model, "w1 bad", "-o", "-", env=environment | posix)

    assert (done.returncode, done.stderr) == (0, b"")
    page = done.stdout.decode()
    assert page.startswith("<!doctype html>\n")
    assert page.endswith("</html>\n")
    assert "’" in page


def test_the_arrays_beside_the_page_are_those_of_the_trace(model: str, tmp_path: Path) -> None:
    path = tmp_path / "trace.npz"

    assert main(["inspect", "--model", model, "w1 w2", "-o", os.devnull, "--npz", str(path)]) == 0

    trace = distilnp.load(model).trace("w1 w2")
    with np.load(path) as arrays:
        assert set(arrays) == {*trace, "ids", "tokens", "labels", "logit_lens"}
        assert np.array_equal(arrays["classifier"], trace.logits)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--target", "none"], "target is 'none', expected one of the labels ('NEGATIVE', 'POSITIVE')"),
        (["--long-text", "windows", "--stride", "0", "--max-length", "3"], "in 2 parts, expected one"),
        (["-o", "{}/none/page.html"], "none/page.html cannot be written: "),
        (["--npz", "{}/none/a.npz"], "none/a.npz cannot be written: "),
    ],
)
def test_what_cannot_be_done_is_one_message(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    page = tmp_path / "page.html"
    output = [] if "-o" in options else ["-o", str(page)]

    code = main(["inspect", "--model", model, "w1 w2", *output, *(one.format(tmp_path) for one in options)])

    written, said = capsys.readouterr()
    assert (code, written, said.count("\n")) == (1, "", 1)
    assert message in said
    assert not page.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "the following arguments are required: -o/--output"),
        (["-o", "a", "--npz", "-"], "--npz is '-', expected the name of a file"),
        (["-o", "a", "--npz", "a"], "--output and --npz are both 'a', expected two files"),
        (["-o", "a", "--method", "b"], "argument --method: invalid choice: 'b'"),
        (["-o", "a", "--language", "de"], "--language is given without --sentences, expected both"),
    ],
)
def test_a_wrong_command_line_ends_before_the_model_is_loaded(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(["inspect", "w1", *options])

    assert ended.value.code == 2
    assert message in capsys.readouterr().err
