"""The model, run: batches of texts through the compiled program, on the cores that are free."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ..kernels.steps import BOARD_STEP, attention_scratch
from ..model.params import Params
from ..native.loader import compiled_program
from .batch import RaggedBatch
from .cores import Core, cores
from .layers import INDICES, ONE_ROW_A_TEXT, Layers, Slot
from .packing import LANES, Floats
from .threads import thread_count
from .weights import PackedWeights

# Tokens of a batch: enough that reading the weights costs little beside using them, and few enough that
# activations stay in the caches and Ctrl-C is answered within a second.
BATCH_TOKENS = 1024


class Engine:
    """The compiled forward pass of one model.

    Parameters
    ----------
    weights : PackedWeights
        Shared with whoever else has them.
    threads : int
        How many to compute a batch with, where so many cores are free.
    """

    def __init__(self, weights: PackedWeights, threads: int) -> None:
        self.weights = weights
        self.threads = threads
        # Someone who asks for one thread may call from several of their own: those have the other cores.
        cores().grow(max(threads, thread_count()))
        config = weights.config
        self._n_labels = config.n_labels
        self._n_heads = config.n_heads
        self._layers = Layers(config)
        self._steps = np.array(self._layers.classifier(weights.addresses()), np.int64)
        self._scratch = attention_scratch(config.dim, config.max_position_embeddings)

    def __reduce__(self) -> tuple[object, ...]:
        # The steps hold addresses, which are of this process.
        return Engine, (self.weights, self.threads)

    @property
    def params(self) -> Params:
        """The parameters as the reference pass takes them, unpacked anew."""
        return self.weights.unpack()

    def warmup(self) -> None:
        """Compile, if that has not been done in this process."""
        compiled_program()

    def forward(self, texts: Sequence[Sequence[int]]) -> Floats:
        """Compute the logits of texts.

        Parameters
        ----------
        texts : sequence of sequences of int
            Token ids with [CLS] and [SEP]: from 1 to `max_position_embeddings` a text.

        Returns
        -------
        array, [n_texts, n_labels], float32
            The same bits for a text whatever stands beside it, on any number of threads.
        """
        logits = np.empty((len(texts), self._n_labels), np.float32)
        first = 0
        for batch in batches(texts):
            self._run(RaggedBatch.of(batch, self._n_heads), logits[first : first + len(batch)])
            first += len(batch)
        return logits

    def _run(self, batch: RaggedBatch, logits: Floats) -> None:
        """Write the logits of a batch."""
        run = compiled_program()
        everyone = cores()
        taken: list[Core] = []
        try:
            everyone.take(self.threads, taken)
            core, *helpers = taken
            try:
                table, padded_logits, scratch = self._lay_out(batch, core, len(taken))
                board = np.zeros((len(self._steps) + 1, BOARD_STEP), np.int64)

                # A thread may come late, or be at work when this call is interrupted and goes: what it then
                # looks at must live as long as it does. All arrays go with the function, weights with `self`.
                def work(keep: object = (batch, table, board, scratch)) -> None:
                    run(
                        len(self._steps),
                        self._steps.ctypes.data,
                        table.ctypes.data,
                        board.ctypes.data,
                        scratch.ctypes.data,
                        self._scratch,
                    )

                for helper in helpers:
                    helper.call(work)
                work()
                logits[:] = padded_logits[:, : self._n_labels]
            except BaseException:
                # Interrupted on the way in, perhaps, while helpers are at work on that memory.
                core.abandon_memory()
                raise
        finally:
            # A core that an interrupt leaves in a traceback would be missed by whoever calls next.
            try:
                everyone.give_back(taken)
            except BaseException:
                everyone.give_back(taken)
                raise

    def _lay_out(
        self, batch: RaggedBatch, core: Core, threads: int
    ) -> tuple[NDArray[np.int64], Floats, Floats]:
        """Find room for the activations of a batch in the memory of a core.

        Returns
        -------
        table : array, [len(Slot)], int64
            What the kernels call `batch`.
        logits : array, [n_texts, n_labels up to 16]
        scratch : array, [threads, ...]
        """
        n_tokens, n_texts = len(batch.ids), len(batch.starts)
        shapes = {
            slot: (n_texts if slot in ONE_ROW_A_TEXT else n_tokens, stride)
            for slot, stride in self._layers.stride.items()
        }
        sizes = [rows * stride for rows, stride in shapes.values()]
        # The kernels may read, not use, up to a vector behind the last buffer.
        room = core.floats(sum(sizes) + threads * self._scratch + LANES)
        table = np.zeros(len(Slot), np.int64)
        table[Slot.N_TOKENS], table[Slot.N_TEXTS] = n_tokens, n_texts
        table[Slot.N_SPANS], table[Slot.N_CLS_SPANS] = len(batch.spans), len(batch.cls_spans)
        for slot, array in zip(INDICES, batch, strict=True):
            table[slot] = array.ctypes.data
        first = 0
        for slot, size in zip(shapes, sizes, strict=True):
            table[slot] = room[first:].ctypes.data
            first += size
        logits = room[first - sizes[-1] : first].reshape(shapes[Slot.LOGITS])
        return table, logits, room[first:]


def batches(texts: Sequence[Sequence[int]]) -> Iterator[Sequence[Sequence[int]]]:
    """Cut texts, in their order, into batches of at most BATCH_TOKENS, or of one text."""
    first = n_tokens = 0
    for i, text in enumerate(texts):
        if n_tokens + len(text) > BATCH_TOKENS and i > first:
            yield texts[first:i]
            first, n_tokens = i, 0
        n_tokens += len(text)
    if first < len(texts):
        yield texts[first:]
