"""The arguments of the commands that explain an answer: which label is asked about, and how."""

import argparse
from typing import get_args

from ...choices import DEFAULT_EXPLAIN_METHOD, ExplainMethod

# A part of the help of these commands.
METHODS = """\
methods, to say how much a word counts:
  leave_one_out         by how much the logit falls without the word
  integrated_gradients  the mean gradient on the way from a text that says
                        nothing; slower, and the words add up
  gradient_x_input      one gradient; fast, and it says little where the model
                        is sure
  attention_rollout     where the model looked, not why
  docs/inside.md measures how far each can be trusted.
"""


def add_asked(parser: argparse.ArgumentParser, method_help: str) -> None:
    """Add the options for a second text, for the method, whose help is given, and for the label."""
    parser.add_argument(
        "--text-pair", metavar="TEXT", help="a second text, which the model reads after the first"
    )
    parser.add_argument(
        "--method",
        metavar="NAME",
        choices=get_args(ExplainMethod),
        default=DEFAULT_EXPLAIN_METHOD,
        help=f"{method_help} (default: %(default)s); see below",
    )
    parser.add_argument(
        "--target", metavar="LABEL", help="the label to explain, or its id (default: the predicted one)"
    )
