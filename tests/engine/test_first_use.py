"""The first use in a process loads a library, or compiles and reports that once, in every environment."""

import ctypes
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.children import PATIENCE_SECONDS, environment, run_python
from support.seeded_models import CONFIGS, seeded_tensors, write_checkpoint

import distilnp
from distilnp.engine.compiled_engine import CompiledEngine
from distilnp.native.loader import choose, no_library, no_numba

CONFIG = CONFIGS["one-layer"]


def with_sweep(value: str | None) -> object:
    """Return a parameter for `make check-full` alone."""
    return pytest.param(value, marks=pytest.mark.sweep)


# The standard error of a first use, by the kind of kernels.
REPORTS = {"aot": "", "jit": "distilnp: compiling kernels, once in a process, some seconds\n"}


# Compiling takes ten seconds in every process. tests/native/test_libraries.py does it once in every run.
@pytest.fixture(params=["aot", with_sweep("jit")])
def kernels(request: pytest.FixtureRequest) -> str:
    """Return each kind of kernels that can run here, in turn."""
    if why := {"aot": no_library, "jit": no_numba}[request.param]():
        pytest.skip(why)
    return request.param


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("model"), CONFIG, seeded_tensors(CONFIG))


def test_compiled_kernels_can_run_where_these_tests_run() -> None:
    assert choose().kernels in REPORTS


# Two threads and a fork call while kernels are being compiled or loaded. Nothing is reported before that.
FIRST_USE = """
import os, sys, threading, time
import distilnp

classifier = distilnp.load(sys.argv[1])
print("loaded", file=sys.stderr, flush=True)
answers = []

def answer():
    return classifier("w1 w2").logits.tolist()

threads = [threading.Thread(target=lambda: answers.append(answer())) for _ in range(2)]
for thread in threads:
    thread.start()
time.sleep(0.5)
child = os.fork()
if child == 0:
    os._exit(answer() != answer())
for thread in threads:
    thread.join()
print(os.waitpid(child, 0)[1], answers == [answer()] * 2)
"""


def test_compiling_is_reported_once(folder: Path, kernels: str) -> None:
    variables = {"PYTHONWARNINGS": "ignore::DeprecationWarning", "DISTILNP_KERNELS": kernels}

    run = run_python(FIRST_USE, folder, env=environment(**variables))

    assert run.stderr == "loaded\n" + REPORTS[kernels]
    assert run.stdout == "0 True\n"


def obey_permissions() -> None:
    """Take the right to write anywhere from root."""
    prctl_drop_capability, may_write_anywhere = 24, 1  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE of Linux
    if os.getuid() == 0:
        ctypes.CDLL(None).prctl(prctl_drop_capability, may_write_anywhere)


CLASSIFY = """
import os, sys
for folder in ("~", "."):
    assert not os.access(os.path.expanduser(folder), os.W_OK), folder
import distilnp
classifier = distilnp.load(sys.argv[1])
classifier.warmup()
print("warm", file=sys.stderr, flush=True)
classifier.warmup()
print(classifier("w1 w2").n_tokens)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only on Linux can root give up its rights")
# Each compiles the kernels in a process of its own, in ten seconds. The others are for `make check-full`.
@pytest.mark.parametrize("home", [with_sweep("read-only"), "nowhere", with_sweep(None)])
def test_a_warm_up_needs_no_home_and_no_writable_folder(
    home: str | None, folder: Path, tmp_path: Path, kernels: str
) -> None:
    read_only = tmp_path / "read-only"
    read_only.mkdir(mode=0o555)
    script = CLASSIFY if home else CLASSIFY.replace('("~", ".")', '(".",)')

    run = run_python(
        script,
        folder,
        cwd=read_only,
        env=environment(HOME=home and str(tmp_path / home), DISTILNP_KERNELS=kernels),
        preexec_fn=obey_permissions,
    )

    assert run.stderr == REPORTS[kernels] + "warm\n"
    assert run.stdout == "4\n"
    assert list(read_only.iterdir()) == []


@pytest.mark.parametrize("request_for_kernels", [None, ""])
def test_the_compiled_engine_is_chosen_without_a_request(
    folder: Path, monkeypatch: pytest.MonkeyPatch, request_for_kernels: str | None
) -> None:
    monkeypatch.delenv("DISTILNP_KERNELS", raising=False)
    if request_for_kernels is not None:
        monkeypatch.setenv("DISTILNP_KERNELS", request_for_kernels)

    assert isinstance(distilnp.load(folder).engine, CompiledEngine)


@pytest.mark.parametrize("later", ["aot", "jit", "numpy", "bogus"])
def test_a_classifier_keeps_the_kernels_that_it_was_loaded_with(
    folder: Path, monkeypatch: pytest.MonkeyPatch, kernels: str, later: str
) -> None:
    monkeypatch.setenv("DISTILNP_KERNELS", kernels)
    classifier = distilnp.load(folder)
    program = classifier.engine.program
    expected = classifier("w1 w2").logits.tobytes()

    monkeypatch.setenv("DISTILNP_KERNELS", later)

    assert classifier("w1 w2").logits.tobytes() == expected
    assert classifier.engine.program is program


def test_the_command_answers_with_the_engine_and_ends_on_ctrl_c(folder: Path, kernels: str) -> None:
    command = [
        sys.executable,
        "-P",
        "-m",
        "distilnp",
        "classify",
        "--model",
        os.fspath(folder),
        "--threads",
        "2",
    ]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(
        command,
        **pipes,
        env=environment(DISTILNP_KERNELS=kernels),
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        process.stdin.write(b"w1 w2\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE_SECONDS)

    assert process.returncode == -signal.SIGINT
    assert errors.decode() == REPORTS[kernels]
    prediction = distilnp.load(folder, threads=2)("w1 w2")
    assert answer["label"] == prediction.label
    assert answer["score"] == prediction.score


LOGGED = """
import logging, sys
lines = []

class Collect(logging.Handler):
    def emit(self, record):
        lines.append((record.name, record.levelname, record.getMessage()))

logging.getLogger().addHandler(Collect())
import distilnp
distilnp.load(sys.argv[1])("w1 w2")
assert all(name == "distilnp" and level == "WARNING" for name, level, _ in lines)
print(*[message for *_, message in lines], sep="\\n", end="\\n" if lines else "")
"""


def test_a_program_that_configures_logging_gets_what_is_reported(folder: Path, kernels: str) -> None:
    run = run_python(LOGGED, folder, env=environment(DISTILNP_KERNELS=kernels))

    assert run.stderr == ""
    assert run.stdout == REPORTS[kernels]


NO_STANDARD_ERROR = """
import os, sys
sys.stderr = None if sys.argv[2] == "none" else open("/dev/full", "w")
import distilnp
print(distilnp.load(sys.argv[1])("w1 w2").n_tokens)
sys.stdout.flush()
os._exit(0)
"""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="where a full device can be simulated")
@pytest.mark.parametrize("standard_error", ["none", with_sweep("full")])
def test_no_answer_is_lost_because_nothing_can_be_reported(
    folder: Path, kernels: str, standard_error: str
) -> None:
    run = run_python(NO_STANDARD_ERROR, folder, standard_error, env=environment(DISTILNP_KERNELS=kernels))

    assert run.stdout == "4\n"


FORK_WHILE_LOADING = """
import os, threading, time
from distilnp.native import loader
import logging

is_held = threading.Event()

def load():
    with loader._loading:
        is_held.set()
        time.sleep(0.3)  # the fork begins
        logging.getLogger("anything").isEnabledFor(5)  # takes the lock of logging

threading.Thread(target=load).start()
is_held.wait()
child = os.fork()
if child == 0:
    os._exit(0)
print(os.waitpid(child, 0)[1])
"""


def test_a_fork_that_waits_for_loading_does_not_hold_the_lock_of_logging() -> None:
    run = run_python(FORK_WHILE_LOADING, env=environment(PYTHONWARNINGS="ignore::DeprecationWarning"))

    assert run.stdout == "0\n", run.stderr
