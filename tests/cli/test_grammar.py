"""The grammar: what help says, what a command line settles, and what it refuses with exit code 2."""

import argparse
import re
from typing import get_args

import pytest
from support.children import run_python

from distilnp import choices
from distilnp.cli.formats import INPUT_FORMATS
from distilnp.cli.grammar import checkpoints, classify, evaluate, parse
from distilnp.cli.readers import READERS
from distilnp.native.targets import TARGETS

CLASSIFYING = ["classify", "evaluate"]
COMMANDS = [
    *(*CLASSIFYING, "compare", "explain", "inspect"),
    *("info", "models", "download", "verify", "bundle", "convert"),
]


def help_of(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    with pytest.raises(SystemExit) as ended:
        parse([*command, "--help"])
    output, errors = capsys.readouterr()
    assert (ended.value.code, errors) == (0, "")
    return output


def help_of_option(capsys: pytest.CaptureFixture[str], command: str, option: str) -> str:
    """Return one paragraph of the help, from the option to the next one, as a single line."""
    paragraphs = re.split(r"\n(?=  -|\n)", help_of(capsys, command))
    (paragraph,) = [text for text in paragraphs if text.startswith(f"  {option} ")]
    return " ".join(paragraph.split())


# ------------------------------------------------------------------------------------------------------- help


@pytest.mark.parametrize("command", CLASSIFYING)
@pytest.mark.parametrize(
    ("option", "default"),
    [
        ("--model", choices.DEFAULT_MODEL),
        ("--batch-tokens", choices.DEFAULT_BATCH_TOKENS),
        ("--long-text", choices.DEFAULT_LONG_TEXT),
        ("--stride", choices.DEFAULT_STRIDE),
        ("--aggregate", choices.DEFAULT_AGGREGATE),
        ("--language", choices.DEFAULT_LANGUAGE),
    ],
)
def test_help_shows_the_defaults_of_the_library(
    command: str, option: str, default: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert help_of_option(capsys, command, option).endswith(f"(default: {default})")


def test_help_shows_the_defaults_of_options_that_one_command_has(capsys: pytest.CaptureFixture[str]) -> None:
    threshold = help_of_option(capsys, "classify", "--threshold")
    assert threshold.endswith(f"(default: {choices.DEFAULT_THRESHOLD})")
    assert help_of_option(capsys, "bundle", "--model").endswith(f"(default: {choices.DEFAULT_MODEL})")
    assert help_of_option(capsys, "convert", "--dtype").endswith(f"(default: {choices.DEFAULT_DTYPE})")
    assert f" in {choices.DEFAULT_CALIBRATION_BINS} bins" in help_of(capsys, "evaluate")


@pytest.mark.parametrize(
    ("command", "option", "values"),
    [
        ("classify", "--input-format", INPUT_FORMATS),
        ("classify", "--long-text", get_args(choices.LongText)),
        ("evaluate", "--aggregate", get_args(choices.Aggregate)),
        ("convert", "--dtype", get_args(choices.DType)),
    ],
)
def test_help_lists_the_values_that_the_library_accepts(
    command: str, option: str, values: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert f"{option} {{{','.join(values)}}} " in help_of_option(capsys, command, option)


def test_help_lists_the_cpus_that_kernels_can_be_built_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert f"({', '.join(TARGETS)})" in help_of_option(capsys, "bundle", "--target")


def test_every_input_format_has_a_reader() -> None:
    assert tuple(READERS) == INPUT_FORMATS


@pytest.mark.parametrize("command", [[], *([command] for command in COMMANDS)])
def test_help_fits_a_terminal(
    command: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert max(map(len, help_of(capsys, *command).splitlines())) <= 80


@pytest.mark.parametrize("command", [[], *([command] for command in COMMANDS)])
def test_help_does_not_wait_for_slow_imports(command: list[str]) -> None:
    script = """
import sys
from distilnp.cli.grammar import checkpoints, classify, evaluate, parse
try:
    parse([*sys.argv[1:], "--help"])
finally:
    print(sys.modules.keys() & {"numpy", "numba", "huggingface_hub", "tqdm"}, file=sys.stderr)
"""
    done = run_python(script, *command)
    assert (done.returncode, done.stderr) == (0, "set()\n")


# -------------------------------------------------------------------------------- what a command line settles


@pytest.mark.parametrize("command", CLASSIFYING)
def test_the_format_of_texts_is_left_to_the_file_or_is_given(command: str) -> None:
    file = ["--file", "a.csv"] if command == "classify" else ["a.csv"]
    assert parse([command, *file]).input_format is None
    assert parse([command, *file, "--input-format", "tsv"]).input_format == "tsv"


@pytest.mark.parametrize(
    ("argument", "delimiter"),
    [(";", ";"), ("|", "|"), ("semicolon", ";"), ("tab", "\t"), ("\\t", "\t"), ("\t", "\t"), ("¦", "¦")],
)
def test_a_delimiter_is_a_character_or_a_name(argument: str, delimiter: str) -> None:
    assert parse(["classify", "--delimiter", argument]).delimiter == delimiter


@pytest.mark.parametrize("command", CLASSIFYING)
@pytest.mark.parametrize(
    ("options", "sentences"),
    [([], False), (["--sentences"], True), (["--sentences", "--language", "de"], "de")],
)
def test_sentences_are_english_unless_a_language_is_given(
    command: str, options: list[str], sentences: bool | str
) -> None:
    file = ["--file", "a.csv"] if command == "classify" else ["a.csv"]
    assert parse([command, *file, *options]).sentences == sentences


@pytest.mark.parametrize("text", ["-1 stars", "", "--"])
def test_a_text_may_begin_with_a_dash(text: str) -> None:
    assert parse(["classify", "--", text]).texts == [text]


def test_a_label_may_contain_an_equals_sign() -> None:
    options = parse(["evaluate", "a.csv", "--label-map", "good=a=b", "--label-map", "=c"])
    assert options.label_map == [("good", "a=b"), ("", "c")]


# -------------------------------------------------------------------------------- what a command line refuses


@pytest.mark.parametrize("command", CLASSIFYING)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--stride", "9"], "--stride is given without --long-text windows, expected both"),
        (["--aggregate", "max", "--long-text", "tail"], "--aggregate is given without --long-text windows"),
        (["--language", "de"], "--language is given without --sentences, expected both"),
        (["--sentences", "--pair-column", "b"], "--sentences is given with --pair-column, expected single"),
        (["--long-text", "windows", "--pair-column", "b"], "--long-text windows is given with --pair-column"),
        (["--long-text", "middle"], "invalid choice: 'middle'"),
    ],
)
def test_options_for_long_texts_that_exclude_each_other_are_refused(
    command: str, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = ["--file", "a.csv"] if command == "classify" else ["a.csv"]
    with pytest.raises(SystemExit, match="2"):
        parse([command, *file, *options])
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command_line", "message"),
    [
        ([], "required: COMMAND"),
        (["train"], "invalid choice"),
        (["classify", "a", "--file", "b"], "--file is given with texts as arguments"),
        (["classify", "a", "--column", "b"], "--column is given with texts as arguments"),
        (
            ["classify", "--column", "b", "--input-format", "lines"],
            "--column is given for an input of one text per line",
        ),
        (["classify", "a", "--pair-column", "b"], "--pair-column is given with texts as arguments"),
        (
            ["classify", "--pair-column", "b", "--input-format", "lines"],
            "--pair-column is given for an input of one text per line",
        ),
        (["classify", "a", "--delimiter", ";"], "--delimiter is given with texts as arguments"),
        (["classify", "--delimiter", ";;"], "';;' is given, expected one character other than a quote"),
        (["classify", "--delimiter", ""], "'' is given, expected one character"),
        (["classify", "--delimiter", '"'], "expected one character other than a quote"),
        (
            ["classify", "--delimiter", ";", "--input-format", "tsv"],
            "--delimiter is given with --input-format tsv, expected csv or nothing",
        ),
        (
            ["classify", "--file", "x.csv", "--column", "b", "--pair-column", "b"],
            "--column and --pair-column are both 'b'",
        ),
        (["classify", "--threshold", "high"], "argument --threshold: invalid float value"),
        (["classify", "--batch-tokens", "many"], "invalid int value"),
        (["classify", "--threads", "two"], "argument --threads: invalid int value"),
        (["classify", "--form", "csv"], "unrecognized arguments"),
        (["classify", "caf\udce9"], r"text 1 is 'caf\udce9', expected text in the encoding of the locale"),
        (["classify", "--resume", "--file", "a"], "--resume is given without --output, expected both"),
        (
            ["classify", "--resume", "-o", "a.csv"],
            "--resume is given without --file, expected texts that can be",
        ),
        (
            ["classify", "--resume", "-o", "a.csv", "--file", "a", "-"],
            "expected texts that can be read again",
        ),
        (["classify", "--format", "parquet"], "--format parquet is given without --output, expected both"),
        (["classify", "--format", "table", "-o", "a.csv"], "--format table is given with --output"),
        (["classify", "-o", "a.txt"], "--output is 'a.txt', expected a name that ends in .csv, .jsonl or"),
        (
            ["classify", "--keep", "--file", "a", "--input-format", "lines"],
            "--keep is given for an input of one",
        ),
        (["classify", "--keep", "id", "--", "a"], "--keep is given with texts as arguments"),
        (["classify", "--whole-files"], "--whole-files is given without --file, expected both"),
        (
            ["classify", "--whole-files", "--file", "a", "--column", "b"],
            "--column is given with --whole-files",
        ),
        (["classify", "--whole-files", "--file", "a", "--keep", "b"], "expected file or text"),
        (["info", "a", "b"], "unrecognized arguments"),
        (["evaluate"], "required: FILE"),
        (["evaluate", "a.csv", "--on-error", "null"], "invalid choice: 'null'"),
        (["evaluate", "a.csv", "--input-format", "lines"], "invalid choice: 'lines'"),
        (["evaluate", "a.csv", "--threshold", "a=high"], "'a=high' is given, expected a number from 0 to 1"),
        (["evaluate", "a.csv", "--plot", "-"], "--plot is '-', expected the name of a file"),
        (
            ["evaluate", "a.csv", "--plot", "b", "--errors", "b"],
            "--errors and --plot are both 'b', expected two files",
        ),
        (["compare", "a", "b"], "required: FILE"),
        (["explain"], "required: TEXT"),
        (["explain", "a", "b", "--text-pair", "c"], "--text-pair is given with 2 texts, expected one"),
        (["explain", "a", "--method", "lime"], "invalid choice: 'lime'"),
        (["explain", "a\udcff"], "text 1 is 'a\\udcff', expected text in the encoding of the locale"),
        (
            ["inspect", "a\udcff", "-o", "b"],
            "text 1 is 'a\\udcff', expected text in the encoding of the locale",
        ),
        (["explain", "a", "--stride", "3"], "--stride is given without --long-text windows"),
        (["compare", "a", "b", "c", "--differences", "-"], "--differences is '-', expected the name of"),
        (["compare", "a", "b", "c", "--model", "d"], "unrecognized arguments: --model"),
        (["evaluate", "a.csv", "--label-map", "pos"], "'pos' has no =, expected VALUE=LABEL"),
        (
            ["evaluate", "a.csv", "--label-map", "a=0", "--label-map", "a=1"],
            "--label-map has 'a' twice, expected one label",
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


@pytest.mark.parametrize(
    ("name", "output_format"), [("a.CSV", "csv"), ("a.ndjson", "jsonl"), ("a.b.pq", "parquet")]
)
def test_the_name_of_an_output_shows_its_format(name: str, output_format: str) -> None:
    assert parse(["classify", "-o", name, "w1"]).format == output_format
    assert parse(["classify", "-o", name, "--format", "csv", "w1"]).format == "csv"


def test_files_may_be_given_together_or_one_by_one() -> None:
    assert parse(["classify", "--file", "a", "b", "--file", "c"]).file == ["a", "b", "c"]


def options_with_a_value() -> list[tuple[str, str]]:
    """Return every option of every command that takes one value."""
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers()
    for module in (classify, evaluate, checkpoints):
        module.add(commands)
    return [
        (command, action.option_strings[-1])
        for command, its_parser in commands.choices.items()
        for action in its_parser._actions
        if action.option_strings and action.nargs is None and not isinstance(action, argparse._AppendAction)
    ]


def test_some_options_have_a_value() -> None:
    assert {("classify", "--column"), ("evaluate", "--model"), ("bundle", "--model")} < {
        *options_with_a_value()
    }


@pytest.mark.parametrize(("command", "option"), options_with_a_value())
def test_an_option_that_is_given_twice_is_refused(
    command: str, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse([command, "--help"])
    usage = capsys.readouterr().out
    choices_of = re.search(rf"{option} {{([^}}]*)}}", usage)
    value = choices_of[1].split(",")[0] if choices_of else {"--python": "3.12"}.get(option, "1")
    positional = {"bundle": ["x"], "convert": ["x", "y"], "evaluate": ["x"]}.get(command, [])

    with pytest.raises(SystemExit) as ended:
        parse([command, *positional, option, value, option, value])

    assert ended.value.code == 2
    assert re.search(
        rf"argument .*{option}.*: .* and .* are given, expected one value", capsys.readouterr().err
    )
