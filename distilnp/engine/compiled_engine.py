"""The model, run by the compiled kernels: batches of texts, on the workers that are free."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ..choices import Precision
from ..errors import ArgumentError
from ..kernels.steps import BOARD_STEP, GEMM_SCRATCH, attention_scratch
from ..model.config import DistilBertConfig
from ..model.params import Params
from ..native.loader import Program, choose
from .batch import RaggedBatch
from .buffers import SLACK, Buffers
from .layers import Layers
from .packing import Floats
from .thread_count import thread_count
from .weights import PackedWeights
from .workers import Worker, workers

# Tokens in a batch: so many that reading the weights costs little beside computing with them, and so few that
# activations stay in the caches and Ctrl-C is answered within a second. An int8 pass waits for the caches
# more: in batches of 512 tokens, sentences took 0.91 of the time.
BATCH_TOKENS = {"float32": 1024, "int8": 512}
# Activations in a batch. DistilBERT-base needs at most half of it for 1,024 tokens. A model with hundreds of
# heads needs many times more for each text, because every head of the last layer has rows of its own.
BATCH_BYTES = 128 << 20


class CompiledEngine:
    """The compiled forward pass of one model.

    The steps are written once, in the constructor; `forward` only runs them.

    Parameters
    ----------
    weights : PackedWeights
        May be shared with other engines.
    threads : int
        How many threads to compute a batch with, if so many workers are free.
    program : Program
        The kernels. The engine keeps them, whatever is chosen for others later.
    """

    def __init__(self, weights: PackedWeights, threads: int, program: Program) -> None:
        self.weights = weights
        self.threads = threads
        self.program = program
        # A caller that asks for one thread may call from several of its own. They get the other workers.
        self._n_workers = max(threads, thread_count())
        config = weights.config
        self._n_labels = config.n_labels
        self._n_heads = config.n_heads
        self._buffers = Buffers(config, weights.precision)
        self._steps = np.array(Layers(weights, self._buffers).steps(), np.int64)
        scratch = attention_scratch(config.dim, config.max_position_embeddings)
        self._scratch_size = max(scratch, GEMM_SCRATCH)

    def __reduce__(self) -> tuple[object, ...]:
        # Steps hold addresses and a program is machine code: neither is of use in another process.
        return _restored, (self.weights, self.threads)

    @property
    def config(self) -> DistilBertConfig:
        """The configuration of the model."""
        return self.weights.config

    @property
    def params(self) -> Params:
        """The parameters as the reference pass takes them; each use unpacks them again."""
        return self.weights.unpack()

    @property
    def precision(self) -> Precision:
        """The arithmetic of the dense layers."""
        return self.weights.precision

    @property
    def kernels(self) -> str:
        """What computes, in a few words."""
        return str(self.program)

    @property
    def weights_sha256(self) -> str:
        """The hash of the parameters; see `engine.parameter_hash`."""
        return self.weights.sha256

    def __repr__(self) -> str:
        return f"CompiledEngine({self.kernels}, {self.threads} threads)"

    def warmup(self) -> None:
        """Compile the kernels, if they are not compiled yet."""
        self.program.run  # noqa: B018

    def forward(self, inputs: Sequence[Sequence[int]]) -> Floats:
        """Compute logits: see `Engine.forward`.

        A text's logits are the same bits whatever the other inputs are, on any number of threads.
        """
        logits = np.empty((len(inputs), self._n_labels), np.float32)
        first = 0
        for batch in batches(inputs, BATCH_TOKENS[self.precision], self._bytes_of):
            self._run(RaggedBatch.of(batch, self._n_heads), logits[first : first + len(batch)])
            first += len(batch)
        return logits

    def _bytes_of(self, n_tokens: int, n_texts: int) -> int:
        """Return the size of a batch's activations."""
        return 4 * sum(self._buffers.sizes(n_tokens, n_texts).values())

    def _run(self, batch: RaggedBatch, logits: Floats) -> None:
        """Compute the logits of a batch."""
        run = self.program.run
        everyone = workers()
        taken: list[Worker] = []
        try:
            # Here and not once: a fork, or a reload of the module, leaves the process without workers.
            everyone.grow(self._n_workers)
            everyone.take(self.threads, taken)
            worker, *helpers = taken
            try:
                self._compute(batch, logits, worker, helpers, run)
            except BaseException:
                # Perhaps an interrupt, while helpers work on this worker's memory.
                worker.abandon_memory()
                raise
        finally:
            # A worker that an interrupt leaves in a traceback would be missing for the next caller.
            try:
                everyone.give_back(taken)
            except BaseException:
                everyone.give_back(taken)
                raise

    def _compute(
        self,
        batch: RaggedBatch,
        logits: Floats,
        worker: Worker,
        helpers: list[Worker],
        run: Callable[..., None],
    ) -> None:
        """Run the steps in this thread and in those of the helpers, in the memory of one worker."""
        sizes = self._buffers.sizes(len(batch.ids), len(batch.starts))
        n_activations, n_threads = sum(sizes.values()), 1 + len(helpers)
        memory = worker.floats(n_activations + n_threads * self._scratch_size + SLACK)
        table, padded_logits = self._buffers.table(batch, memory)
        scratch = memory[n_activations:]
        board = np.zeros((len(self._steps) + 1, BOARD_STEP), np.int64)

        # A helper may come late, or still be working when this call is interrupted and ends. The function
        # keeps alive everything that the helper reads and writes.
        def work(keep: object = (batch, table, board, scratch)) -> None:
            run(
                len(self._steps),
                self._steps.ctypes.data,
                table.ctypes.data,
                board.ctypes.data,
                scratch.ctypes.data,
                self._scratch_size,
            )

        for helper in helpers:
            helper.call(work)
        work()
        logits[:] = padded_logits[:, : self._n_labels]


def batches(
    inputs: Sequence[Sequence[int]], max_tokens: int, bytes_of: Callable[[int, int], int]
) -> Iterator[Sequence[Sequence[int]]]:
    """Cut inputs, in their order, into batches of at most `max_tokens` and BATCH_BYTES, or of one input.

    Parameters
    ----------
    inputs : sequence of sequences of int
    max_tokens : int
    bytes_of : callable
        Takes numbers of tokens and of texts, and returns the size of the activations of such a batch.
    """
    first = n_tokens = 0
    for i, ids in enumerate(inputs):
        n_more = n_tokens + len(ids)
        is_full = n_more > max_tokens or bytes_of(n_more, i - first + 1) > BATCH_BYTES
        if is_full and i > first:
            yield inputs[first:i]
            first, n_more = i, len(ids)
        n_tokens = n_more
    if first < len(inputs):
        yield inputs[first:]


def _restored(weights: PackedWeights, threads: int) -> CompiledEngine:
    """Return the engine of a pickle, with the kernels that can run in this process."""
    program = choose().program
    if program is None:
        raise ArgumentError(
            "the pickle holds a classifier for compiled kernels, and none can run here. Load the model here "
            "instead"
        )
    return CompiledEngine(weights, threads, program)
