"""Texts out of files: what each format means, and which line an error names."""

import csv
import gzip
import io
import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distilnp import InputFileError
from distilnp.cli.bad_rows import BadRows
from distilnp.cli.formats import USUAL_LABEL_COLUMNS
from distilnp.cli.lines import CHUNK_BYTES, Lines
from distilnp.cli.readers import READERS, Columns, Row
from distilnp.texts import Text


def read(input_format: str, content: str | bytes, column: str | None = None) -> list[Text]:
    return list(reading(input_format, content, column))


def reading(
    input_format: str, content: str | bytes, column: str | None = None, pair_column: str | None = None
) -> Iterator[Text]:
    file = io.BytesIO(content.encode() if isinstance(content, str) else content)
    rows = READERS[input_format](Lines(file, "FILE"), Columns(column, pair_column))
    return (row.text for row in BadRows().watch(rows) if row is not None)


def texts_and_error(
    input_format: str, content: str | bytes, column: str | None = None
) -> tuple[list[str], str]:
    """Return the texts before the error, and its message."""
    texts = []
    with pytest.raises(InputFileError) as caught:
        for text in reading(input_format, content, column):
            texts.append(text)  # noqa: PERF402 (the texts before the error count)
    return texts, str(caught.value)


# Every text that a UTF-8 file can hold: no half of a surrogate pair, and no NUL.
written_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
one_line_texts = written_texts.map(lambda text: text.replace("\n", " ").replace("\r", " "))


# ------------------------------------------------------------------------------------------------------ lines


@given(st.lists(one_line_texts), st.sampled_from(["\n", "\r", "\r\n"]))
def test_every_line_is_a_text_whatever_ends_it(texts: list[str], end: str) -> None:
    assert read("lines", "".join(text + end for text in texts)) == [
        text.removeprefix("\ufeff") if i == 0 else text for i, text in enumerate(texts)
    ]


def test_a_blank_line_is_an_empty_text() -> None:
    assert read("lines", "\na\n\n b \n\n") == ["", "a", "", " b ", ""]


def test_an_empty_file_has_no_texts() -> None:
    assert read("lines", "") == read("jsonl", "") == read("csv", "text\n") == []


def test_a_byte_order_mark_is_not_text() -> None:
    assert read("lines", b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n") == ["a", "\ufeffb"]
    assert read("csv", b'\xef\xbb\xbf"text",id\na,1\n') == ["a"]
    assert read("jsonl", b'\xef\xbb\xbf{"text": "a"}\n') == ["a"]


def test_a_line_may_be_far_longer_than_a_chunk() -> None:
    text = "long " * CHUNK_BYTES
    assert read("lines", f"a\n{text}\nb") == ["a", text, "b"]
    assert read("csv", f'text\na\n"{text}"\nb') == ["a", text, "b"]


# ------------------------------------------------------------------------------------------------ CSV and TSV


@given(st.lists(st.tuples(written_texts, written_texts)), st.sampled_from(["\n", "\r\n"]))
def test_csv_that_python_writes_is_read_back_unchanged(rows: list[tuple[str, str]], end: str) -> None:
    content = io.StringIO(newline="")
    # Python before 3.13 does not quote a bare \r if rows end in \n.
    writer = csv.writer(content, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([("id", "review"), *rows])
    assert read("csv", content.getvalue(), "review") == [review for _, review in rows]


def test_a_quote_in_tsv_is_an_ordinary_character() -> None:
    glue = 'sentence\tlabel\n"hilarious\t1\n4 " too short\t0\n\t1\n'
    assert read("tsv", glue) == ['"hilarious', '4 " too short', ""]


@pytest.mark.parametrize(
    ("header", "column"),
    [
        ("text,id", None),
        ("id,sentence", None),
        ("review", None),
        ("text,review", "review"),
        ("text,sentence", "text"),
    ],
)
def test_the_column_is_the_one_wanted_or_the_obvious_one(header: str, column: str | None) -> None:
    wanted = column or ("text" if "text" in header else "sentence" if "sentence" in header else "review")
    assert read("csv", f"{header}\n{header}\n", column) == [wanted]


@pytest.mark.parametrize(
    ("header", "column", "message"),
    [
        ("id,review", None, "FILE, line 1: the columns are 'id', 'review'; expected --column NAME"),
        ("text,sentence", None, "FILE, line 1: the columns are 'text', 'sentence'; expected --column NAME"),
        ("text,text", "text", "FILE, line 1: the columns are 'text', 'text'; expected one 'text' among them"),
        (
            "id,review",
            "Review",
            "FILE, line 1: the columns are 'id', 'review'; expected one 'Review' among them",
        ),
    ],
)
def test_a_column_that_is_not_obvious_has_to_be_named(header: str, column: str | None, message: str) -> None:
    assert texts_and_error("csv", f"{header}\na,b\n", column)[1].startswith(message)
    tabs = header.replace(",", "\t")
    assert texts_and_error("tsv", f"{tabs}\na\tb\n", column)[1].startswith(message)


@pytest.mark.parametrize("input_format", ["csv", "tsv"])
def test_an_empty_table_is_an_error(input_format: str) -> None:
    assert (
        texts_and_error(input_format, "")[1] == "FILE is empty, expected a header line that names the columns"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text,id\na,1\nb\nc,3\n", "FILE, line 3: the number of fields is 1, expected 2"),
        ("text,id\na,1\nfine, really,1\n", "FILE, line 3: the number of fields is 3, expected 2"),
        ("text,id\na,1\n\nb,2\n", "FILE, line 3: the row is blank, expected 2 fields as in the header"),
        ('text,id\na,1\n"so "good"",2\n', "FILE, line 3: the row that begins on line 3 is not CSV"),
        ('text,id\na,1\n"open,2\nc,3\nd,4\n', "FILE, line 5: the row that begins on line 3 is not CSV"),
    ],
)
def test_a_row_that_cannot_be_used_is_an_error_after_the_rows_before_it(content: str, message: str) -> None:
    texts, error = texts_and_error("csv", content)
    assert texts == ["a"]
    assert error.startswith(message)


# ------------------------------------------------------------------------------------------------------ pairs

PAIRS = [{"text": "a", "text_pair": "b"}, {"text": "", "text_pair": ""}]


@pytest.mark.parametrize(
    ("input_format", "content"),
    [
        ("csv", "id,question,text\n1,b,a\n2,,\n"),
        ("tsv", "text\tquestion\na\tb\n\t\n"),
        ("csv", "premise,question\na,b\n,\n"),  # the only other column is the text
        ("jsonl", '{"question": "b", "text": "a"}\n{"text": "", "question": ""}\n'),
        ("jsonl", '{"question": "b", "premise": "a"}\n{"premise": "", "question": "", "text": "c"}\n'),
    ],
)
def test_two_columns_make_pairs(input_format: str, content: str) -> None:
    assert list(reading(input_format, content, pair_column="question")) == PAIRS


@pytest.mark.parametrize(
    ("input_format", "content", "message"),
    [
        (
            "csv",
            "text,id\na,1\n",
            "FILE, line 1: the columns are 'text', 'id'; expected one 'question' among",
        ),
        (
            "csv",
            "a,b,question\n,,\n",
            "FILE, line 1: the columns are 'a', 'b', 'question'; expected --column",
        ),
        ("csv", "question\na\n", "FILE, line 1: the columns are 'question'; expected --column"),
        (
            "jsonl",
            '{"text": "a"}',
            "FILE, line 1: the columns are 'text'; expected one 'question' among them",
        ),
        ("jsonl", '{"text": "a", "question": null}', "FILE, line 1: 'question' is null, expected a string"),
    ],
)
def test_a_pair_that_lacks_a_column_is_an_error(input_format: str, content: str, message: str) -> None:
    with pytest.raises(InputFileError) as caught:
        list(reading(input_format, content, pair_column="question"))
    assert str(caught.value).startswith(message)


# ------------------------------------------------------------------------------------------------- JSON lines


@given(st.lists(st.text()), st.booleans())
def test_json_lines_hold_any_text(texts: list[str], ensure_ascii: bool) -> None:
    rows = (json.dumps({"id": 1, "text": text}, ensure_ascii=ensure_ascii) + "\n" for text in texts)
    assert read("jsonl", "".join(rows).encode(errors="backslashreplace")) == texts


def test_a_key_of_json_lines_is_chosen_like_a_column() -> None:
    assert read("jsonl", '{"a": 1, "sentence": "x"}\n{"sentence": "y", "b": 2}') == ["x", "y"]
    assert read("jsonl", '{"review": "x", "text": "y"}', "review") == ["x"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"text": "b"', 'FILE, line 2: \'{"text": "b"\' is not JSON'),
        ("", "FILE, line 2: the line is blank, expected a JSON object"),
        ("[" * 100_000, "FILE, line 2: '[[["),
        ('"b"', "FILE, line 2: the line is '\"b\"', expected a JSON object"),
        ('{"text": 5}', "FILE, line 2: 'text' is 5, expected a string"),
        ('{"text": null}', "FILE, line 2: 'text' is null, expected a string"),
        ('{"sentence": "b"}', "FILE, line 2: the columns are 'sentence'; expected one 'text' among them"),
        ("{}", "FILE, line 2: the columns are none; expected one 'text' among them"),
    ],
)
def test_a_json_line_that_cannot_be_used_is_an_error_after_the_lines_before_it(
    line: str, message: str
) -> None:
    texts, error = texts_and_error("jsonl", '{"text": "a"}\n' + line + '\n{"text": "c"}\n')
    assert texts == ["a"]
    assert error.startswith(message)
    assert len(error) < 400


# ----------------------------------------------------------------------------------------------------- labels


USUAL = Columns(labels=USUAL_LABEL_COLUMNS)
STARS = Columns(labels=("stars",))


def labelled(input_format: str, content: str, columns: Columns = USUAL) -> list[Row]:
    rows = READERS[input_format](Lines(io.BytesIO(content.encode()), "FILE"), columns)
    return [row for row in BadRows().watch(rows) if row is not None]


@pytest.mark.parametrize(
    ("input_format", "content", "labels"),
    [
        ("csv", "id,label,text\n1,pos,a\n2,0,b\n", ["pos", "0"]),
        ("tsv", "sentence\tlabel\na\t1\nb\t\n", ["1", ""]),
        ("csv", "review,labels\na,pos\nb,neg\n", ["pos", "neg"]),  # the only other column is the text
        ("jsonl", '{"text": "a", "label": 1}\n{"label": "pos", "id": 2, "text": "b"}\n', [1, "pos"]),
    ],
)
def test_a_row_may_have_a_label(input_format: str, content: str, labels: list[object]) -> None:
    assert labelled(input_format, content) == list(map(Row, ["a", "b"], labels))


def test_the_column_of_labels_is_the_named_one_and_never_a_column_of_texts() -> None:
    content = "label,text,sentiment\na,b,c\n"
    assert labelled("csv", content, Columns(labels=("sentiment",))) == [Row("b", "c")]
    assert labelled("csv", content, Columns("label", "text", ("sentiment",))) == [
        Row({"text": "a", "text_pair": "b"}, "c")
    ]
    assert labelled("csv", "label,labels\na,b\n", Columns("label", None, USUAL_LABEL_COLUMNS)) == [
        Row("a", "b")
    ]


@pytest.mark.parametrize(
    ("input_format", "content", "columns", "message"),
    [
        ("csv", "text,id\n", USUAL, "line 1: the columns are 'text', 'id'; expected --label-column NAME to"),
        ("csv", "text,label,labels\n", USUAL, "expected --label-column NAME to say which of them holds"),
        ("tsv", "text\tlabel\n", STARS, "the columns are 'text', 'label'; expected one 'stars' among them"),
        ("csv", "text,stars,stars\n", STARS, "expected one 'stars' among them"),
        ("jsonl", '{"text": "a"}', USUAL, "line 1: the columns are 'text'; expected --label-column NAME"),
        (
            "jsonl",
            '{"text": "a", "label": {}}',
            USUAL,
            "'label' is {}, expected a string, a number or an array",
        ),
        (
            "jsonl",
            '{"text": "a", "label": null}',
            USUAL,
            "'label' is null, expected a string, a number or an",
        ),
        (
            "jsonl",
            '{"text": "a", "": null}',
            Columns(labels=("",)),
            "'' is null, expected a string, a number",
        ),
    ],
)
def test_a_row_without_its_label_is_an_error(
    input_format: str, content: str, columns: Columns, message: str
) -> None:
    with pytest.raises(InputFileError) as caught:
        labelled(input_format, content, columns)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("input_format", "content"),
    [("lines", "a"), ("csv", "text\na"), ("tsv", "text\na"), ("jsonl", '{"text": "a"}')],
)
def test_every_format_may_be_gzipped(input_format: str, content: str) -> None:
    assert read(input_format, gzip.compress(content.encode())) == ["a"]
