"""The names of the input formats, of the suffixes that show them, and of the usual columns.

Help lists them and readers use them. Nothing is imported that would slow `--help` down.
"""

import os.path

INPUT_FORMATS = LINES, CSV, TSV, JSONL = ("lines", "csv", "tsv", "jsonl")

FORMAT_OF_SUFFIX = {".csv": CSV, ".tsv": TSV, ".jsonl": JSONL, ".ndjson": JSONL}
SUFFIXES = " ".join(FORMAT_OF_SUFFIX)

# The usual names of a column of texts, or of labels, when the command line does not name it.
USUAL_COLUMNS = ("text", "sentence")
USUAL_LABEL_COLUMNS = ("label", "labels")


def format_of(file: str) -> str | None:
    """Return the format that the end of a file's name shows, with or without .gz, or None."""
    _, suffix = os.path.splitext(file.lower().removesuffix(".gz"))  # noqa: PTH122 (pathlib takes 3 ms)
    return FORMAT_OF_SUFFIX.get(suffix)
