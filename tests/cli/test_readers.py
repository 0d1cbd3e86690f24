"""Texts out of files: what each format means, and where an error says it is."""

import csv
import gzip
import io
import json
import os
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distilnp import InputFileError
from distilnp.cli import readers
from distilnp.cli.readers import USUAL_LABEL_COLUMNS, Columns, Lines, Row, open_lines
from distilnp.texts import Text


def read(kind: str, content: str | bytes, column: str | None = None) -> list[Text]:
    return list(reading(kind, content, column))


def reading(
    kind: str, content: str | bytes, column: str | None = None, pair_column: str | None = None
) -> Iterator[Text]:
    file = io.BytesIO(content.encode() if isinstance(content, str) else content)
    rows = readers.READERS[kind](Lines(file, "FILE"), Columns(column, pair_column))
    return (row.text for row in rows)


def texts_and_error(kind: str, content: str | bytes, column: str | None = None) -> tuple[list[str], str]:
    texts = []
    with pytest.raises(InputFileError) as caught:
        for text in reading(kind, content, column):
            texts.append(text)  # noqa: PERF402 (what comes before the error counts)
    return texts, str(caught.value)


# What a file of UTF-8 can hold: no half of a surrogate pair, and no NUL.
written_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
one_line_texts = written_texts.map(lambda text: text.replace("\n", " ").replace("\r", " "))


class OneByteAtATime(io.BytesIO):
    """The worst pipe: every chunk ends in the middle of something."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(1)


# ------------------------------------------------------------------------------------------------------ lines


@given(st.lists(one_line_texts), st.sampled_from(["\n", "\r", "\r\n"]))
def test_every_line_is_a_text_whatever_ends_it(texts: list[str], end: str) -> None:
    assert read("lines", "".join(text + end for text in texts)) == [
        text.removeprefix("\ufeff") if i == 0 else text for i, text in enumerate(texts)
    ]


@given(st.lists(st.sampled_from([b"a", b"\n", b"\r", b"\r\n", "é".encode()])).map(b"".join))
def test_where_a_chunk_ends_does_not_matter(content: bytes) -> None:
    expected = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8").read().split("\n")
    if expected[-1] == "":  # a last line needs no end
        expected.pop()
    assert read("lines", content) == expected
    rows = readers.read_lines(Lines(OneByteAtATime(content), "FILE"), Columns())
    assert [row.text for row in rows] == expected


def test_a_blank_line_is_an_empty_text() -> None:
    assert read("lines", "\na\n\n b \n\n") == ["", "a", "", " b ", ""]


def test_an_empty_file_has_no_texts() -> None:
    assert read("lines", "") == read("jsonl", "") == read("csv", "text\n") == []


def test_a_byte_order_mark_is_not_text() -> None:
    assert read("lines", b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n") == ["a", "\ufeffb"]
    assert read("csv", b'\xef\xbb\xbf"text",id\na,1\n') == ["a"]
    assert read("jsonl", b'\xef\xbb\xbf{"text": "a"}\n') == ["a"]


def test_a_line_may_be_far_longer_than_a_chunk() -> None:
    text = "long " * readers.CHUNK_BYTES
    assert read("lines", f"a\n{text}\nb") == ["a", text, "b"]
    assert read("csv", f'text\na\n"{text}"\nb') == ["a", text, "b"]


def test_bytes_that_are_not_utf8_are_named_after_the_lines_before_them() -> None:
    texts, message = texts_and_error("lines", b"fine\ncaf\xe9\nfine\n")
    assert texts == ["fine"]
    assert message.startswith("FILE, line 2: byte 4 is 0xe9, expected text in UTF-8.")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_recognised(encoding: str) -> None:
    texts, message = texts_and_error("lines", "first\nsecond\n".encode(encoding))
    assert not texts
    assert "UTF-16" in message


# ------------------------------------------------------------------------------------------------ CSV and TSV


@given(st.lists(st.tuples(written_texts, written_texts)), st.sampled_from(["\n", "\r\n"]))
def test_csv_that_python_writes_is_read_as_it_was(rows: list[tuple[str, str]], end: str) -> None:
    content = io.StringIO(newline="")
    # Python before 3.13 leaves a bare \r unquoted when rows end in \n.
    writer = csv.writer(content, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([("id", "review"), *rows])
    assert read("csv", content.getvalue(), "review") == [review for _, review in rows]


def test_tsv_knows_no_quotes() -> None:
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
def test_a_column_that_is_not_obvious_is_asked_for(header: str, column: str | None, message: str) -> None:
    assert texts_and_error("csv", f"{header}\na,b\n", column)[1].startswith(message)
    tabs = header.replace(",", "\t")
    assert texts_and_error("tsv", f"{tabs}\na\tb\n", column)[1].startswith(message)


@pytest.mark.parametrize("kind", ["csv", "tsv"])
def test_an_empty_table_lacks_its_header(kind: str) -> None:
    assert texts_and_error(kind, "")[1] == "FILE is empty, expected a header line that names the columns"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text,id\na,1\nb\nc,3\n", "FILE, line 3: the number of fields is 1, expected 2"),
        ("text,id\na,1\nfine, really,1\n", "FILE, line 3: the number of fields is 3, expected 2"),
        ("text,id\na,1\n\nb,2\n", "FILE, line 3: the number of fields is 0, expected 2"),
        ('text,id\na,1\n"so "good"",2\n', "FILE, line 3: the row that begins on line 3 is not CSV"),
        ('text,id\na,1\n"open,2\nc,3\nd,4\n', "FILE, line 5: the row that begins on line 3 is not CSV"),
    ],
)
def test_a_row_that_does_not_fit_is_named_after_the_rows_before_it(content: str, message: str) -> None:
    texts, error = texts_and_error("csv", content)
    assert texts == ["a"]
    assert error.startswith(message)


# ------------------------------------------------------------------------------------------------------ pairs

PAIRS = [{"text": "a", "text_pair": "b"}, {"text": "", "text_pair": ""}]


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("csv", "id,question,text\n1,b,a\n2,,\n"),
        ("tsv", "text\tquestion\na\tb\n\t\n"),
        ("csv", "premise,question\na,b\n,\n"),  # the only other one
        ("jsonl", '{"question": "b", "text": "a"}\n{"text": "", "question": ""}\n'),
        ("jsonl", '{"question": "b", "premise": "a"}\n{"premise": "", "question": "", "text": "c"}\n'),
    ],
)
def test_two_columns_are_pairs(kind: str, content: str) -> None:
    pairs = list(reading(kind, content, pair_column="question"))

    assert pairs == PAIRS


@pytest.mark.parametrize(
    ("kind", "content", "message"),
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
def test_a_pair_that_lacks_a_column_is_named(kind: str, content: str, message: str) -> None:
    with pytest.raises(InputFileError) as caught:
        list(reading(kind, content, pair_column="question"))
    assert str(caught.value).startswith(message)


# ------------------------------------------------------------------------------------------------- JSON lines


@given(st.lists(st.text()), st.booleans())
def test_any_text_survives_json_lines(texts: list[str], ensure_ascii: bool) -> None:
    rows = (json.dumps({"id": 1, "text": text}, ensure_ascii=ensure_ascii) + "\n" for text in texts)
    assert read("jsonl", "".join(rows).encode(errors="backslashreplace")) == texts


def test_a_key_of_json_lines_is_chosen_as_a_column_is() -> None:
    assert read("jsonl", '{"a": 1, "sentence": "x"}\n{"sentence": "y", "b": 2}') == ["x", "y"]
    assert read("jsonl", '{"review": "x", "text": "y"}', "review") == ["x"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"text": "b"', 'FILE, line 2: \'{"text": "b"\' is not JSON'),
        ("", "FILE, line 2: '' is not JSON"),
        ("[" * 100_000, "FILE, line 2: '[[["),
        ('"b"', "FILE, line 2: found '\"b\"', expected a JSON object"),
        ('{"text": 5}', "FILE, line 2: 'text' is 5, expected a string"),
        ('{"text": null}', "FILE, line 2: 'text' is null, expected a string"),
        ('{"sentence": "b"}', "FILE, line 2: the columns are 'sentence'; expected one 'text' among them"),
        ("{}", "FILE, line 2: the columns are none; expected one 'text' among them"),
    ],
)
def test_a_json_line_that_does_not_fit_is_named(line: str, message: str) -> None:
    texts, error = texts_and_error("jsonl", '{"text": "a"}\n' + line + '\n{"text": "c"}\n')
    assert texts == ["a"]
    assert error.startswith(message)
    assert len(error) < 400


# ----------------------------------------------------------------------------------------------------- labels


USUAL = Columns(labels=USUAL_LABEL_COLUMNS)
STARS = Columns(labels=("stars",))


def labelled(kind: str, content: str, columns: Columns = USUAL) -> list[Row]:
    return list(readers.READERS[kind](Lines(io.BytesIO(content.encode()), "FILE"), columns))


@pytest.mark.parametrize(
    ("kind", "content", "labels"),
    [
        ("csv", "id,label,text\n1,pos,a\n2,0,b\n", ["pos", "0"]),
        ("tsv", "sentence\tlabel\na\t1\nb\t\n", ["1", ""]),
        ("csv", "review,labels\na,pos\nb,neg\n", ["pos", "neg"]),  # the only other column is the text
        ("jsonl", '{"text": "a", "label": 1}\n{"label": "pos", "id": 2, "text": "b"}\n', [1, "pos"]),
    ],
)
def test_a_row_may_have_a_label(kind: str, content: str, labels: list[object]) -> None:
    assert labelled(kind, content) == list(map(Row, ["a", "b"], labels))


def test_the_column_of_labels_is_the_one_wanted_and_not_a_text() -> None:
    content = "label,text,sentiment\na,b,c\n"
    assert labelled("csv", content, Columns(labels=("sentiment",))) == [Row("b", "c")]
    assert labelled("csv", content, Columns("label", "text", ("sentiment",))) == [
        Row({"text": "a", "text_pair": "b"}, "c")
    ]
    assert labelled("csv", "label,labels\na,b\n", Columns("label", None, USUAL_LABEL_COLUMNS)) == [
        Row("a", "b")
    ]


@pytest.mark.parametrize(
    ("kind", "content", "columns", "message"),
    [
        ("csv", "text,id\n", USUAL, "line 1: the columns are 'text', 'id'; expected --label-column NAME to"),
        ("csv", "text,label,labels\n", USUAL, "expected --label-column NAME to say which of them holds"),
        ("tsv", "text\tlabel\n", STARS, "the columns are 'text', 'label'; expected one 'stars' among them"),
        ("csv", "text,stars,stars\n", STARS, "expected one 'stars' among them"),
        ("jsonl", '{"text": "a"}', USUAL, "line 1: the columns are 'text'; expected --label-column NAME"),
        ("jsonl", '{"text": "a", "label": true}', USUAL, "'label' is true, expected a string or an integer"),
        ("jsonl", '{"text": "a", "label": 1.0}', USUAL, "'label' is 1.0, expected a string or an integer"),
        ("jsonl", '{"text": "a", "": null}', Columns(labels=("",)), "'' is null, expected a string or an"),
    ],
)
def test_a_row_without_its_label_is_named(kind: str, content: str, columns: Columns, message: str) -> None:
    with pytest.raises(InputFileError) as caught:
        labelled(kind, content, columns)
    assert message in str(caught.value)


# ------------------------------------------------------------------------------------------------------- gzip

SOME_LINES = st.lists(st.sampled_from([b"a", b"\n", b"\r", b"\r\n", "é".encode(), b"\x1f"])).map(b"".join)


@given(st.lists(SOME_LINES, min_size=1))
def test_gzip_is_read_as_what_is_packed_wherever_a_chunk_ends(members: list[bytes]) -> None:
    packed = b"".join(map(gzip.compress, members))
    for file in (io.BytesIO(packed), OneByteAtATime(packed), io.BytesIO(packed + bytes(9))):
        assert list(Lines(file, "FILE")) == list(Lines(io.BytesIO(b"".join(members)), "FILE"))


@given(SOME_LINES.map(lambda content: b"\x1f" + content))
def test_text_that_begins_with_half_of_gzips_mark_is_text(content: bytes) -> None:
    lines = list(Lines(OneByteAtATime(content), "FILE"))
    assert lines[0].startswith("\x1f")
    assert lines == list(Lines(io.BytesIO(content), "FILE"))


def test_every_format_may_be_packed() -> None:
    for kind, content in (("lines", "a"), ("csv", "text\na"), ("tsv", "text\na"), ("jsonl", '{"text": "a"}')):
        assert read(kind, gzip.compress(content.encode())) == ["a"]


def test_the_bytes_of_a_packed_file_are_counted_as_they_lie_on_the_disk(tmp_path: Path) -> None:
    content = "".join(f"{number**9}\n" for number in range(100_000))
    path = tmp_path / "numbers.gz"
    path.write_bytes(gzip.compress(content.encode()))
    with open_lines(os.fspath(path)) as lines:
        assert lines.size == path.stat().st_size > 3 * readers.CHUNK_BYTES
        counts = []
        for line in lines:
            counts.append(lines.n_bytes)
            assert line == f"{(lines.number - 1) ** 9}\n"
    halves = counts[len(counts) // 2] / lines.size
    assert 0.4 < halves < 0.6
    assert counts[-1] == lines.size
    assert not lines.ready()


def test_what_was_packed_a_thousandfold_is_unpacked_little_by_little() -> None:
    packed = io.BytesIO(gzip.compress(b"%099d\n" % 7 * 300_000))
    assert len(packed.getvalue()) < readers.CHUNK_BYTES * 2
    tracemalloc.start()
    n_lines = sum(1 for _ in Lines(packed, "FILE"))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert n_lines == 300_000
    assert most < 1_000_000  # of 30 million bytes


PACKED = gzip.compress(b"a\nb\n")


@pytest.mark.parametrize(
    ("content", "texts", "message"),
    [
        (PACKED[:-1], ["a", "b"], "FILE, after line 2: the gzip file stops in the middle. Fetch or"),
        (PACKED[:5], [], "FILE, after line 0: the gzip file stops in the middle"),
        (PACKED + PACKED[:5], ["a", "b"], "FILE, after line 2: the gzip file stops in the middle"),
        (PACKED + b"more", ["a", "b"], "FILE, after line 2: the gzip file is damaged, or something else"),
        (PACKED[:-8] + bytes(8), [], "FILE, after line 0: the gzip file is damaged"),  # the checksum
        (PACKED[:10] + b"\xff" + PACKED[11:], [], "FILE, after line 0: the gzip file is damaged"),
    ],
)
def test_damaged_gzip_is_an_error_after_the_lines_before_it(
    content: bytes, texts: list[str], message: str
) -> None:
    came, error = texts_and_error("lines", content)
    assert came == texts
    assert error.startswith(message)


@given(st.binary(max_size=60), st.integers(0, 60))
def test_damage_is_an_error_of_ours_or_does_not_matter(damage: bytes, place: int) -> None:
    packed = gzip.compress(b"text\n" * 10)
    file = io.BytesIO(packed[:place] + damage + packed[place + len(damage) :])
    try:
        list(Lines(file, "FILE"))
    except InputFileError as error:
        assert str(error).startswith("FILE, ")


def test_a_packed_pipe_is_ready_when_a_whole_line_is_there() -> None:
    end, other_end = os.pipe()
    with os.fdopen(end, "rb", 0) as file, os.fdopen(other_end, "wb", 0) as pipe:
        lines = Lines(file, "PIPE")
        member = gzip.compress(b"first\nsecond\nthird\n")
        pipe.write(member[:12])  # the header, and hardly more
        assert not lines.ready()
        pipe.write(member[12:])
        assert lines.ready()
        assert [next(lines), next(lines)] == ["first\n", "second\n"]
        assert lines.ready()
        assert next(lines) == "third\n"
        assert not lines.ready()
        pipe.write(b"garbage")
        assert not lines.ready()
        with pytest.raises(InputFileError, match="PIPE, after line 3: the gzip file is damaged"):
            next(lines)


# -------------------------------------------------------------------------------------------- files and pipes


def test_a_file_knows_its_size_and_what_was_given_of_it(tmp_path: Path) -> None:
    (tmp_path / "texts").write_bytes("é\nb\n".encode())
    with open_lines(os.fspath(tmp_path / "texts")) as lines:
        assert (lines.size, lines.n_bytes, lines.is_terminal) == (5, 0, False)
        next(lines)
        assert lines.n_bytes == 3
        assert lines.ready()
        next(lines)
        assert not lines.ready()


def test_a_pipe_is_ready_when_a_whole_line_is_there() -> None:
    end, other_end = os.pipe()
    with os.fdopen(end, "rb", 0) as file, os.fdopen(other_end, "wb", 0) as pipe:
        lines = Lines(file, "PIPE")
        assert lines.size is None
        assert not lines.ready()
        pipe.write(b"first\nsecond\nthi")
        assert lines.ready()
        assert next(lines) == "first\n"
        assert lines.ready()
        assert next(lines) == "second\n"
        assert not lines.ready()
        pipe.write(b"rd\n")
        assert lines.ready()
        assert next(lines) == "third\n"


def test_a_pipe_that_does_not_block_is_waited_for() -> None:
    end, other_end = os.pipe()
    os.set_blocking(end, False)
    with os.fdopen(end, "rb", 0) as file, os.fdopen(other_end, "wb", 0) as pipe:
        later = threading.Timer(0.1, pipe.write, [b"a\n"])
        later.start()
        assert next(Lines(file, "PIPE")) == "a\n"
        later.join()


def test_what_cannot_be_opened_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="No such file"), open_lines(os.fspath(tmp_path / "none")):
        pass
    with pytest.raises(InputFileError, match="Is a directory"), open_lines(os.fspath(tmp_path)):
        pass
