"""The format of a file shows in its first line, and a table is never read as text."""

import bz2
import csv
import gzip
import io
import json
import lzma
import pickle
import re
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from distilnp import InputFileError
from distilnp.cli.bad_rows import BadRows
from distilnp.cli.lines import Lines
from distilnp.cli.readers import Columns, Row, read_rows
from distilnp.cli.recognition import recognise
from distilnp.cli.signatures import kind_of
from distilnp.texts import Text

DELIMITERS = [",", ";", "\t", "|"]


def rows_of(
    content: str | bytes, file: str | None = None, columns: Columns | None = None, **options: str
) -> list[Row]:
    packed = content.encode() if isinstance(content, str) else content
    rows = read_rows(Lines(io.BytesIO(packed), "FILE"), columns or Columns(), file=file, **options)
    return [row for row in BadRows().watch(rows) if row is not None]


def texts_of(
    content: str | bytes, file: str | None = None, column: str | None = None, **options: str
) -> list[Text]:
    return [row.text for row in rows_of(content, file, Columns(column), **options)]


def error_of(content: str | bytes, file: str | None = None, **options: str) -> str:
    with pytest.raises(InputFileError) as caught:
        texts_of(content, file, **options)
    return str(caught.value)


def format_of(content: str, file: str | None = None, *, is_table: bool = False) -> str:
    return recognise(Lines(io.BytesIO(content.encode()), "FILE"), file, is_table=is_table)


# ---------------------------------------------------------------------------------------------- text or table


@pytest.mark.parametrize("file", [None, "-", "a.txt", "a.log", "README", "a.csv.txt", "csv.gz"])
@pytest.mark.parametrize(
    "line",
    [
        "What a joy to read.",
        "Good, but too long; I liked it | mostly",
        'He said "yes"; then "no", and left.',
        '"Good," she said, "very good."',
        '"Yes", she said',
        "[SEP] w9",
        "[1] a note, [2] another",
        "{sic} is not JSON",
        "I paid 1,000 for it, or 2;500",
        "My text, which has no label, is here",
        "yes, no",
        "see you at 5,ok!",
        "ORC is a game, PDF is not",
        "PK\x04",
        "text",
        "é世界",
        "w1 w2",
    ],
)
def test_a_text_is_a_text(file: str | None, line: str) -> None:
    assert texts_of(f"{line}\nmore, text\n", file) == [line, "more, text"]


@pytest.mark.parametrize("delimiter", DELIMITERS)
@pytest.mark.parametrize("file", [None, "-", "a.csv", "a.tsv", "a.tab", "a.txt", "a.dat.gz", "a"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_table_with_a_usual_name_is_read_whatever_its_delimiter_and_its_name(
    delimiter: str, file: str | None, end: str
) -> None:
    lines = [f"id{delimiter}text{delimiter}stars", f"1{delimiter}What a joy{delimiter}5"]
    for mark in ("", "\ufeff"):
        content = mark + "".join(line + end for line in lines)
        assert texts_of(content, file) == ["What a joy"]
        assert texts_of(gzip.compress(content.encode()), file) == ["What a joy"]


@pytest.mark.parametrize("delimiter", DELIMITERS)
@pytest.mark.parametrize("file", [None, "a.csv", "a.tsv", "a.txt"])
def test_a_named_column_is_found_whatever_the_delimiter(delimiter: str, file: str | None) -> None:
    content = f"id{delimiter}Bewertung des Films\n1{delimiter}schön\n"
    assert texts_of(content, file, "Bewertung des Films") == ["schön"]


@pytest.mark.parametrize("delimiter", [*DELIMITERS, "^", "¦", " "])
@pytest.mark.parametrize("line", ["sep={}", "SEP={}", '"sep={}"', "\nsep={}"])
def test_a_line_for_excel_names_the_delimiter_and_is_no_header(delimiter: str, line: str) -> None:
    content = f"{line.format(delimiter)}\r\nid{delimiter}text\r\n1{delimiter}joy\r\n"
    assert texts_of(content) == texts_of(content, "a.csv") == texts_of(content, "a.txt") == ["joy"]
    assert texts_of(content, input_format="csv") == ["joy"]


@pytest.mark.parametrize("delimiter", [*DELIMITERS, "^", "¦", "b"])
def test_a_delimiter_that_is_given_overrides_the_others(delimiter: str) -> None:
    others = "text".join(other for other in DELIMITERS if other != delimiter)
    content = f"{others}{delimiter}T\n1{delimiter}joy\n"
    assert texts_of(content, "a.txt", "T", delimiter=delimiter) == ["joy"]


# What may be a table without a usual name, its separators of every kind.
PERHAPS_ROWS = [
    *(delimiter.join(["id", "review", "stars"]) for delimiter in DELIMITERS),
    *(delimiter.join(["Nr", "Bewertung"]) for delimiter in DELIMITERS),
    *(delimiter.join(["1", "What a joy!", "5"]) for delimiter in DELIMITERS),
    *(delimiter.join(["What a joy, really.", "5"]) for delimiter in ["\t", ";", "|", ","]),
    *(delimiter.join(['"1"', '"What a joy, really."']) for delimiter in DELIMITERS),
    *(delimiter.join(['"What a joy, really."', "good"]) for delimiter in DELIMITERS),
    "2024-01-01\tINFO\tstarted",
    "text, label",
    "| id | text |",
    "Review text;Stars given",
]


@pytest.mark.parametrize("file", [None, "-", "a.txt", "a.log", "a"])
@pytest.mark.parametrize("line", PERHAPS_ROWS)
def test_what_may_be_a_table_is_an_error_that_says_what_to_type(file: str | None, line: str) -> None:
    error = error_of(f"{line}\n{line}\n", file)
    assert error.startswith("FILE begins with ")
    assert "which may be a row of a table or a text. Give --input-format " in error
    assert texts_of(f"{line}\n{line}\n", file, input_format="lines") == [line, line]


@pytest.mark.parametrize("line", PERHAPS_ROWS)
def test_a_file_with_the_suffix_of_a_table_is_never_read_as_lines(line: str) -> None:
    for file in ("a.csv", "a.tsv", "a.tab"):
        if line == "text, label":
            assert texts_of(f"{line}\na,b\n", file) == ["a"]
            continue
        assert "; expected --column NAME to say which of them holds the text" in error_of(f"{line}\n", file)


@pytest.mark.parametrize("file", ["a.csv", "a.tsv", "a.tab", "A.CSV.GZ"])
def test_one_column_is_a_table_if_the_name_of_the_file_says_so(file: str) -> None:
    assert texts_of("review\nWhat a joy.\n", file) == ["What a joy."]


@pytest.mark.parametrize(
    ("content", "file", "expected"),
    [
        ("", None, "lines"),
        ("", "a.csv", "csv"),
        ("", "a.json", "json"),
        ("a b\n", "a.ndjson", "jsonl"),
        ('{"text": "a"}\n', None, "jsonl"),
        ('{"text": "a"}', "a.json", "jsonl"),
        ('{"text":\n"a"}', "a.json", "json"),
        ('{"text":\n"a"}', "a.jsonl", "jsonl"),
        ('\n\n  {"text": "a"}\n', None, "jsonl"),
        ("{\n", None, "json"),
        ("[\n", "a.jsonl", "json"),
        ('[{"text": "a"}]', "a.csv", "json"),
        ('["a"]', "a.txt", "json"),
        ("[]", None, "json"),
        ("text\tlabel\n", None, "tsv"),
        ("text\tlabel\n", "a.csv", "csv"),
        ('"text"\t"label"\n', "a.tsv", "csv"),
        ("text;label\n", "a.tsv", "csv"),
        ("\n\ntext;label\n", None, "csv"),
        ("a\tb\n", "a.tsv", "tsv"),
        ("a\n", "a.tsv", "tsv"),
    ],
)
def test_the_format_is_that_of_the_first_line_that_is_not_blank(
    content: str, file: str | None, expected: str
) -> None:
    assert format_of(content, file) == expected


def test_columns_are_asked_of_a_table_and_not_of_lines() -> None:
    assert format_of("What a joy.\n", is_table=True) == "csv"
    assert format_of("a\tb\n", is_table=True) == "tsv"
    assert "the columns are 'What a joy.'; expected one 'x' among them" in error_of(
        "What a joy.\n", column="x"
    )


# ---------------------------------------------------------------------------------------------------- quoting

cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff"))


@given(
    st.lists(st.tuples(cells, cells), min_size=1),
    st.sampled_from([*DELIMITERS, "^"]),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC, csv.QUOTE_MINIMAL]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(
        [("id", "text"), ("text", "id"), ("id", "review, long"), ('a"b', "text"), ("a;b", "text")]
    ),
    st.sampled_from(["", "\ufeff"]),
)
def test_csv_that_python_writes_is_read_back_equal(
    rows: list[tuple[str, str]], delimiter: str, quoting: int, end: str, header: tuple[str, str], mark: str
) -> None:
    content = io.StringIO(newline="")
    # Python before 3.13 does not quote a bare \r if rows end in \n.
    cleaned = [(a.replace("\r", " "), b.replace("\r", " ")) for a, b in rows]
    csv.writer(content, delimiter=delimiter, quoting=quoting, lineterminator=end).writerows(
        [header, *cleaned]
    )
    column = next(name for name in header if name in ("text", "review, long"))
    expected = [row[header.index(column)] for row in cleaned]

    given_delimiter = texts_of(mark + content.getvalue(), None, column, delimiter=delimiter)

    assert given_delimiter == expected
    if delimiter != "^":
        assert texts_of(mark + content.getvalue(), "a.csv", column) == expected


@given(st.lists(st.tuples(cells, cells), min_size=1), st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]))
def test_quoted_tsv_is_read_back_equal_or_is_an_error(rows: list[tuple[str, str]], quoting: int) -> None:
    content = io.StringIO(newline="")
    one_line = [tuple(re_lined(cell) for cell in row) for row in rows]
    writer = csv.writer(content, delimiter="\t", quoting=quoting, lineterminator="\n")
    writer.writerows([("text", "id"), *one_line])
    try:
        texts = texts_of(content.getvalue(), "a.tsv")
    except InputFileError as error:
        assert quoting == csv.QUOTE_MINIMAL
        assert "--delimiter tab" in str(error)
    else:
        assert texts == [text for text, _ in one_line]


def re_lined(cell: str) -> str:
    return cell.replace("\r", " ").replace("\n", " ")


# ------------------------------------------------------------------------------------------------------- JSON

LAYOUTS: list[Callable[[list[object]], str]] = [
    json.dumps,
    lambda values: json.dumps(values, indent=2),
    lambda values: json.dumps(values, indent=None, separators=(",", ":")),
    lambda values: "[" + ",\n".join(map(json.dumps, values)) + "]\n\n",
    lambda values: "[\n" + "\r\n, ".join(map(json.dumps, values)) + "\n]",
    lambda values: "\n".join(map(json.dumps, values)) + "\n\n",
    lambda values: "".join(json.dumps(value, indent=1) for value in values),
]
json_texts = st.text() | st.text(st.sampled_from('[]{}",\\ \n1'))


class OneByteAtATime(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        return super().read(1)


@given(st.lists(json_texts, min_size=1), st.sampled_from(LAYOUTS), st.booleans())
def test_json_records_are_read_whatever_their_layout(
    texts: list[str], layout: Callable[[list[object]], str], in_bytes: bool
) -> None:
    content = layout([{"id": [1, {"a": None}], "text": text, "x": -1.5e3} for text in texts]).encode()
    for file in ("a.json", None, "a.txt"):
        lines = Lines((OneByteAtATime if in_bytes else io.BytesIO)(content), "FILE")
        assert [row.text for row in BadRows().watch(read_rows(lines, Columns(), file=file))] == texts


@given(st.lists(json_texts, min_size=1), st.booleans())
def test_an_array_of_strings_is_texts(texts: list[str], ensure_ascii: bool) -> None:
    content = json.dumps(texts, ensure_ascii=ensure_ascii).encode(errors="backslashreplace")
    assert texts_of(content) == texts


def test_a_json_array_on_one_line_takes_little_memory() -> None:
    import tracemalloc

    packed = gzip.compress(b"[" + b",".join([b'{"text": "%050d"}' % 7] * 50_000) + b"]")
    tracemalloc.start()
    rows = read_rows(Lines(io.BytesIO(packed), "FILE"), Columns(), file="a.json")
    n_rows = sum(1 for _ in rows)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert n_rows == 50_000
    assert most < 1_500_000  # the line has 3 million bytes


@pytest.mark.parametrize(
    ("content", "texts", "message"),
    [
        (
            '[{"text": "a"} {"text": "b"}]',
            1,
            "FILE, line 1: '{' follows a value of the array, expected a comma",
        ),
        ('[{"text": "a"}', 1, "FILE, line 1: the array does not end"),
        ('[{"text": "a"},\n', 1, "FILE, line 1: the array does not end"),
        ('[{"text": "a"}]\nmore', 1, "FILE, line 2: something follows the end of the array"),
        ('[{"text": "a"}, {"text": null}]', 1, "FILE, line 1: value 2: 'text' is null, expected a string"),
        ('[\n{"text": "a"},\n5\n]', 1, "FILE, line 3: value 2: '5', expected a JSON object"),
        ('[{"text": "a"}, {"text" "b"}]', 1, 'FILE, line 1: value 2: \'{"text" "b"}\' is not JSON'),
        ('[{"a": 1, "b": 2}]', 0, "FILE, line 1: the columns are 'a', 'b'; expected --column NAME"),
        ("[" * 100_000, 0, "FILE, line 1: "),
        ('{"text": {"0": "a"}}', 0, 'FILE, line 1: \'text\' is {"0": "a"}, expected a string'),
        ('{"a": {"text": "b"}', 0, "FILE, line 1: value 1: "),
        ("what a joy", 0, "FILE, line 1: value 1: 'what' is not JSON"),
    ],
)
def test_json_that_cannot_be_used_is_an_error_after_the_texts_before_it(
    content: str, texts: int, message: str
) -> None:
    answered = []
    with pytest.raises(InputFileError) as caught:
        for row in BadRows().watch(
            read_rows(Lines(io.BytesIO(content.encode()), "FILE"), Columns(), file="a.json")
        ):
            answered.append(row)  # noqa: PERF402 (the rows before the error count)
    assert len(answered) == texts
    assert str(caught.value).startswith(message)
    assert len(str(caught.value)) < 500


# ---------------------------------------------------------------------------------------- what holds no texts


def zip_with(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, "text\nWhat a joy.\n")
    return file.getvalue()


def tar_of(mode: str) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:
        archive.addfile(tarfile.TarInfo("a.csv"), io.BytesIO())
    return file.getvalue()


def database(folder: Path) -> bytes:
    with sqlite3.connect(folder / "a.db") as connection:
        connection.execute("create table texts (text)")
    connection.close()
    return (folder / "a.db").read_bytes()


def array() -> bytes:
    file = io.BytesIO()
    np.save(file, np.zeros(3))
    return file.getvalue()


TEXT = b"id,text\n1,What a joy.\n"
NO_TEXTS: list[tuple[bytes | Callable[[Path], bytes], str]] = [
    (bz2.compress(bz2.compress(TEXT)), "a bzip2 file"),
    (gzip.compress(lzma.compress(TEXT)), "an xz file"),
    (lzma.compress(TEXT, lzma.FORMAT_ALONE), "an LZMA file"),
    (gzip.compress(b"\x28\xb5\x2f\xfd\x04\x00" + TEXT), "a zstd file"),
    (b"\x04\x22\x4d\x18\x64\x40" + TEXT, "an LZ4 file"),
    (gzip.compress(gzip.compress(TEXT)), "a gzip file in a gzip file"),
    (zip_with("a.csv"), "a zip archive"),
    (zip_with(), "a zip archive"),
    (zip_with("[Content_Types].xml", "xl/workbook.xml"), "an Excel workbook"),
    (zip_with("[Content_Types].xml", "word/document.xml"), "a document"),
    (
        b"PK\x03\x04" + bytes(26) + b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet",
        "an OpenDocument",
    ),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99), "an old Excel workbook"),
    (tar_of("w"), "a tar archive"),
    (tar_of("w:gz"), "a tar archive"),
    (b"PAR1\x15\x04\x15" + bytes(99) + b"PAR1", "a Parquet file"),
    (b"ORC\x0a\x03\x00\x00" + bytes(99), "an ORC file"),
    (b"ARROW1\0\0" + bytes(99), "an Arrow or Feather file"),
    (b"\xff\xff\xff\xff\x70\x00\x00\x00" + bytes(99), "an Arrow or Feather file"),
    (b"Obj\x01\x04\x14avro.codec", "an Avro file"),
    (database, "an SQLite database"),
    (b"\x89HDF\r\n\x1a\n" + bytes(9), "an HDF5 file"),
    (pickle.dumps(["What a joy."]), "a pickle"),
    (array(), "an array of NumPy"),
    (b"%PDF-1.7\n%\xb5\xb5\n1 0 obj\n", "a PDF"),
    (b"{\\rtf1\\ansi What a joy.}", "a document"),
    (b"\x89PNG\r\n\x1a\n" + bytes(9), "a picture"),
    (b"\xff\xd8\xff\xe0\0\x10JFIF", "a picture"),
    (b"\x7fELF\x02\x01\x01" + bytes(9), "a program"),
    ("id\ttext\r\n1\tWhat a joy.\r\n".encode("utf-16"), "in UTF-16"),
    ("text\n".encode("utf-32"), "in UTF-32"),
    (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "a pointer of Git LFS"),
    (b"<!DOCTYPE html>\n<html><body>What a joy.", "an XML or HTML document"),
    (b"\xef\xbb\xbf<?xml version='1.0'?>\n", "an XML or HTML document"),
]


@pytest.mark.parametrize("number", range(len(NO_TEXTS)))
def test_a_file_that_holds_no_texts_is_named_for_what_it_is(number: int, tmp_path: Path) -> None:
    content, name = NO_TEXTS[number]
    content = content if isinstance(content, bytes) else content(tmp_path)
    for file in ("a.csv", "a.txt", None, "a.json", "a.parquet"):
        error = error_of(content, file)
        assert error.startswith(f"FILE is {name}")
        # These are tables that can be read, and these files are damaged.
        is_table = re.search("Parquet|Arrow|Excel|OpenDocument", name) and "old" not in name
        assert (", and cannot be read" if is_table else ", expected text in UTF-8. ") in error
    for input_format in ("csv", "tsv", "jsonl", "json"):
        assert error_of(content, input_format=input_format).startswith(f"FILE is {name}")


# -------------------------------------------------------------------------------------------- any file at all

PIECES = [
    *(b"text,id;\t|\n\r\"[]{}:= \\'<0-.\0"[i : i + 1] for i in range(29)),
    *(
        b"\n\n",
        b"\r\n",
        b'""',
        b"sep=;",
        b'{"text": "a"}',
        b'[{"text":',
        b"label",
        b"null",
        b"1e9",
        b"\\u00e9",
    ),
    *("é".encode(), "\ufeff".encode(), b"\xff", b"\x1f\x8b", b"PK\x03\x04", b"PAR1", b"\xff\xfe", b"<html>"),
]
anything = st.binary() | st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join)


def outcome(file: io.BytesIO, name: str | None, input_format: str | None, columns: Columns) -> list[object]:
    """Return the rows of a file up to the error that ends them, and the message of that error."""
    rows: list[object] = []
    try:
        for row in read_rows(Lines(file, "FILE"), columns, file=name, input_format=input_format):
            rows.append(row if isinstance(row, Row) else str(row))  # noqa: PERF401 (those before an error count)
    except InputFileError as error:
        rows.append(str(error))
    return rows


@given(
    anything,
    st.sampled_from([None, "a.csv", "a.tsv", "a.json", "a.jsonl", "a.txt"]),
    st.sampled_from([None, None, None, "lines", "csv", "tsv", "jsonl", "json"]),
    st.sampled_from(
        [Columns(), Columns("text"), Columns("text", "id"), Columns(None, None, ("label", "id"))]
    ),
)
def test_any_bytes_are_rows_or_an_error_wherever_a_chunk_ends(
    content: bytes, name: str | None, input_format: str | None, columns: Columns
) -> None:
    whole = outcome(io.BytesIO(content), name, input_format, columns)

    assert outcome(OneByteAtATime(content), name, input_format, columns) == whole
    kind = kind_of(content)
    is_table = (
        kind is not None and kind.is_table
    )  # these are read from their ends, and so not out of a packed file
    if not is_table and not content.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")):
        assert outcome(io.BytesIO(gzip.compress(content)), name, input_format, columns) == whole
