"""Child processes: forks of this process, and new interpreters that run a script."""

import os
import pickle
import select
import signal
import subprocess
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import distilnp

# The folder of the tested package. It need not be this repository: `make test-wheel` tests a wheel.
PACKAGES = Path(distilnp.__file__).parents[1]
TESTS = Path(__file__).parents[1]

# Long enough for a busy machine to compile. Its only purpose is to end a test that hangs.
PATIENCE_SECONDS = 120

# For scripts: the memory of their own process, from Linux. `ru_maxrss` would not do, because a new process
# starts as a fork, so that its maximum includes the memory of its parent.
MEMORY_OF_THIS_PROCESS = r"""
import re
def memory(field):  # in bytes: VmRSS is the resident size, VmHWM its maximum so far
    return int(re.search(field + r":\s+(\d+) kB", open("/proc/self/status").read())[1]) * 1024
"""

# For scripts: no thread can be started, as at a limit of processes and in a browser.
WITHOUT_THREADS = """
import _thread, threading
def refuse(*args, **kwargs):
    raise RuntimeError("can't start new thread")
for place in (_thread, threading):
    for name in ("start_new_thread", "_start_new_thread", "start_joinable_thread", "_start_joinable_thread"):
        if hasattr(place, name):
            setattr(place, name, refuse)
"""

# A script that loads the folder in its argument and prints by how much that raised its memory at most.
MEMORY_TO_LOAD = (
    MEMORY_OF_THIS_PROCESS
    + """
import sys
from pathlib import Path
from distilnp.checkpoint.config_json import read_config
from distilnp.model.config import DistilBertConfig
from distilnp.checkpoint.tensors import load_params

folder = Path(sys.argv[1])
config = read_config(folder)
before = memory("VmRSS")
params = load_params(folder, config)
print(memory("VmHWM") - before)
"""
)


def environment(**changes: str | None) -> dict[str, str]:
    """Return the environment for a new process: this one with changes, where None removes a variable."""
    merged = os.environ | {"PYTHONPATH": f"{PACKAGES}{os.pathsep}{TESTS}"} | changes
    return {name: value for name, value in merged.items() if value is not None}


def start_python(script: str, *arguments: object, **options: Any) -> "subprocess.Popen[str]":
    """Start a script in a new interpreter, in which Ctrl-C works."""
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    defaults = {
        "env": environment(),
        "text": True,
        # A test run in the background may ignore Ctrl-C, and its children would inherit that.
        "preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    }
    # -P: modules come only from the path, not from the current folder.
    command = [sys.executable, "-P", "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, **pipes | defaults | options)


def run_python(script: str, *arguments: object, **options: Any) -> "subprocess.CompletedProcess[str]":
    """Run a script in a new interpreter, and wait for its end."""
    with start_python(script, *arguments, **options) as process:
        try:
            output, errors = process.communicate(timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


class Fork:
    """A fork of this process that calls a function and then ends. Ctrl-C works in it."""

    def __init__(self, function: Callable[[], object]) -> None:
        self._answer, ours = os.pipe()
        with warnings.catch_warnings():
            # Python 3.12 warns of forks beside threads. The tests show that these forks work.
            warnings.simplefilter("ignore", DeprecationWarning)
            self.pid = os.fork()
        if self.pid == 0:
            try:
                signal.signal(signal.SIGINT, signal.default_int_handler)
                os.write(ours, pickle.dumps(function()))
                os._exit(0)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        os.close(ours)

    def wait(self) -> int:
        """Return its exit status, or minus the signal that ended it. Kill a fork that hangs, and fail."""
        has_ended, _, _ = select.select([self._answer], [], [], PATIENCE_SECONDS)
        if not has_ended:
            os.kill(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        assert has_ended, "the fork hangs"
        return os.waitstatus_to_exitcode(status)

    def result(self) -> Any:
        """Return what the function returned."""
        assert self.wait() == 0
        with os.fdopen(self._answer, "rb") as file:
            return pickle.load(file)
