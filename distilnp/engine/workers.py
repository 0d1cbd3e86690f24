"""The workers of a process: each is a thread and its memory, and callers share them.

A caller takes its share of the free workers, and waits while there is none. So a lone caller has all of them,
and many callers at once have one each. With texts of 8 to 32 tokens, that was measured to be a fifth faster
than taking turns with all workers; with longer texts, as fast.
"""

import _thread
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from types import BuiltinFunctionType
from weakref import ref

from .memory import aligned_floats
from .packing import Floats


class Worker:
    """Memory for the activations of a batch, and a thread that helps other callers.

    If an interrupt comes between taking a worker and holding it, the worker is lost. It is then replaced
    where it came from.
    """

    def __init__(self, home: "SimpleQueue[Worker]") -> None:
        self._home = ref(home)
        self._memory = aligned_floats(0)
        self._inbox: SimpleQueue[Callable[[], None]] | None = None

    def __del__(self) -> None:
        home = self._home()
        if home is not None:
            home.put(Worker(home))

    @property
    def is_spare(self) -> bool:
        """Whether the worker belongs to no queue, because it serves a single call."""
        return self._home() is None

    def floats(self, n: int) -> Floats:
        """Return n floats with any content. The next call may return the same memory."""
        if len(self._memory) < n:
            self._memory = aligned_floats(n)
        return self._memory[:n]

    def abandon_memory(self) -> None:
        """Leave the memory to threads that may still be working on it."""
        self._memory = aligned_floats(0)

    def call(self, function: Callable[[], None]) -> None:
        """Call `function` in this worker's thread, soon. If there is no thread for it, do nothing."""
        if self._inbox is None:
            inbox: SimpleQueue[Callable[[], None]] = SimpleQueue()
            try:
                start_thread(_work, (inbox,))
            except RuntimeError:  # the system has no more threads
                return
            self._inbox = inbox
        self._inbox.put(function)


def _start_system_thread() -> Callable[..., object]:
    """Return the function that starts a thread of the system, or one that starts none.

    It is looked up when this module is imported, as `SimpleQueue` is. A library of green threads, such as
    gevent, may replace both later, and a helper must not wait in a queue of one kind for a thread of the
    other: the process would stop. If they were replaced before, there are no helpers, because a green thread
    shares its caller's core.
    """
    start = _thread.start_new_thread
    if isinstance(start, BuiltinFunctionType):
        return start

    def start_nothing(*_: object) -> None:
        raise RuntimeError("threads are green")

    return start_nothing


start_thread = _start_system_thread()


def _work(inbox: "SimpleQueue[Callable[[], None]]") -> None:
    while True:
        function = inbox.get()
        function()
        del function  # or the arrays that it holds would live until the next one comes


class Workers:
    """The workers of a process; the free ones are in a queue."""

    def __init__(self) -> None:
        self._free: SimpleQueue[Worker] = SimpleQueue()
        self._n = 0
        self._callers: set[int] = set()  # threads that have workers, or wait for one
        self._growing = threading.Lock()

    def grow(self, n: int) -> None:
        """Have at least n workers."""
        if self._n >= n:
            return
        with self._growing:
            while self._n < n:
                self._n += 1
                self._free.put(Worker(self._free))

    def take(self, n: int, taken: list[Worker]) -> None:
        """Wait for a free worker and add it to `taken`, with a fair share of the other free ones, up to n.

        A thread may already have workers further down its stack: a signal handler, a finalizer or a trace
        function may classify while the thread does. Waiting for those would never end, so it gets a new
        worker of its own, which is dropped afterwards.
        """
        if threading.get_ident() in self._callers:
            taken.append(Worker(SimpleQueue()))
            return
        self._callers.add(threading.get_ident())
        taken.append(self._free.get())
        with suppress(Empty):
            while len(taken) < min(n, self._n // len(self._callers)):
                taken.append(self._free.get_nowait())

    def give_back(self, taken: list[Worker]) -> None:
        """Free the workers and empty the list. After an interrupt, a second call gives back the rest."""
        while taken:
            if taken[-1].is_spare:
                taken.clear()
                return
            self._free.put(taken.pop())
        self._callers.discard(threading.get_ident())


_workers = Workers()


def workers() -> Workers:
    """Return the workers of this process."""
    return _workers


def _after_fork() -> None:
    """Give the child new workers: it has none of the parent's threads, and its locks may be locked."""
    global _workers
    _workers = Workers()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
