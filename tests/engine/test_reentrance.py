"""A thread that is already inside: whatever Python runs between two byte codes may classify, too."""

from typing import get_args

import pytest
from support.children import run_python

from distilnp.choices import Precision

# The text is computed by one batch after another, and each return from the kernels lets Python run other
# code.
SCRIPT = """
import gc, signal, sys, threading
import distilnp

classifier = distilnp.load("sst2-mini", precision=sys.argv[2], threads=2)
texts = ["some text that goes on for a while " * 20] * 40
expected = classifier("hello").logits.tobytes()
answers = []

def classify_again(*_):
    answers.append(classifier("hello").logits.tobytes())

class Finalized:
    def __init__(self):
        self.itself = self

    def __del__(self):
        classify_again()

def trace(frame, event, argument):
    if event == "call" and frame.f_code.co_name in ("give_back", "take") and len(answers) < 5:
        sys.settrace(None)
        classify_again()
        sys.settrace(trace)
    return None

def in_a_signal_handler():
    signal.signal(signal.SIGALRM, classify_again)
    signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
    classifier(texts)
    signal.setitimer(signal.ITIMER_REAL, 0)

def in_a_finalizer():
    gc.set_threshold(1)
    for _ in range(20):
        Finalized()
    classifier(texts)

def in_a_trace_function():
    sys.settrace(trace)
    classifier(texts)
    sys.settrace(None)

{"signal": in_a_signal_handler, "finalizer": in_a_finalizer, "trace": in_a_trace_function}[sys.argv[1]]()
assert answers and set(answers) == {expected}, len(answers)

# The thread's workers are all back: a caller of two threads still gets two.
from distilnp.engine.workers import workers
taken = []
workers().take(2, taken)
assert len(taken) == 2 and not any(worker.is_spare for worker in taken)
print("answered")
"""


@pytest.mark.parametrize("precision", get_args(Precision))
@pytest.mark.parametrize("way", ["signal", "finalizer", "trace"])
def test_code_that_interrupts_a_classifying_thread_may_classify(way: str, precision: Precision) -> None:
    run = run_python(SCRIPT, way, precision)

    assert run.stdout == "answered\n", run.stderr


GREEN = """
import sys
if sys.argv[1] == "before":
    from gevent import monkey
    monkey.patch_all()
import distilnp
if sys.argv[1] == "after":
    from gevent import monkey
    monkey.patch_all()
import gevent

classifier = distilnp.load("sst2-mini", threads=2)
expected = classifier("hello").logits.tobytes()
ticks = []

def tick():
    while True:
        ticks.append(1)
        gevent.sleep(0.001)

clock = gevent.spawn(tick)
calls = [gevent.spawn(lambda: [classifier("hello").logits.tobytes() for _ in range(5)]) for _ in range(4)]
gevent.joinall(calls, timeout=20, raise_error=True)
assert all(call.value == [expected] * 5 for call in calls)
before = len(ticks)
gevent.sleep(0.1)
assert len(ticks) > before  # nothing of distilnp's keeps the thread
print("answered")
"""


@pytest.mark.parametrize("patched", ["before", "after"])
def test_green_threads_get_their_answers(patched: str) -> None:
    pytest.importorskip("gevent")

    run = run_python(GREEN, patched)

    assert run.stdout == "answered\n", run.stderr


RELOADED = """
import importlib, sys
import distilnp

classifier = distilnp.load("sst2-mini")
expected = classifier("hello").logits.tobytes()
for name in [name for name in sys.modules if name.startswith("distilnp.")]:
    if name.partition(".")[2].startswith(("engine", "native", "reading", "scoring", "api")):
        importlib.reload(sys.modules[name])
        assert classifier("hello").logits.tobytes() == expected, name
importlib.reload(distilnp)
assert distilnp.load("sst2-mini")("hello").logits.tobytes() == expected
print("answered")
"""


def test_a_reloaded_module_leaves_a_classifier_answering() -> None:
    run = run_python(RELOADED)

    assert run.stdout == "answered\n", run.stderr


HERD = """
import sys, threading
import distilnp, distilnp.api
from distilnp.engine import shared_weights

packed = []
once = shared_weights._packed
shared_weights._packed = lambda *arguments: packed.append(1) or once(*arguments)
start, scores, loaded = threading.Barrier(16), [], []

def load_and_classify():
    loaded.append(distilnp.load())
    return loaded[-1]("hello").score

call = {"classify": lambda: distilnp.classify("hello").score, "load": load_and_classify}[sys.argv[1]]

def answer():
    start.wait()
    scores.append(call())

threads = [threading.Thread(target=answer) for _ in range(16)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(scores), len(set(scores)), len(packed), len(distilnp.api._kept))
"""


@pytest.mark.parametrize(("call", "kept"), [("classify", 1), ("load", 0)])
def test_threads_that_load_at_once_make_one_copy_of_the_weights(call: str, kept: int) -> None:
    run = run_python(HERD, call)

    assert run.stdout == f"16 1 1 {kept}\n", run.stderr
