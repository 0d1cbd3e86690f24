"""How the model multiplies in float32: the steps of a dense layer.

Another arithmetic has a writer of its own. `layers` says which products there are, and in which order. A
writer says what a product takes: here one step, GEMM, which also does the epilogue.
"""

from ..kernels.steps import GEMM, IDENTITY, RESIDUAL, Step, step
from ..kernels.tiles import LANES
from .buffers import Buffers, Slot
from .packing import padded
from .weights import PackedWeights


class Float32Products:
    """Writes the steps of the dense layers of one model; `layer` is the name of one in the checkpoint."""

    def __init__(self, weights: PackedWeights, buffers: Buffers) -> None:
        self.weights = weights
        self.buffers = buffers

    def linear(
        self,
        x: Slot,
        layer: str,
        out: Slot,
        rows: Slot,
        *,
        epilogue: int = IDENTITY,
        residual: Slot | None = None,
    ) -> list[Step]:
        """OUT = epilogue(x @ weight.T + bias), or, with a residual, x @ weight.T + bias + residual."""
        packed = self.weights.linear(layer)
        width, stride = self.buffers.width, self.buffers.stride
        added = x if residual is None else residual
        product = step(
            GEMM,
            rows=rows,
            a=x,
            b=added,
            c=out,
            a_row=stride[x],
            b_row=stride[added],
            c_row=stride[out],
            dim=width[x],
            n_panels=padded(width[out]) // LANES,
            n_heads=1,
            epilogue=epilogue if residual is None else RESIDUAL,
            storage=packed.storage,
            weight=packed.weight,
            scale=packed.scale,
            bias=packed.epilogue,
        )
        return [product]

    def linear_of_heads(self, x: Slot, layer: str, out: Slot, *, epilogue: int) -> list[Step]:
        """OUT = epilogue(x @ weight + bias), one row per text; each head has its own x, weight and bias."""
        packed = self.weights.linear(layer)
        buffers = self.buffers
        product = step(
            GEMM,
            rows=Slot.N_TEXTS,
            a=x,
            b=x,
            c=out,
            a_row=buffers.stride[x],
            c_row=buffers.stride[out],
            dim=buffers.head_width[x],
            n_panels=padded(buffers.head_width[out]) // LANES,
            n_heads=self.weights.config.n_heads,
            a_head=buffers.head_stride[x],
            c_head=buffers.head_stride[out],
            epilogue=epilogue,
            storage=packed.storage,
            weight=packed.weight,
            scale=packed.scale,
            bias=packed.epilogue,
        )
        return [product]
