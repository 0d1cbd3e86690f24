"""Fixtures that run the command line as a process, and a small checkpoint to run it on."""

import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from support.children import PACKAGES
from support.seeded_models import CONFIGS, seeded_tensors, write_checkpoint

Start = Callable[..., "subprocess.Popen[bytes]"]
Run = Callable[..., "subprocess.CompletedProcess[bytes]"]

# Long enough for a busy machine. It only ends tests that hang.
PATIENCE_SECONDS = 60


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    config = dataclasses.replace(CONFIGS["one-layer"], id2label=("NEGATIVE", "POSITIVE"))
    return os.fspath(
        write_checkpoint(tmp_path_factory.mktemp("models") / "small", config, seeded_tensors(config))
    )


@pytest.fixture(scope="session")
def many_texts(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a file that takes far longer to classify than any test runs."""
    path = tmp_path_factory.mktemp("texts") / "many.txt"
    path.write_text("w1 w2 w3 w4 w5 w6\n" * 2_000_000)
    return os.fspath(path)


@pytest.fixture(scope="session")
def start(environment: dict[str, str]) -> Start:
    """Return a function that starts `distilnp` as a shell does: Ctrl-C works, and nothing is a terminal."""

    def start(*arguments: str, **options: Any) -> "subprocess.Popen[bytes]":
        defaults = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE) | {
            "env": environment,
            # A test run in the background may ignore Ctrl-C, and its children would inherit that.
            "preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        }
        return subprocess.Popen([sys.executable, "-P", "-m", "distilnp", *arguments], **defaults | options)

    return start


@pytest.fixture(scope="session")
def run(start: Start) -> Run:
    """Return a function that runs `distilnp` to its end."""

    def run(*arguments: str, given: bytes = b"", **options: Any) -> "subprocess.CompletedProcess[bytes]":
        with start(*arguments, **options) as process:
            output, errors = process.communicate(given, timeout=PATIENCE_SECONDS)
        return subprocess.CompletedProcess(arguments, process.returncode, output, errors)

    return run


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """Return an environment in which only the tests decide how Python and terminals behave.

    The reference computes, because the tests are about the command, and compiling takes seconds per process.
    """
    changes = {"PYTHONPATH": os.fspath(PACKAGES), "TERM": "xterm", "DISTILNP_KERNELS": "numpy"}
    removed = ("PYTHON", "COLUMNS", "LINES", "NO_COLOR", "TQDM_", "DISTILNP_NUM_THREADS")
    return {name: value for name, value in os.environ.items() if not name.startswith(removed)} | changes
