"""A lock that a fork does not leave closed."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class ForkLock:
    """A re-entrant lock. A forked child finds it open, whichever thread of the parent held it.

    Whatever that thread was making is not there in the child, so nothing half-made is left behind.
    """

    def __init__(self) -> None:
        self._renew()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._renew)

    def _renew(self) -> None:
        self._lock = threading.RLock()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock."""
        with self._lock:  # this one, even if the holder itself forks and the child gets another
            yield
