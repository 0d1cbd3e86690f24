"""Many callers, forks, signals, and ends of processes: every answer has the same bits, and no call hangs."""

import gc
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from support.children import PATIENCE_SECONDS, Fork, environment, run_python
from support.engines import compiled_engine
from support.seeded_models import CONFIGS, packed, seeded_ids, seeded_tensors, write_checkpoint

import distilnp
from distilnp.choices import Precision
from distilnp.engine import workers as workers_module
from distilnp.engine.compiled_engine import CompiledEngine
from distilnp.engine.workers import Worker
from distilnp.model.config import DistilBertConfig

CONFIG = CONFIGS["odd-sizes"]
THREADS = 3  # more than some machines have cores, so that threads also take turns on a core

Inputs = list[list[int]]


def seeded_inputs(config: DistilBertConfig, n: int) -> Inputs:
    return [seeded_ids(config.vocab_size, 1 + (7 * i) % 40, seed=i) for i in range(n)]


INPUTS = seeded_inputs(CONFIG, 20)
# These take some tenths of a second, so that a signal comes while they are computed.
LONG = [seeded_ids(CONFIG.vocab_size, 512, seed=i) for i in range(50)]


each_precision = pytest.mark.parametrize("precision", get_args(Precision))


def seeded_engine(name: str, threads: int = THREADS, precision: Precision = "float32") -> CompiledEngine:
    return compiled_engine(packed(seeded_tensors(CONFIGS[name]), CONFIGS[name], precision), threads)


@pytest.fixture(scope="module", params=get_args(Precision))
def engine(request: pytest.FixtureRequest) -> CompiledEngine:
    engine = seeded_engine("odd-sizes", precision=request.param)
    engine.warmup()
    return engine


@pytest.fixture(scope="module")
def expected(engine: CompiledEngine) -> bytes:
    return engine.forward(INPUTS).tobytes()


def run_together(functions: list[Callable[[], None]]) -> None:
    """Call the functions at once, each in a thread of its own; raise their first exception."""
    barrier = threading.Barrier(len(functions))
    errors: list[BaseException] = []

    def run(function: Callable[[], None]) -> None:
        barrier.wait()
        try:
            function()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(function,), daemon=True) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive(), "a thread hangs"
    if errors:
        raise errors[0]


# ---------------------------------------------------------------------------------------------------- threads


def test_eight_threads_get_the_same_bits_as_one(engine: CompiledEngine) -> None:
    alone = [engine.forward([ids]).tobytes() for ids in INPUTS]

    def call() -> None:
        for i in range(500):
            assert engine.forward([INPUTS[i % len(INPUTS)]]).tobytes() == alone[i % len(INPUTS)]

    run_together([call] * 8)


def test_eight_threads_with_models_of_their_own_get_the_same_bits_as_one() -> None:
    names = [name for name in CONFIGS if name != "base"]

    def calls(name: str, threads: int) -> Callable[[], None]:
        engine = seeded_engine(name, threads, get_args(Precision)[threads % 2])
        inputs = seeded_inputs(CONFIGS[name], 9)
        alone = engine.forward(inputs).tobytes()

        def call() -> None:
            for _ in range(50):
                assert engine.forward(inputs).tobytes() == alone

        return call

    run_together([calls(names[i % 3], threads=1 + i) for i in range(8)])


# ------------------------------------------------------------------------------------------------------ forks


def test_twenty_forks_and_their_parent_give_the_same_answer(engine: CompiledEngine, expected: bytes) -> None:
    forks = [Fork(lambda: engine.forward(INPUTS).tobytes()) for _ in range(20)]

    assert [fork.result() for fork in forks] == [expected] * 20
    assert engine.forward(INPUTS).tobytes() == expected


@pytest.fixture
def busy(engine: CompiledEngine) -> Iterator[list[bytes]]:
    """Keep a thread in `forward`; yield the list of its answers."""
    answers: list[bytes] = []
    has_ended = threading.Event()

    def call() -> None:
        while not has_ended.is_set():
            answers.append(engine.forward(LONG).tobytes())

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    yield answers
    has_ended.set()
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive(), "the busy thread hangs"


def test_forks_answer_while_a_thread_of_the_parent_computes(
    engine: CompiledEngine, expected: bytes, busy: list[bytes]
) -> None:
    while not busy:
        time.sleep(0.01)
    n_before = len(busy)

    answers = []
    while len(answers) < 20 or len(busy) < n_before + 2:
        answers.append(Fork(lambda: engine.forward(INPUTS).tobytes()).result())

    assert set(answers) == {expected}
    assert len(set(busy)) == 1


def test_a_parent_still_answers_after_a_computing_child_is_killed(
    engine: CompiledEngine, expected: bytes
) -> None:
    started, child_started = os.pipe()

    def work() -> None:
        os.write(child_started, b"!")
        while True:
            engine.forward(LONG)

    for _ in range(3):
        child = Fork(work)
        os.read(started, 1)
        time.sleep(random.uniform(0, 0.05))
        os.kill(child.pid, signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
        assert engine.forward(INPUTS).tobytes() == expected


@each_precision
def test_a_classifier_can_be_sent_to_a_spawned_process(tmp_path: Path, precision: Precision) -> None:
    folder = write_checkpoint(tmp_path, CONFIG, seeded_tensors(CONFIG))
    classifier = distilnp.load(folder, precision=precision, threads=THREADS)

    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        logits = pool.submit(classifier.forward, INPUTS).result(PATIENCE_SECONDS)

    assert logits.tobytes() == classifier.forward(INPUTS).tobytes()


# ---------------------------------------------------------------------------------------------------- signals


def test_ctrl_c_ends_a_computation_and_the_next_call_answers(engine: CompiledEngine, expected: bytes) -> None:
    started, child_started = os.pipe()

    def work() -> bytes:
        try:
            os.write(child_started, b"!")
            while True:
                engine.forward(LONG)
        except KeyboardInterrupt:
            return engine.forward(INPUTS).tobytes()

    for _ in range(3):
        child = Fork(work)
        os.read(started, 1)
        time.sleep(random.uniform(0, 0.05))
        os.kill(child.pid, signal.SIGINT)
        assert child.result() == expected


def test_a_call_after_an_interrupt_at_any_moment_gives_the_right_answer(
    engine: CompiledEngine, expected: bytes
) -> None:
    """A timer interrupts calls as Ctrl-C does, at any moment from the first instruction to after the end."""

    def work() -> list[bytes]:
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        answers = []
        for i in range(100):
            if i % 30 == 0:
                workers_module._after_fork()  # so that threads have to be started again
            try:
                # The timer fires again after a second, because an interrupt during a callback of the garbage
                # collector is printed and lost. Hypothesis has such a callback.
                signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-6, 3e-3), 1)
                while True:
                    engine.forward(INPUTS)
            except KeyboardInterrupt:
                signal.setitimer(signal.ITIMER_REAL, 0)
                answers.append(engine.forward(INPUTS).tobytes())
        return list(set(answers))

    assert Fork(work).result() == [expected]


class Interruption:
    """An interrupt of a caller that has handed out its work and has not begun itself. For use in a child."""

    def __init__(self) -> None:
        self.may_begin = threading.Event()
        self.helpers: list[Worker] = []
        self.call = Worker.call
        Worker.call = lambda worker, function: self.hand_out(worker, function)

    def hand_out(self, worker: Worker, function: Callable[[], None]) -> None:
        def begin() -> None:
            self.may_begin.wait()
            function()

        self.call(worker, begin)
        self.helpers.append(worker)
        if len(self.helpers) == THREADS - 1:
            raise KeyboardInterrupt

    def end(self) -> None:
        Worker.call = self.call

    def wait_until_idle(self) -> None:
        """Return when every helper has done all its work."""
        for worker in self.helpers:
            is_idle = threading.Event()
            self.call(worker, is_idle.set)
            assert is_idle.wait(PATIENCE_SECONDS)


def test_no_thread_waits_for_a_caller_that_is_interrupted_before_it_begins(
    engine: CompiledEngine, expected: bytes
) -> None:
    """The helpers compute what the caller gave them: its memory must still be there, and they must end."""

    def work() -> bytes:
        interruption = Interruption()
        with pytest.raises(KeyboardInterrupt):
            engine.forward(LONG)
        gc.collect()
        # These fill memory that has been freed: a helper that still read it would read ids outside any model.
        fillers = [np.full(n, 1 << 40) for n in (1, 4, 64, 512, 1024, 4096) for _ in range(200)]
        interruption.may_begin.set()
        interruption.wait_until_idle()
        del fillers
        interruption.end()
        return engine.forward(INPUTS).tobytes()

    assert Fork(work).result() == expected


def test_an_interrupted_call_and_the_next_one_do_not_share_memory(
    engine: CompiledEngine, expected: bytes
) -> None:
    def work() -> bytes:
        interruption = Interruption()
        with pytest.raises(KeyboardInterrupt):
            engine.forward(LONG)
        interruption.end()
        late = threading.Timer(0.01, interruption.may_begin.set)
        late.start()
        answers = {engine.forward(INPUTS).tobytes() for _ in range(100)}
        interruption.wait_until_idle()
        return b"".join(answers)

    assert Fork(work).result() == expected


def test_a_lost_worker_is_replaced() -> None:
    """An interrupt can come after a worker has left the queue and before a caller holds it."""
    workers = workers_module.Workers()
    workers.grow(2)
    workers._free.get()  # nothing keeps this worker
    taken: list[Worker] = []

    workers.take(2, taken)

    assert len(taken) == 2


def test_callers_share_the_workers() -> None:
    workers = workers_module.Workers()
    workers.grow(3)
    n_taken: list[int] = []

    def take_too() -> None:
        taken: list[Worker] = []
        workers.take(3, taken)
        n_taken.append(len(taken))
        workers.give_back(taken)

    first: list[Worker] = []
    workers.take(1, first)
    other = threading.Thread(target=take_too)  # two workers are free, and there are two callers
    other.start()
    other.join()
    workers.give_back(first)
    take_too()

    assert n_taken == [1, 3]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux lists the threads of a process")
def test_a_caller_computes_alone_if_no_thread_can_be_started(engine: CompiledEngine, expected: bytes) -> None:
    def work() -> tuple[bytes, int, bytes, int]:
        start = workers_module.start_thread

        def fail(*_: object) -> None:
            raise RuntimeError("can't start new thread")

        def n_threads() -> int:
            return len(list(Path("/proc/self/task").iterdir()))

        workers_module.start_thread = fail
        alone, n_alone = engine.forward(INPUTS).tobytes(), n_threads()
        workers_module.start_thread = start
        together, n_together = engine.forward(INPUTS).tobytes(), n_threads()
        return alone, n_alone, together, n_together

    assert Fork(work).result() == (expected, 1, expected, THREADS)


# -------------------------------------------------------------------------------------------------------- end


ENDS = """
import atexit, os, random, sys, threading, time
from support.engines import compiled_engine
from support.seeded_models import CONFIGS, packed, seeded_ids, seeded_tensors

config = CONFIGS["odd-sizes"]
engine = compiled_engine(packed(seeded_tensors(config), config, sys.argv[3]), 3)
inputs = [seeded_ids(config.vocab_size, 100, seed=i) for i in range(30)]
expected = engine.forward(inputs).tobytes()

def keep_classifying():
    while True:
        engine.forward(inputs)

def classify_once():
    time.sleep(0.01)
    assert engine.forward(inputs).tobytes() == expected
    print("answered", flush=True)

def end_in_the_middle():
    threading.Thread(target=keep_classifying, daemon=True).start()
    time.sleep(random.uniform(0, 0.1))

states = {
    "idle": lambda: engine.forward(inputs),
    "computing": end_in_the_middle,
    "classifying at exit": lambda: atexit.register(classify_once),
    "a thread outlives the main one": threading.Thread(target=classify_once).start,
}
children = []
for _ in range(int(sys.argv[2])):
    child = os.fork()
    if child == 0:
        states[sys.argv[1]]()
        break  # and so to the end of the script, like any program
    children.append(child)
else:
    print([os.waitpid(child, 0)[1] for child in children])
"""


@each_precision
@pytest.mark.parametrize(
    ("state", "n_times", "n_answers"),
    [
        ("idle", 5, 0),
        ("computing", 20, 0),
        ("classifying at exit", 5, 5),
        ("a thread outlives the main one", 5, 5),
    ],
)
def test_an_interpreter_ends_cleanly_in_every_state(
    state: str, n_times: int, n_answers: int, precision: Precision
) -> None:
    variables = environment(PYTHONWARNINGS="ignore::DeprecationWarning")
    run = run_python(ENDS, state, n_times, precision, env=variables)

    assert run.stdout.splitlines()[-1] == str([0] * n_times), run.stderr
    assert run.stdout.count("answered") == n_answers
    assert "Traceback" not in run.stderr
