"""The names of the input formats, of the suffixes that show them, and of the usual columns.

Help lists them and readers use them. Nothing is imported that would slow `--help` down.
"""

import os.path

INPUT_FORMATS = LINES, CSV, TSV, JSONL, JSON = ("lines", "csv", "tsv", "jsonl", "json")

OUTPUT_FORMATS = TABLE, _, _, PARQUET = ("table", JSONL, CSV, "parquet")

# The suffixes of an output, each of which decides.
OUTPUT_FORMAT_OF_SUFFIX = {
    ".csv": CSV,
    ".jsonl": JSONL,
    ".ndjson": JSONL,
    ".parquet": PARQUET,
    ".pq": PARQUET,
}

# The columns of the table that files are if each is a text.
WHOLE_FILE_COLUMNS = FILE_COLUMN, TEXT_COLUMN = ("file", "text")

# A suffix decides only what the content leaves open; see `recognition`.
FORMAT_OF_SUFFIX = {
    ".csv": CSV,
    ".tsv": TSV,
    ".tab": TSV,
    ".jsonl": JSONL,
    ".ndjson": JSONL,
    ".json": JSON,
}

SUFFIXES_OF_PACKED_FILES = (".gz", ".bz2", ".xz", ".zst")

# What may separate the fields of a table; of two that separate as many, the first one does.
DELIMITERS = COMMA, SEMICOLON, TAB, PIPE = (",", ";", "\t", "|")
NAME_OF_DELIMITER = {"comma": COMMA, "semicolon": SEMICOLON, "tab": TAB, "pipe": PIPE, "\\t": TAB}

# What happens to a row that cannot be used.
ON_ERROR = STOP, NULL, SKIP = ("stop", "null", "skip")

# The usual names of a column of texts, or of labels, when the command line does not name it.
USUAL_COLUMNS = ("text", "sentence")
USUAL_LABEL_COLUMNS = ("label", "labels")


def format_of(file: str) -> str | None:
    """Return the format that the end of a file's name shows, packed or not, or None."""
    name, suffix = os.path.splitext(file.lower())  # noqa: PTH122 (pathlib takes 3 ms)
    if suffix in SUFFIXES_OF_PACKED_FILES:
        _, suffix = os.path.splitext(name)  # noqa: PTH122
    return FORMAT_OF_SUFFIX.get(suffix)


def output_format_of(file: str) -> str | None:
    """Return the format that the name of an output shows, or None."""
    _, suffix = os.path.splitext(file.lower())  # noqa: PTH122
    return OUTPUT_FORMAT_OF_SUFFIX.get(suffix)
