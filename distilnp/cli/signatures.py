"""The kinds of files that are no text, or no texts, by their first bytes: `kind_of`.

Such a file is named for what it is, together with the command that turns it into text. Some are tables that
`typed_tables` reads.
"""

import re
from typing import NamedTuple

PARQUET, ARROW, EXCEL, OPEN_DOCUMENT = (
    "a Parquet file",
    "an Arrow or Feather file",
    "an Excel workbook",
    "an OpenDocument spreadsheet",
)

TABLE = "Write its table as CSV first, for example with pandas: {read}.to_csv('texts.csv', index=False)"
UNPACK = "Unpack it first: {command} FILE > TEXTS"


class Kind(NamedTuple):
    """What a file is, with an article, and what to do with it; `is_table` if it can be read as it is."""

    name: str
    advice: str
    is_table: bool = False


def _table(name: str, read: str, *, is_table: bool = False) -> Kind:
    return Kind(name, TABLE.format(read=f"pandas.{read}"), is_table)


def _packed(name: str, command: str) -> Kind:
    return Kind(name, UNPACK.format(command=command))


_SPREADSHEET = _table(EXCEL, "read_excel('FILE')", is_table=True)
_DOCUMENT = Kind("a document, not its text", "Save it as plain text first")
_PICTURE_OR_SOUND = Kind("a picture, a sound or a film", "Give a file of texts")
_ARROW = _table(ARROW, "read_feather('FILE')", is_table=True)
_WITHOUT_READER = "Export its texts as CSV or JSON lines first"

# Regular expressions for the first bytes. If they are all printable, the byte after them must not be, because
# a text may begin with the same letters.
_BINARY = rb"(?![\t\n\r -~])"
KINDS: dict[bytes, Kind] = {
    rb"PAR[1E]" + _BINARY: _table(PARQUET, "read_parquet('FILE')", is_table=True),
    rb"ORC(?:[^\t\n\r -~]|\n[\0-\x08])": _table("an ORC file", "read_orc('FILE')"),
    rb"ARROW1\0|\xff\xff\xff\xff..\0\0": _ARROW,
    rb"FEA1" + _BINARY: _table("a Feather file of version 1", "read_feather('FILE')"),
    rb"Obj\x01": Kind("an Avro file", _WITHOUT_READER),
    rb"SQLite format 3\0": _table("an SQLite database", "read_sql('SELECT text FROM ...', 'sqlite:///FILE')"),
    rb".{8}DUCK[\0-\x08]": Kind("a DuckDB database", _WITHOUT_READER),
    rb"\x89HDF\r\n": _table("an HDF5 file", "read_hdf('FILE')"),
    rb"<stata_dta>|[nqrs][\x01\x02]\x01\0": _table("a Stata file", "read_stata('FILE')"),
    rb"\$FL[23]@\(#\)": _table("an SPSS file", "read_spss('FILE')"),
    rb"\0{8}\0{4}\xc2\xea\x81\x60": _table("a SAS file", "read_sas('FILE')"),
    rb"RD[AX][23]\n[AXB]\n": Kind("a file of R", _WITHOUT_READER),
    rb"\x80[\x02-\x05]": Kind("a pickle", _WITHOUT_READER + ". Reading a pickle can run any program"),
    rb"\x93NUMPY": Kind("an array of NumPy", _WITHOUT_READER),
    # A zip archive, or what is made of one. The names of the files in it are not packed.
    rb"PK(?:\x03\x04|\x05\x06)(?=.*(?:xl/|Content_Types)(?!.*(?:word|ppt)/))": _SPREADSHEET,
    rb"PK\x03\x04(?=.*opendocument\.spreadsheet)": _table(OPEN_DOCUMENT, "read_excel('FILE')", is_table=True),
    rb"PK\x03\x04(?=.*(?:word/|ppt/|opendocument\.|epub))": _DOCUMENT,
    rb"PK(?:\x03\x04|\x05\x06|\x07\x08)": _packed("a zip archive", "unzip -p"),
    rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": _table(
        "an old Excel workbook or Office document", "read_excel('FILE')"
    ),
    rb"BZh[1-9](?:1AY&SY|\x17\x72\x45\x38\x50\x90)": _packed("a bzip2 file", "bzip2 -dc"),
    rb"\xfd7zXZ\0": _packed("an xz file", "xz -dc"),
    rb"\]\0\0[\0-\xff]{2}": _packed("an LZMA file", "xz -dc"),
    rb"LZIP\x01": _packed("an lzip file", "lzip -dc"),
    rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18": _packed("a zstd file", "zstd -dc"),
    rb"\x04\x22\x4d\x18": _packed("an LZ4 file", "lz4 -dc"),
    rb"\x1f\x9d": _packed("a file of compress", "uncompress -c"),
    rb"\x1f\x8b": _packed("a gzip file in a gzip file", "gunzip -c"),
    rb"7z\xbc\xaf\x27\x1c": _packed("a 7z archive", "7z x -so"),
    rb"Rar!\x1a\x07": _packed("a RAR archive", "unrar p -inul"),
    rb".{257}ustar[\0 ]": _packed("a tar archive", "tar -xOf"),
    rb"%PDF-\d": Kind("a PDF", "Take its text out first: pdftotext FILE TEXTS"),
    rb"\{\\rtf\d|%!PS": _DOCUMENT,
    rb"\x89PNG\r\n|\xff\xd8\xff|GIF8[79]a|RIFF.{4}WEBP": _PICTURE_OR_SOUND,
    rb"RIFF.{4}(?:WAVE|AVI )|ID3[\x02-\x04]|OggS\0|\0\0\0.ftyp": _PICTURE_OR_SOUND,
    rb"\x7fELF|MZ[\0-\x1f\x80-\xff]\0|\xcf\xfa\xed\xfe|\xca\xfe\xba\xbe": Kind(
        "a program", "Give a file of texts"
    ),
    rb"\xff\xfe\0\0|\0\0\xfe\xff": Kind("in UTF-32", "Convert it: iconv -f UTF-32 -t UTF-8"),
    rb"\xff\xfe|\xfe\xff": Kind("in UTF-16", "Convert it: iconv -f UTF-16 -t UTF-8"),
    rb"version https://git-lfs\.github\.com/spec/": Kind(
        "a pointer of Git LFS, not the file itself", "Fetch the file: git lfs pull"
    ),
    rb"(?:\xef\xbb\xbf)?\s*(?i:<\?xml[\s?]|<!doctype html|<(?:html|head|body|table|div)[\s>])": Kind(
        "an XML or HTML document", "Take its texts out first, one per line, or as CSV or JSON lines"
    ),
}


def kind_of(head: bytes) -> Kind | None:
    """Return what a file is by its first bytes, of which 512 are enough for all but zip, or None for text."""
    for pattern, kind in KINDS.items():
        if re.match(pattern, head, re.DOTALL):
            return kind
    return None
