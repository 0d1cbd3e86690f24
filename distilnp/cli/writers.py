"""Predictions onto standard output: JSON lines, CSV, and a table for people.

Each `..._writer` returns a function that writes one text and its prediction; when to flush is the caller's
business. Nothing here knows where texts come from.
"""

import csv
import json
import shutil
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TextIO

from ..predictions import Prediction

# A text, a pair, or a mapping of whatever else the columns in front of a prediction hold.
Given = str | Mapping[str, object]

Writer = Callable[[Given, Prediction], None]

FIELDS = ("label", "score", "n_tokens", "n_seen", "truncated")

# What a text may come in, in the order in which a part of one kind holds those of the next.
KINDS_OF_PARTS = ("sentences", "windows")
PART_FIELDS = ("start", "end", "label", "score", "scores", "n_tokens", "n_seen", "n_new")

# Room for the text in a table, however narrow the terminal.
MIN_TEXT_COLUMNS = 20

# Before the lines of parts.
MARGIN = "  "

# Labels take turns by their ids; which is good news is not for us to say. Magenta and green first: people who
# cannot tell red from green can tell these apart.
COLOURS = ("35", "32", "33", "36", "34", "31")
BOLD, DIM, YELLOW = "1", "2", "33"

# Characters without width that scripts and emoji are spelled with.
JOINERS = "\u200c\u200d"


def jsonl_writer(stream: TextIO, *, all_scores: bool, several: bool = False) -> Writer:
    """Write one JSON object a line; `several`: of a model of which several labels may hold at once."""
    more = [*(["labels"] if several else []), *(["scores"] if all_scores else [])]

    def write(text: Given, prediction: Prediction) -> None:
        record = _record(text, prediction) | {name: getattr(prediction, name) for name in more}
        record |= _parts(prediction)
        stream.write(json.dumps(record, ensure_ascii=False) + "\n")

    return write


def csv_writer(
    stream: TextIO,
    labels: Sequence[str],
    *,
    all_scores: bool,
    several: bool = False,
    given: Sequence[str] = ("text",),
    parts: Sequence[str] = (),
) -> Writer:
    """Write a header line now, and a row for each text; `given` are the columns in front, as texts have them.

    `several` adds the labels that hold, and `parts` the kinds of parts that texts come in, each in one field
    as JSON: whatever would part labels, a label may contain.
    """
    # All text is quoted: with rows that end in \n, Python before 3.13 would not quote a field with a \r.
    rows = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    more = ("labels",) if several else ()
    scores = (f"score_{label}" for label in labels if all_scores)
    rows.writerow((*given, *FIELDS, *more, *scores, *parts))

    def write(text: Given, prediction: Prediction) -> None:
        record = _record(text, prediction) | {"truncated": "true" if prediction.truncated else "false"}
        if several:
            record["labels"] = json.dumps(prediction.labels, ensure_ascii=False)
        scores = prediction.scores.values() if all_scores else ()
        found = _parts(prediction)
        rows.writerow(
            (*record.values(), *scores, *(json.dumps(found[kind], ensure_ascii=False) for kind in parts))
        )

    return write


def table_writer(stream: TextIO, labels: Sequence[str], *, all_scores: bool, colours: bool) -> Writer:
    """Write a line for each text; with `all_scores` one for each label, the best first.

    Behind them stands a line for each part of a text in parts, a little to the right. On a terminal the text
    is cut to its width, which may change at any time. A label that holds is in colour.
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
        mark = f"  [{prediction.n_seen} of {prediction.n_tokens} tokens seen]" if prediction.truncated else ""
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
        if len(parts) > 1:  # one part is the text again
            for part in parts:
                write_lines(text[part.start : part.end], part, margin)
                write_parts(text, part, margin + MARGIN)

    def write(text: Given, prediction: Prediction) -> None:
        shown = text if isinstance(text, str) else " | ".join(map(str, text.values()))
        write_lines(shown, prediction, "")
        write_parts(shown, prediction, MARGIN)

    return write


def fit(text: str, room: int | None) -> str:
    """Return `text` as a terminal can show it, in at most `room` columns; "…" ends what was cut.

    What would move the cursor, hide or reorder becomes visible: a line end is "␊", others are escaped.
    """
    cells: list[str] = []
    columns = 0
    for character in text:
        cells.append(_cell(character))
        columns += columns_of(cells[-1])
        if room is not None and columns > room:
            while columns > room - 1:
                columns -= columns_of(cells.pop())
            return "".join(cells) + "…"
    return "".join(cells)


def columns_of(text: str) -> int:
    """Return how many columns a terminal gives to printable characters."""
    if text.isascii():
        return len(text)
    return sum(map(_columns_of_character, text))


def _columns_of_character(character: str) -> int:
    if character in JOINERS or unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _cell(character: str) -> str:
    """Return one printable character, or an escape, for any character."""
    if character.isprintable() or character in JOINERS:
        return character
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)  # Unicode has a picture for each
    if code == 0x7F:
        return "␡"
    if unicodedata.category(character) == "Zs":
        return " "
    return character.encode("unicode_escape").decode()


def _record(text: Given, prediction: Prediction) -> dict[str, Any]:
    given = {"text": text} if isinstance(text, str) else dict(text)
    return given | {name: getattr(prediction, name) for name in FIELDS}


def _parts(prediction: Prediction) -> dict[str, list[dict[str, Any]]]:
    """Return the parts of a text by their kind, where it has any, as JSON can hold them."""
    return {
        kind: [{name: getattr(part, name) for name in PART_FIELDS} | _parts(part) for part in parts]
        for kind in KINDS_OF_PARTS
        if (parts := getattr(prediction, kind))
    }


def _paint(text: str, *styles: str) -> str:
    return f"\x1b[{';'.join(styles)}m{text}\x1b[0m"


def _plain(text: str, *_: str) -> str:
    return text
