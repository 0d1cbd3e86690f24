"""How the model multiplies: the steps of a dense layer, in float32 and with integers.

`layers` says which products there are, and in which order. A writer says what a product takes. In float32 it
is one step, GEMM, which also does the epilogue. With integers it is GEMM_INT8, which reads quantized rows.
"""

from ..kernels.steps import GEMM, GEMM_INT8, IDENTITY, QUANTIZE, RESIDUAL, Step, step
from ..kernels.tiles import LANES
from .buffers import Buffers, Slot
from .packing import padded
from .weights import PackedWeights


class Float32Products:
    """Writes the steps of the dense layers of one model; `layer` is the name of one in the checkpoint."""

    def __init__(self, weights: PackedWeights, buffers: Buffers) -> None:
        self.weights = weights
        self.buffers = buffers

    def prepared(self, x: Slot) -> dict[str, int]:
        """Return what the LAYER_NORM that makes x has to do for the products that read it: nothing."""
        return {}

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
        operands = {
            "rows": rows,
            "a": x,
            "b": added,
            "c": out,
            "a_row": stride[x],
            "b_row": stride[added],
            "c_row": stride[out],
            "dim": width[x],
            "n_panels": padded(width[out]) // LANES,
            "epilogue": epilogue if residual is None else RESIDUAL,
            "storage": packed.storage,
            "weight": packed.weight,
            "scale": packed.scale,
            "bias": packed.bias,
        }
        return self._product(operands, packed.sums)

    def _product(self, operands: dict[str, int], sums: int) -> list[Step]:
        """Return the steps of a product with these operands; `sums` are for integers."""
        return [step(GEMM, **operands, n_heads=1)]

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
            bias=packed.bias,
        )
        return [product]


class Int8Products(Float32Products):
    """The same with integers, for the layers whose weights are packed so (`model/int8.py` says which).

    Rows are quantized once for all products that read them. Steps are written in the order in which they run,
    so the writer knows which rows QUANTIZED holds. They are still those of their slot: before a slot is
    written again, a LAYER_NORM or another product has quantized others.
    """

    def __init__(self, weights: PackedWeights, buffers: Buffers) -> None:
        super().__init__(weights, buffers)
        self.quantized: Slot | None = None
        self.output = {"quantized": Slot.QUANTIZED, "quantized_row": buffers.stride[Slot.QUANTIZED]}

    def prepared(self, x: Slot) -> dict[str, int]:
        """Return what the LAYER_NORM that makes x has to do: it quantizes the rows while they are near."""
        self.quantized = x
        return self.output

    def _product(self, operands: dict[str, int], sums: int) -> list[Step]:
        """Quantize the input, unless it is, and multiply; in float32 if there are no sums."""
        if not sums:
            return super()._product(operands, sums)
        steps = []
        if self.quantized != operands["a"]:
            self.quantized = Slot(operands["a"])
            rows = {name: operands[name] for name in ("rows", "a", "a_row", "dim")}
            steps.append(step(QUANTIZE, **rows, **self.output))
        quantized = {"a": Slot.QUANTIZED, "a_row": self.buffers.stride[Slot.QUANTIZED], "sums": sums}
        return [*steps, step(GEMM_INT8, **operands | quantized)]


PRODUCTS = {"float32": Float32Products, "int8": Int8Products}
