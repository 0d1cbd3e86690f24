"""A process for each engine, stopped except during its turn.

After a call, the idle threads of ONNX Runtime, OpenMP and OpenBLAS spin for a while in case another call
comes. In one process, or in processes side by side, they take a core from the engine that is measured next,
which was seen to run five times slower. After each answer, a `Worker` therefore stops its process (SIGSTOP)
with all its threads. The engines can keep their spinning, which helps each of them during its own turn.

Requests and answers are lines of JSON on the standard streams. The process runs this same file:

    python -m benchmarks.forward.worker NAME
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from .models import Forms

# OpenMP, OpenBLAS and MKL each read an environment variable of their own.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Worker:
    """A process that makes an object, keeps it, and calls its methods on request.

    Parameters
    ----------
    name : str
        The name of an engine; without `forms`, "limits" or a key of `products.SERVERS`.
    n_threads : int
        The number of threads for all computations of the process.
    forms : Forms, optional
        The model for an engine to load.
    """

    def __init__(self, name: str, n_threads: int, forms: Forms | None = None) -> None:
        self.name = name
        self._process = subprocess.Popen(
            [sys.executable, "-m", __spec__.name, name],
            env=os.environ | dict.fromkeys(THREAD_VARIABLES, str(n_threads)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        paths = {key: os.fspath(value) for key, value in asdict(forms).items()} if forms else None
        self("start", n_threads=n_threads, forms=paths)

    def __call__(self, method: str, **arguments: Any) -> Any:
        """Let the process run until it has answered, and return the answer."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.send_signal(signal.SIGCONT)
        self._process.stdin.write(json.dumps({"method": method, "arguments": arguments}) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(
                f"the process of {self.name} ended in {method!r}, expected an answer. Its error is above"
            )
        self._process.send_signal(signal.SIGSTOP)
        return json.loads(answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()  # this also ends a stopped process, which has nothing to save
        self._process.communicate()


class EngineProcess:
    """An engine in its process, with the prepared pass of each workload by name."""

    def __init__(self, name: str, n_threads: int, forms: dict[str, str]) -> None:
        from .engines import ENGINES

        paths = {key: Path(value) for key, value in forms.items() if key != "name"}
        self.engine = ENGINES[name](Forms(name=forms["name"], **paths), n_threads)
        self.passes: dict[str, Callable[[], np.ndarray]] = {}

    def prepare(self, workload: str, inputs: list[list[int]], batch_size: int) -> None:
        """Prepare the pass of a workload."""
        self.passes[workload] = self.engine.prepare(inputs, batch_size)

    def time(self, workload: str, seconds: float, n_warm_up: int) -> dict[str, Any]:
        """Repeat a pass until `seconds` have passed, at least once.

        `n_warm_up` untimed passes come first, because other processes have used the caches since the last
        turn.

        Returns
        -------
        dict
            "seconds" of each timed pass, and "logits" of the last one.
        """
        run = self.passes[workload]
        for _ in range(n_warm_up):
            run()
        samples: list[float] = []
        while sum(samples) < seconds or not samples:
            started = time.perf_counter_ns()
            logits = run()
            samples.append((time.perf_counter_ns() - started) / 1e9)
        return {"seconds": samples, "logits": logits.tolist()}

    def throughput(self, workload: str, n_callers: int, n_calls: int) -> float:
        """Return the calls per second of several Python threads at once, which must all get the same bits."""
        run = self.passes[workload]
        alone = run()
        with ThreadPoolExecutor(n_callers) as pool:
            list(pool.map(lambda _: None, range(n_callers)))  # start the threads before the clock
            started = time.perf_counter_ns()
            logits = list(pool.map(lambda _: run(), range(n_calls)))
            seconds = (time.perf_counter_ns() - started) / 1e9
        if not all(np.array_equal(ours, alone) for ours in logits):
            raise AssertionError(f"{n_callers} callers at once got other logits than a lone caller")
        return n_calls / seconds


def serve(name: str) -> None:
    """Answer requests until the input ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # keeps the output of libraries out of the answers
    target: Any = None
    for line in sys.stdin:
        request = json.loads(line)
        result = None
        if request["method"] == "start":
            target = make(name, **request["arguments"])
        else:
            result = getattr(target, request["method"])(**request["arguments"])
        print(json.dumps(result), file=answers, flush=True)


def make(name: str, n_threads: int, forms: dict[str, str] | None) -> Any:
    """Return the object whose methods the process calls."""
    if forms is not None:
        return EngineProcess(name, n_threads, forms)
    if name == "limits":
        from .limits import Limits

        return Limits(n_threads)
    from .products import SERVERS

    return SERVERS[name](n_threads)


if __name__ == "__main__":
    serve(sys.argv[1])
