"""The command on a system that is not POSIX, which is simulated: names that Windows lacks are taken away."""

import json
import os
from pathlib import Path

import pytest
from support.children import environment, run_python

import distilnp.cli

pytest.importorskip("sklearn")  # for evaluate

# The documentation of Python says of each of these that it is for Unix, or is not there on Windows.
SIMULATION = """
import csv, ctypes, gzip, json, mmap, os, platform, select, signal, socket, subprocess, sys, tempfile
import threading
import numpy, safetensors.numpy, scipy.stats, sklearn.metrics, tqdm

for name in ("fcntl", "grp", "pty", "pwd", "resource", "readline", "syslog", "termios", "tty"):
    sys.modules[name] = None
UNIX_ONLY = {
    mmap: ["MAP_PRIVATE", "MAP_SHARED", "MAP_ANON", "MAP_ANONYMOUS", "PROT_READ", "PROT_WRITE",
           "MADV_HUGEPAGE"],
    os: ["fork", "forkpty", "getuid", "geteuid", "getgid", "getloadavg", "register_at_fork",
         "sched_getaffinity", "sched_yield", "sysconf", "uname", "wait", "mkfifo", "getpgid", "killpg",
         "pread", "preadv"],
    select: ["poll", "epoll"],
    signal: ["SIGALRM", "SIGHUP", "SIGKILL", "SIGPIPE", "SIGQUIT", "SIGUSR1", "SIGUSR2", "alarm", "setitimer",
             "pthread_kill", "pthread_sigmask", "siginterrupt", "sigwait"],
}
for module, names in UNIX_ONLY.items():
    for name in names:
        if hasattr(module, name):
            delattr(module, name)
class Map(mmap.mmap):
    def __new__(cls, fileno, length, tagname=None, access=mmap.ACCESS_WRITE, offset=0):
        return super().__new__(cls, fileno, length, access=access, offset=offset)
    def __init__(self, *_, **__):
        pass
mmap.mmap = Map
def select_sockets(*_):
    raise OSError(10038, "An operation was attempted on something that is not a socket")
select.select = select_sockets
platform.system = lambda: "Windows"
"""

EVERY_COMMAND = (
    SIMULATION
    + """
from distilnp.cli import main
for command in json.loads(sys.argv[1]):
    code = main(command)
    if code:
        sys.exit(f"{command} ended with {code}")
"""
)

EVERY_MODULE = (
    SIMULATION
    + """
from importlib import import_module
for name in json.loads(sys.argv[1]):
    import_module(name)
"""
)


def test_every_command_runs(tmp_path: Path, model: str) -> None:
    """NumPy computes, because compiled kernels are for POSIX systems."""
    table = tmp_path / "a.csv"
    table.write_text("text,label\nw1 w2,0\nw3,1\n")
    new = os.fspath(tmp_path / "new")
    commands = [
        ["classify", "--model", model, "w1"],
        ["classify", "--model", model, "--file", os.fspath(table), "--column", "text", "--format", "csv"],
        ["evaluate", os.fspath(table), "--model", model],
        ["info"],
        ["info", model],
        ["models"],
        ["verify", model],
        ["convert", model, new],
        ["classify", "--model", new, "w1"],
    ]
    done = run_python(EVERY_COMMAND, json.dumps(commands), env=environment(DISTILNP_KERNELS="numpy"))

    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_every_module_of_the_command_is_imported() -> None:
    folder = Path(distilnp.cli.__file__).parent
    names = [
        ".".join(("distilnp.cli", *path.relative_to(folder).with_suffix("").parts)).removesuffix(".__init__")
        for path in folder.rglob("*.py")
    ]
    names += ["distilnp.native.build", "distilnp.native.linker"]

    done = run_python(EVERY_MODULE, json.dumps(names))

    assert (done.returncode, done.stderr) == (0, "")
