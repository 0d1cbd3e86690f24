"""The names of the input formats, of the suffixes that show them, and of the usual columns.

Help lists them and readers use them. Nothing is imported that would slow `--help` down.
"""

import os.path

INPUT_FORMATS = LINES, CSV, TSV, JSONL, JSON = ("lines", "csv", "tsv", "jsonl", "json")

# A suffix decides only what the content leaves open; see `recognition`.
FORMAT_OF_SUFFIX = {
    ".csv": CSV,
    ".tsv": TSV,
    ".tab": TSV,
    ".jsonl": JSONL,
    ".ndjson": JSONL,
    ".json": JSON,
}

# What may separate the fields of a table; of two that separate as many, the first one does.
DELIMITERS = COMMA, SEMICOLON, TAB, PIPE = (",", ";", "\t", "|")
NAME_OF_DELIMITER = {"comma": COMMA, "semicolon": SEMICOLON, "tab": TAB, "pipe": PIPE, "\\t": TAB}

# What happens to a row that cannot be used.
ON_ERROR = STOP, NULL, SKIP = ("stop", "null", "skip")

# The usual names of a column of texts, or of labels, when the command line does not name it.
USUAL_COLUMNS = ("text", "sentence")
USUAL_LABEL_COLUMNS = ("label", "labels")


def format_of(file: str) -> str | None:
    """Return the format that the end of a file's name shows, with or without .gz, or None."""
    _, suffix = os.path.splitext(file.lower().removesuffix(".gz"))  # noqa: PTH122 (pathlib takes 3 ms)
    return FORMAT_OF_SUFFIX.get(suffix)
