"""The int8 arithmetic, to read: how a dense layer multiplies integers, in NumPy.

A dense layer y = W x + b takes its time for reading W and for multiplying. With one byte for a number, a
computer reads four in the time of one float32, and multiplies four. So, for the product alone, W and x become
integers; everything else stays float32: embeddings, LayerNorm, softmax, GELU, residuals, and attention.

Every output o has a scale t_o of its own, and its weights are integers from -127 to 127:

    W_oi ~ t_o w_oi                     t_o = max_i |W_oi| / 127

Every token has a scale s and a zero point z of its own, and its activations are integers from 0 to 127:

    x_i ~ s (q_i - z)                   s = (max x - min x) / 127, z = round(-min x / s)

where max and min include 0, so that 0 is exactly z. This is the DynamicQuantizeLinear of ONNX, with 127 in
the place of 255, and for each row instead of the whole tensor. GELU leaves numbers from -0.17 up; with a zero
point, few of the 128 integers are spent on negative numbers that do not occur. Then

    y_o ~ s t_o (sum_i q_i w_oi - z sum_i w_oi) + b_o

The second sum is the same for all tokens, and is computed once. Both sums are integers, which are not rounded
and have no order: neither the CPU nor the other tokens can change them. They fit into an int32: the widest
layer that `config` allows has 16,384 inputs, and 127 * 128 * 16,384 is an eighth of its range.

Activations have 7 bits, because the instructions of many CPUs add two products in 16 bits: 2 * 127 * 128 is
32,512, and the largest int16 is 32,767. With 255 in the place of 127 they would saturate in silence. They are
the ones with fewer bits, because weights come in 8 bits, -128 included, from checkpoints that are int8
already.

All terms have the same error: rounding moves an activation by at most s / 2, and a weight by t_o / 2.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .config import DistilBertConfig

# The largest integer on either side: of weights from -127, of activations from 0.
LEVELS = 127
# A smaller scale would have an infinite inverse in float32. The numbers of such a row are as good as 0.
SMALLEST_SCALE = 2.0**-100

Floats = NDArray[np.float32]


class Int8Matrix(NamedTuple):
    """A matrix, quantized by rows: `integers` [rows, columns], and `scale` [rows], float32."""

    integers: NDArray[np.int8]
    scale: Floats

    def floats(self) -> Floats:
        """Return the numbers that the integers stand for: [rows, columns], float32."""
        return self.integers * self.scale[:, None]


class Int8Linear(NamedTuple):
    """A dense layer for integers: `weight` is [out, in], int8; `scale` and `bias` are [out], float32."""

    weight: NDArray[np.int8]
    scale: Floats
    bias: Floats


class QuantizedRows(NamedTuple):
    """Activations: `integers` [..., in] from 0 to 127; `scale` and `zero_point` [..., 1] of each row."""

    integers: NDArray[np.int32]
    scale: Floats
    zero_point: NDArray[np.int32]


def multiplies_integers(name: str, config: DistilBertConfig) -> bool:
    """Return whether the matrix with this name in a checkpoint is multiplied by quantized activations.

    Those of dense layers are, all but three. The classifier makes the logits; it has so few weights that
    nothing could be saved. And the last layer's keys and values are never computed for every token: the
    engine moves their weights to [CLS], where a query or a context is multiplied by them in float32
    (`engine.layers` derives it).
    """
    module = name.removesuffix(".weight")
    last = f"layer.{config.n_layers - 1}.attention."
    is_exempt = module == "classifier" or module.endswith((f"{last}k_lin", f"{last}v_lin"))
    return not is_exempt and not module.endswith("_embeddings")


def quantize_matrix(matrix: Floats) -> Int8Matrix:
    """Quantize a matrix by rows. A row's largest number becomes 127 or -127; a row of zeros has the scale 1.

    matrix  [rows, columns]
    """
    largest = np.maximum(matrix.max(axis=1), -matrix.min(axis=1))
    scale = (largest / LEVELS).astype(np.float32)
    scale[scale == 0] = 1  # also for a row so small that float32 rounds its scale to 0
    numbers = matrix / scale[:, None]
    np.rint(numbers, out=numbers)
    np.clip(numbers, -LEVELS, LEVELS, out=numbers)  # a scale that is subnormal may be rounded a lot
    return Int8Matrix(numbers.astype(np.int8), scale)


def quantize_rows(x: Floats) -> QuantizedRows:
    """Quantize every row by itself. A row with NaN or infinity gets the scale NaN.

    x  [..., in]
    """
    is_finite = np.isfinite(x).all(axis=-1, keepdims=True)
    x = np.where(is_finite, x, 0)
    low = np.minimum(x.min(axis=-1, keepdims=True), 0)
    high = np.maximum(x.max(axis=-1, keepdims=True), 0)
    with np.errstate(over="ignore"):  # the range of finite numbers may be infinite, and so is the scale then
        scale = np.maximum((high - low) / np.float32(LEVELS), np.float32(SMALLEST_SCALE))
    inverse = 1 / scale
    zero_point = np.rint(-low * inverse)
    integers = np.minimum(np.rint(x * inverse) + zero_point, LEVELS)
    scale = np.where(is_finite, scale, np.float32(np.nan))
    return QuantizedRows(integers.astype(np.int32), scale, zero_point.astype(np.int32))


def linear(x: Floats, layer: Int8Linear) -> Floats:
    """Map every row: y = W x + b, with integers for W and x.

    x        [..., in]
    returns  [..., out]
    """
    rows = quantize_rows(x)
    centred = rows.integers - rows.zero_point  # [..., in], from -127 to 127
    sums = multiply_integers(centred, layer.weight)  # [..., out]
    return sums.astype(np.float32) * (rows.scale * layer.scale) + layer.bias


def multiply_integers(x: NDArray[np.int32], weight: NDArray[np.int8]) -> NDArray[np.int64]:
    """Return x @ weight.T, exactly.

    NumPy multiplies integers one by one, and float64 by BLAS. Every sum here is far below 2**53, up to which
    float64 has all integers, so the fast way gives the same ones.
    """
    return (x.astype(np.float64) @ weight.T.astype(np.float64)).astype(np.int64)
