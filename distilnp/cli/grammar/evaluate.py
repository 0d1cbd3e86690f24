"""The grammar of `distilnp evaluate`: its help, its arguments and their checks."""

import argparse

from ...choices import DEFAULT_CALIBRATION_BINS
from ..formats import INPUT_FORMATS, LINES, SKIP, STOP, USUAL_LABEL_COLUMNS
from .shared import (
    Commands,
    add_columns,
    add_command,
    add_input_format,
    add_model,
    expect_different,
    quoted,
    settle_input_format,
    settle_long_texts,
)

DEFAULT_DIGITS = 4

# The columns of scikit-learn's report have no room for more.
MAX_DIGITS = 7

DESCRIPTION = """\
Classify the texts of a file that also has their labels, and report how good
the answers are: precision, recall and F1 of each label, accuracy, averages,
the confusion matrix, log loss, calibration, truncation and speed.

Needs scikit-learn, which computes the report: pip install "distilnp[evaluate]"
"""

EPILOG = f"""\
input is UTF-8, gzipped or not: csv, tsv, jsonl and json as for classify.
  A label is one of the model's labels, in upper or lower case, or its id, as
  1 or 1.0; in JSON, it may be a number. --label-map translates other names,
  such as True. The first row that cannot be used ends the run with an error
  that names its line, and without a report, unless --on-error says otherwise.

output:
  The report is scikit-learn's. A label that is neither in the file nor in the
  answers is left out, of the averages too.
  accuracy     with the 95 % Wilson interval
  log loss     the mean of -log(p), where p is the score of the true label
               divided by the sum of all scores
  calibration  the expected calibration error of Guo et al. 2017, in {DEFAULT_CALIBRATION_BINS} bins:
               how far score and accuracy are apart
  cut          how many texts the model saw only in part, and how many tokens
               it did not see
  speed        includes reading and tokenizing, but not loading
  --json writes all of it as one object, with every digit. The same texts give
  the same report, except for the speed.
  --errors writes line (the last line of the row in the input), text, text_pair
  for a pair, true_label, and then the fields that classify writes.

examples:
  distilnp evaluate reviews.csv
  distilnp evaluate imdb.jsonl.gz --model imdb-mini --long-text windows
  distilnp evaluate data.csv --column review --label-column sentiment \\
      --label-map good=POSITIVE --label-map bad=NEGATIVE --errors wrong.csv
  zcat dev.tsv.gz | distilnp evaluate - --json | jq .accuracy
"""


def add(commands: Commands) -> argparse.ArgumentParser:
    """Add the command, and return its parser."""
    parser = add_command(
        commands,
        "evaluate",
        help="measure a model on texts with labels",
        description=DESCRIPTION,
        epilog=EPILOG,
    )
    parser.add_argument("file", metavar="FILE", help='texts with their labels; "-" is standard input')
    inputs = parser.add_argument_group("input")
    add_input_format(inputs, [name for name in INPUT_FORMATS if name != LINES])  # lines have no labels
    add_columns(inputs)
    inputs.add_argument(
        "--label-column",
        metavar="NAME",
        help=f"the column or key that holds the label (default: {quoted(USUAL_LABEL_COLUMNS)})",
    )
    inputs.add_argument(
        "--label-map",
        metavar="VALUE=LABEL",
        action="append",
        default=[],
        type=_label_pair,
        help="VALUE in the file means LABEL of the model, such as positive=pos; may be given more than once",
    )
    inputs.add_argument(
        "--on-error",
        choices=(STOP, SKIP),
        default=STOP,
        help="after a row that cannot be used, stop without a report, or skip it; the number of skipped rows "
        "is written to standard error (default: %(default)s)",
    )
    outputs = parser.add_argument_group("output")
    outputs.add_argument("--json", action="store_true", help="write one JSON object, not text for people")
    outputs.add_argument(
        "--digits",
        metavar="N",
        type=int,
        choices=range(1, MAX_DIGITS + 1),
        default=DEFAULT_DIGITS,
        help="digits after the decimal point, in text for people (default: %(default)s)",
    )
    outputs.add_argument(
        "--errors",
        metavar="FILE",
        help="write each text that gets a wrong label to FILE as the run goes on: CSV if the name ends in "
        ".csv, otherwise JSON lines",
    )
    add_model(parser)
    parser.set_defaults(threshold=None)  # for multi-label models only, which this command refuses
    return parser


def settle(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Check the options, and settle the format of the input."""
    settle_input_format(options, parser)
    expect_different(options, parser, ("column", "pair_column", "label_column"))
    if options.errors == "-":
        parser.error("--errors is '-', expected the name of a file. Standard output has the report")
    values = [value for value, _ in options.label_map]
    for value in values:
        if values.count(value) > 1:
            parser.error(f"--label-map has {value!r} twice, expected one label of the model for each value")
    settle_long_texts(options, parser)


def _label_pair(argument: str) -> tuple[str, str]:
    value, separator, label = argument.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"{argument!r} has no =, expected VALUE=LABEL, such as positive=pos")
    return value, label
