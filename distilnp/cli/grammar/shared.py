"""The arguments that several commands share, with their checks, and the building blocks of a command."""

import argparse
from collections.abc import Sequence
from itertools import combinations
from typing import Any, TypeAlias, get_args

from ...choices import (
    DEFAULT_AGGREGATE,
    DEFAULT_BATCH_TOKENS,
    DEFAULT_LANGUAGE,
    DEFAULT_LONG_TEXT,
    DEFAULT_MODEL,
    DEFAULT_PRECISION,
    DEFAULT_STRIDE,
    Aggregate,
    LongText,
    Precision,
)
from ..formats import CSV, NAME_OF_DELIMITER, USUAL_COLUMNS

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Group: TypeAlias = "argparse._ArgumentGroup"


def add_command(
    commands: Commands, name: str, *, help: str, description: str, epilog: str | None = None
) -> argparse.ArgumentParser:
    """Add a command without arguments, and return its parser."""
    parser = commands.add_parser(
        name,
        help=help,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.register("action", None, _StoreOnce)
    parser.register("action", "store", _StoreOnce)
    return parser


class _StoreOnce(argparse.Action):
    """Store the value of an option, which may be given once: argparse would drop the first of two values."""

    _is_given = False

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Store a value."""
        if self._is_given and option_string is not None:
            raise argparse.ArgumentError(
                self,
                f"{getattr(namespace, self.dest)!r:.60} and {values!r:.60} are given, expected one value",
            )
        self._is_given = True
        setattr(namespace, self.dest, values)


def add_input_format(inputs: Group, formats: Sequence[str]) -> None:
    """Add the options that say what a file of texts looks like."""
    inputs.add_argument(
        "--input-format",
        choices=formats,
        help="the format of the texts (default: the one that the first line shows)",
    )
    inputs.add_argument(
        "--delimiter",
        metavar="C",
        type=_delimiter,
        help=f"the character between the fields of CSV, or one of {', '.join(NAME_OF_DELIMITER)} (default: "
        "as the header shows)",
    )


def settle_input_format(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Check the options that say what a file of texts looks like."""
    if options.delimiter is not None and options.input_format not in (None, CSV):
        parser.error(
            f"--delimiter is given with --input-format {options.input_format}, expected {CSV} or nothing"
        )


def _delimiter(argument: str) -> str:
    delimiter = NAME_OF_DELIMITER.get(argument, argument)
    if len(delimiter) != 1 or delimiter in '"\r\n\0':
        raise argparse.ArgumentTypeError(
            f"{argument!r:.60} is given, expected one character other than a quote, or one of "
            f"{', '.join(NAME_OF_DELIMITER)}"
        )
    return delimiter


def add_columns(inputs: Group) -> None:
    """Add the options that name the columns of texts."""
    inputs.add_argument(
        "--column",
        metavar="NAME",
        help="the column of a CSV or TSV file, or the key in JSON, that holds the text "
        f"(default: the only one, or {quoted(USUAL_COLUMNS)})",
    )
    inputs.add_argument(
        "--pair-column",
        metavar="NAME",
        help="the column or key of a second text, which the model reads after the first: an answer after its "
        "question, a hypothesis after its premise",
    )


def add_model(parser: argparse.ArgumentParser, *, is_named: bool = True, is_batched: bool = True) -> Group:
    """Add the options that say which model classifies, and how; `loading` reads them.

    With `is_named`, --model is one of them; with `is_batched`, --batch-tokens.
    """
    model = parser.add_argument_group("model")
    if is_named:
        model.add_argument(
            "--model",
            metavar="MODEL",
            default=DEFAULT_MODEL,
            help="a name listed by `distilnp models`, a folder, or org/name on the Hugging Face hub "
            "(default: %(default)s)",
        )
    model.add_argument(
        "--max-length",
        metavar="N",
        type=int,
        help="give the model at most N tokens at once, counting [CLS] and [SEP] (default: as many as it has "
        "positions)",
    )
    model.add_argument(
        "--calibrated",
        action="store_true",
        help="bring scores closer to how often they are right, by the temperature of the checkpoint",
    )
    model.add_argument(
        "--split-special-tokens",
        action="store_true",
        help='treat "[SEP]" in a text as five characters, not as the token',
    )
    if is_batched:
        model.add_argument(
            "--batch-tokens",
            metavar="N",
            type=int,
            default=DEFAULT_BATCH_TOKENS,
            help="classify in batches of N tokens when enough texts have arrived; N decides how soon answers "
            "come, never what they are (default: %(default)s)",
        )
    model.add_argument(
        "--precision",
        choices=get_args(Precision),
        default=DEFAULT_PRECISION,
        help="the arithmetic: int8 multiplies integers, which is several times as fast and less exact "
        "(default: %(default)s)",
    )
    model.add_argument(
        "--threads",
        metavar="N",
        type=int,
        help="compute with N threads; N never changes an answer (default: the variable DISTILNP_NUM_THREADS, "
        "or as many threads as the system lets the process have)",
    )
    _add_long_texts(parser.add_argument_group("long texts"))
    return model


def _add_long_texts(group: Group) -> None:
    group.add_argument(
        "--long-text",
        choices=get_args(LongText),
        default=DEFAULT_LONG_TEXT,
        help="which part to read of a text that has more tokens than the model takes at once: its head, its "
        "tail, some of both, all of it in windows, or none of it, which is an error (default: %(default)s)",
    )
    group.add_argument(
        "--stride",
        metavar="N",
        type=int,
        help=f"tokens that consecutive windows share (default: {DEFAULT_STRIDE})",
    )
    group.add_argument(
        "--aggregate",
        choices=get_args(Aggregate),
        help="how the scores of windows become those of the text: their mean, the scores of their mean "
        f"logits, or the highest score of each label (default: {DEFAULT_AGGREGATE})",
    )
    group.add_argument(
        "--sentences",
        action="store_true",
        help="classify each sentence, and give the text the mean of their scores; needs "
        'pip install "distilnp[sentences]"',
    )
    group.add_argument(
        "--language",
        metavar="CODE",
        help=f"the language whose rules end a sentence, such as de (default: {DEFAULT_LANGUAGE})",
    )


def settle_long_texts(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Check the options for long texts, and put the language into `sentences` if one is given."""
    for name in ("stride", "aggregate"):
        if getattr(options, name) is not None and options.long_text != "windows":
            parser.error(f"{flag(name)} is given without --long-text windows, expected both")
    if options.language is not None and not options.sentences:
        parser.error("--language is given without --sentences, expected both")
    for option, is_given in (
        ("--sentences", options.sentences),
        (f"--long-text {options.long_text}", options.long_text != DEFAULT_LONG_TEXT),
    ):
        if is_given and options.pair_column is not None:
            parser.error(
                f"{option} is given with --pair-column, expected single texts. In a pair, the longer text "
                "is cut"
            )
    options.sentences = options.sentences and (options.language or True)


def expect_decoded(texts: Sequence[str], parser: argparse.ArgumentParser) -> None:
    """End with an error if a text on the command line is not in the encoding of the locale."""
    for number, text in enumerate(texts, start=1):
        # Python passes bytes that it cannot decode as these halves of surrogate pairs.
        if any("\udc80" <= character <= "\udcff" for character in text):
            parser.error(f"text {number} is {text!r:.60}, expected text in the encoding of the locale")


def expect_different(
    options: argparse.Namespace,
    parser: argparse.ArgumentParser,
    names: tuple[str, ...],
    expected: str = "columns",
) -> None:
    """End with an error if two of these options name the same column, or the same file."""
    for first, second in combinations(names, 2):
        value = getattr(options, first)
        if value is not None and value == getattr(options, second):
            parser.error(f"{flag(first)} and {flag(second)} are both {value!r}, expected two {expected}")


def flag(name: str) -> str:
    """Return an option as users type it, such as --pair-column for `pair_column`."""
    return f"--{name.replace('_', '-')}"


def quoted(names: tuple[str, ...]) -> str:
    """Return alternative names as help shows them, such as "text" or "sentence"."""
    return " or ".join(f'"{name}"' for name in names)
