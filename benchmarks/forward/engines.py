"""The engines, each run as its makers advise, in float32, all on the same number of threads.

An engine takes texts as lists of token ids and gives a function that computes their logits once, in the order
of the texts. What can be done before, such as making tensors, is done before, and is not timed for the peers.

Every peer computes rectangles: texts are sorted by length, batched, padded to the longest of their batch and
masked. That is the best practice for all three.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .models import Forms, torch_model

Texts = Sequence[Sequence[int]]
Logits = NDArray[np.float32]  # [n_texts, n_labels]
Batch = dict[str, NDArray[np.int64]]
Pass = Callable[[], Logits]


class Engine(Protocol):
    """One way to compute logits."""

    def __init__(self, forms: Forms, n_threads: int) -> None: ...

    def prepare(self, texts: Texts, batch_size: int) -> Pass:
        """Return what computes the logits of all texts, so many at a time."""
        ...


class Distilnp:
    """The package itself, which takes texts of any lengths as they come."""

    def __init__(self, forms: Forms, n_threads: int) -> None:
        import distilnp

        self.classifier = distilnp.load(forms.checkpoint, threads=n_threads)
        self.classifier.warmup()

    def prepare(self, texts: Texts, batch_size: int) -> Pass:
        """Return one call of `Classifier.forward`, which cuts batches itself."""
        return lambda: self.classifier.forward(texts)


class DistilnpJit(Distilnp):
    """The same kernels, compiled in the process: what the way through a library costs or gains."""

    def __init__(self, forms: Forms, n_threads: int) -> None:
        os.environ["DISTILNP_KERNELS"] = "jit"
        super().__init__(forms, n_threads)


class OnnxRuntime:
    """All graph optimizations, over those that `models.export_onnx` has already made.

    One batch gets all threads. Of several, each thread computes its own, which saves waiting for each other
    after every operator: a session of one thread runs in whichever thread calls it.
    """

    def __init__(self, forms: Forms, n_threads: int) -> None:
        self.on_all_threads = self.session(forms, n_threads)
        self.on_one_thread = self.session(forms, 1)
        self.pool = ThreadPoolExecutor(n_threads)

    @staticmethod
    def session(forms: Forms, n_threads: int) -> Any:
        """Load the graph."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.intra_op_num_threads = n_threads
        options.inter_op_num_threads = 1  # the graph is one chain: there is nothing to run beside it
        return onnxruntime.InferenceSession(
            os.fspath(forms.onnx), options, providers=["CPUExecutionProvider"]
        )

    def prepare(self, texts: Texts, batch_size: int) -> Pass:
        """Return one run of a session a batch."""
        batches, places = rectangles(texts, batch_size)
        if len(batches) == 1:
            return lambda: self.on_all_threads.run(["logits"], batches[0])[0][places]

        def compute(batch: Batch) -> Logits:
            return self.on_one_thread.run(["logits"], batch)[0]  # type: ignore[no-any-return]

        return lambda: np.concatenate(list(self.pool.map(compute, batches)))[places]


class PyTorch:
    """Eager mode, as transformers runs it: attention as one operator, no bookkeeping for gradients."""

    def __init__(self, forms: Forms, n_threads: int) -> None:
        import torch

        torch.set_num_threads(n_threads)
        self.torch = torch
        self.model = torch_model(forms.float32, "sdpa")

    def prepare(self, texts: Texts, batch_size: int) -> Pass:
        """Return one call of the model a batch."""
        arrays, places = rectangles(texts, batch_size)
        batches = [{name: self.torch.from_numpy(array) for name, array in batch.items()} for batch in arrays]

        def run() -> Logits:
            with self.torch.inference_mode():
                return np.concatenate([self.model(**batch).logits.numpy() for batch in batches])[places]

        return run


class OpenVino:
    """The latency hint for one batch, which gets all threads; the throughput hint for several at once."""

    def __init__(self, forms: Forms, n_threads: int) -> None:
        import openvino

        def compiled(hint: str) -> Any:
            options = {
                "PERFORMANCE_HINT": hint,
                "INFERENCE_NUM_THREADS": n_threads,
                "INFERENCE_PRECISION_HINT": "f32",
            }
            return openvino.Core().compile_model(forms.openvino, "CPU", options)

        self.request = compiled("LATENCY").create_infer_request()
        self.queue = openvino.AsyncInferQueue(compiled("THROUGHPUT"))

    def prepare(self, texts: Texts, batch_size: int) -> Pass:
        """Return one inference a batch."""
        batches, places = rectangles(texts, batch_size)
        if len(batches) == 1:
            return lambda: self.request.infer(batches[0], share_inputs=True)["logits"][places]
        logits: list[Logits] = [np.empty(0, np.float32)] * len(batches)

        def keep(request: Any, i: int) -> None:
            logits[i] = request.get_output_tensor().data.copy()  # the next batch gets the same memory

        def run() -> Logits:
            self.queue.set_callback(keep)
            for i, batch in enumerate(batches):
                self.queue.start_async(batch, i, share_inputs=True)
            self.queue.wait_all()
            return np.concatenate(logits)[places]

        run()  # it compiles anew for every new shape
        return run


def rectangles(texts: Texts, batch_size: int) -> tuple[list[Batch], NDArray[np.intp]]:
    """Sort texts by length, cut batches, pad each to its longest text and mask the padding.

    The longest come first: where batches are shared among threads, what is left to the end is short.

    Returns
    -------
    batches : list of dict
        Inputs of the models.
    places : array, [n_texts]
        Where in the results of all batches each text is.
    """
    by_length = sorted(range(len(texts)), key=lambda i: len(texts[i]), reverse=True)
    batches = []
    for first in range(0, len(texts), batch_size):
        rows = [texts[i] for i in by_length[first : first + batch_size]]
        ids, mask = np.zeros((2, len(rows), len(rows[0])), np.int64)
        for row, text in enumerate(rows):
            ids[row, : len(text)] = text
            mask[row, : len(text)] = 1
        batches.append({"input_ids": ids, "attention_mask": mask})
    return batches, np.argsort(by_length)


OURS = "distilnp"
PEERS: dict[str, type[Engine]] = {
    "onnxruntime": OnnxRuntime,
    "pytorch": PyTorch,
    "openvino": OpenVino,
}
JIT = "distilnp-jit"
ENGINES: dict[str, type[Engine]] = {OURS: Distilnp, JIT: DistilnpJit, **PEERS}
