"""`distilnp evaluate`: texts with labels in, figures on the answers out.

Nothing is kept of a text except what the figures need: see the tallies of `evaluation`.
"""

import io
import json
import shutil
import sys
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import tee

from ..api import Classifier
from ..errors import ArgumentError, InputFileError
from ..evaluation.base import Evaluation, Tally, expect_scikit_learn
from ..evaluation.run import tally_for
from ..predictions import Prediction
from .bad_rows import BadRows
from .examples import Example, expect_writable, read_examples, side_file
from .lines import Lines, naming_the_line, open_lines
from .loading import kinds_of_parts, load_classifier
from .progress import Progress
from .writers import Classified, Writer, csv_writer, jsonl_writer


def evaluate(options: Namespace) -> None:
    """Run the command with the options that `grammar` parsed.

    Raises
    ------
    DistilnpError
        scikit-learn is not installed, or the file of mistakes cannot be written.
    ArgumentError
        The model gives several numbers, or an option does not suit the model or the files.
    InputFileError
        The file has no texts, or a row of it cannot be used.
    """
    expect_scikit_learn("evaluate")  # before anything else: without it, no text needs an answer
    with open_lines(options.file) as lines:
        classifier = load_classifier(options)
        tally = tally_for(classifier.scoring, dict(options.label_map))
        _expect_options_of(classifier, options)
        if options.plot is not None:
            expect_writable(options.plot, "--plot", options.file)  # before texts are answered in vain
        bad_rows = BadRows(options.on_error)
        with naming_the_line(lines), _mistakes(options, classifier) as write_mistake:
            watched = bad_rows.watch(read_examples(lines, options, [tally]))
            examples = (example for example in watched if example is not None)
            seconds = _classify(classifier, options.batch_tokens, lines, examples, tally, write_mistake)
    if not tally.n_texts:
        raise InputFileError(f"{lines.name} has no texts, expected at least one with its label")
    bad_rows.report()
    evaluation = tally.evaluation()
    if options.plot is not None:
        with side_file(options.plot, "--plot", options.file) as file:
            file.write(evaluation.plot())
    _print(evaluation, seconds, options)


def _classify(
    classifier: Classifier,
    batch_tokens: int,
    lines: Lines,
    examples: Iterator[Example],
    tally: Tally,
    write_mistake: Writer,
) -> float:
    """Count every answer in the tally, write the wrong ones, and return how many seconds the answers took."""
    with Progress(lines, rows_are_seen=False) as progress:
        examples, to_classify = tee(progress.watch(examples))
        classifier.warmup()
        start = time.perf_counter()
        texts = (example.text for example in to_classify)
        for prediction in classifier.stream(texts, batch_tokens=batch_tokens):
            example = next(examples)
            (truth,) = example.truths
            tally.add(truth, prediction)
            if not tally.is_right(truth, prediction):
                write_mistake(example.columns() | {"true_label": tally.names(truth)}, prediction)
            progress.after_row()
        return time.perf_counter() - start


def _print(evaluation: Evaluation, seconds: float, options: Namespace) -> None:
    from .report import figures, in_words  # it needs scikit-learn

    if options.json:
        print(json.dumps(figures(evaluation, seconds, options), indent=2))
        return
    if isinstance(sys.stdout, io.TextIOWrapper):  # a label may have characters that the locale lacks
        sys.stdout.reconfigure(errors="backslashreplace")
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    print(in_words(evaluation, seconds, options, columns))


def _expect_options_of(classifier: Classifier, options: Namespace) -> None:
    """Raise an `ArgumentError` if an option is for another kind of model, or for texts in one piece."""
    function = classifier.function_to_apply
    for option, is_given, functions in (
        ("--errors", options.errors is not None, ("softmax", "sigmoid")),
        ("--min-score", bool(options.min_score), ("softmax",)),
        ("--fit-temperature", options.fit_temperature, ("softmax", "sigmoid")),
    ):
        if is_given and function not in functions:
            raise ArgumentError(
                f"{option} is given and function_to_apply of {classifier.folder} is {function!r}, expected "
                f"{' or '.join(map(repr, functions))}. Leave {option} out"
            )
    if options.fit_temperature and kinds_of_parts(classifier):
        raise ArgumentError(
            "--fit-temperature is given with windows or sentences, expected texts in one piece: the "
            "temperature divides the logits of one input. Fit it without --long-text windows and --sentences"
        )


@contextmanager
def _mistakes(options: Namespace, classifier: Classifier) -> Iterator[Writer]:
    """Yield a function that writes one mistake into the file of --errors, a line at a time."""
    path = options.errors
    if path is None:
        yield lambda *_: None
        return
    multi_label = classifier.threshold is not None
    with side_file(path, "--errors", options.file) as file:
        if not path.lower().endswith(".csv"):
            yield jsonl_writer(file, all_scores=False, multi_label=multi_label)
            return
        texts = ("text",) if options.pair_column is None else ("text", "text_pair")
        write = csv_writer(
            file,
            classifier.labels,
            all_scores=False,
            multi_label=multi_label,
            input_columns=("line", *texts, "true_label"),
            kinds_of_parts=kinds_of_parts(classifier),
        )
        if not multi_label:
            yield write
            return

        def with_json(columns: Classified, prediction: Prediction | None) -> None:
            """Write the true labels as one field of JSON, as those of the prediction are."""
            assert not isinstance(columns, str)
            labels = json.dumps(columns["true_label"], ensure_ascii=False)
            write({**columns, "true_label": labels}, prediction)

        yield with_json
