"""The grammar: what is settled before anything runs, and what is refused with exit code 2."""

from typing import get_args

import pytest

from distilnp import api
from distilnp.checkpoint.convert import DType
from distilnp.choices import Aggregate, LongText
from distilnp.cli import arguments
from distilnp.cli.arguments import parse
from distilnp.native.targets import TARGETS


def test_the_defaults_are_those_of_the_library() -> None:
    assert arguments.DEFAULT_MODEL == api.DEFAULT_MODEL
    assert arguments.DEFAULT_BATCH_TOKENS == api.DEFAULT_BATCH_TOKENS
    assert tuple(TARGETS) == arguments.TARGETS
    assert get_args(DType) == arguments.DTYPES
    assert get_args(LongText) == arguments.LONG_TEXT
    assert get_args(Aggregate) == arguments.AGGREGATES


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ([], "lines"),
        (["--file", "-"], "lines"),
        (["--file", "a.txt"], "lines"),
        (["--file", "a.csv"], "csv"),
        (["--file", "b/A.TSV"], "tsv"),
        (["--file", "a.jsonl"], "jsonl"),
        (["--file", "a.ndjson"], "jsonl"),
        (["--file", "a.csv.gz"], "csv"),
        (["--file", "A.JSONL.GZ"], "jsonl"),
        (["--file", "a.txt.gz"], "lines"),
        (["--file", "csv.gz"], "lines"),
        (["--file", "a.csv", "--input-format", "lines"], "lines"),
        (["--input-format", "csv", "--column", "review"], "csv"),
    ],
)
def test_the_kind_of_a_file_shows_in_its_name_or_is_given(options: list[str], kind: str) -> None:
    assert parse(["classify", *options]).input_format == kind


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        (["a.csv"], "csv"),
        (["b/A.TSV.GZ"], "tsv"),
        (["a.ndjson.gz"], "jsonl"),
        (["-", "--input-format", "csv"], "csv"),
        (["a.csv", "--input-format", "tsv"], "tsv"),
    ],
)
def test_so_does_the_format_of_texts_with_labels(options: list[str], kind: str) -> None:
    assert parse(["evaluate", *options]).input_format == kind


@pytest.mark.parametrize("command", ["classify", "evaluate"])
@pytest.mark.parametrize(
    ("options", "sentences"),
    [([], False), (["--sentences"], True), (["--sentences", "--language", "de"], "de")],
)
def test_sentences_are_english_unless_a_language_is_given(
    command: str, options: list[str], sentences: bool | str
) -> None:
    file = ["--file", "a.csv"] if command == "classify" else ["a.csv"]
    assert parse([command, *file, *options]).sentences == sentences


@pytest.mark.parametrize("command", ["classify", "evaluate"])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--stride", "9"], "--stride came without windows, expected --long-text windows"),
        (["--aggregate", "max", "--long-text", "tail"], "--aggregate came without windows"),
        (["--language", "de"], "--language came without sentences, expected --sentences"),
        (["--sentences", "--pair-column", "b"], "--sentences came with --pair-column, expected single texts"),
        (["--long-text", "windows", "--pair-column", "b"], "--long-text windows came with --pair-column"),
        (["--long-text", "middle"], "invalid choice: 'middle'"),
    ],
)
def test_ways_to_read_that_do_not_go_together_are_refused(
    command: str, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = ["--file", "a.csv"] if command == "classify" else ["a.csv"]
    with pytest.raises(SystemExit, match="2"):
        parse([command, *file, *options])
    assert message in capsys.readouterr().err


def test_a_label_may_have_an_equals_sign() -> None:
    options = parse(["evaluate", "a.csv", "--label-map", "good=a=b", "--label-map", "=c"])
    assert options.label_map == [("good", "a=b"), ("", "c")]


@pytest.mark.parametrize("text", ["-1 stars", "", "--"])
def test_a_text_may_begin_with_a_dash(text: str) -> None:
    assert parse(["classify", "--", text]).texts == [text]


@pytest.mark.parametrize(
    ("command_line", "message"),
    [
        ([], "required: COMMAND"),
        (["train"], "invalid choice"),
        (["classify", "a", "--file", "b"], "--file came with texts as arguments"),
        (["classify", "a", "--column", "b"], "--column came with texts as arguments"),
        (["classify", "--column", "b"], "--column came with an input of one text a line"),
        (["classify", "a", "--pair-column", "b"], "--pair-column came with texts as arguments"),
        (["classify", "--pair-column", "b"], "--pair-column came with an input of one text a line"),
        (
            ["classify", "--file", "x.csv", "--column", "b", "--pair-column", "b"],
            "--column and --pair-column are both 'b'",
        ),
        (["classify", "--threshold", "high"], "argument --threshold: invalid float value"),
        (["classify", "--batch-tokens", "many"], "invalid int value"),
        (["classify", "--threads", "two"], "argument --threads: invalid int value"),
        (["classify", "--form", "csv"], "unrecognized arguments"),
        (["classify", "caf\udce9"], "text 1 is not in the encoding of the locale"),
        (["info", "a", "b"], "unrecognized arguments"),
        (["evaluate"], "required: FILE"),
        (
            ["evaluate", "a.txt"],
            "the name 'a.txt' does not say which format it has, expected one that ends in",
        ),
        (["evaluate", "-"], "the name '-' does not say which format it has"),
        (["evaluate", "a.csv", "--input-format", "lines"], "invalid choice: 'lines'"),
        (["evaluate", "a.csv", "--threshold", "0.5"], "unrecognized arguments: --threshold"),
        (["evaluate", "a.csv", "--label-map", "pos"], "'pos' has no =, expected VALUE=LABEL"),
        (
            ["evaluate", "a.csv", "--label-map", "a=0", "--label-map", "a=1"],
            "--label-map came twice for 'a', expected one label",
        ),
        (
            ["evaluate", "a.csv", "--column", "b", "--label-column", "b"],
            "--column and --label-column are both 'b', expected two columns",
        ),
        (["evaluate", "a.csv", "--digits", "8"], "argument --digits: invalid choice: 8"),
        (["evaluate", "a.csv", "--errors", "-"], "--errors is '-', expected the name of a file"),
    ],
)
def test_a_wrong_command_line_is_refused(
    command_line: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(command_line)
    assert ended.value.code == 2
    output, errors = capsys.readouterr()
    assert not output
    assert message in errors
