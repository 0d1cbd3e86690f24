"""The command line as a process: `distilnp`, and `python -m distilnp`.

Before and after `main`, there is nothing to tidy up, and Ctrl-C ends the process at once. Python's own
handler would print a traceback from the middle of an import.
"""

import signal
import sys


def start() -> int:
    """Run the command line of this process, and return its exit code."""
    # A process that was started in the background may ignore Ctrl-C, and goes on ignoring it.
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        from .cli import main

        return main()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from .cli import main

    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        return main()
    except KeyboardInterrupt:  # before `main` could catch it
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.raise_signal(signal.SIGINT)
        return 128 + signal.SIGINT
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


if __name__ == "__main__":
    sys.exit(start())
