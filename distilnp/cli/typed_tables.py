"""The rows of tables that have types: Parquet, Arrow and Excel, a batch at a time.

pyarrow and python-calamine are in the extra `tables`, and only files of these kinds need them. A row keeps
its place in its batch and not its values, so that the columns that are only kept go from Parquet to Parquet
with their types, and none of their values becomes an object of Python.
"""

import math
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any, NoReturn

from ..errors import InputFileError
from ..foreign import shown
from .columns import Chosen, Columns, Kept, Row, Rows, choose, row_of
from .lines import Lines, MissingText
from .signatures import ARROW, PARQUET, Kind

# Rows that are held at a time. With 200 characters each, they take 2 MB, and Arrow's cost for each batch is
# no longer seen.
BATCH_ROWS = 8192

# Parquet is read in pieces of this size, however large its row groups are.
BUFFER_BYTES = 1 << 20

# A message shows so much of a value.
SHOWN = 60


class KeptBatch:
    """The columns of a batch that are kept, as Arrow has them, or as rows of plain values."""

    def __init__(self, batch: Any) -> None:
        self.batch = batch

    @cached_property
    def rows(self) -> list[dict[str, object]]:
        """The rows, as JSON and CSV can hold them."""
        columns = [_plain_column(column) for column in self.batch.columns]
        names = self.batch.schema.names
        return [dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True)]


class KeptRow(Mapping[str, object]):
    """A row of a `KeptBatch`."""

    __slots__ = ("batch", "index")

    def __init__(self, batch: KeptBatch, index: int) -> None:
        self.batch = batch
        self.index = index

    def __getitem__(self, name: str) -> object:
        return self.batch.rows[self.index][name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.batch.batch.schema.names)

    def __len__(self) -> int:
        return len(self.batch.batch.schema.names)


def read_table(lines: Lines, columns: Columns, kind: Kind) -> Rows:
    """Read the rows of a table that has types.

    Raises
    ------
    InputFileError
        The file cannot be read, a package is missing, or a column is not there or holds no text.
    """
    if kind.name in (PARQUET, ARROW):
        return _read_arrow(lines, columns, kind)
    return _read_workbook(lines, columns, kind)


# ------------------------------------------------------------------------------------------ Parquet and Arrow


def _read_arrow(lines: Lines, columns: Columns, kind: Kind) -> Rows:
    try:
        import pyarrow
    except ImportError as error:
        _raise_missing(lines, kind, error)
    file = lines.take()
    try:
        schema, batches = (_parquet if kind.name == PARQUET else _arrow)(file)
        names = schema.names
        lines.number = 0
        chosen = choose(lines, names, columns)
        kept = columns.kept
        if kept is not None:
            assert kept.columns is not None
            fields = [schema.field(name) for name in kept.columns]
            kept.schema = kept.schema or pyarrow.schema(fields)
            if not kept.schema.equals(pyarrow.schema(fields)):
                raise InputFileError(
                    f"{lines.name} has columns of other types than the first file "
                    f"({_difference(kept, fields)}), expected the same types in every file. Name the columns "
                    "to keep: --keep NAME"
                )
        used = dict.fromkeys(
            name for name in (*chosen, *(kept.columns or () if kept else ())) if name is not None
        )
        _expect_text_type(lines, schema, chosen)
        for batch in batches(list(used)):
            for start in range(0, len(batch), BATCH_ROWS):
                piece = batch.slice(start, BATCH_ROWS)
                yield from _rows(lines, piece, chosen, kept)
            lines.n_bytes = file.tell()
        lines.has_rest = False
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:  # Arrow need not check UTF-8
        reason = " ".join(str(error).split())
        raise InputFileError(
            f"{lines.name} is {kind.name}, and cannot be read after row {lines.number:,} ({shown(reason)}), "
            "expected a whole file. Fetch or write it again"
        ) from error


def _parquet(file: Any) -> tuple[Any, Callable[[list[str]], Iterator[Any]]]:
    from pyarrow.parquet import ParquetFile

    # Without a buffer size, Arrow reads the columns of a row group whole.
    table = ParquetFile(file, buffer_size=BUFFER_BYTES, pre_buffer=False)
    return table.schema_arrow, lambda names: table.iter_batches(BATCH_ROWS, columns=names, use_threads=False)


def _arrow(file: Any) -> tuple[Any, Callable[[list[str]], Iterator[Any]]]:
    from pyarrow import ipc

    if file.read(6) == b"ARROW1":
        file.seek(0)
        table = ipc.open_file(file)
        return table.schema, lambda _: map(table.get_batch, range(table.num_record_batches))
    file.seek(0)
    stream = ipc.open_stream(file)
    return stream.schema, lambda _: iter(stream)


def _rows(lines: Lines, batch: Any, chosen: Chosen, kept: Kept | None) -> Iterator[Row | MissingText]:
    columns = {name: _values(batch, name) for name in chosen if name is not None}
    kept_batch = None if kept is None else KeptBatch(batch.select(list(kept.columns or ())))
    for index in range(len(batch)):
        lines.number += 1
        cells = {name: values[index] for name, values in columns.items()}
        kept_row = None if kept_batch is None else KeptRow(kept_batch, index)
        if (name := next((name for name, cell in cells.items() if cell is None), None)) is not None:
            missing = MissingText(f"{lines.place}: {name!r:.60} is null, expected a value")
            missing.kept = kept_row
            yield missing
        else:
            yield row_of(chosen, cells, None)._replace(kept=kept_row)


def _values(batch: Any, name: str) -> list[Any]:
    return _decoded(batch.column(batch.schema.get_field_index(name))).to_pylist()


def _decoded(column: Any) -> Any:
    """Return a column without its dictionary, as a category of pandas or polars has one."""
    return column.dictionary_decode() if hasattr(column, "dictionary_decode") else column


def _expect_text_type(lines: Lines, schema: Any, chosen: Chosen) -> None:
    from pyarrow import types

    for name in (chosen.text, chosen.pair):
        if name is None:
            continue
        type_ = schema.field(name).type
        inner = type_.value_type if types.is_dictionary(type_) else type_
        is_text = types.is_string(inner) or types.is_large_string(inner) or types.is_string_view(inner)
        if not is_text and not types.is_null(inner):
            raise InputFileError(
                f"{lines.name}, row 1: the column {name!r:.60} is of {type_!s:.60}, expected text. Name the "
                "column of text: --column NAME. The columns are "
                f"{', '.join(f'{each!r:.60}' for each in schema.names[:20])}"
            )


def _difference(kept: Kept, fields: list[Any]) -> str:
    first = next(field for field in fields if not field.equals(kept.schema.field(field.name)))
    return (
        f"{first.name!r:.60} is of {first.type!s:.60}, and was of {kept.schema.field(first.name).type!s:.60}"
    )


def _plain_column(column: Any) -> list[object]:
    """Return values that JSON and CSV can hold; dates, times and decimals as Arrow writes them."""
    import pyarrow
    from pyarrow import types

    column = _decoded(column)
    type_ = column.type
    if types.is_temporal(type_) or types.is_decimal(type_):
        try:
            return column.cast(pyarrow.string()).to_pylist()
        except pyarrow.ArrowException:  # durations have no form in words
            return [value if value is None else str(value) for value in column.to_pylist()]
    values = column.to_pylist()
    if (
        types.is_floating(type_)
        or types.is_nested(type_)
        or types.is_binary(type_)
        or types.is_large_binary(type_)
    ):
        return [_plain(value) for value in values]
    return values


def _plain(value: object) -> object:
    """Return a value as JSON has it: NaN is null, bytes are Base64, everything else is words."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if value is None or isinstance(value, bool | int | str):
        return value
    return str(value)


# ------------------------------------------------------------------------------------------------------ Excel


def _read_workbook(lines: Lines, columns: Columns, kind: Kind) -> Rows:
    try:
        from python_calamine import CalamineError, CalamineWorkbook
    except ImportError as error:
        _raise_missing(lines, kind, error)
    try:
        workbook = CalamineWorkbook.from_filelike(lines.take())
        sheets = {
            name: sheet for name in workbook.sheet_names if (sheet := workbook.get_sheet_by_name(name)).height
        }
    except (CalamineError, OSError, ValueError) as error:
        raise InputFileError(
            f"{lines.name} is {kind.name}, and cannot be read ({shown(str(error))}), expected a whole file. "
            "Fetch or save it again"
        ) from error
    if len(sheets) != 1:
        names = ", ".join(f"{name!r:.60}" for name in sheets) or "none"
        raise InputFileError(
            f"{lines.name} has {len(sheets)} sheets with cells ({names}), expected one. Save the sheet of "
            "the texts as a workbook of its own, or as CSV"
        )
    (sheet,) = sheets.values()
    rows = sheet.iter_rows()
    lines.number = 1  # that of the header, so that messages name the rows as Excel does
    header = [str(_cell(cell) or "") for cell in next(rows)]
    chosen = choose(lines, header, columns)
    for row in rows:
        lines.number += 1
        cells = dict(zip(header, map(_cell, row), strict=True))
        if all(cell is None for cell in cells.values()):
            continue  # a row that somebody has emptied
        yield _row_of_a_sheet(lines, cells, chosen, columns.kept)
    lines.has_rest = False


def _row_of_a_sheet(lines: Lines, cells: dict[str, object], chosen: Chosen, kept: Kept | None) -> Row | Any:
    for name in chosen:
        cell = None if name is None else cells[name]
        if name is None or isinstance(cell, str) or (cell is not None and name == chosen.label):
            continue
        message = f"{name!r:.60} is {shown(cell, SHOWN)}, expected a text"
        error = MissingText(f"{lines.place}: {message}") if cell is None else lines.error(message)
        error.kept = None if kept is None else kept.of(cells)
        return error
    return row_of(chosen, cells, kept)


def _cell(cell: object) -> object:
    """Return the value of a cell as JSON has it; Excel has no integers, and an empty cell is null."""
    if cell == "":
        return None
    if isinstance(cell, float) and cell.is_integer():
        return int(cell)
    if isinstance(cell, timedelta):
        return str(cell)
    return _plain(cell)


def _raise_missing(lines: Lines, kind: Kind, error: ImportError) -> NoReturn:
    raise InputFileError(
        f"{lines.name} is {kind.name}, and the package that reads it is not installed ({error}). Install it: "
        'pip install "distilnp[tables]"'
    ) from error
