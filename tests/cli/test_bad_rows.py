"""Rows that cannot be used: the run stops, or an answer is null, or there is none; and they are counted."""

import csv
import io
import json
import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distilnp import InputFileError
from distilnp.cli import main
from distilnp.cli.bad_rows import BadRows
from distilnp.cli.lines import Lines
from distilnp.cli.readers import Columns, read_rows
from distilnp.evaluation.truth import LabelIds

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]
Start = Callable[..., "subprocess.Popen[bytes]"]

PATIENCE_SECONDS = 60

# The rows of a table of "id" and "text" that cannot be used, by the format.
BAD = {
    "csv": [b"1\n", b"1,a,b\n", b'1,"so "good""\n', b"\n", b"1,caf\xe9\n", b"1,a\0b\n"],
    "tsv": [b"1\n", b"1\ta\tb\n", b"\n", b"1\tcaf\xe9\n", b"1\ta\0b\n"],
    "jsonl": [
        b"\n",
        b" \t\n",
        b"{\n",
        b"5\n",
        b"[]\n",
        b'"text"\n',
        b"{}\n",
        b'{"text": null}\n',
        b'{"text": NaN}\n',
        b'{"text": 5}\n',
        b'{"text": ["a"]}\n',
        b'{"text": true}\n',
        b'{"text": "caf\xe9"}\n',
        b"[" * 10_000 + b"\n",
    ],
    "lines": [b"caf\xe9\n", b"a\0b\n"],
    "json": [b"5,\n", b"null,\n", b"[],\n", b"{},\n", b'{"text": null},\n', b'{"text" "a"},\n', b"tru,\n"],
}
HEAD = {"csv": b"id,text\n", "tsv": b"id\ttext\n", "jsonl": b"", "lines": b"", "json": b"[\n"}
GOOD = {
    "csv": b"1,good %d\n",
    "tsv": b"1\tgood %d\n",
    "jsonl": b'{"id": 1, "text": "good %d"}\n',
    "lines": b"good %d\n",
    "json": b'{"id": 1, "text": "good %d"},\n',
}
LAST = {"json": b'{"text": "last"}]'}

rows_of_a_file = st.sampled_from(sorted(BAD)).flatmap(
    lambda name: st.tuples(st.just(name), st.lists(st.none() | st.sampled_from(BAD[name])))
)


def watched(input_format: str, rows: list[bytes | None], bad_rows: BadRows) -> list[str | None]:
    """Return the texts of a file with these rows between two good ones, where None stands for a good row."""
    lines = [row or GOOD[input_format] % number for number, row in enumerate(rows, start=1)]
    content = (
        HEAD[input_format]
        + GOOD[input_format] % 0
        + b"".join(lines)
        + LAST.get(input_format, GOOD[input_format] % 999)
    )
    found = read_rows(Lines(io.BytesIO(content), "FILE"), Columns(), input_format=input_format)
    return [None if row is None else row.text for row in bad_rows.watch(found)]


@given(rows_of_a_file, st.sampled_from(["null", "skip"]))
def test_bad_rows_are_none_among_the_others(file: tuple[str, list[bytes | None]], on_error: str) -> None:
    input_format, rows = file

    texts = watched(input_format, rows, BadRows(on_error))

    last = "last" if input_format == "json" else "good 999"
    expected = [None if row else f"good {number}" for number, row in enumerate(rows, start=1)]
    assert texts == ["good 0", *expected, last]


@pytest.mark.parametrize(("input_format", "row"), [(name, row) for name, rows in BAD.items() for row in rows])
def test_a_bad_row_ends_the_run_with_its_line_and_the_way_out(input_format: str, row: bytes) -> None:
    with pytest.raises(InputFileError) as caught:
        watched(input_format, [None, row, None], BadRows())

    line = len(HEAD[input_format].splitlines()) + 3
    assert str(caught.value).startswith(f"FILE, line {line}: ")
    assert str(caught.value).endswith(". To go on after such a row, give --on-error skip")
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("input_format", ["csv", "tsv", "jsonl"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("n_blank", [1, 2, 100_000])
def test_blank_lines_at_the_end_are_no_rows(input_format: str, end: bytes, n_blank: int) -> None:
    content = (HEAD[input_format] + GOOD[input_format] % 7).replace(b"\n", end) + end * n_blank
    rows = read_rows(Lines(io.BytesIO(content), "FILE"), Columns(), input_format=input_format)
    assert [row.text for row in BadRows().watch(rows)] == ["good 7"]


def test_a_blank_line_in_one_column_of_tsv_is_an_empty_text_and_in_csv_quotes_are() -> None:
    for input_format, content in (("tsv", "text\na\n\n\nb\n\n"), ("csv", 'text\na\n""\n""\nb\n\n')):
        rows = read_rows(Lines(io.BytesIO(content.encode()), "FILE"), Columns(), input_format=input_format)
        assert [row.text for row in BadRows().watch(rows)] == ["a", "", "", "b"]


# --------------------------------------------------------------------------------------------------- classify

MIXED = b'id,text\n1,w1\n2\n3,"w2"\n\n5,w3\n6,w4,w5\n\n\n'
AS_ARRAY = b'[{"text": "w1"}, {"text": null}, {"text": "w2"}, 5, {"text": "w3"}, {"label": 1}]'


def written(output: bytes, output_format: str) -> list[tuple[str | None, bool]]:
    """Return the text of each answer, and whether the answer is empty."""
    if output_format == "jsonl":
        records = [json.loads(line) for line in output.splitlines()]
        return [(record.pop("text"), all(value is None for value in record.values())) for record in records]
    records = list(csv.DictReader(io.StringIO(output.decode(), newline="")))
    return [(record.pop("text") or None, set(record.values()) == {""}) for record in records]


@pytest.mark.parametrize("output_format", ["jsonl", "csv"])
@pytest.mark.parametrize("more", [[], ["--all-scores", "--sentences"]])
@pytest.mark.parametrize(("name", "content"), [("a.csv", MIXED), ("a.json", AS_ARRAY)])
def test_answers_are_null_or_left_out(
    run: Run, model: str, tmp_path: Path, output_format: str, more: list[str], name: str, content: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    command = ("classify", "--model", model, "--file", os.fspath(path), "--format", output_format, *more)

    null, skip, stop = (run(*command, "--on-error", on_error) for on_error in ("null", "skip", "stop"))

    w1, w2, w3 = (("w1", False), ("w2", False), ("w3", False))
    bad = (None, True)
    assert written(null.stdout, output_format) == [w1, bad, w2, bad, w3, bad]
    assert written(skip.stdout, output_format) == [w1, w2, w3]
    assert written(stop.stdout, output_format) == [w1]
    assert (null.returncode, skip.returncode, stop.returncode) == (0, 0, 1)
    line = 3 if name == "a.csv" else 1
    for done, what in ((null, "answered by null"), (skip, "skipped")):
        assert done.stderr.decode().startswith(
            f"distilnp: 3 rows could not be used and were {what}. The first is {path}, line {line}: "
        )
        assert done.stderr.count(b"\n") == 1


def test_a_pair_that_cannot_be_used_has_two_nulls(run: Run, model: str) -> None:
    given = b'{"text": "w1", "b": "w2"}\n{"text": "w3", "b": null}\n'
    done = run("classify", "--model", model, "--pair-column", "b", "--on-error", "null", given=given)
    assert done.returncode == 0
    assert list(json.loads(done.stdout.splitlines()[1]).items())[:3] == [
        ("text", None),
        ("text_pair", None),
        ("label", None),
    ]


def test_the_table_for_people_shows_a_dash(run: Run, model: str) -> None:
    given = b'{"text": "w1"}\n{"text": null}\n'
    done = run("classify", "--model", model, "--format", "table", "--on-error", "null", given=given)
    assert done.stdout.decode().splitlines()[1:] == ["      -"]
    assert b"1 row could not be used and was answered by null" in done.stderr


def next_line(process: "subprocess.Popen[bytes]") -> bytes:
    deadline = threading.Timer(PATIENCE_SECONDS, process.kill)
    deadline.start()
    line = process.stdout.readline()
    deadline.cancel()
    assert line.endswith(b"\n"), "no answer came"
    return line


@pytest.mark.parametrize("on_error", ["null", "skip"])
@pytest.mark.parametrize("after", [b"", b"\n", b"\n\n\r\n", b"5\n", b'{"text": null}\n5\n\n'])
def test_an_answer_does_not_wait_for_the_row_after_blank_lines_or_bad_rows(
    start: Start, model: str, on_error: str, after: bytes
) -> None:
    with start("classify", "--model", model, "--on-error", on_error) as process:
        for text in ("w1", "w2"):
            process.stdin.write(json.dumps({"text": text}).encode() + b"\n" + after)
            process.stdin.flush()
            while (answer := json.loads(next_line(process)))["text"] is None:
                assert on_error == "null"
            assert answer["text"] == text
        process.stdin.close()
        assert process.wait(PATIENCE_SECONDS) == 0


@pytest.mark.parametrize("end", [b"", b",", b"\n,\n", b" "])
@pytest.mark.parametrize("layout", [None, 2])
def test_an_answer_does_not_wait_for_the_next_value_of_an_array(
    start: Start, model: str, end: bytes, layout: int | None
) -> None:
    with start("classify", "--model", model, "--input-format", "json") as process:
        process.stdin.write(b"[\n")
        for text in ("w1", "w2"):
            process.stdin.write(b"," * (text == "w2" and b"," not in end))
            process.stdin.write(json.dumps({"text": text}, indent=layout).encode() + end * (text == "w1"))
            process.stdin.flush()
            assert json.loads(next_line(process))["text"] == text
        process.stdin.write(b"\n]")
        process.stdin.close()
        assert process.wait(PATIENCE_SECONDS) == 0


def test_nothing_is_written_before_an_error_about_the_file(run: Run, model: str) -> None:
    for content in (
        b"PAR1\x15\x04",
        b"id,review\n1,a\n",
        b"id;b\n",
        b"\xff\n",
        b'{"text": 5}\n',
        b"text,id\na\n",
    ):
        done = run("classify", "--model", model, "--format", "csv", given=content)
        assert (done.returncode, done.stdout) == (1, b"")
        assert done.stderr.startswith(b"distilnp: error: standard input")


# --------------------------------------------------------------------------------------------------- evaluate


def test_evaluate_leaves_bad_rows_and_unknown_labels_out(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISTILNP_KERNELS", "numpy")
    path = tmp_path / "a.csv"
    path.write_text("text,label\nw1,1.0\nw2\nw3,\nw4,NEGATIVE\nw5,other\nw6,0.0\n\n")

    assert main(["evaluate", os.fspath(path), "--model", model, "--json", "--on-error", "skip"]) == 0

    output, errors = capsys.readouterr()
    assert json.loads(output)["accuracy"]["n_texts"] == 3
    assert errors.startswith(
        f"distilnp: 3 rows could not be used and were skipped. The first is {path}, line 3: "
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.0, 1),
        ("1.0", 1),
        ("1.00", 1),
        ("0.0", 0),
        (0.0, 0),
        (1.5, None),
        ("1.5", None),
        ("2.0", None),
        (-1.0, None),
        (float("nan"), None),
        (True, None),  # it could mean either label
        ("True", None),
        ("False", None),
    ],
)
def test_an_id_is_found_as_pandas_writes_it(value: object, expected: int | None) -> None:
    assert LabelIds(("neg", "pos")).find(value) == expected


@pytest.mark.parametrize("written_as", ["True", "true"])
def test_true_and_false_can_be_mapped_however_they_are_written(written_as: str) -> None:
    ids = LabelIds(("neg", "pos"), {written_as: "pos", "False": "neg", "2.0": "pos"})
    assert [ids.find(value) for value in (True, "True", "true", False, "false", 2.0)] == [1, 1, 1, 0, 0, 1]
    assert LabelIds(("FALSE", "TRUE")).find(True) == 1


def test_a_name_that_looks_like_a_number_is_a_name() -> None:
    ids = LabelIds(("1.0", "2.0"))
    assert [ids.find(value) for value in (1.0, "1.0", 2.0, "1", 0)] == [0, 0, 1, 0, None]
    assert LabelIds(("1", "2")).find(1.0) == 0
