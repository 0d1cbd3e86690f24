"""A file that appears when it is complete, and whose writing can be cut off at any moment and go on later.

    out.csv.distilnp-part     the answers, to which more are appended
    out.csv.distilnp-state    how many bytes of them are on the disk, for how many rows, and of which run

The order is what makes it safe. The answers are on the disk before the state names them, and the state is
replaced whole. So whatever moment the power fails at, the state is true: what it does not name is cut off,
and computed again. The file gets its name in one step, at the end.
"""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import ArgumentError, DistilnpError
from ..foreign import printable, shown
from .failures import while_doing
from .formats import STOP

PART, STATE = ".distilnp-part", ".distilnp-state"

# A run that is cut off loses the work of so many seconds at most. Three waits for the disk in this time are
# less than a hundredth of it, even where each takes 15 ms.
COMMIT_SECONDS = 5.0

# What this module writes into a state. Another version of it may mean something else by the same names.
VERSION = 1

# Settings of which a message shows so much.
SHOWN = 80

# Makes the answers of a part the content of the file, where they differ: takes the part, its size, and the
# file.
Finish = Callable[[BinaryIO, int, BinaryIO], None]


class OutputFile:
    """The answers of a run on their way into a file.

    Parameters
    ----------
    path : Path
        The file, which appears at the end.
    run : mapping of str to object, or None
        What the answers depend on, in the words of messages. None for a run that cannot be continued, because
        its input cannot be read again.
    resume : bool
        Whether to continue what there is.

    Attributes
    ----------
    file : binary file
        Where answers are appended.
    n_rows : int
        The rows of the input whose answers are there already.
    is_complete : bool
        Whether the file was finished by an earlier run, so that nothing is left to do.
    """

    def __init__(self, path: Path, run: Mapping[str, object] | None, *, resume: bool) -> None:
        self._path = path
        self._part = path.with_name(path.name + PART)
        self._state = path.with_name(path.name + STATE)
        self._run = run
        self.n_rows = 0
        self.is_complete = False
        self._due = time.monotonic() + COMMIT_SECONDS
        with self._named():
            if resume and self._state.exists():
                self._open_again()
            else:
                self._open_new(resume)

    def _open_new(self, resume: bool) -> None:
        if self._state.exists():
            raise ArgumentError(
                f"{printable(self._part)} holds the answers of a run that was cut off. Give --resume to "
                f"continue it, or delete it and {printable(self._state)} to begin again"
            )
        if resume and self._path.exists():
            raise ArgumentError(
                f"{printable(self._path)} exists, and beside it is no run that was cut off. So nothing is "
                "left to resume. Leave out --resume to write it again"
            )
        self.file: BinaryIO = self._part.open("a+b")
        self._lock()
        self.file.truncate(0)
        self.file.seek(0)
        self._commit()

    def _open_again(self) -> None:
        state = self._read_state()
        self._expect_same_run(state["run"])
        self.n_rows = state["n_rows"]
        if state["is_finished"] and self._path.exists() and not self._part.exists():
            # It was cut off between its last two steps.
            self.is_complete = True
            self._state.unlink()
            return
        self.file = self._part.open("r+b")
        self._lock()
        size = os.fstat(self.file.fileno()).st_size
        if size < state["n_bytes"]:
            self.file.close()
            raise DistilnpError(
                f"{printable(self._part)} has {size:,} bytes, expected {state['n_bytes']:,}, which were "
                f"written to the disk. Something has cut it. Delete it and {printable(self._state)}, and "
                "begin again"
            )
        self.file.truncate(state["n_bytes"])
        self.file.seek(state["n_bytes"])

    def _read_state(self) -> dict[str, Any]:
        try:
            state = json.loads(self._state.read_bytes())
            if state["version"] == VERSION and {"run", "n_rows", "n_bytes", "is_finished"} <= state.keys():
                return state
            reason = f"version {shown(state['version'], SHOWN)}"
        except (ValueError, LookupError, TypeError) as error:
            reason = str(error)
        raise DistilnpError(
            f"{printable(self._state)} is no state of a run that this version of distilnp can continue "
            f"({shown(reason)}). Delete it and {printable(self._part)}, and begin again"
        )

    def _expect_same_run(self, before: Mapping[str, object]) -> None:
        """Raise an error unless an interrupted run and this one give the same answers."""
        now = json.loads(json.dumps(self._run))
        if before.get("--on-error") == STOP:  # then no row was bad so far, and a bad one may be why it ended
            before = {**before, "--on-error": now.get("--on-error")}
        for name in [*before, *(name for name in now if name not in before)]:
            if before.get(name) != now.get(name):
                raise ArgumentError(
                    f"{printable(self._path)} was begun with {printable(name)} "
                    f"{shown(before.get(name), SHOWN)}, and now it is {shown(now.get(name), SHOWN)}, "
                    "expected the same, or the file would mix two runs. Resume as it was begun, or delete "
                    f"{printable(self._state)} and {printable(self._part)} to begin again"
                )

    def _lock(self) -> None:
        """Refuse to write what another process is writing; its end, of whatever kind, frees the lock."""
        try:
            import fcntl
        except ImportError:  # Windows has no such locks
            return
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self.file.close()
            raise ArgumentError(
                f"{printable(self._part)} is being written by another process, expected one at a time. Wait "
                "for its end"
            ) from error

    def commit_if_due(self, flush: Callable[[], None], n_rows: int) -> None:
        """Commit once in `COMMIT_SECONDS`."""
        if time.monotonic() >= self._due:
            self.commit(flush, n_rows)

    def commit(self, flush: Callable[[], None], n_rows: int) -> None:
        """Bring the answers to the disk, and then the state that names them.

        Parameters
        ----------
        flush : callable
            Appends the answers to `file` that a writer has gathered.
        n_rows : int
            The rows of the input whose answers these are, with all before them.
        """
        with self._named():
            flush()
            self.n_rows = n_rows
            self._commit()

    def _commit(self, *, is_finished: bool = False) -> None:
        self.file.flush()
        os.fsync(self.file.fileno())
        if self._run is not None:
            state = {
                "version": VERSION,
                "run": self._run,
                "n_rows": self.n_rows,
                "n_bytes": self.file.tell(),
                "is_finished": is_finished,
            }
            new = self._state.with_name(self._state.name + "~")
            with new.open("w", encoding="utf-8") as file:
                json.dump(state, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            new.replace(self._state)
            _sync_folder(self._path.parent)
        self._due = time.monotonic() + COMMIT_SECONDS

    def finish(self, make: Finish | None) -> None:
        """Give the file its name; `make` writes it first if it is something else than the part."""
        with self._named():
            if make is not None:
                size = self.file.tell()
                self.file.seek(0)
                whole = self._part.with_name(self._part.name + "~")
                with whole.open("w+b") as file:
                    make(self.file, size, file)
                    file.flush()
                    os.fsync(file.fileno())
                whole.replace(self._path)
                # Without its part, a state that is finished says that nothing is left to do.
                self.file.seek(size)
                self._commit(is_finished=True)
                self.file.close()  # Windows neither removes nor renames an open file
                self._part.unlink()
            else:
                self._commit(is_finished=True)
                self.file.close()
                self._part.replace(self._path)
            _sync_folder(self._path.parent)
            self._state.unlink(missing_ok=True)
            _sync_folder(self._path.parent)

    def close(self) -> None:
        """Close the part, and remove it if it is not finished and no run can continue it."""
        self.file.close()
        if not self.can_be_resumed:
            self._part.unlink(missing_ok=True)

    @property
    def can_be_resumed(self) -> bool:
        """Whether another run can continue this one."""
        return self._run is not None

    @contextmanager
    def _named(self) -> Iterator[None]:
        with while_doing(f"{printable(self._path)} cannot be written"):
            yield


def _sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system can: Windows does it by itself."""
    with suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
