"""Errors that are not ours, in words: memory, nesting, encodings, and whatever the system refuses.

Every error that distilnp raises itself says what is wrong. These come from Python and from the system, so
they say only what failed and not what it was for. `while_doing` adds that where it is known, and `in_words`
is the one place that puts the others into words.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import DistilnpError
from ..foreign import printable, shown

# What `in_words` has words for. Any other exception is a bug in distilnp, and its traceback is needed.
FOREIGN_ERRORS = (OSError, MemoryError, RecursionError, UnicodeError)

NO_MEMORY = (
    "there is not enough memory. Give fewer --threads, a smaller --batch-tokens or a smaller --max-length, "
    "or take a smaller model"
)


@contextmanager
def while_doing(failure: str) -> Iterator[None]:
    """Raise an error of ours instead of an `OSError`.

    Parameters
    ----------
    failure : str
        What has failed, such as "the model cannot be read".

    Raises
    ------
    DistilnpError
        The system refused something.
    """
    try:
        yield
    except BrokenPipeError:  # the reader of the output has gone away, which is not a failure
        raise
    except OSError as error:
        raise DistilnpError(in_words(error, failure)) from error


def in_words(error: BaseException, failure: str | None = None) -> str:
    """Return the message for one of `FOREIGN_ERRORS`.

    Parameters
    ----------
    error : exception
    failure : str, optional
        What has failed if it is an `OSError`. By default, it was a write to standard output unless the error
        names a file: nothing else without a name is used outside `while_doing`.
    """
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
        return NO_MEMORY  # memory that cannot be mapped is an OSError
    if isinstance(error, RecursionError):
        return (
            "a file nests values more deeply than Python can follow, expected a few levels. Fetch the file "
            "again, or do not trust it"
        )
    if isinstance(error, UnicodeEncodeError):
        return f"{shown(error.object)} cannot be encoded in {error.encoding}, expected Unicode characters"
    if not isinstance(error, OSError):
        return str(error)
    reason = error.strerror or str(error)
    if error.filename is None:
        return f"{failure or 'the results cannot be written'}: {reason}"
    name = printable(_as_text(error.filename))
    return f"{name} cannot be used: {reason}" if failure is None else f"{failure}: {name}: {reason}"


def _as_text(name: object) -> object:
    """Return the name of a file as text. Python also has bytes and numbers of open files there."""
    return name.decode(errors="backslashreplace") if isinstance(name, bytes) else name
