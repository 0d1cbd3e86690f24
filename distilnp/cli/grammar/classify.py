"""The grammar of `distilnp classify`: its help, its arguments and their checks."""

import argparse

from ...choices import DEFAULT_THRESHOLD
from ..formats import INPUT_FORMATS, LINES, ON_ERROR, STOP
from .shared import (
    Commands,
    add_columns,
    add_command,
    add_input_format,
    add_model,
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
input is UTF-8, with or without a byte order mark, gzipped or not:
  lines  one text per line; a blank line is an empty text
  csv    a header line, then rows; a comma, semicolon, tab or bar separates the
         fields, as the header shows, or as a line "sep=;" before it says; a
         field that contains it, a quote or a line end is in double quotes
  tsv    a header line, then rows; there is no quoting: a quote is an ordinary
         character, as in the files of GLUE
  jsonl  one JSON object per line
  json   an array of JSON objects or of strings, or objects in any layout
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
  jsonl and csv are UTF-8 in every locale. JSON can hold half of a surrogate
  pair, which UTF-8 cannot; it is written as its escape, such as \\ud83d

examples:
  distilnp classify "I really liked that movie!"
  distilnp classify --file reviews.csv --column review --format csv > out.csv
  distilnp classify --file books.jsonl --long-text windows
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
    inputs.add_argument("--file", metavar="FILE", help='read the texts from FILE; "-" is standard input')
    add_input_format(inputs, INPUT_FORMATS)
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
        choices=("table", "jsonl", "csv"),
        help="the format of the answers (default: table on a terminal, jsonl in a file or a pipe)",
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
    for name in ("column", "pair_column"):
        if getattr(options, name) is not None and options.input_format == LINES:
            parser.error(
                f"{flag(name)} is given for an input of one text per line, expected one with columns"
            )
    settle_input_format(options, parser)
    expect_different(options, parser, ("column", "pair_column"))
    settle_long_texts(options, parser)


def _check_texts(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    for name in ("file", "input_format", "delimiter", "column", "pair_column"):
        if getattr(options, name) is not None:
            parser.error(f"{flag(name)} is given with texts as arguments, expected one source of texts")
    for number, text in enumerate(options.texts, start=1):
        # Python passes bytes that it cannot decode as these halves of surrogate pairs.
        if any("\udc80" <= character <= "\udcff" for character in text):
            parser.error(f"text {number} is {text!r:.60}, expected text in the encoding of the locale")
