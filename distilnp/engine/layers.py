"""The model as a table of steps for the kernels: `reference.py` again, for all texts of a batch at once.

Read it beside the reference: order and names are the same. What differs: queries, keys and values are one
product; bias, activation and residual are part of a product; and from the last layer only [CLS] goes on,
because the labels are read off nothing else. There attention is written for one query a text, and all that
follows has one row a text.
"""

from enum import IntEnum, auto

from ..kernels.steps import (
    ATTENTION,
    EMBED,
    GATHER,
    GELU,
    GEMM,
    IDENTITY,
    LAYER_NORM,
    NO_BIAS,
    RELU,
    RESIDUAL,
    step,
)
from ..model.config import DistilBertConfig
from ..model.params import Embeddings, Layer, LayerNorm, Linear, Params
from .packing import LANES, padded
from .weights import CACHE_LINE

ACTIVATIONS = {"gelu": GELU, "relu": RELU}

Step = list[int]


class Slot(IntEnum):
    """What changes from batch to batch, by its place in the table `batch` of the kernels."""

    # counts
    N_TOKENS = 0
    N_TEXTS = auto()
    N_SPANS = auto()
    N_CLS_SPANS = auto()
    # addresses of integers: see RaggedBatch
    IDS = auto()
    POSITIONS = auto()
    STARTS = auto()
    SPANS = auto()
    CLS_SPANS = auto()
    # addresses of activations, one row a token; in the last layer one row a text
    HIDDEN_STATES = auto()
    SUMS = auto()
    QKV = auto()
    CONTEXT = auto()
    FFN = auto()
    # the same, always one row a text
    CLS = auto()
    CLS_QUERIES = auto()
    CLS_SOUGHT = auto()
    CLS_FOUND = auto()
    CLS_CONTEXT = auto()
    LOGITS = auto()


# The integers, in the order of RaggedBatch.
INDICES = (Slot.IDS, Slot.POSITIONS, Slot.STARTS, Slot.SPANS, Slot.CLS_SPANS)
ONE_ROW_A_TEXT = (
    Slot.CLS,
    Slot.CLS_QUERIES,
    Slot.CLS_SOUGHT,
    Slot.CLS_FOUND,
    Slot.CLS_CONTEXT,
    Slot.LOGITS,
)


def widths(config: DistilBertConfig) -> dict[Slot, int]:
    """Return how many columns each buffer of activations has."""
    dim = config.dim
    return {
        Slot.HIDDEN_STATES: dim,
        Slot.SUMS: dim,
        Slot.QKV: 3 * padded(dim),
        Slot.CONTEXT: dim,
        Slot.FFN: config.hidden_dim,
        Slot.CLS: dim,
        Slot.LOGITS: config.n_labels,
    }


def widths_of_heads(config: DistilBertConfig) -> dict[Slot, int]:
    """Return the same of what every head has for itself, per head."""
    head_dim = config.dim // config.n_heads
    return {
        Slot.CLS_QUERIES: head_dim,
        Slot.CLS_SOUGHT: config.dim,
        Slot.CLS_FOUND: config.dim,
        Slot.CLS_CONTEXT: head_dim,
    }


def row_stride(width: int) -> int:
    """Return how many floats a row is from the next: an odd number of cache lines.

    A first cache has 64 sets of lines. Rows at a distance of 192 lines, those of 3072 floats, would all fall
    into the same sets and push each other out; at an odd distance they use all sets in turn.
    """
    lines = -(-width * 4 // CACHE_LINE) | 1
    return lines * CACHE_LINE // 4


class Layers:
    """Writes the steps of models of one configuration.

    Whatever it is given as parameters holds addresses of packed weights in place of arrays.

    Attributes
    ----------
    width, stride : dict
        Columns of each buffer, and floats from one row to the next.
    head_width, head_stride : dict
        The same from head to head, where every head has something for itself.
    """

    def __init__(self, config: DistilBertConfig) -> None:
        self.config = config
        self.head_dim = config.dim // config.n_heads
        self.head_width = widths_of_heads(config)
        self.head_stride = {
            Slot.CLS_QUERIES: self.head_dim,  # as q_lin leaves them
            Slot.CLS_SOUGHT: row_stride(config.dim),
            Slot.CLS_FOUND: row_stride(config.dim),
            Slot.CLS_CONTEXT: padded(self.head_dim),
        }
        of_heads = {slot: config.n_heads * stride for slot, stride in self.head_stride.items()}
        self.width = of_heads | widths(config)
        self.stride = {slot: padded(width) for slot, width in of_heads.items()} | {
            slot: row_stride(width) for slot, width in widths(config).items()
        }

    def classifier(self, params: Params) -> list[Step]:
        """Return the steps from ids to logits."""
        steps = self.embed(params.embeddings)
        for layer in params.layers[:-1]:
            steps += self.self_attention(layer)
            steps += self.feed_forward(layer, Slot.HIDDEN_STATES, Slot.N_TOKENS)
        steps += self.last_self_attention(params.layers[-1])
        steps += self.feed_forward(params.layers[-1], Slot.CLS, Slot.N_TEXTS)
        return steps + self.head(params)

    def embed(self, embeddings: Embeddings) -> list[Step]:
        """HIDDEN_STATES = LayerNorm(words + positions)."""
        look_up = step(
            EMBED,
            rows=Slot.N_TOKENS,
            index=Slot.IDS,
            b=Slot.POSITIONS,
            c=Slot.SUMS,
            a_row=padded(self.config.dim),
            b_row=padded(self.config.dim),
            c_row=self.stride[Slot.SUMS],
            dim=self.config.dim,
            weight=embeddings.word_embeddings,
            bias=embeddings.position_embeddings,
        )
        return [look_up, self.layer_norm(embeddings.LayerNorm, Slot.HIDDEN_STATES, Slot.N_TOKENS)]

    def self_attention(self, layer: Layer) -> list[Step]:
        """HIDDEN_STATES = sa_layer_norm(HIDDEN_STATES + out_lin(attention))."""
        x, rows = Slot.HIDDEN_STATES, Slot.N_TOKENS
        keys = padded(self.config.dim)
        attend = step(
            ATTENTION,
            rows=Slot.N_SPANS,
            index=Slot.SPANS,
            a=Slot.QKV,
            b=Slot.QKV,
            c=Slot.CONTEXT,
            a_row=self.stride[Slot.QKV],
            b_row=self.stride[Slot.QKV],
            c_row=self.stride[Slot.CONTEXT],
            dim=self.head_dim,
            n_heads=self.config.n_heads,
            head_dim=self.head_dim,
            column=keys,
            value_column=2 * keys,
        )
        return [
            self.linear(x, layer.q_lin, Slot.QKV, rows),  # k_lin and v_lin lie behind it
            attend,
            self.linear(Slot.CONTEXT, layer.out_lin, Slot.SUMS, rows, residual=x),
            self.layer_norm(layer.sa_layer_norm, x, rows),
        ]

    def last_self_attention(self, layer: Layer) -> list[Step]:
        """CLS = the same for the first token of each text, which looks at all of them.

        One query a text is taken through the weights of keys and values, instead of all tokens. A score is
        q @ (K @ x + b) = (q @ K) @ x + q @ b, and softmax does not see q @ b, which is the same for all x.
        What is gathered is the sum of p (V @ x + b) = V @ (the sum of p x) + b. So a head seeks with q @ K,
        finds the sum of p x, and takes that through V: its keys and its values are the hidden states.
        """
        x, rows = Slot.CLS, Slot.N_TEXTS
        gather = step(
            GATHER,
            rows=rows,
            index=Slot.STARTS,
            a=Slot.HIDDEN_STATES,
            c=x,
            a_row=self.stride[Slot.HIDDEN_STATES],
            c_row=self.stride[x],
            dim=self.config.dim,
        )
        attend = step(
            ATTENTION,
            rows=Slot.N_CLS_SPANS,
            index=Slot.CLS_SPANS,
            a=Slot.CLS_SOUGHT,
            b=Slot.HIDDEN_STATES,
            c=Slot.CLS_FOUND,
            a_row=self.head_stride[Slot.CLS_SOUGHT],
            b_row=self.stride[Slot.HIDDEN_STATES],
            c_row=self.head_stride[Slot.CLS_FOUND],
            dim=self.config.dim,
            n_heads=1,  # they are the queries of a span
            head_dim=self.head_dim,
        )
        return [
            gather,
            self.linear(x, layer.q_lin, Slot.CLS_QUERIES, rows),
            self.linear_of_heads(Slot.CLS_QUERIES, layer.k_lin, Slot.CLS_SOUGHT, epilogue=NO_BIAS),
            attend,
            self.linear_of_heads(Slot.CLS_FOUND, layer.v_lin, Slot.CLS_CONTEXT, epilogue=IDENTITY),
            self.linear(Slot.CLS_CONTEXT, layer.out_lin, Slot.SUMS, rows, residual=x),
            self.layer_norm(layer.sa_layer_norm, x, rows),
        ]

    def feed_forward(self, layer: Layer, x: Slot, rows: Slot) -> list[Step]:
        """X = output_layer_norm(x + lin2(activation(lin1(x))))."""
        return [
            self.linear(x, layer.lin1, Slot.FFN, rows, epilogue=ACTIVATIONS[self.config.activation]),
            self.linear(Slot.FFN, layer.lin2, Slot.SUMS, rows, residual=x),
            self.layer_norm(layer.output_layer_norm, x, rows),
        ]

    def head(self, params: Params) -> list[Step]:
        """LOGITS = classifier(relu(pre_classifier(CLS)))."""
        return [
            self.linear(Slot.CLS, params.pre_classifier, Slot.CONTEXT, Slot.N_TEXTS, epilogue=RELU),
            self.linear(Slot.CONTEXT, params.classifier, Slot.LOGITS, Slot.N_TEXTS),
        ]

    def linear(
        self,
        x: Slot,
        layer: Linear,
        out: Slot,
        rows: Slot,
        *,
        epilogue: int = IDENTITY,
        residual: Slot | None = None,
    ) -> Step:
        """OUT = epilogue(x @ weight.T + bias), or with the residual added."""
        return step(
            GEMM,
            rows=rows,
            a=x,
            b=x if residual is None else residual,
            c=out,
            a_row=self.stride[x],
            b_row=self.stride[x if residual is None else residual],
            c_row=self.stride[out],
            dim=self.width[x],
            n_panels=padded(self.width[out]) // LANES,
            n_heads=1,
            epilogue=epilogue if residual is None else RESIDUAL,
            weight=layer.weight,
            bias=layer.bias,
        )

    def linear_of_heads(self, x: Slot, layer: Linear, out: Slot, *, epilogue: int) -> Step:
        """OUT = epilogue(x @ weight + bias) for one row a text, every head with its own x and weight."""
        return step(
            GEMM,
            rows=Slot.N_TEXTS,
            a=x,
            b=x,
            c=out,
            a_row=self.stride[x],
            c_row=self.stride[out],
            dim=self.head_width[x],
            n_panels=padded(self.head_width[out]) // LANES,
            n_heads=self.config.n_heads,
            a_head=self.head_stride[x],
            c_head=self.head_stride[out],
            epilogue=epilogue,
            weight=layer.weight,
            bias=layer.bias,
        )

    def layer_norm(self, norm: LayerNorm, x: Slot, rows: Slot) -> Step:
        """X = LayerNorm(SUMS)."""
        return step(
            LAYER_NORM,
            rows=rows,
            a=Slot.SUMS,
            c=x,
            a_row=self.stride[Slot.SUMS],
            c_row=self.stride[x],
            dim=self.config.dim,
            weight=norm.weight,
            bias=norm.bias,
        )
