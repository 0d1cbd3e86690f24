"""Predictions as Parquet, in a form that can be cut off: batches of Arrow, which become Parquet at the end.

A Parquet file has its directory at its end, so that nothing can be appended to it. Here, every flush appends
a whole stream of Arrow to the file, with the schema and dictionaries of its own. `finish` makes Parquet of
them.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any, BinaryIO

from ..errors import InputFileError
from ..foreign import shown
from ..predictions import Prediction
from .typed_tables import BATCH_ROWS, KeptRow
from .writers import Classified

# The rows of a row group. Many readers take a row group at a time, and a million rows would not fit
# everywhere.
ROW_GROUP_ROWS = 65_536

# The columns of a prediction that are no float and no str.
INTEGERS = ("n_tokens", "n_seen")
BOOLEANS = ("truncated",)


class ParquetOutput:
    """Gather rows, and append them to a file as a stream of Arrow.

    Parameters
    ----------
    file : binary file
    input_columns : sequence of str
        The columns before those of the prediction.
    kept_schema : Arrow schema or None
        Their types, if the input has types; otherwise they are text.
    predicted : dict of str to callable
        The columns of the prediction, and what gets their values.
    prefix : str
        What their names begin with.
    """

    def __init__(
        self,
        file: BinaryIO,
        input_columns: Sequence[str],
        kept_schema: Any,
        predicted: dict[str, Callable[[Prediction], object]],
        prefix: str,
    ) -> None:
        import pyarrow

        self._arrow = pyarrow
        self._file = file
        self._predicted = predicted
        fields = [pyarrow.field(name, pyarrow.string()) for name in input_columns]
        if kept_schema is not None:
            fields = list(kept_schema)
        self._n_input = len(fields)
        fields += [pyarrow.field(f"{prefix}{name}", self._type_of(name)) for name in predicted]
        self.schema = pyarrow.schema(fields)
        self._rows: list[tuple[Classified, Prediction | None]] = []

    def write(self, row: Classified, prediction: Prediction | None) -> None:
        """Add one row."""
        self._rows.append((row, prediction))
        if len(self._rows) == BATCH_ROWS:
            self.flush()

    def flush(self) -> None:
        """Append the rows that were gathered to the file."""
        if not self._rows:
            return
        with self._arrow.ipc.new_stream(self._file, self.schema) as stream:
            for _, run in groupby(self._rows, key=lambda row: id(getattr(row[0], "batch", None))):
                stream.write_batch(self._batch(list(run)))
        self._rows.clear()

    def _batch(self, rows: list[tuple[Classified, Prediction | None]]) -> Any:
        """Return rows that are of one batch of the input, or of no batch."""
        inputs = self._inputs([row for row, _ in rows])
        predicted = (
            self._arrow.array([prediction and value(prediction) for _, prediction in rows], field.type)
            for field, value in zip(list(self.schema)[self._n_input :], self._predicted.values(), strict=True)
        )
        return self._arrow.record_batch([*inputs, *predicted], schema=self.schema)

    def _inputs(self, rows: list[Classified]) -> list[Any]:
        fields = list(self.schema)[: self._n_input]
        first = rows[0]
        if isinstance(first, KeptRow) and [field.type for field in first.batch.batch.schema] == [
            field.type for field in fields
        ]:
            return first.batch.batch.take([row.index for row in rows if isinstance(row, KeptRow)]).columns
        cells = [{"text": row} if isinstance(row, str) else row for row in rows]
        return [self._array([row[field.name] for row in cells], field) for field in fields]

    def _array(self, values: list[object], field: Any) -> Any:
        if self._arrow.types.is_string(field.type):
            values = [_as_text(value) for value in values]
        try:
            return self._arrow.array(values, field.type)
        except (self._arrow.ArrowException, TypeError, ValueError) as error:
            raise InputFileError(
                f"the column {field.name!r:.60} is of {field.type} in the first file, and a later one has "
                f"another value ({shown(str(error))}), expected the same types in every file. Leave the "
                "column out of --keep"
            ) from error

    def _type_of(self, name: str) -> Any:
        if name in INTEGERS:
            return self._arrow.int64()
        if name in BOOLEANS:
            return self._arrow.bool_()
        return self._arrow.float64() if name.startswith("score") else self._arrow.string()


def finish(source: BinaryIO, size: int, destination: BinaryIO, *, schema: Any) -> None:
    """Write Parquet of the streams in a file of this size, in row groups of `ROW_GROUP_ROWS`."""
    import pyarrow
    from pyarrow.parquet import ParquetWriter

    with ParquetWriter(destination, schema) as writer:
        waiting: list[Any] = []
        n_waiting = 0
        for batch in _batches(source, size):
            while n_waiting + len(batch) >= ROW_GROUP_ROWS:
                head = batch.slice(0, ROW_GROUP_ROWS - n_waiting)
                writer.write_table(pyarrow.Table.from_batches([*waiting, head], schema))
                batch = batch.slice(len(head))
                waiting, n_waiting = [], 0
            if len(batch):
                waiting.append(batch)
                n_waiting += len(batch)
        writer.write_table(pyarrow.Table.from_batches(waiting, schema))


def _batches(source: BinaryIO, size: int) -> Iterator[Any]:
    from pyarrow import ipc

    while source.tell() < size:
        with ipc.open_stream(source) as stream:
            yield from stream


def _as_text(value: object) -> str | None:
    """Return a value of JSON or Excel in a column of text: a str as it is, everything else as JSON."""
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)
