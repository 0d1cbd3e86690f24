"""What scripts rely on: exit codes, clean streams, prompt answers, and a silent end."""

import csv
import gzip
import io
import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from support.copied_package import copy_package
from support.seeded_models import CONFIGS, seeded_tensors, write_checkpoint

import distilnp
from distilnp.checkpoint.registry import bundled_models
from distilnp.cli import main
from distilnp.cli.info import describe
from distilnp.native.loader import no_library, no_numba

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]
Start = Callable[..., "subprocess.Popen[bytes]"]

PATIENCE_SECONDS = 60


def rows(output: bytes) -> list[dict[str, object]]:
    return [json.loads(line) for line in output.decode().split("\n")[:-1]]


def assert_reports(errors: bytes, message: str) -> None:
    assert errors.decode().startswith("distilnp: error: "), errors.decode()
    assert message in errors.decode()
    assert b"Traceback" not in errors


# ---------------------------------------------------------------------------------------------------- answers


def test_the_answers_are_those_of_the_library(run: Run, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISTILNP_KERNELS", "numpy")  # as in the process
    texts = ["w1 w2", "", "é\n\ud83d", "[SEP] w9"]
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts).encode()
    done = run("classify", "--model", model, "--input-format", "jsonl", "--all-scores", given=lines)
    assert (done.returncode, done.stderr) == (0, b"")
    assert rows(done.stdout) == [
        {
            "text": text,
            "label": prediction.label,
            "score": prediction.score,
            "n_tokens": prediction.n_tokens,
            "n_seen": prediction.n_seen,
            "truncated": False,
            "scores": prediction.scores,
        }
        for text, prediction in zip(texts, distilnp.load(model).classify(texts), strict=True)
    ]


def test_a_multi_label_model_reports_the_labels_above_the_threshold(run: Run, tmp_path: Path) -> None:
    config = CONFIGS["one-layer"]
    changes = {"problem_type": "multi_label_classification", "id2label": {"0": "a", "1": "b"}}
    model = os.fspath(write_checkpoint(tmp_path, config, seeded_tensors(config), **changes))
    for threshold, labels in (("0", ["a", "b"]), ("1", [])):
        done = run("classify", "--model", model, "--threshold", threshold, "w1 w2")
        assert (done.returncode, done.stderr) == (0, b"")
        assert [row["labels"] for row in rows(done.stdout)] == [labels]
    done = run("classify", "--model", model, "--threshold", "2", "w1")
    assert (done.returncode, done.stdout) == (1, b"")
    assert_reports(done.stderr, "threshold is 2.0, expected a number from 0 to 1")


@pytest.mark.parametrize(
    ("chosen", "kind"),
    [
        (["--long-text", "windows", "--stride", "2", "--aggregate", "max"], "windows"),
        (["--sentences", "--language", "de"], "sentences"),
    ],
)
def test_parts_of_a_text_are_those_of_the_library(
    run: Run, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chosen: list[str], kind: str
) -> None:
    monkeypatch.setenv("DISTILNP_KERNELS", "numpy")  # as in the process
    path = tmp_path / "texts.jsonl"
    path.write_text(json.dumps({"text": "w1 w2 w3. w4 w5! w6 w7"}) + "\n")
    options = {
        "windows": {"long_text": "windows", "stride": 2, "aggregate": "max"},
        "sentences": {"sentences": "de"},
    }
    expected = distilnp.load(model, max_length=6, **options[kind])("w1 w2 w3. w4 w5! w6 w7")
    command = ("classify", "--model", model, "--max-length", "6", "--file", os.fspath(path), *chosen)
    as_jsonl, as_csv = (run(*command, "--format", output) for output in ("jsonl", "csv"))
    assert (as_jsonl.returncode, as_jsonl.stderr) == (as_csv.returncode, as_csv.stderr) == (0, b"")
    (row,) = rows(as_jsonl.stdout)
    assert (row["label"], row["score"]) == (expected.label, expected.score)
    assert [(part["start"], part["end"], part["scores"], part["n_new"]) for part in row[kind]] == [
        (part.start, part.end, part.scores, part.n_new) for part in getattr(expected, kind)
    ]
    (record,) = csv.DictReader(io.StringIO(as_csv.stdout.decode(), newline=""))
    assert json.loads(record[kind]) == row[kind]


@pytest.mark.parametrize("command", ["classify", "evaluate"])
def test_the_error_about_a_text_that_is_too_long_names_its_line(
    run: Run, model: str, tmp_path: Path, command: str
) -> None:
    path = tmp_path / "texts.csv"
    path.write_text('text,label\nw1 w2,0\n"w1\nw2",1\nw1 w2 w3,0\nw1,0\n')
    options = ["--model", model, "--max-length", "4", "--long-text", "error"]
    done = run(command, *(["--file"] if command == "classify" else []), os.fspath(path), *options)
    assert done.returncode == 1
    assert len(rows(done.stdout)) == (2 if command == "classify" else 0)
    assert_reports(done.stderr, "texts.csv, line 5: texts[2] has 5 tokens, expected at most 4")


def test_pairs_of_columns_are_classified_as_pairs(
    run: Run, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISTILNP_KERNELS", "numpy")  # as in the process
    path = tmp_path / "pairs.tsv"
    path.write_text("text\tanswer\nw1 w2\tw3\nw4\t\n")
    done = run("classify", "--model", model, "--file", os.fspath(path), "--pair-column", "answer")
    assert (done.returncode, done.stderr) == (0, b"")
    pairs = [{"text": "w1 w2", "text_pair": "w3"}, {"text": "w4", "text_pair": ""}]
    answers = distilnp.load(model).classify(pairs)
    for row, pair, prediction in zip(rows(done.stdout), pairs, answers, strict=True):
        assert (row["text"], row["text_pair"]) == (pair["text"], pair["text_pair"])
        assert (row["score"], row["n_tokens"]) == (prediction.score, prediction.n_tokens)


def test_texts_as_arguments_are_classified_with_the_options_of_load(run: Run, model: str) -> None:
    text = "[SEP] w1 w2 w3 w4"
    done = run("classify", "--model", model, "--max-length", "4", "--split-special-tokens", text, "w1")
    assert done.returncode == 0
    first, second = rows(done.stdout)
    assert (first["n_tokens"], first["n_seen"], first["truncated"]) == (9, 4, True)
    assert (second["n_tokens"], second["n_seen"], second["truncated"]) == (3, 3, False)


def test_a_column_of_a_file_is_answered_in_csv_whatever_the_locale(
    run: Run, model: str, tmp_path: Path, environment: dict[str, str]
) -> None:
    path = tmp_path / "in.csv"
    path.write_text('id,review\n1,"w1, w2\nw3"\n2,\n3,café\n', encoding="utf-8")
    options = ("--file", os.fspath(path), "--column", "review", "--format", "csv")
    # The encoding of standard output must not matter.
    done = run("classify", "--model", model, *options, env=environment | {"PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, b"")
    answers = csv.DictReader(io.StringIO(done.stdout.decode(), newline=""))
    assert [row["text"] for row in answers] == ["w1, w2\nw3", "", "café"]


@pytest.mark.parametrize("source", ["file", "stdin"])
def test_gzip_is_read_like_the_text_that_was_packed(
    run: Run, model: str, tmp_path: Path, source: str
) -> None:
    path = tmp_path / "in.csv.gz"
    path.write_bytes(gzip.compress(b"text\nw1\nw2 w3\n"))
    where = ("--file", os.fspath(path)) if source == "file" else ("--input-format", "csv")
    done = run("classify", "--model", model, *where, given=path.read_bytes())
    assert (done.returncode, done.stderr) == (0, b"")
    assert [row["text"] for row in rows(done.stdout)] == ["w1", "w2 w3"]


def test_the_texts_before_the_end_of_a_truncated_gzip_file_get_answers(
    run: Run, model: str, tmp_path: Path
) -> None:
    path = tmp_path / "in.gz"
    path.write_bytes(gzip.compress(b"w1\nw2\n")[:-1])
    done = run("classify", "--model", model, "--file", os.fspath(path))
    assert done.returncode == 1
    assert [row["text"] for row in rows(done.stdout)] == ["w1", "w2"]
    assert_reports(done.stderr, f"{path}, after line 2: the gzip file stops in the middle")


def test_info_describes_a_checkpoint(run: Run, model: str) -> None:
    done = run("info", model)
    assert done.returncode == 0
    for fact in ("1 layers", "dim 16", "float32", "NEGATIVE, POSITIVE", "softmax", "lowercased", "sees"):
        assert fact in done.stdout.decode()
    facts = describe(Path(model))
    assert facts["n_parameters"] == sum(array.size for array in leaves(distilnp.load(model).params))
    assert facts["stored_bytes"] == (Path(model) / "model.safetensors").stat().st_size
    assert facts["stored_types"] == ["float32"]


def leaves(tree: object) -> list[object]:
    return [leaf for part in tree for leaf in leaves(part)] if isinstance(tree, tuple) else [tree]


def test_info_lists_the_bundled_models(run: Run) -> None:
    done = run("info", "--format", "json")
    assert done.returncode == 0
    assert {facts["name"] for facts in json.loads(done.stdout)} == set(bundled_models())


@pytest.mark.parametrize(
    ("kernels", "obstacle", "words"),
    [
        ("aot", no_library, [", built ahead of time, tiles of "]),
        (
            "jit",
            no_numba,
            ["compiled by Numba in this process, tiles of ", "because DISTILNP_KERNELS is 'jit'"],
        ),
        ("numpy", lambda: None, ["NumPy, because DISTILNP_KERNELS is 'numpy'"]),
    ],
)
def test_info_reports_what_computes(
    run: Run,
    model: str,
    environment: dict[str, str],
    kernels: str,
    obstacle: Callable[[], str | None],
    words: list[str],
) -> None:
    if why := obstacle():
        pytest.skip(why)
    for command in (["info"], ["info", model], ["info", model, "--format", "json"]):
        done = run(*command, env=environment | {"DISTILNP_KERNELS": kernels})
        assert (done.returncode, done.stderr) == (0, b"")
        (line,) = [line for line in done.stdout.decode().splitlines() if "kernels" in line]
        assert all(part in line for part in words)


def test_info_reports_why_the_requested_kernels_cannot_run(
    run: Run, model: str, environment: dict[str, str], tmp_path: Path
) -> None:
    package = copy_package(tmp_path, without=("lib",))
    done = run("info", model, env=environment | {"PYTHONPATH": str(package), "DISTILNP_KERNELS": "aot"})
    assert (done.returncode, done.stdout) == (1, b"")
    assert_reports(done.stderr, "DISTILNP_KERNELS is 'aot', but no kernels built ahead of time can run")


# ------------------------------------------------------------------------------------------------- exit codes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", "none"], "no model 'none'"),
        (["--max-length", "2", "w1"], "max_length is 2, expected an integer of at least 3"),
        (["--batch-tokens", "0", "w1"], "batch_tokens is 0, expected a positive integer"),
        (["--file", "none.txt"], "none.txt cannot be read: No such file or directory"),
        (
            ["--file", "FOLDER/in.csv", "--column", "x"],
            "in.csv, line 1: the columns are 'w1'; expected one 'x'",
        ),
    ],
)
def test_an_error_is_exit_code_1_and_a_message(
    model: str, options: list[str], message: str, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "in.csv").write_text("w1\n")
    options = [option.replace("FOLDER", os.fspath(tmp_path)) for option in options]
    options = options if "--model" in options else ["--model", model, *options]
    assert main(["classify", *options]) == 1
    output, errors = capfd.readouterr()
    assert output == ""
    assert_reports(errors.encode(), message)


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        (
            "DISTILNP_KERNELS",
            "fast",
            "DISTILNP_KERNELS is 'fast', expected one of aot, jit, numpy, or nothing",
        ),
        ("DISTILNP_NUM_THREADS", "all", "DISTILNP_NUM_THREADS is 'all', expected an integer from 1 to 1024"),
    ],
)
def test_a_variable_that_cannot_be_used_is_an_error(
    run: Run, model: str, environment: dict[str, str], variable: str, value: str, message: str
) -> None:
    done = run("classify", "--model", model, "w1", env=environment | {variable: value})
    assert (done.returncode, done.stdout) == (1, b"")
    assert_reports(done.stderr, message)


def test_the_number_of_threads_is_passed_to_the_model(run: Run, model: str) -> None:
    done = run("classify", "--model", model, "--threads", "1025", "w1")
    assert (done.returncode, done.stdout) == (1, b"")
    assert_reports(done.stderr, "threads is 1025, expected an integer from 1 to 1024")
    assert run("classify", "--model", model, "--threads", "1", "w1").returncode == 0


def test_the_texts_before_a_bad_line_get_answers(run: Run, model: str) -> None:
    done = run("classify", "--model", model, given=b"w1\nw2\n\xff\nw3\n")
    assert done.returncode == 1
    assert [row["text"] for row in rows(done.stdout)] == ["w1", "w2"]
    assert_reports(done.stderr, "standard input, line 3: byte 1 is 0xff")


def test_info_on_a_damaged_checkpoint_is_an_error(run: Run, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    done = run("info", os.fspath(tmp_path))
    assert (done.returncode, done.stdout) == (1, b"")
    assert_reports(done.stderr, "config.json is not JSON")


def test_a_wrong_command_line_is_exit_code_2(run: Run) -> None:
    done = run("classify", "--no-such-option")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"unrecognized arguments: --no-such-option" in done.stderr


def test_the_version_is_printed(run: Run) -> None:
    done = run("--version")
    assert (done.returncode, done.stdout.decode()) == (0, f"distilnp {distilnp.__version__}\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
@pytest.mark.parametrize("arguments", [("--help",), ("classify", "w1")])
def test_a_full_disk_is_an_error(run: Run, model: str, arguments: tuple[str, ...]) -> None:
    arguments = (*arguments, "--model", model) if "classify" in arguments else arguments
    with open("/dev/full", "wb") as full:  # noqa: PTH123 (a device)
        done = run(*arguments, stdout=full)
    assert done.returncode == 1
    assert_reports(done.stderr, "the results cannot be written: No space left on device")


@pytest.mark.parametrize("closed", ["input", "output"])
def test_a_closed_stream_is_an_error(run: Run, model: str, closed: str) -> None:
    number = {"input": 0, "output": 1}[closed]
    done = run("classify", "--model", model, preexec_fn=lambda: os.close(number))
    assert (done.returncode, done.stdout) == (1, b"")
    assert_reports(done.stderr, f"standard {closed} ")


# ----------------------------------------------------------------------------------------------- a clean stop


def test_a_reader_that_closes_the_output_ends_the_process_silently(
    start: Start, model: str, many_texts: str
) -> None:
    with start("classify", "--model", model, "--file", many_texts, stdin=subprocess.DEVNULL) as process:
        assert json.loads(process.stdout.readline())["text"] == "w1 w2 w3 w4 w5 w6"
        process.stdout.close()
        assert process.wait(PATIENCE_SECONDS) == -signal.SIGPIPE  # a shell shows 141
        assert process.stderr.read() == b""


def test_help_into_a_closed_pipe_ends_silently(start: Start) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    with start("--help", stdout=write_end) as process:
        os.close(write_end)
        assert process.wait(PATIENCE_SECONDS) == -signal.SIGPIPE
        assert process.stderr.read() == b""


def test_ctrl_c_ends_the_process_after_a_whole_row(start: Start, model: str, many_texts: str) -> None:
    with start("classify", "--model", model, "--file", many_texts, stdin=subprocess.DEVNULL) as process:
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == -signal.SIGINT  # a shell shows 130, and ends a loop
    assert errors == b""
    assert output.endswith(b"\n") or not output
    assert {row["text"] for row in rows(first + output)} == {"w1 w2 w3 w4 w5 w6"}


def test_ctrl_c_ends_a_wait_for_input(start: Start, model: str) -> None:
    with start("classify", "--model", model) as process:
        process.stdin.write(b"w1\n")
        process.stdin.flush()
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_SECONDS) == -signal.SIGINT
        assert process.stdout.read() == process.stderr.read() == b""


# ------------------------------------------------------------------------------------------------- promptness


@pytest.mark.parametrize(
    ("input_format", "header", "lines"),
    [
        ("lines", b"", [b"w1\n", b"w2\nw3\n", b"\n"]),
        ("csv", b"id,text\n", [b"1,w1\n", b'2,w2\n3,"w\n3"\n', b"4,\n"]),
        ("jsonl", b"", [b'{"text": "w1"}\r\n', b'{"text": "w2"}\n{"text": "w3"}\n', b'{"text": ""}\n']),
    ],
)
def test_an_answer_does_not_wait_for_the_next_text(
    start: Start, model: str, input_format: str, header: bytes, lines: list[bytes]
) -> None:
    with start("classify", "--model", model, "--input-format", input_format) as process:
        process.stdin.write(header)
        for part, n_texts in zip(lines, (1, 2, 1), strict=True):
            process.stdin.write(part)
            process.stdin.flush()
            assert len([next_line(process) for _ in range(n_texts)]) == n_texts
        process.stdin.close()
        assert process.wait(PATIENCE_SECONDS) == 0
        assert process.stdout.read() == process.stderr.read() == b""


def next_line(process: "subprocess.Popen[bytes]") -> bytes:
    """Return the next line of output; if none comes, end the process, so that the test fails, not hangs."""
    deadline = threading.Timer(PATIENCE_SECONDS, process.kill)
    deadline.start()
    try:
        line = process.stdout.readline()
    finally:
        deadline.cancel()
    assert line.endswith(b"\n"), "no answer came"
    return line
