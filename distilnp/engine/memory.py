"""Memory from the system, in pages: where packed weights and activations are kept."""

import mmap
import os
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

CACHE_LINE = 64

# Blocks of at least two huge pages get huge pages. In a smaller one, half of a page could stay empty.
HUGE = 2**22


def aligned_bytes(n: int) -> Bytes:
    """Return n zero bytes that start on a page, and so on a cache line.

    They come from the system, and go back to it when nothing uses them any more; memory from malloc would
    stay with the process. Large blocks come in huge pages. DistilBERT-base would need 65,000 small ones, each
    of which has to be mapped first and looked up at every read.
    """
    try:
        if os.name == "posix":
            memory = mmap.mmap(-1, max(n, 1), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        else:  # Windows has no such flags, and no need of them
            memory = mmap.mmap(-1, max(n, 1))
    except OSError as error:  # the system has another name for it than Python
        raise MemoryError(f"the system has no {n:,} bytes of memory ({error.strerror})") from error
    if n >= HUGE and hasattr(mmap, "MADV_HUGEPAGE"):
        with suppress(OSError):  # a kernel without huge pages
            memory.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(memory, np.uint8, n)


def aligned_floats(n: int) -> NDArray[np.float32]:
    """Return n float32 zeros that start on a page; see `aligned_bytes`."""
    return aligned_bytes(4 * n).view(np.float32)
