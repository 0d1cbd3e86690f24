"""The grammar of `distilnp evaluate`: its help, its arguments and their checks."""

import argparse

from ...choices import DEFAULT_CALIBRATION_BINS, DEFAULT_THRESHOLD, USUAL_MIN_SCORES
from .labelled import add_digits, add_labelled, expect_a_file, settle_labelled
from .shared import Commands, add_command, add_model, expect_different

# The value of --min-score that stands for a usual set of values.
TABLE = "table"

DESCRIPTION = """\
Classify the texts of a file that also has their labels, and report how good
the answers are: precision, recall and F1 of each label, accuracy, averages,
the confusion matrix, log loss, calibration, truncation and speed.

Needs scikit-learn, which computes the report: pip install "distilnp[evaluate]"
"""

EPILOG = f"""\
input is UTF-8, gzipped or not: csv, tsv, jsonl and json as for classify.
  A label is one of the model's labels, in upper or lower case, or its id, as
  1 or 1.0; in JSON, it may be a number. A multi-label model takes several, with
  commas between them or in an array of JSON, and a regression model takes a
  number. --label-map translates other names, such as True. The first row that
  cannot be used ends the run with an error that names its line, and without a
  report, unless --on-error says otherwise.

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
  min score    with --min-score: what is gained if unsure texts get no answer
  temperature  with --fit-temperature: the one with the least log loss, and what
               it is worth on texts that it was not fitted on
  A multi-label model has F1 and exact match instead of accuracy: how many texts
  get exactly their labels. A regression model has the mean of absolute
  differences, the root of their mean square, and Pearson's r.
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
    add_labelled(parser)
    outputs = parser.add_argument_group("output")
    outputs.add_argument("--json", action="store_true", help="write one JSON object, not text for people")
    add_digits(outputs)
    outputs.add_argument(
        "--errors",
        metavar="FILE",
        help="write each text that gets a wrong label to FILE as the run goes on: CSV if the name ends in "
        ".csv, otherwise JSON lines",
    )
    outputs.add_argument(
        "--min-score",
        metavar="X",
        action="append",
        default=[],
        type=_min_scores,
        help="report how many texts have an answer that scores at least X, from 0 to 1, and how many of "
        f'these answers are right; "{TABLE}" is a range of X; may be given more than once',
    )
    outputs.add_argument(
        "--fit-temperature",
        action="store_true",
        help="report the temperature that brings scores closest to how often they are right, for config.json",
    )
    outputs.add_argument(
        "--plot",
        metavar="FILE",
        help="draw the figures into FILE, as SVG: reliability, coverage against accuracy and confusion; F1 "
        "by label; or predicted numbers against true ones",
    )
    model = add_model(parser)
    model.add_argument(
        "--threshold",
        metavar="[LABEL=]X",
        action="append",
        type=_threshold,
        help="for a multi-label model: labels that score above X apply, from 0 to 1, or LABEL does; may be "
        f"given for several labels (default: {DEFAULT_THRESHOLD})",
    )
    return parser


def settle(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Check the options, and settle the format of the input."""
    settle_labelled(options, parser)
    expect_a_file(options, parser, "errors", "plot")
    expect_different(options, parser, ("errors", "plot"), "files")
    options.threshold = _thresholds(options.threshold, parser)
    options.min_score = sorted({x for given in options.min_score for x in given})


def _thresholds(
    given: list[tuple[str | None, float]] | None, parser: argparse.ArgumentParser
) -> float | dict[str, float] | None:
    """Return one threshold for all labels, or those of some of them by label."""
    if given is None:
        return None
    labels = [label for label, _ in given]
    if len(set(labels)) < len(labels) or (None in labels and len(labels) > 1):
        parser.error("--threshold is given twice for a label, expected one X, or LABEL=X once for a label")
    return given[0][1] if labels == [None] else {str(label): x for label, x in given}


def _threshold(argument: str) -> tuple[str | None, float]:
    label, separator, number = argument.rpartition("=")
    try:
        return (label if separator else None), float(number)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{argument!r:.60} is given, expected a number from 0 to 1, or LABEL= before it"
        ) from None


def _min_scores(argument: str) -> tuple[float, ...]:
    if argument == TABLE:
        return USUAL_MIN_SCORES
    try:
        score = float(argument)
    except ValueError:
        score = -1.0
    if not 0 <= score <= 1:
        raise argparse.ArgumentTypeError(
            f"{argument!r:.60} is given, expected a number from 0 to 1, or {TABLE}"
        )
    return (score,)
