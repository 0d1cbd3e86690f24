"""The grammar of `distilnp classify`: its help, its arguments and their checks."""

import argparse

from ...choices import DEFAULT_THRESHOLD
from ..formats import (
    INPUT_FORMATS,
    LINES,
    ON_ERROR,
    OUTPUT_FORMATS,
    PARQUET,
    STOP,
    TABLE,
    WHOLE_FILE_COLUMNS,
    output_format_of,
)
from .shared import (
    Commands,
    add_columns,
    add_command,
    add_input_format,
    add_model,
    expect_decoded,
    expect_different,
    flag,
    settle_input_format,
    settle_long_texts,
)

DESCRIPTION = """\
Classify texts from the command line, from a file, or from standard input.

Every text gets one answer. Answers come in the order of the texts, each as
soon as it is ready, and never wait for input that has not arrived yet: texts
that arrive while the model is computing form the next batch.
"""

EPILOG = """\
input is UTF-8, with or without a byte order mark, packed or not (gzip, bzip2,
xz, zstd):
  lines  one text per line; a blank line is an empty text
  csv    a header line, then rows; a comma, semicolon, tab or bar separates the
         fields, as the header shows, or as a line "sep=;" before it says; a
         field that contains it, a quote or a line end is in double quotes
  tsv    a header line, then rows; there is no quoting: a quote is an ordinary
         character, as in the files of GLUE
  jsonl  one JSON object per line
  json   an array of JSON objects or of strings, or objects in any layout
  Parquet, Arrow and Excel files are recognised, too; they need
  pip install "distilnp[tables]". A text that is null there gets an answer of
  nulls.
  The first line shows the format, whatever the name of the file is. The name
  decides only what the first line leaves open: in *.csv and *.tsv, one column
  is a table, and in *.tsv quotes are ordinary characters. A first line that may
  be a text or a row of a table is an error: then give --input-format.
  The first row that cannot be used ends the run with an error that names its
  line, unless --on-error says otherwise. Blank lines at the end of a table or
  of JSON lines are no rows.

output:
  table  for people: score, label, text. On a terminal, the text is cut to fit
         the width, and labels have colours unless NO_COLOR is set.
         "[512 of 731 tokens seen]" marks a text that is too long for the
         model, "[no tokens]" one that is empty to it. A window or a sentence
         has its own line below its text.
  jsonl  one object per text: text, text_pair for a pair, label, score,
         n_tokens, n_seen, truncated; then, where they apply:
           labels     an array, for a multi-label model: the labels whose score
                      is above the threshold
           scores     the score of every label, with --all-scores
           sentences  an array, with --sentences
           windows    an array, with --long-text windows
         A sentence or a window has its own label, score, scores, n_tokens and
         n_seen, its span of the text in characters (start, end), and n_new,
         the number of its tokens that no earlier one contains.
  csv    the same fields below a header line. --all-scores adds one column per
         label, score_LABEL. The arrays are written as JSON.
  parquet  the fields of csv with their types; needs --output
  --keep writes columns of the input in place of text and text_pair. In Parquet,
  they have the types that they have in Parquet or Arrow; columns of CSV, JSON
  and Excel become text.
  An --output that is cut off leaves two files beside it, FILE.distilnp-part and
  FILE.distilnp-state. --resume goes on with them.
  jsonl and csv are UTF-8 in every locale. JSON can hold half of a surrogate
  pair, which UTF-8 cannot; it is written as its escape, such as \\ud83d

examples:
  distilnp classify "I really liked that movie!"
  distilnp classify --file reviews.csv --column review --format csv > out.csv
  distilnp classify --file books.jsonl --long-text windows
  distilnp classify --file a.parquet --keep -o answers.parquet --resume
  distilnp classify --whole-files --file *.txt --keep file
  tail -f chat.log | distilnp classify
  grep -h refund *.txt | distilnp classify | jq -r .label | sort | uniq -c
"""


def add(commands: Commands) -> argparse.ArgumentParser:
    """Add the command, and return its parser."""
    parser = add_command(
        commands,
        "classify",
        help="classify texts",
        description=DESCRIPTION,
        epilog=EPILOG,
    )
    parser.add_argument("texts", metavar="TEXT", nargs="*", help="a text; after --, it may begin with a dash")
    inputs = parser.add_argument_group("input")
    inputs.add_argument(
        "--file",
        metavar="FILE",
        nargs="+",
        action="extend",
        help='read the texts from these files, one after the other; "-" is standard input, and an address '
        "such as "
        "https://... or hf://... is fetched",
    )
    add_input_format(inputs, INPUT_FORMATS)
    inputs.add_argument(
        "--whole-files", action="store_true", help="take each file as one text, and write its name, too"
    )
    add_columns(inputs)
    inputs.add_argument(
        "--on-error",
        choices=ON_ERROR,
        default=STOP,
        help="after a row that cannot be used, stop, or write an answer of nulls, or skip it; their number "
        "is written to standard error (default: %(default)s)",
    )
    outputs = parser.add_argument_group("output")
    outputs.add_argument(
        "--format",
        choices=OUTPUT_FORMATS,
        help="the format of the answers (default: as the name of the output shows; else table on a terminal, "
        "jsonl in a file or a pipe)",
    )
    outputs.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="write the answers to FILE, which appears when it is complete: .csv, .jsonl or .parquet",
    )
    outputs.add_argument(
        "--resume",
        action="store_true",
        help="continue an --output that was cut off, with the same model, options and files; without one, "
        "begin",
    )
    outputs.add_argument(
        "--keep",
        metavar="NAME",
        nargs="*",
        action="extend",
        help="write these columns of the input beside each answer, in place of its text; without a NAME, all "
        "columns",
    )
    outputs.add_argument(
        "--prefix",
        metavar="TEXT",
        default="",
        help="what the names of the columns of an answer begin with, so that they differ from those that are "
        "kept",
    )
    outputs.add_argument("--all-scores", action="store_true", help="write the score of every label")
    model = add_model(parser)
    model.add_argument(
        "--threshold",
        metavar="X",
        type=float,
        help="for a multi-label model: report every label that scores above X, from 0 to 1 "
        f"(default: {DEFAULT_THRESHOLD})",
    )
    return parser


def settle(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Check the options, and settle the format of the input."""
    if options.texts:
        _check_texts(options, parser)
    for name in ("column", "pair_column", "keep"):
        if getattr(options, name) is not None and options.input_format == LINES:
            parser.error(
                f"{flag(name)} is given for an input of one text per line, expected one with columns"
            )
    settle_input_format(options, parser)
    _settle_output(options, parser)
    if options.whole_files:
        _check_whole_files(options, parser)
    expect_different(options, parser, ("column", "pair_column"))
    settle_long_texts(options, parser)


def _settle_output(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Check the options of the output, and settle its format if its name shows it."""
    if options.output is None:
        if options.resume:
            parser.error("--resume is given without --output, expected both")
        if options.format == PARQUET:
            parser.error("--format parquet is given without --output, expected both: it is no text")
        return
    if options.format == TABLE:
        parser.error(
            "--format table is given with --output, expected csv, jsonl or parquet: a table is for people"
        )
    options.format = options.format or output_format_of(options.output)
    if options.format is None:
        parser.error(
            f"--output is {options.output!r:.60}, expected a name that ends in .csv, .jsonl or .parquet, or "
            "a --format"
        )
    if options.resume and (options.file is None or "-" in options.file):
        parser.error("--resume is given without --file, expected texts that can be read again")


def _check_whole_files(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    if options.file is None:
        parser.error("--whole-files is given without --file, expected both")
    for name in ("input_format", "delimiter", "column", "pair_column"):
        if getattr(options, name) is not None:
            parser.error(f"{flag(name)} is given with --whole-files, expected one of them")
    if unknown := [name for name in options.keep or () if name not in WHOLE_FILE_COLUMNS]:
        parser.error(
            f"--keep is {unknown[0]!r:.60} with --whole-files, expected {' or '.join(WHOLE_FILE_COLUMNS)}"
        )


def _check_texts(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    for name in ("file", "input_format", "delimiter", "column", "pair_column", "keep"):
        if getattr(options, name) is not None:
            parser.error(f"{flag(name)} is given with texts as arguments, expected one source of texts")
    expect_decoded(options.texts, parser)
