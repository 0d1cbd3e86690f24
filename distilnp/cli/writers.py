"""Predictions as text: JSON lines, CSV, and a table for people. `parquet_output` writes Parquet.

Each `..._writer` returns a function that writes one text and its prediction. The caller decides when to
flush. Nothing here knows where texts come from.
"""

import csv
import json
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import Any, TextIO

from ..predictions import Prediction
from ..widths import columns_of, fit

# What was classified: a text, or the columns that come before those of its prediction, by their names.
Classified = str | Mapping[str, object]

# The prediction is None for a row of the input without one: all its fields are null, or empty.
Writer = Callable[[Classified, Prediction | None], None]

FIELDS = ("label", "score", "n_tokens", "n_seen", "truncated")

# The kinds of parts that a text may be split into. A sentence may be split again, into windows.
KINDS_OF_PARTS = ("sentences", "windows")
PART_FIELDS = ("start", "end", "label", "score", "scores", "n_tokens", "n_seen", "n_new")

# The characters that JSON need not escape and a terminal acts on: controls, line ends that `str.splitlines`
# splits at, and controls of the direction of text. Escaped, they are the same JSON.
HARMFUL = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069]")

# The least room for the text in a table, even on a narrow terminal.
MIN_TEXT_COLUMNS = 20

# The indent of a part below its text.
MARGIN = "  "

# Labels take these colours in the order of their ids, because distilnp cannot know which label is good news.
# Magenta and green come first: people with red-green colour blindness can distinguish them.
COLOURS = ("35", "32", "33", "36", "34", "31")
BOLD, DIM, YELLOW = "1", "2", "33"


def jsonl_writer(stream: TextIO, all_scores: bool, multi_label: bool = False, *, prefix: str = "") -> Writer:
    """Return a function that writes one JSON object per line.

    Parameters
    ----------
    stream : text file
    all_scores : bool
        Whether to write the score of every label.
    multi_label : bool, default False
        Whether to write `labels`, because a text may have several labels, or none.
    prefix : str
        What the names of the fields of the prediction begin with.
    """
    more = [*(["labels"] if multi_label else []), *(["scores"] if all_scores else [])]

    def write(text: Classified, prediction: Prediction | None) -> None:
        fields = {name: getattr(prediction, name, None) for name in (*FIELDS, *more)} | _parts(prediction)
        record = _input(text) | {f"{prefix}{name}": value for name, value in fields.items()}
        line = json.dumps(record, ensure_ascii=False)
        stream.write(HARMFUL.sub(lambda found: f"\\u{ord(found[0]):04x}", line) + "\n")

    return write


def csv_writer(
    stream: TextIO,
    labels: Sequence[str],
    all_scores: bool,
    multi_label: bool = False,
    kinds_of_parts: Sequence[str] = (),
    *,
    input_columns: Sequence[str] = ("text",),
    prefix: str = "",
    has_header: bool = True,
) -> Writer:
    """Write a header line, and return a function that writes a row for each text.

    Parameters
    ----------
    stream : text file
    labels : sequence of str
        The labels of the model, in the order of their ids.
    all_scores : bool
        Whether to write the score of every label, each in its own column.
    multi_label : bool, default False
        Whether to write `labels`, because a text may have several labels, or none. They are one field of
        JSON: any other separator could be part of a label.
    kinds_of_parts : sequence of str
        The kinds of parts that texts are split into. Each kind is one field of JSON.
    input_columns : sequence of str
        The columns before those of the prediction, with the names that they have in what was classified.
    prefix : str
        What the names of the columns of the prediction begin with.
    has_header : bool
        Whether to write the header line, which an output that is continued has already.
    """
    # All text is quoted, because Python before 3.13 does not quote a field with a \r if rows end in \n.
    rows = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    predicted = prediction_columns(labels, all_scores, multi_label, kinds_of_parts)
    if has_header:
        rows.writerow((*input_columns, *(f"{prefix}{name}" for name in predicted)))

    def write(text: Classified, prediction: Prediction | None) -> None:
        cells = (value(prediction) if prediction is not None else None for value in predicted.values())
        rows.writerow(map(_csv_cell, (*_input(text).values(), *cells)))

    return write


def prediction_columns(
    labels: Sequence[str], all_scores: bool, multi_label: bool, kinds_of_parts: Sequence[str]
) -> dict[str, Callable[[Prediction], object]]:
    """Return the columns of a prediction in a table, by their names, and what gets their values."""
    columns: dict[str, Callable[[Prediction], object]] = {name: attrgetter(name) for name in FIELDS}
    if multi_label:
        columns["labels"] = lambda prediction: json.dumps(prediction.labels, ensure_ascii=False)
    if all_scores:
        columns |= {f"score_{label}": partial(_score, label) for label in labels}
    return columns | {kind: partial(_parts_as_json, kind) for kind in kinds_of_parts}


def _score(label: str, prediction: Prediction) -> float:
    return prediction.scores[label]


def _parts_as_json(kind: str, prediction: Prediction) -> str:
    return json.dumps(_parts(prediction)[kind], ensure_ascii=False)


def _csv_cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


def table_writer(stream: TextIO, labels: Sequence[str], *, all_scores: bool, colours: bool) -> Writer:
    """Return a function that writes a line for each text or, with `all_scores`, for each label, best first.

    The parts of a text follow, each on an indented line of its own. On a terminal, the text is cut to the
    width, which may change at any time. The labels of the prediction are in colour, the other labels are dim.
    """
    names = {label: fit(label, None) for label in labels}
    label_columns = max(map(columns_of, names.values()))
    paint = _paint if colours else _plain
    colour_of = {label: COLOURS[i % len(COLOURS)] for i, label in enumerate(labels)}

    def start_of_line(label: str, prediction: Prediction) -> str:
        score = prediction.scores[label]
        styles = (BOLD, colour_of[label]) if label in prediction.labels else (DIM,)
        padding = " " * (label_columns - columns_of(names[label]))
        return f"{score:7.4f}  " + paint(names[label], *styles) + padding

    def write_lines(text: str, prediction: Prediction, margin: str) -> None:
        best = prediction.label
        mark = ""
        if prediction.truncated:
            mark = f"  [{prediction.n_seen} of {prediction.n_tokens} tokens seen]"
        elif prediction.is_empty:
            mark = "  [no tokens]"
        room = None
        if stream.isatty():
            taken = len(f"{margin}{prediction.score:7.4f}") + 2 + label_columns + 2 + len(mark)
            room = max(MIN_TEXT_COLUMNS, shutil.get_terminal_size().columns - taken)
        line = margin + start_of_line(best, prediction) + "  " + fit(text, room)
        stream.write(line.rstrip() + (paint(mark, YELLOW) if mark else "") + "\n")
        if all_scores:
            others = [item for item in prediction.scores.items() if item[0] != best]
            for label, _ in sorted(others, key=lambda item: -item[1]):
                stream.write(margin + start_of_line(label, prediction).rstrip() + "\n")

    def write_parts(text: str, prediction: Prediction, margin: str) -> None:
        parts = prediction.sentences or prediction.windows
        if len(parts) > 1:  # a single part is the whole text
            for part in parts:
                write_lines(text[part.start : part.end], part, margin)
                write_parts(text, part, margin + MARGIN)

    def write(text: Classified, prediction: Prediction | None) -> None:
        if prediction is None:
            stream.write(f"{'-':>7}\n")
            return
        shown = text if isinstance(text, str) else " | ".join(map(str, text.values()))
        write_lines(shown, prediction, "")
        write_parts(shown, prediction, MARGIN)

    return write


def _input(text: Classified) -> dict[str, Any]:
    return {"text": text} if isinstance(text, str) else dict(text)


def _parts(prediction: Prediction | None) -> dict[str, list[dict[str, Any]]]:
    """Return the parts of a text by their kind, for the kinds that it has, as JSON can hold them."""
    return {
        kind: [{name: getattr(part, name) for name in PART_FIELDS} | _parts(part) for part in parts]
        for kind in KINDS_OF_PARTS
        if (parts := getattr(prediction, kind, ()))
    }


def _paint(text: str, *styles: str) -> str:
    return f"\x1b[{';'.join(styles)}m{text}\x1b[0m"


def _plain(text: str, *_: str) -> str:
    return text
