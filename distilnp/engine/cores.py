"""Who computes: the cores that a process shares out among its callers.

A caller takes its share of the cores that are free, and waits while there is none. So one caller has all of
them, and many at once have one each: with texts of 8 to 32 tokens that was measured to be a fifth faster than
taking turns with all, and with longer ones as fast.
"""

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from weakref import ref

from .packing import Floats
from .weights import aligned_floats


class Core:
    """What one thread computes with: memory for the activations of a batch; and a thread, to help others.

    A core that is lost, because an interrupt came between taking and holding it, is replaced where it came
    from.
    """

    def __init__(self, home: "SimpleQueue[Core]") -> None:
        self._home = ref(home)
        self._memory = aligned_floats(0)
        self._inbox: SimpleQueue[Callable[[], None]] | None = None

    def __del__(self) -> None:
        home = self._home()
        if home is not None:
            home.put(Core(home))

    def floats(self, n: int) -> Floats:
        """Return n floats with anything in them, which the next call may return again."""
        if len(self._memory) < n:
            self._memory = aligned_floats(n)
        return self._memory[:n]

    def abandon_memory(self) -> None:
        """Leave the floats to whoever may still be at work on them."""
        self._memory = aligned_floats(0)

    def call(self, function: Callable[[], None]) -> None:
        """Call `function` in this core's thread, soon; if the system has no thread for it, not at all."""
        if self._inbox is None:
            inbox: SimpleQueue[Callable[[], None]] = SimpleQueue()
            # A daemon: one that waits must not keep the interpreter from ending.
            thread = threading.Thread(target=_work, args=(inbox,), name="distilnp", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                return
            self._inbox = inbox
        self._inbox.put(function)


def _work(inbox: "SimpleQueue[Callable[[], None]]") -> None:
    while True:
        function = inbox.get()
        function()
        del function  # what it holds must not live until the next one comes


class Cores:
    """The cores of a process, those that are free in a queue."""

    def __init__(self) -> None:
        self._free: SimpleQueue[Core] = SimpleQueue()
        self._n = 0
        self._callers: set[int] = set()  # threads that have cores, or wait for one
        self._growing = threading.Lock()

    def grow(self, n: int) -> None:
        """Have at least n."""
        with self._growing:
            while self._n < n:
                self._n += 1
                self._free.put(Core(self._free))

    def take(self, n: int, taken: list[Core]) -> None:
        """Wait until a core is free; add it to `taken`, and of the other free ones a fair share, up to n."""
        self._callers.add(threading.get_ident())
        taken.append(self._free.get())
        with suppress(Empty):
            while len(taken) < min(n, self._n // len(self._callers)):
                taken.append(self._free.get_nowait())

    def give_back(self, taken: list[Core]) -> None:
        """Free the cores and empty the list; after an interrupt, another call gives back what is left."""
        while taken:
            self._free.put(taken.pop())
        self._callers.discard(threading.get_ident())


_cores = Cores()


def cores() -> Cores:
    """Return the cores of this process."""
    return _cores


def _after_fork() -> None:
    """Give the child cores of its own: the parent's threads are not there, and its locks as they were."""
    global _cores
    n, _cores = _cores._n, Cores()
    _cores.grow(n)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
