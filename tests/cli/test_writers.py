"""Predictions as output: what a script can read back, and what a terminal shows."""

import csv
import io
import json
import os
import unicodedata
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.predictions import part, predict

from distilnp.cli.lines import Lines
from distilnp.cli.readers import Columns, read_csv
from distilnp.cli.writers import csv_writer, jsonl_writer, table_writer
from distilnp.predictions import Prediction
from distilnp.texts import Text
from distilnp.widths import columns_of, fit

LABELS = ("BAD", "GOOD", "世界")


def prediction(n_tokens: int = 5, n_seen: int = 5) -> Prediction:
    logits = np.array([0, 2, 1], np.float32)
    return predict(logits, LABELS, "softmax", n_tokens=n_tokens, n_seen=n_seen)


def multi_label(threshold: float) -> Prediction:
    logits = np.array([0, 2, 1], np.float32)
    return predict(logits, LABELS, "sigmoid", n_tokens=5, n_seen=5, threshold=threshold)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


SPLIT_TEXT = "So good. So bad."


def split_prediction() -> Prediction:
    """Return a prediction for SPLIT_TEXT in sentences, the second of them in windows."""
    windows = (part(prediction(), 9, 11, 1), part(prediction(), 12, 16, 2))
    second = part(replace(prediction(), windows=windows), 9, 16, 3)
    return replace(prediction(n_tokens=10, n_seen=10), sentences=(part(prediction(), 0, 8, 3), second))


# ------------------------------------------------------------------------------------------------- JSON lines


@given(st.lists(st.text()))
@example(["\ud83d", "\\ud83d", "\u2028", "\0"])
def test_json_lines_hold_any_text(texts: list[str]) -> None:
    stream = io.StringIO()
    write = jsonl_writer(stream, all_scores=False)
    for text in texts:
        write(text, prediction())
    content = stream.getvalue().encode(errors="backslashreplace")  # as `classify` does
    rows = [json.loads(line) for line in content.split(b"\n")[:-1]]
    assert [row["text"] for row in rows] == texts


def test_json_lines_do_nothing_to_a_terminal_and_are_lines_for_every_reader() -> None:
    stream = io.StringIO()
    text = "".join(map(chr, range(0x3000)))

    jsonl_writer(stream, all_scores=False)(text, prediction())

    (line,) = stream.getvalue().splitlines()
    assert json.loads(line)["text"] == text
    categories = {unicodedata.category(character) for character in line}
    assert categories & {"Cc", "Zl", "Zp"} == set()
    assert not {unicodedata.bidirectional(character) for character in line} & {
        "RLO",
        "LRO",
        "RLE",
        "PDF",
        "RLI",
    }


def test_json_lines_have_every_field_of_a_prediction() -> None:
    stream = io.StringIO()
    jsonl_writer(stream, all_scores=True)("café", prediction(n_tokens=9))
    assert "café" in stream.getvalue()
    row = json.loads(stream.getvalue())
    assert list(row) == ["text", "label", "score", "n_tokens", "n_seen", "truncated", "scores"]
    assert (row["label"], row["n_tokens"], row["n_seen"], row["truncated"]) == ("GOOD", 9, 5, True)
    assert row["scores"] == prediction().scores
    assert row["score"] == row["scores"]["GOOD"]


def test_json_lines_of_a_multi_label_model_have_the_labels_above_the_threshold() -> None:
    for threshold, labels in ((0.5, ["GOOD", "世界"]), (0.9, [])):
        stream = io.StringIO()
        jsonl_writer(stream, all_scores=False, multi_label=True)("a", multi_label(threshold))
        row = json.loads(stream.getvalue())
        assert list(row) == ["text", "label", "score", "n_tokens", "n_seen", "truncated", "labels"]
        assert (row["label"], row["labels"]) == ("GOOD", labels)


def test_json_lines_have_the_parts_of_a_text() -> None:
    stream = io.StringIO()
    jsonl_writer(stream, all_scores=False)(SPLIT_TEXT, split_prediction())
    first, second = json.loads(stream.getvalue())["sentences"]
    assert first == {
        "start": 0,
        "end": 8,
        "label": "GOOD",
        "score": prediction().score,
        "scores": prediction().scores,
        "n_tokens": 5,
        "n_seen": 5,
        "n_new": 3,
    }
    assert [SPLIT_TEXT[part["start"] : part["end"]] for part in second["windows"]] == ["So", "bad."]
    assert "windows" not in json.loads(stream.getvalue())


# -------------------------------------------------------------------------------------------------------- CSV


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))))
@example(["\r", "\n", '"', ",", "", "\ufeff"])
def test_csv_holds_any_text(texts: list[str]) -> None:
    stream = io.StringIO(newline="")
    write = csv_writer(stream, LABELS, all_scores=True)
    for text in texts:
        write(text, prediction())
    content = stream.getvalue().encode()
    assert [row.text for row in read_csv(Lines(io.BytesIO(content), "CSV"), Columns())] == texts
    assert [row["text"] for row in csv.DictReader(io.StringIO(content.decode(), newline=""))] == texts


def test_csv_has_a_column_for_each_score() -> None:
    stream = io.StringIO(newline="")
    csv_writer(stream, LABELS, all_scores=True)("a", prediction(n_tokens=9))
    (row,) = csv.DictReader(io.StringIO(stream.getvalue()))
    assert row == {
        "text": "a",
        "label": "GOOD",
        "score": repr(prediction().score),
        "n_tokens": "9",
        "n_seen": "5",
        "truncated": "true",
        **{f"score_{label}": repr(score) for label, score in prediction().scores.items()},
    }


def test_csv_of_a_multi_label_model_has_the_labels_above_the_threshold_in_one_field() -> None:
    stream = io.StringIO(newline="")
    write = csv_writer(stream, LABELS, all_scores=True, multi_label=True)
    write("a", multi_label(0.5))
    write("b", multi_label(0.9))
    one, none = csv.DictReader(io.StringIO(stream.getvalue()))
    assert json.loads(one["labels"]) == ["GOOD", "世界"]
    assert json.loads(none["labels"]) == []
    assert float(one["score_世界"]) == multi_label(0.5).scores["世界"]


def test_csv_and_json_lines_have_both_texts_of_a_pair() -> None:
    pair = {"text": "a, b", "text_pair": "c\nd"}
    as_csv, as_jsonl = io.StringIO(newline=""), io.StringIO()
    csv_writer(as_csv, LABELS, all_scores=True, input_columns=tuple(pair))(pair, prediction())
    jsonl_writer(as_jsonl, all_scores=False)(pair, prediction())
    (row,) = csv.DictReader(io.StringIO(as_csv.getvalue(), newline=""))
    assert (row["text"], row["text_pair"], row["label"]) == ("a, b", "c\nd", "GOOD")
    row = json.loads(as_jsonl.getvalue())
    assert list(row)[:3] == ["text", "text_pair", "label"]
    assert row.items() >= pair.items()


def test_csv_has_the_parts_of_a_text_in_one_field() -> None:
    stream, as_jsonl = io.StringIO(newline=""), io.StringIO()
    csv_writer(stream, LABELS, all_scores=True, kinds_of_parts=("sentences",))(SPLIT_TEXT, split_prediction())
    jsonl_writer(as_jsonl, all_scores=False)(SPLIT_TEXT, split_prediction())
    (row,) = csv.DictReader(io.StringIO(stream.getvalue(), newline=""))
    assert json.loads(row["sentences"]) == json.loads(as_jsonl.getvalue())["sentences"]
    assert float(row["score_GOOD"]) == prediction().score


def test_csv_without_texts_is_a_header_line() -> None:
    stream = io.StringIO()
    csv_writer(stream, LABELS, all_scores=False)
    assert stream.getvalue() == '"text","label","score","n_tokens","n_seen","truncated"\n'


# ------------------------------------------------------------------------------------------------------ table


def table(
    text: Text, stream: io.StringIO, colours: bool = False, all_scores: bool = False, **tokens: int
) -> str:
    table_writer(stream, LABELS, all_scores=all_scores, colours=colours)(text, prediction(**tokens))
    return stream.getvalue()


def test_a_table_in_a_file_has_the_whole_text() -> None:
    assert table("word " * 100 + "end", io.StringIO()) == " 0.6652  GOOD  " + "word " * 100 + "end\n"


def test_a_pair_is_one_line_of_a_table() -> None:
    assert table({"text": "a", "text_pair": "b\n"}, io.StringIO()) == " 0.6652  GOOD  a | b␊\n"


def test_each_score_has_a_line_of_its_own_best_first() -> None:
    lines = table("a", io.StringIO(), all_scores=True).splitlines()
    assert lines == [" 0.6652  GOOD  a", " 0.2447  世界", " 0.0900  BAD"]


@given(st.text(), st.integers(1, 120))
def test_a_line_fits_the_terminal_and_sends_it_no_control_characters(text: str, columns: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "COLUMNS", str(columns))
        written = table(text, Terminal(), n_tokens=700)
    line = written.removesuffix("\n")
    assert line.endswith("  [5 of 700 tokens seen]")
    assert columns_of(line) <= max(columns, len(" 0.6652  GOOD  ") + 20 + len("  [5 of 700 tokens seen]"))
    assert all(character.isprintable() or character in "\u200c\u200d" for character in line)


def test_parts_are_indented_lines_of_a_table() -> None:
    stream = io.StringIO()
    table_writer(stream, LABELS, all_scores=False, colours=False)(SPLIT_TEXT, split_prediction())
    assert stream.getvalue().splitlines() == [
        " 0.6652  GOOD  So good. So bad.",
        "   0.6652  GOOD  So good.",
        "   0.6652  GOOD  So bad.",
        "     0.6652  GOOD  So",
        "     0.6652  GOOD  bad.",
    ]


def test_a_part_that_is_the_whole_text_has_no_line_of_its_own() -> None:
    stream = io.StringIO()
    whole = replace(prediction(), windows=(part(prediction(), 0, 1, 3),))
    table_writer(stream, LABELS, all_scores=False, colours=False)("a", whole)
    assert stream.getvalue() == " 0.6652  GOOD  a\n"


def test_colours_are_switched_off_again() -> None:
    assert table("a", Terminal(), colours=True, n_tokens=9) == (
        " 0.6652  \x1b[1;32mGOOD\x1b[0m  a\x1b[33m  [5 of 9 tokens seen]\x1b[0m\n"
    )


def test_an_empty_text_is_marked() -> None:
    assert table("", io.StringIO(), n_tokens=2, n_seen=2) == " 0.6652  GOOD  [no tokens]\n"


def test_only_the_labels_of_the_prediction_are_in_colour() -> None:
    stream = Terminal()
    table_writer(stream, LABELS, all_scores=True, colours=True)("a", multi_label(0.8))
    assert stream.getvalue() == (
        " 0.8808  \x1b[1;32mGOOD\x1b[0m  a\n 0.7311  \x1b[2m世界\x1b[0m\n 0.5000  \x1b[2mBAD\x1b[0m\n"
    )
    stream = Terminal()
    table_writer(stream, LABELS, all_scores=True, colours=True)("a", multi_label(0.5))
    assert stream.getvalue().splitlines()[1] == " 0.7311  \x1b[1;33m世界\x1b[0m"


@pytest.mark.parametrize(
    ("text", "room", "shown"),
    [
        ("as long", 7, "as long"),
        ("too long", 7, "too lo…"),
        ("世界平和", 8, "世界平和"),
        ("世界平和", 7, "世界平…"),
        ("世界平和", 6, "世界…"),
        ("e\u0301e\u0301e\u0301", 3, "e\u0301e\u0301e\u0301"),
        ("a\tb\r\nc\x1b[31m\x7f", None, "a␉b␍␊c␛[31m␡"),
        ("a\xa0b\u3000c", None, "a b c"),
        ("\x9b \u202e \u2028 \ud83d", None, r"\x9b \u202e \u2028 \ud83d"),
        ("👩\u200d🚀", 4, "👩\u200d🚀"),
        ("", 1, ""),
    ],
)
def test_a_terminal_shows_a_text_cut_and_made_printable(text: str, room: int | None, shown: str) -> None:
    assert fit(text, room) == shown
