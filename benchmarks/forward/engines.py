"""The engines, each run as its authors recommend, in float32 or int8, all on the same number of threads.

An engine takes the token ids of texts, and returns a function that computes their logits once, in the order
of the texts. Any preparation, such as making tensors, comes before that call, and is not timed for the peers.

Every peer computes rectangles: the inputs are sorted by length, batched, padded to the longest one of their
batch, and masked. This is best practice for all three peers.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .models import Forms, torch_model

Inputs = Sequence[Sequence[int]]  # token ids of each text
Logits = NDArray[np.float32]  # [n_texts, n_labels]
Batch = dict[str, NDArray[np.int64]]
Pass = Callable[[], Logits]


class Engine(Protocol):
    """An engine that computes logits."""

    def __init__(self, forms: Forms, n_threads: int) -> None: ...

    def prepare(self, inputs: Inputs, batch_size: int) -> Pass:
        """Return a function that computes the logits of all inputs, `batch_size` at a time."""
        ...


class Distilnp:
    """The package itself, which takes inputs of any length in any order."""

    precision = "float32"

    def __init__(self, forms: Forms, n_threads: int) -> None:
        import distilnp

        self.classifier = distilnp.load(forms.checkpoint, precision=self.precision, threads=n_threads)
        self.classifier.warmup()

    def prepare(self, inputs: Inputs, batch_size: int) -> Pass:
        """Return a function that calls `Classifier.forward` once, which makes its own batches."""
        return lambda: self.classifier.forward(inputs)


class DistilnpJit(Distilnp):
    """The same kernels, compiled in the process, to show the cost or gain of the prebuilt library."""

    def __init__(self, forms: Forms, n_threads: int) -> None:
        os.environ["DISTILNP_KERNELS"] = "jit"
        super().__init__(forms, n_threads)


class DistilnpInt8(Distilnp):
    """The package with int8 products."""

    precision = "int8"


class OnnxRuntime:
    """ONNX Runtime with all graph optimizations, on a graph that `models.export_onnx` has already optimized.

    A single batch gets all threads. If there are several batches, each thread computes its own batch, so that
    threads need not wait for each other after every operator. A session of one thread runs in the thread that
    calls it.
    """

    graph = "onnx"

    def __init__(self, forms: Forms, n_threads: int) -> None:
        self.on_all_threads = self.session(forms, n_threads)
        self.on_one_thread = self.session(forms, 1)
        self.pool = ThreadPoolExecutor(n_threads)

    def session(self, forms: Forms, n_threads: int) -> Any:
        """Return a session with the graph loaded."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.intra_op_num_threads = n_threads
        options.inter_op_num_threads = 1  # the graph is one chain, so no two operators can run at once
        return onnxruntime.InferenceSession(
            os.fspath(getattr(forms, self.graph)), options, providers=["CPUExecutionProvider"]
        )

    def prepare(self, inputs: Inputs, batch_size: int) -> Pass:
        """Return a function that runs a session once for each batch."""
        batches, places = rectangles(inputs, batch_size)
        if len(batches) == 1:
            return lambda: self.on_all_threads.run(["logits"], batches[0])[0][places]

        def compute(batch: Batch) -> Logits:
            return self.on_one_thread.run(["logits"], batch)[0]

        return lambda: np.concatenate(list(self.pool.map(compute, batches)))[places]


class OnnxRuntimeInt8(OnnxRuntime):
    """Dynamic quantization, weights as int8: activations are quantized by the batch."""

    graph = "onnx_int8"


class OnnxRuntimeUint8(OnnxRuntime):
    """The same, weights as uint8."""

    graph = "onnx_uint8"


class PyTorch:
    """PyTorch in eager mode, as transformers runs it: attention as one operator, no tracking of gradients."""

    def __init__(self, forms: Forms, n_threads: int) -> None:
        import torch

        torch.set_num_threads(n_threads)
        self.torch = torch
        self.model = torch_model(forms.float32, "sdpa")

    def prepare(self, inputs: Inputs, batch_size: int) -> Pass:
        """Return a function that calls the model once for each batch."""
        arrays, places = rectangles(inputs, batch_size)
        batches = [{name: self.torch.from_numpy(array) for name, array in batch.items()} for batch in arrays]

        def run() -> Logits:
            with self.torch.inference_mode():
                return np.concatenate([self.model(**batch).logits.numpy() for batch in batches])[places]

        return run


class PyTorchInt8(PyTorch):
    """Dynamic quantization of the dense layers: activations are quantized by the batch."""

    def __init__(self, forms: Forms, n_threads: int) -> None:
        super().__init__(forms, n_threads)
        linear = self.torch.nn.Linear
        self.model = self.torch.ao.quantization.quantize_dynamic(self.model, {linear}, self.torch.qint8)


class OpenVino:
    """OpenVINO with the latency hint for a single batch on all threads, the throughput hint for several."""

    graph = "openvino"

    def __init__(self, forms: Forms, n_threads: int) -> None:
        import openvino

        def compiled(hint: str) -> Any:
            options = {
                "PERFORMANCE_HINT": hint,
                "INFERENCE_NUM_THREADS": n_threads,
                "INFERENCE_PRECISION_HINT": "f32",
            }
            return openvino.Core().compile_model(getattr(forms, self.graph), "CPU", options)

        self.request = compiled("LATENCY").create_infer_request()
        self.queue = openvino.AsyncInferQueue(compiled("THROUGHPUT"))

    def prepare(self, inputs: Inputs, batch_size: int) -> Pass:
        """Return a function that runs one inference for each batch."""
        batches, places = rectangles(inputs, batch_size)
        if len(batches) == 1:
            return lambda: self.request.infer(batches[0], share_inputs=True)["logits"][places]
        logits: list[Logits] = [np.empty(0, np.float32)] * len(batches)

        def keep(request: Any, i: int) -> None:
            logits[i] = request.get_output_tensor().data.copy()  # the next batch reuses this memory

        def run() -> Logits:
            self.queue.set_callback(keep)
            for i, batch in enumerate(batches):
                self.queue.start_async(batch, i, share_inputs=True)
            self.queue.wait_all()
            return np.concatenate(logits)[places]

        run()  # OpenVINO compiles again for every new shape
        return run


class OpenVinoInt8(OpenVino):
    """Static quantization by NNCF: the range of each activation was measured beforehand."""

    graph = "openvino_int8"


def rectangles(inputs: Inputs, batch_size: int) -> tuple[list[Batch], NDArray[np.intp]]:
    """Sort inputs by length, cut them into batches, pad each batch to its longest input and mask the padding.

    The longest inputs come first, so that the last batches that threads share are short.

    Returns
    -------
    batches : list of dict
        The arrays `input_ids` and `attention_mask` of each batch.
    places : array, [n_texts]
        The row of each text in the concatenated results of all batches.
    """
    by_length = sorted(range(len(inputs)), key=lambda i: len(inputs[i]), reverse=True)
    batches = []
    for first in range(0, len(inputs), batch_size):
        rows = [inputs[i] for i in by_length[first : first + batch_size]]
        padded, mask = np.zeros((2, len(rows), len(rows[0])), np.int64)
        for row, ids in enumerate(rows):
            padded[row, : len(ids)] = ids
            mask[row, : len(ids)] = 1
        batches.append({"input_ids": padded, "attention_mask": mask})
    return batches, np.argsort(by_length)


OURS = "distilnp"
PEERS: dict[str, type[Engine]] = {
    "onnxruntime": OnnxRuntime,
    "pytorch": PyTorch,
    "openvino": OpenVino,
}
JIT = "distilnp-jit"
ENGINES: dict[str, type[Engine]] = {
    OURS: Distilnp,
    JIT: DistilnpJit,
    **PEERS,
    "distilnp-int8": DistilnpInt8,
    "onnxruntime-s8": OnnxRuntimeInt8,
    "onnxruntime-u8": OnnxRuntimeUint8,
    "pytorch-int8": PyTorchInt8,
    "openvino-int8": OpenVinoInt8,
}
# The engines of `benchmarks.forward.int8` by the names in its tables; they are compared with FLOAT32.
FLOAT32 = "distilnp float32"
INT8 = {
    OURS: "distilnp-int8",
    FLOAT32: OURS,
    "onnxruntime": "onnxruntime-s8",
    "onnxruntime u8": "onnxruntime-u8",
    "pytorch": "pytorch-int8",
    "openvino": "openvino-int8",
}
