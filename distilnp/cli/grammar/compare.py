"""The grammar of `distilnp compare`: its help, its arguments and their checks."""

import argparse

from .labelled import add_digits, add_labelled, expect_a_file, settle_labelled
from .shared import Commands, add_command, add_model

DESCRIPTION = """\
Let two models answer the same texts, and report which of them is right more
often, by how much, and whether that may be chance.

Needs scikit-learn and scipy: pip install "distilnp[evaluate]"
"""

EPILOG = """\
input is the same as for evaluate. A label must be one of each model's.

output:
  Only texts for which exactly one model is right tell the two apart. McNemar's
  exact test says how often chance would divide these so unevenly. The interval
  of the difference is that of Agresti and Min 2005. A multi-label model is
  right if a text gets exactly its labels.
  --json writes all of it as one object, with the figures of evaluate for each
  model, and with the numbers of the texts, from 0, that only one gets right.
  --differences writes line (the last line of the row in the input), text,
  text_pair for a pair, true_label, right (a or b), label_a, score_a, label_b
  and score_b.

examples:
  distilnp compare sst2-mini imdb-mini reviews.csv
  distilnp compare old/ new/ dev.tsv --differences changed.csv
"""


def add(commands: Commands) -> argparse.ArgumentParser:
    """Add the command, and return its parser."""
    parser = add_command(
        commands,
        "compare",
        help="compare two models on the same texts with labels",
        description=DESCRIPTION,
        epilog=EPILOG,
    )
    for letter in "ab":
        parser.add_argument(
            f"model_{letter}",
            metavar=f"MODEL_{letter.upper()}",
            help="a name, a folder, or org/name on the hub",
        )
    add_labelled(parser)
    outputs = parser.add_argument_group("output")
    outputs.add_argument("--json", action="store_true", help="write one JSON object, not text for people")
    add_digits(outputs)
    outputs.add_argument(
        "--differences",
        metavar="FILE",
        help="write each text for which exactly one model is right to FILE as the run goes on: CSV if the "
        "name ends in .csv, otherwise JSON lines",
    )
    add_model(parser, is_named=False)
    parser.set_defaults(threshold=None)
    return parser


def settle(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Check the options, and settle the format of the input."""
    settle_labelled(options, parser)
    expect_a_file(options, parser, "differences")
