"""Tables in, tables out: typed columns, several files, whole files, addresses; and what cannot be read."""

import datetime
import decimal
import functools
import gzip
import http.server
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from distilnp import InputFileError
from distilnp.cli import main, typed_tables
from distilnp.cli.lines import Lines
from distilnp.cli.readers import Columns, read_rows

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")
ipc = pytest.importorskip("pyarrow.ipc")


@pytest.fixture(autouse=True)
def _in_a_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DISTILNP_KERNELS", "numpy")


@pytest.fixture
def classify(model: str, capsys: pytest.CaptureFixture[str]) -> Any:
    """Return a function that runs the command, and returns the objects of its output, or its error."""

    def classify(*options: str) -> Any:
        code = main(["classify", "--model", model, *options])
        output, errors = capsys.readouterr()
        if code:
            assert errors.startswith("distilnp: "), errors
            return errors
        return [json.loads(line) for line in output.splitlines()]

    return classify


def column(rows: list[dict[str, Any]], name: str) -> list[Any]:
    return [row[name] for row in rows]


TYPED = pyarrow.table(
    {
        "id": pyarrow.array([7, 8, 9, None], pyarrow.int8()),
        "text": ["w1", None, "", "w2 é"],
        "when": pyarrow.array([datetime.datetime(2024, 7, 1)] * 4, pyarrow.timestamp("ns", "Europe/Berlin")),
        "day": pyarrow.array([datetime.date(2024, 7, 1), None] * 2),
        "price": pyarrow.array([decimal.Decimal("1.50"), None] * 2),
        "kind": pyarrow.array(["a", "b", None, "a"]).dictionary_encode(),
        "nested": pyarrow.array([[{"x": 1}], [], None, [{"x": None}]]),
        "share": pyarrow.array([0.5, float("inf"), None, 1.0]),
        "raw": pyarrow.array([b"\xff", None] * 2),
        "is_new": pyarrow.array([True, None, False, True]),
    }
)


def write(table: Any, name: str) -> str:
    if name.endswith(".parquet"):
        parquet.write_table(table, name, row_group_size=3)
    elif name.endswith(".arrow"):
        with ipc.new_file(name, table.schema) as file:
            file.write_table(table, max_chunksize=3)
    else:
        with ipc.new_stream(name, table.schema) as stream:
            stream.write_table(table, max_chunksize=3)
    return name


FORMATS = ["a.parquet", "a.arrow", "a.arrows"]


@pytest.mark.parametrize("name", FORMATS)
def test_kept_columns_keep_their_types_and_nulls_in_parquet(classify: Any, name: str) -> None:
    assert classify("--file", write(TYPED, name), "--keep", "-o", "out.parquet") == []
    kept = parquet.read_table("out.parquet")
    assert kept.select(TYPED.column_names).equals(TYPED)
    assert kept["label"].to_pylist()[1] is kept["score"].to_pylist()[1] is None
    assert None not in kept.filter(pyarrow.array([True, False, True, True]))["label"].to_pylist()


@pytest.mark.parametrize("name", FORMATS)
def test_kept_columns_have_a_form_in_json(classify: Any, name: str) -> None:
    first, second, *_ = classify("--file", write(TYPED, name), "--keep", "--format", "jsonl")
    kept = {name: first[name] for name in TYPED.column_names}
    assert kept | {"when": ""} == {
        "id": 7,
        "text": "w1",
        "when": "",
        "day": "2024-07-01",
        "price": "1.50",
        "kind": "a",
        "nested": [{"x": 1}],
        "share": 0.5,
        "raw": "/w==",
        "is_new": True,
    }
    assert first["when"].startswith("2024-07-01 02:00:00")
    assert (second["share"], second["raw"], second["label"]) == (None, None, None)


def test_a_text_may_be_a_category_and_others_are_named_with_their_type(classify: Any) -> None:
    table = pyarrow.table({"text": pyarrow.array(["w1", None, "w1"]).dictionary_encode(), "id": [1, 2, 3]})
    name = write(table, "a.parquet")
    assert column(classify("--file", name), "text") == ["w1", None, "w1"]
    error = classify("--file", name, "--column", "id")
    assert "a.parquet, row 1: the column 'id' is of int64, expected text. " in error
    assert "The columns are 'text', 'id'" in error


@pytest.mark.parametrize("kind", [pyarrow.large_string(), pyarrow.string_view(), pyarrow.null()])
def test_every_type_of_text_is_read(classify: Any, kind: Any) -> None:
    texts = [None, None] if pyarrow.types.is_null(kind) else ["w1", None]
    table = pyarrow.table({"text": pyarrow.array(texts, kind)})
    assert column(classify("--file", write(table, "a.arrow")), "text") == texts


@pytest.mark.parametrize("name", FORMATS)
def test_a_table_without_rows_gives_one(classify: Any, name: str) -> None:
    assert classify("--file", write(TYPED.slice(0, 0), name), "--keep", "-o", "out.parquet") == []
    kept = parquet.read_table("out.parquet")
    assert (len(kept), kept.schema.names[: TYPED.num_columns]) == (0, TYPED.column_names)
    assert kept.schema.field("price").type == TYPED.schema.field("price").type


def test_two_columns_of_one_name_are_an_error_where_they_matter(classify: Any) -> None:
    table = pyarrow.Table.from_arrays([pyarrow.array(["w1"])] * 3, ["text", "a", "a"])
    name = write(table, "a.arrow")
    assert column(classify("--file", name, "--keep", "text"), "text") == ["w1"]
    assert "the columns are 'text', 'a', 'a'; expected one 'a' among them" in classify(
        "--file", name, "--keep"
    )
    assert "expected one 'b' among them" in classify("--file", name, "--keep", "b")


def test_a_kept_column_with_the_name_of_an_answer_needs_a_prefix(classify: Any) -> None:
    Path("a.csv").write_text("text,label\nw1,x\n")
    assert "two columns of the output would be called 'label'" in classify("--file", "a.csv", "--keep")
    (row,) = classify("--file", "a.csv", "--keep", "--prefix", "predicted_")
    assert (row["label"], row["predicted_label"] in ("NEGATIVE", "POSITIVE")) == ("x", True)


def test_a_missing_text_is_skipped_if_bad_rows_are(classify: Any) -> None:
    name = write(TYPED, "a.parquet")
    assert column(classify("--file", name, "--keep", "id", "--on-error", "skip"), "id") == [7, 9, None]
    assert column(classify("--file", name, "--keep", "id", "--on-error", "null"), "id") == [7, 8, 9, None]


@pytest.mark.parametrize("at", [9, 40, -20, -5])
def test_a_damaged_table_is_an_error(classify: Any, at: int) -> None:
    name = write(TYPED.select(["text"]), "a.parquet")
    content = Path(name).read_bytes()
    Path(name).write_bytes(content[: at % len(content)])
    assert "a.parquet" in classify("--file", name)


def test_a_text_that_is_not_utf8_is_an_error(classify: Any) -> None:
    buffers = pyarrow.array([b"w1", b"caf\xe9"]).buffers()
    texts = pyarrow.Array.from_buffers(pyarrow.string(), 2, buffers)
    name = write(pyarrow.table({"text": texts}), "a.arrow")
    assert "a.arrow is an Arrow or Feather file, and cannot be read after row 0" in classify("--file", name)


def test_a_table_in_a_packed_file_is_an_error(classify: Any) -> None:
    name = write(TYPED, "a.parquet")
    Path("a.gz").write_bytes(gzip.compress(Path(name).read_bytes()))
    assert "a.gz is packed, expected the file that is in it" in classify("--file", "a.gz")


def test_a_table_in_a_pipe_is_an_error() -> None:
    end, other_end = os.pipe()
    with os.fdopen(end, "rb", 0) as file, os.fdopen(other_end, "wb", 0) as pipe:
        pipe.write(b"PAR1" + bytes(99))
        pipe.close()
        with pytest.raises(InputFileError, match="PIPE is a pipe, expected a file"):
            list(read_rows(Lines(file, "PIPE"), Columns()))


# -------------------------------------------------------------------------------------------- untyped columns


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", "id;text;x\n7;w1;\n8;w2;y\n", [{"id": "7", "x": ""}, {"id": "8", "x": "y"}]),
        (
            "a.jsonl",
            '{"text": "w1", "id": 7, "x": [1]}\n{"text": "w2", "id": null, "x": true}\n',
            [{"id": "7", "x": "[1]"}, {"id": None, "x": "true"}],
        ),
        ("a.json", '[{"id": 1.5, "text": "w1", "x": "é"}]', [{"id": "1.5", "x": "é"}]),
    ],
)
def test_columns_without_types_are_text_in_parquet(
    classify: Any, name: str, content: str, expected: list[dict[str, object]]
) -> None:
    Path(name).write_text(content, encoding="utf-8")
    assert classify("--file", name, "--keep", "id", "x", "-o", "out.parquet") == []
    assert parquet.read_table("out.parquet").select(["id", "x"]).to_pylist() == expected


def test_an_object_with_another_key_is_a_bad_row_if_all_are_kept(classify: Any) -> None:
    Path("a.jsonl").write_text('{"text": "w1"}\n{"text": "w2", "new": 1}\n')
    assert "line 2: the key 'new' is not in the first object" in classify("--file", "a.jsonl", "--keep")
    assert column(classify("--file", "a.jsonl", "--keep", "text"), "text") == ["w1", "w2"]


def test_excel_is_read_by_its_header(classify: Any) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    pytest.importorskip("python_calamine")
    book = openpyxl.Workbook()
    for row in (["id", "review", "day"], [7, "w1", datetime.date(2024, 7, 1)], [8, None, None], [9, 5, None]):
        book.active.append(row)
    book.save("a.xlsx")
    rows = classify("--file", "a.xlsx", "--column", "review", "--keep", "--on-error", "null")
    assert column(rows, "id") == [7, 8, 9]
    assert rows[0]["day"] == "2024-07-01"
    assert [row["label"] is None for row in rows] == [False, True, True]
    assert "a.xlsx, row 4: 'review' is 5, expected a text" in classify(
        "--file", "a.xlsx", "--column", "review"
    )
    assert "the columns are 'id', 'review', 'day'" in classify("--file", "a.xlsx")
    book.create_sheet("more").append(["text"])
    book.save("a.xlsx")
    assert "a.xlsx has 2 sheets with cells ('Sheet', 'more'), expected one" in classify("--file", "a.xlsx")


@pytest.mark.parametrize("package", ["pyarrow", "python_calamine"])
def test_a_missing_package_is_named_with_its_mend(
    classify: Any, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, package, None)
    beginning = {"pyarrow": b"PAR1\x15\x04", "python_calamine": b"PK\x03\x04" + b"xl/workbook.xml"}[package]
    Path("a.bin").write_bytes(beginning + bytes(99))
    assert 'Install it: pip install "distilnp[tables]"' in classify("--file", "a.bin")
    Path("a.txt").write_text("w1\n")
    assert len(classify("--file", "a.txt")) == 1


# ---------------------------------------------------------------------------------- several files, whole
# files


def test_several_files_are_one_input_in_their_order(classify: Any) -> None:
    Path("a.csv").write_text("id,text\n1,w1\n")
    Path("b.csv").write_text("text;id\nw2;2\n")
    assert column(classify("--file", "a.csv", "--file", "b.csv", "a.csv", "--keep"), "id") == ["1", "2", "1"]
    Path("c.csv").write_text("id,text,x\n1,w1,y\n")
    error = classify("--file", "a.csv", "c.csv", "--keep", "-o", "out.csv")
    assert "c.csv, line 1: the column 'x' is not in the first file" in error
    error = classify("--file", "a.csv", "none.csv", "-o", "out.csv")
    assert "none.csv cannot be read: No such file or directory" in error


def test_files_of_other_types_are_an_error(classify: Any) -> None:
    write(TYPED, "a.parquet")
    write(TYPED.set_column(0, "id", pyarrow.array([1, 2, 3, 4])), "b.parquet")
    error = classify("--file", "a.parquet", "b.parquet", "--keep", "-o", "out.parquet")
    assert (
        "b.parquet has columns of other types than the first file ('id' is of int64, and was of int8)"
        in error
    )


def test_a_whole_file_is_one_text(classify: Any) -> None:
    Path("a.txt").write_text("id,text\nw1\n\nw2 é\n", encoding="utf-8")
    Path("b.txt").write_bytes(b"caf\xe9\n")
    rows = classify("--whole-files", "--file", "a.txt", "b.txt", "--on-error", "null")
    assert rows[0]["text"] == "id,text\nw1\n\nw2 é\n"
    assert column(rows, "file") == ["a.txt", "b.txt"]
    assert rows[1]["label"] is None
    assert list(classify("--whole-files", "--file", "a.txt", "--keep", "file")[0])[:2] == ["file", "label"]
    assert "b.txt, line 1: byte 4 is 0xe9" in classify("--whole-files", "--file", "b.txt")


# ------------------------------------------------------------------------------------------------- addresses


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Handler, directory=os.fspath(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def test_a_file_of_a_server_is_read_like_one_that_is_here(classify: Any, server: str) -> None:
    pytest.importorskip("aiohttp")
    Path("a.csv").write_text("id,text\n1,w1\n2,w2\n")
    assert classify("--file", f"{server}/a.csv") == classify("--file", "a.csv")
    assert f"{server}/b.csv cannot be read" in classify("--file", f"{server}/b.csv")


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_a_run_over_an_address_can_be_resumed(classify: Any, name: str) -> None:
    fsspec = pytest.importorskip("fsspec")
    write(TYPED, "a.parquet")
    Path("a.csv").write_text("id,text\n1,w1\n2,w2\n3\n")
    memory = fsspec.filesystem("memory")
    memory.pipe(f"/{name}", Path(name).read_bytes())
    command = ("--file", f"memory://{name}", "--keep", "id", "-o", "out.jsonl")
    if name == "a.csv":
        assert "rows that are answered: 2" in classify(*command)
        assert classify(*command, "--resume", "--on-error", "skip") == []
    else:
        assert classify(*command) == []
    rows = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    assert column(rows, "id") == (["1", "2"] if name == "a.csv" else [7, 8, 9, None])


# -------------------------------------------------------------------------------------------- bounded memory


def test_a_large_row_group_is_read_in_small_batches(classify: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typed_tables, "BATCH_ROWS", 10)
    table = pyarrow.table({"text": [f"w{i % 9}" for i in range(95)]})
    parquet.write_table(table, "a.parquet", row_group_size=95)
    with ipc.new_file("a.arrow", table.schema) as file:
        file.write_table(table)
    for name in ("a.parquet", "a.arrow"):
        sizes = []
        monkeypatch.setattr(
            typed_tables,
            "KeptBatch",
            lambda batch, sizes=sizes, original=typed_tables.KeptBatch: (
                sizes.append(len(batch)) or original(batch)
            ),
        )
        rows = classify("--file", name, "--keep")
        assert column(rows, "text") == table["text"].to_pylist()
        assert sizes == [10] * 9 + [5]
