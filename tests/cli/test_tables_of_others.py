"""Tables that pandas, polars and pyarrow write are read back equal, or named for what they are.

These packages are no dependencies, so that each test runs where its package is installed.
"""

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distilnp import InputFileError
from distilnp.cli.bad_rows import BadRows
from distilnp.cli.lines import Lines
from distilnp.cli.readers import Columns, Row, read_rows

cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff\r")) | st.text(
    st.sampled_from(',;\t|"\n a')
)
tables = st.lists(st.tuples(cells, st.integers(0, 1)), min_size=1)
delimiters = st.sampled_from([",", ";", "\t", "|"])
line_ends = st.sampled_from(["\n", "\r\n"])

LABELLED = Columns("text", None, ("label",))


def rows_of(content: bytes, file: str | None, columns: Columns = LABELLED) -> list[Row]:
    rows = read_rows(Lines(io.BytesIO(content), "FILE"), columns, file=file)
    return [row for row in BadRows().watch(rows) if row is not None]


def assert_equal_rows(content: bytes, delimiter: str, rows: list[tuple[str, int]]) -> None:
    expected = [Row(text, str(label)) for text, label in rows]
    assert rows_of(content, "a.csv") == expected
    if delimiter != "\t":  # without a name, tabs are TSV
        assert rows_of(content, "a.txt", Columns()) == [Row(text, None) for text, _ in rows]


@given(
    tables, delimiters, st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC, csv.QUOTE_MINIMAL]), line_ends
)
@pytest.mark.parametrize("has_index", [True, False])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_csv_of_pandas(
    has_index: bool, encoding: str, rows: list[tuple[str, int]], delimiter: str, quoting: int, end: str
) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(rows, columns=["text", "label"])
    file = io.BytesIO()
    frame.to_csv(
        file,
        sep=delimiter,
        quoting=quoting,
        lineterminator=end,
        index=has_index,
        encoding=encoding,
        mode="wb",
    )
    assert_equal_rows(file.getvalue(), delimiter, rows)


@given(tables)
@pytest.mark.parametrize("options", [{"lines": True}, {}, {"indent": 2}, {"force_ascii": False}])
def test_json_of_pandas(options: dict[str, Any], rows: list[tuple[str, int]]) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(rows, columns=["text", "label"])
    content = frame.to_json(orient="records", **options).encode()
    for file in ("a.json", "a.jsonl" if options == {"lines": True} else "a.csv", None):
        assert rows_of(content, file) == [Row(*row) for row in rows]


@pytest.mark.parametrize("orient", ["columns", "index", "split", "values", "table"])
def test_json_of_pandas_that_is_no_records_is_an_error(orient: str) -> None:
    pandas = pytest.importorskip("pandas")
    content = (
        pandas.DataFrame([("What a joy.", 1)], columns=["text", "label"]).to_json(orient=orient).encode()
    )
    for file in ("a.json", "a.txt", None):
        for columns in (Columns(), LABELLED):
            with pytest.raises(InputFileError):
                rows_of(content, file, columns)


@given(tables, delimiters, st.sampled_from(["always", "necessary", "non_numeric"]), line_ends, st.booleans())
def test_csv_of_polars(
    rows: list[tuple[str, int]], delimiter: str, quoting: Any, end: str, has_mark: bool
) -> None:
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(rows, schema=["text", "label"], orient="row")
    content = frame.write_csv(
        separator=delimiter, quote_style=quoting, line_terminator=end, include_bom=has_mark
    ).encode()
    assert_equal_rows(content, delimiter, rows)


@given(tables)
def test_json_of_polars(rows: list[tuple[str, int]]) -> None:
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(rows, schema=["text", "label"], orient="row")
    for content in (frame.write_json(), frame.write_ndjson()):
        assert rows_of(content.encode(), "a.txt") == [Row(*row) for row in rows]


@pytest.mark.parametrize(
    ("package", "method", "options", "name"),
    [
        ("pyarrow", "to_orc", {}, "an ORC file"),
        ("pandas", "to_pickle", {}, "a pickle"),
        ("pandas", "to_stata", {}, "a Stata file"),
        ("pandas", "to_csv", {"encoding": "utf-16"}, "in UTF-16"),
        ("pandas", "to_csv", {"compression": "zip"}, "a zip archive"),
        ("pandas", "to_csv", {"compression": "tar"}, "a tar archive"),
        ("pandas", "to_html", {}, "an XML or HTML document"),
    ],
)
def test_other_files_of_pandas_are_named(
    package: str, method: str, options: dict[str, Any], name: str, tmp_path: Any
) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip(package)
    frame = pandas.DataFrame([("What a joy.", 1)] * 9, columns=["text", "label"])
    getattr(frame, method)(tmp_path / "table", **options)
    for file in ("a.csv", "a.txt", None):
        with pytest.raises(InputFileError, match=f"^FILE is {name}"):
            rows_of((tmp_path / "table").read_bytes(), file)


@pytest.mark.parametrize(
    ("package", "method", "options"),
    [
        ("pyarrow", "to_parquet", {}),
        ("pyarrow", "to_parquet", {"compression": "zstd", "row_group_size": 2}),
        ("pyarrow", "to_feather", {}),
        ("pyarrow", "to_feather", {"compression": "uncompressed"}),
        ("openpyxl", "to_excel", {"index": False}),
        ("pandas", "to_csv", {"compression": "bz2"}),
        ("pandas", "to_csv", {"compression": "xz"}),
    ],
)
def test_other_files_of_pandas_are_read(
    package: str, method: str, options: dict[str, Any], tmp_path: Any
) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip(package)
    pytest.importorskip("python_calamine")
    frame = pandas.DataFrame([("What a joy.", 1), ("so so", 0), ("é\n", 7)] * 3, columns=["text", "label"])
    getattr(frame, method)(tmp_path / "table.xlsx", **options)
    for file in ("a.csv", "a.txt", None):
        rows = rows_of((tmp_path / "table.xlsx").read_bytes(), file)
        expected = [Row(text, label) for text, label in frame.itertuples(index=False)]
        assert [(row.text, float(str(row.label))) for row in rows] == [
            (row.text, row.label) for row in expected
        ]
