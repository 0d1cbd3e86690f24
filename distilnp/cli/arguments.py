"""The grammar of the command line, and its help.

What is wrong with a command line by itself ends here, as argparse ends it: usage, message, exit code 2.
Whether a value suits a model is for the model to say. Nothing is imported that would slow down `--help`.
"""

import argparse
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import TypeAlias

from .. import __version__

# Stated again, because their modules import what takes its time; a test holds them equal.
DEFAULT_MODEL = "sst2-mini"
DEFAULT_BATCH_TOKENS = 4096
DTYPES = ("float32", "float16", "int8")
LONG_TEXT = ("head", "tail", "head_tail", "windows", "error")
AGGREGATES = ("mean_probs", "mean_logits", "max")
TARGETS = ("x86-64-v3", "x86-64-v4", "aarch64")

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

INPUT_FORMATS = ("lines", "csv", "tsv", "jsonl")
FORMAT_OF_SUFFIX = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl"}

# As many as the columns of scikit-learn's report have room for.
MAX_DIGITS = 7

DESCRIPTION = "DistilBERT text classification on a CPU."

EPILOG = """\
exit codes, as a shell shows them:
  0    every text has its answer
  1    an error, told on standard error; the texts before it have their answers
  2    a wrong command line
  130  Ctrl-C
  141  the reader of the output has gone away, as `head` does; nothing is said
"""

CLASSIFY_DESCRIPTION = """\
Classify texts given as arguments, or those of a file, or of standard input.

As many answers come out as texts went in, in their order, each as soon as it
is ready. An answer never waits for input that is not there yet: texts that
arrived while the model was at work make up the next batch.
"""

CLASSIFY_EPILOG = """\
input is UTF-8, with or without a byte order mark, packed with gzip or not:
  lines  one text a line; a blank line is an empty text
  csv    a header line, then rows; a field with a comma, a quote or a line end
         in it is in double quotes
  tsv    a header line, then rows; there is no quoting, a quote is a character
         like any other, as in the files of GLUE
  jsonl  one JSON object a line
  The first row that does not fit ends the run with an error that names its
  line; so does a blank line where a row was expected. Nothing is skipped.

output:
  table  for people: score, label, text. On a terminal the text is cut to its
         width, and labels have colours unless NO_COLOR is set.
         "[512 of 731 tokens seen]" marks a text too long for the model.
         A window or a sentence has a line of its own under its text.
  jsonl  an object for each text: text, text_pair if there is one, label, score, n_tokens, n_seen,
         truncated; with --all-scores also scores; of a multi-label model also
         labels, an array of those that hold; with --long-text windows also
         windows, with --sentences also sentences, each with its span of the
         text in characters (start, end) and the tokens that are new in it
  csv    the same under a header line; with --all-scores also a column
         score_LABEL for each label; labels, windows and sentences are as in
         JSON
  jsonl and csv are in UTF-8, whatever the locale. Half of a surrogate pair,
  which JSON can hold and UTF-8 cannot, is written as its escape: \\ud83d

examples:
  distilnp classify "I really liked that movie!"
  distilnp classify --file reviews.csv --column review --format csv > out.csv
  distilnp classify --file books.jsonl --long-text windows
  tail -f chat.log | distilnp classify
  grep -h refund *.txt | distilnp classify | jq -r .label | sort | uniq -c
"""

EVALUATE_DESCRIPTION = """\
Classify the texts of a file that has their labels too, and say how good the
answers are: precision, recall and F1 of each label, accuracy, averages, the
confusion matrix, log loss, calibration, what was cut, and how fast it went.

Needs scikit-learn, which works out the report: pip install "distilnp[evaluate]"
"""

EVALUATE_EPILOG = """\
input is UTF-8, packed with gzip or not: csv, tsv and jsonl as of classify.
  A label is one of the model's, whatever its case, or its id, in JSON also as
  an integer. Other names are told by --label-map. The first row that does not
  fit ends the run with an error that names its line, and without a report.

output:
  The report is that of scikit-learn. Labels that neither the file nor the
  answers have are left out, of averages too.
  accuracy     with the 95 % interval of Wilson
  log loss     the mean of -log(share of the true label in all scores)
  calibration  the expected calibration error of Guo et al. 2017, in 15 bins:
               how far score and accuracy are apart
  cut          texts longer than the model saw, and their share of tokens
  speed        with reading and tokenizing, without loading
  --json has all of it as one object, with every digit. Both are the same for
  the same texts, but for the speed.
  --errors has line (of the input; of several the last), text, text_pair if
  there is one, true_label, and the rest as classify writes it.

examples:
  distilnp evaluate reviews.csv
  distilnp evaluate imdb.jsonl.gz --model imdb-mini --long-text windows
  distilnp evaluate data.csv --column review --label-column sentiment \\
      --label-map good=POSITIVE --label-map bad=NEGATIVE --errors wrong.csv
  zcat dev.tsv.gz | distilnp evaluate - --input-format tsv --json | jq .accuracy
"""

INFO_DESCRIPTION = """\
Show what a checkpoint is: architecture, size, labels, tokenizer. The weights
are not loaded. Without MODEL, list the models that came with distilnp.
"""

MODELS_DESCRIPTION = """\
List the names of models: where each is (bundled, cached, on the hub), and which
revision it stands for: pinned here, or recorded when it was first fetched.
Asks nobody.
"""

DOWNLOAD_DESCRIPTION = """\
Fetch a model from the Hugging Face hub into its cache, and print the folder.

A model that is in the cache is not asked for again when it is loaded. This
command does ask what a branch or a tag is now; a commit, and a name of
`distilnp models`, always stay what they are.
"""

DOWNLOAD_EPILOG = """\
variables of the hub's client:
  HF_HOME            where the cache is
  HF_TOKEN           for private and gated repositories
  HF_ENDPOINT        another server
  HF_HUB_OFFLINE     1: fetch nothing
  HF_HUB_DISABLE_PROGRESS_BARS, HF_HUB_DOWNLOAD_TIMEOUT, HF_HUB_ETAG_TIMEOUT
"""

VERIFY_DESCRIPTION = """\
Compare the files of a model with the hashes that are known for them, as pinned
or as recorded when they were fetched, and load it: the files have to fit
together, every tensor has to have its shape, every number to be finite.
Fetches nothing.
"""

BUNDLE_DESCRIPTION = """\
Write a folder that holds distilnp, its kernels and one model: for a function
(zip its content), a device, or an image where nothing can be written or
fetched.
"""

BUNDLE_EPILOG = """\
use it with the folder on the path of modules:
  PYTHONPATH=DIR python -m distilnp classify --model NAME TEXT
  PYTHONPATH=DIR python -c 'import distilnp; print(distilnp.load("NAME")("Hi!"))'
"""

CONVERT_DESCRIPTION = """\
Write a checkpoint anew, as one model.safetensors of a chosen type: from
pytorch_model.bin, from shards, or from another type.
"""

CONVERT_EPILOG = """\
  float32  as it is computed with; of bfloat16 and float16, exactly the numbers
  float16  half the size; numbers beyond 65504 are refused
  int8     a quarter of the size: every row of a matrix as integers and a
           scale, in the form of compressed-tensors, which transformers reads
"""


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse and check a command line; `input_format` is settled too.

    Raises
    ------
    SystemExit
        With 2, after a message on standard error, if the command line is wrong; with 0 after --help and
        --version.
    """
    # Abbreviated options would break in scripts on the day another option begins alike.
    parser = argparse.ArgumentParser("distilnp", description=DESCRIPTION, epilog=EPILOG, allow_abbrev=False)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--version", action="version", version=f"distilnp {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    classify = _add_classify(commands)
    evaluate = _add_evaluate(commands)
    _add_info(commands)
    _add_hub(commands)
    _add_bundle(commands)
    _add_convert(commands)
    options = parser.parse_args(arguments)
    if options.command == "classify":
        _settle_input(options, classify)
        _settle_long_texts(options, classify)
    elif options.command == "evaluate":
        _settle_labelled_input(options, evaluate)
        _settle_long_texts(options, evaluate)
    return options


def _add_command(
    commands: Commands, name: str, *, help: str, description: str, epilog: str | None = None
) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=help,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def _add_classify(commands: Commands) -> argparse.ArgumentParser:
    parser = _add_command(
        commands,
        "classify",
        help="classify texts",
        description=CLASSIFY_DESCRIPTION,
        epilog=CLASSIFY_EPILOG,
    )
    parser.add_argument("texts", metavar="TEXT", nargs="*", help="a text; after --, it may begin with a dash")
    inputs = parser.add_argument_group("input")
    inputs.add_argument("--file", metavar="FILE", help='where the texts are; "-" is standard input')
    inputs.add_argument(
        "--input-format",
        choices=INPUT_FORMATS,
        help="by default, as the file's name ends (.csv .tsv .jsonl .ndjson, with or without .gz), otherwise "
        "lines",
    )
    _add_columns(inputs)
    outputs = parser.add_argument_group("output")
    outputs.add_argument(
        "--format",
        choices=("table", "jsonl", "csv"),
        help="by default table on a terminal, jsonl into a file or a pipe",
    )
    outputs.add_argument("--all-scores", action="store_true", help="the scores of all labels")
    model = _add_model(parser)
    model.add_argument(
        "--threshold",
        metavar="X",
        type=float,
        help="of a multi-label model, the labels with a score above X, from 0 to 1, hold (default: 0.5)",
    )
    return parser


def _add_columns(inputs: "argparse._ArgumentGroup") -> None:
    """Add what names the columns of texts."""
    inputs.add_argument(
        "--column",
        metavar="NAME",
        help="the column of a CSV or TSV file, or the key of JSON lines, that holds the text; by default the "
        'only one, or "text", or "sentence"',
    )
    inputs.add_argument(
        "--pair-column",
        metavar="NAME",
        help="the column or key of a second text, which the model is given behind the first: a question and "
        "its answer, a premise and its hypothesis",
    )


def _add_model(parser: argparse.ArgumentParser) -> "argparse._ArgumentGroup":
    """Add what says which model classifies and how, alike for every command that does; `loading` reads it."""
    model = parser.add_argument_group("model")
    model.add_argument(
        "--model",
        metavar="MODEL",
        default=DEFAULT_MODEL,
        help="a name of distilnp models, a folder, or org/name of the Hugging Face hub "
        "(default: %(default)s)",
    )
    model.add_argument(
        "--max-length",
        metavar="N",
        type=int,
        help="give the model at most N tokens at once, [CLS] and [SEP] among them (default: as many as it "
        "has positions)",
    )
    model.add_argument(
        "--calibrated",
        action="store_true",
        help="scores that come nearer to how often they are right, by the temperature of the checkpoint",
    )
    model.add_argument(
        "--split-special-tokens",
        action="store_true",
        help='take "[SEP]" in a text for five characters, not for the token',
    )
    model.add_argument(
        "--batch-tokens",
        metavar="N",
        type=int,
        default=DEFAULT_BATCH_TOKENS,
        help="classify texts that are there together in batches of N tokens; it decides how soon answers "
        "come, never what they are (default: %(default)s)",
    )
    model.add_argument(
        "--threads",
        metavar="N",
        type=int,
        help="compute with N threads, which never changes an answer (default: what the variable "
        "DISTILNP_NUM_THREADS says, or as many as the system lets the process have)",
    )
    _add_long_texts(parser.add_argument_group("long texts"))
    return model


def _add_long_texts(group: "argparse._ArgumentGroup") -> None:
    group.add_argument(
        "--long-text",
        choices=LONG_TEXT,
        default=LONG_TEXT[0],
        help="what is read of a text that has more tokens than the model is given at once: its head, its "
        "tail, some of both, in windows all of it, or nothing, which is an error (default: %(default)s)",
    )
    group.add_argument(
        "--stride", metavar="N", type=int, help="tokens that consecutive windows share (default: 64)"
    )
    group.add_argument(
        "--aggregate",
        choices=AGGREGATES,
        help="what makes scores of those of windows: their mean, what the mean of their logits gives, of "
        "each label the highest (default: mean_probs)",
    )
    group.add_argument(
        "--sentences",
        action="store_true",
        help="classify sentence by sentence, and give a text the mean of their scores; needs "
        'pip install "distilnp[sentences]"',
    )
    group.add_argument(
        "--language", metavar="CODE", help="by whose rules sentences end, such as de (default: en)"
    )


def _add_evaluate(commands: Commands) -> argparse.ArgumentParser:
    parser = _add_command(
        commands,
        "evaluate",
        help="measure a model on texts with labels",
        description=EVALUATE_DESCRIPTION,
        epilog=EVALUATE_EPILOG,
    )
    parser.add_argument("file", metavar="FILE", help='texts with their labels; "-" is standard input')
    inputs = parser.add_argument_group("input")
    inputs.add_argument(
        "--input-format",
        choices=[kind for kind in INPUT_FORMATS if kind != "lines"],  # they have no labels
        help="by default, as the file's name ends (.csv .tsv .jsonl .ndjson, with or without .gz)",
    )
    _add_columns(inputs)
    inputs.add_argument(
        "--label-column",
        metavar="NAME",
        help='the column or key of the labels; by default "label" or "labels"',
    )
    inputs.add_argument(
        "--label-map",
        metavar="VALUE=LABEL",
        action="append",
        default=[],
        type=_label_pair,
        help="what the file calls VALUE is the model's LABEL, such as positive=pos; may be given more than "
        "once",
    )
    outputs = parser.add_argument_group("output")
    outputs.add_argument("--json", action="store_true", help="one JSON object instead of text for people")
    outputs.add_argument(
        "--digits",
        metavar="N",
        type=int,
        choices=range(1, MAX_DIGITS + 1),
        default=4,
        help="digits behind the point, in text for people (default: %(default)s)",
    )
    outputs.add_argument(
        "--errors",
        metavar="FILE",
        help="write each text that got a wrong label, as soon as it has: CSV if the name ends in .csv, "
        "otherwise JSON lines",
    )
    _add_model(parser)
    parser.set_defaults(threshold=None)  # which is for models that this command refuses
    return parser


def _add_info(commands: Commands) -> None:
    parser = _add_command(
        commands,
        "info",
        help="show what a checkpoint is",
        description=INFO_DESCRIPTION,
    )
    parser.add_argument("model", metavar="MODEL", nargs="?", help="a name, a folder, or org/name of the hub")
    parser.add_argument("--format", choices=("table", "json"), default="table", help="(default: %(default)s)")


def _add_hub(commands: Commands) -> None:
    _add_command(
        commands,
        "models",
        help="list the names of models",
        description=MODELS_DESCRIPTION,
    )
    download = _add_command(
        commands,
        "download",
        help="fetch a model from the hub",
        description=DOWNLOAD_DESCRIPTION,
        epilog=DOWNLOAD_EPILOG,
    )
    download.add_argument("model", metavar="MODEL", help="a name, org/name or org/name@revision")
    verify = _add_command(
        commands,
        "verify",
        help="check the files of a model",
        description=VERIFY_DESCRIPTION,
    )
    verify.add_argument("model", metavar="MODEL", help="a name, a folder, org/name or org/name@revision")


def _add_bundle(commands: Commands) -> None:
    parser = _add_command(
        commands,
        "bundle",
        help="write a folder that needs no installation",
        description=BUNDLE_DESCRIPTION,
        epilog=BUNDLE_EPILOG,
    )
    parser.add_argument("directory", metavar="DIR", help="the folder: a new one, or one that is empty")
    parser.add_argument(
        "--model",
        metavar="MODEL",
        default=DEFAULT_MODEL,
        help="a name of distilnp models, a folder, whose name it then has, or org/name of the hub "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--with-dependencies",
        action="store_true",
        help="also the packages that distilnp imports, as they are installed here: for this version of "
        "Python, on machines like this one",
    )
    parser.add_argument(
        "--target",
        action="append",
        metavar="TARGET",
        choices=TARGETS,
        help=f"build the kernels for this kind of CPU ({', '.join(TARGETS)}) instead of copying those of "
        'this installation; may be given more than once; needs pip install "distilnp[jit]" and a C compiler '
        "for it, or pip install ziglang",
    )


def _add_convert(commands: Commands) -> None:
    parser = _add_command(
        commands,
        "convert",
        help="write a checkpoint as safetensors of a chosen type",
        description=CONVERT_DESCRIPTION,
        epilog=CONVERT_EPILOG,
    )
    parser.add_argument("source", metavar="MODEL", help="the name of a bundled model, or a folder")
    parser.add_argument("destination", metavar="DIR", help="the folder: a new one, or one that is empty")
    parser.add_argument("--dtype", choices=DTYPES, default="float32", help="(default: %(default)s)")


def _settle_input(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    if options.texts:
        for option in ("file", "input_format", "column", "pair_column"):
            if getattr(options, option) is not None:
                name = option.replace("_", "-")
                parser.error(f"--{name} came with texts as arguments, expected texts from one place only")
        for number, text in enumerate(options.texts, start=1):
            if any(
                "\udc80" <= character <= "\udcff" for character in text
            ):  # Python's stand-ins for bad bytes
                parser.error(f"text {number} is not in the encoding of the locale: {text!r:.60}")
    if options.input_format is None:
        options.input_format = _format_of(options.file or "") or "lines"
    for option in ("column", "pair_column"):
        if getattr(options, option) is not None and options.input_format == "lines":
            parser.error(
                f"--{option.replace('_', '-')} came with an input of one text a line, expected a file named "
                ".csv, .tsv or .jsonl, or --input-format"
            )
    _expect_different(options, parser, ("column", "pair_column"))


def _settle_labelled_input(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    if options.input_format is None:
        options.input_format = _format_of(options.file)
    if options.input_format is None:
        parser.error(
            f"the name {options.file!r} does not say which format it has, expected one that ends in .csv, "
            ".tsv or .jsonl, perhaps with .gz behind it, or --input-format"
        )
    _expect_different(options, parser, ("column", "pair_column", "label_column"))
    if options.errors == "-":
        parser.error("--errors is '-', expected the name of a file: standard output has the report")
    values = [value for value, _ in options.label_map]
    for value in values:
        if values.count(value) > 1:
            parser.error(f"--label-map came twice for {value!r}, expected one label of the model for it")


def _settle_long_texts(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    for option in ("stride", "aggregate"):
        if getattr(options, option) is not None and options.long_text != "windows":
            parser.error(f"--{option} came without windows, expected --long-text windows beside it")
    if options.language is not None and not options.sentences:
        parser.error("--language came without sentences, expected --sentences beside it")
    for option, is_given in (
        ("--sentences", options.sentences),
        (f"--long-text {options.long_text}", options.long_text != "head"),
    ):
        if is_given and options.pair_column is not None:
            parser.error(
                f"{option} came with --pair-column, expected single texts: of two, the longer is cut"
            )
    options.sentences = options.sentences and (options.language or True)


def _expect_different(
    options: argparse.Namespace, parser: argparse.ArgumentParser, names: tuple[str, ...]
) -> None:
    for first, second in combinations(names, 2):
        column = getattr(options, first)
        if column is not None and column == getattr(options, second):
            both = " and ".join(f"--{name.replace('_', '-')}" for name in (first, second))
            parser.error(f"{both} are both {column!r}, expected two columns")


def _label_pair(argument: str) -> tuple[str, str]:
    value, separator, label = argument.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"{argument!r} has no =, expected VALUE=LABEL, such as positive=pos")
    return value, label


def _format_of(file: str) -> str | None:
    """Return what the end of a file's name says of its rows, whether it is packed or not."""
    path = Path(file.lower().removesuffix(".gz"))
    return FORMAT_OF_SUFFIX.get(path.suffix)
