"""The model as a table of steps for the kernels: the reference pass, for all texts of a batch at once.

Read it beside `model/reference.py`: `embed`, `self_attention`, `feed_forward` and `head` come in the same
order. `steps` stands for `forward`. These are the differences:

- Queries, keys and values are one product; bias, activation and residual are part of a product.
- `self_attention` and `feed_forward` include their residual and LayerNorm, which the reference has in
  `transformer_block`.
- Only [CLS] leaves the last layer, because the labels are read off it alone. `last_self_attention` has one
  query per text, and every step after it has one row per text.
"""

from ..kernels.steps import ATTENTION, EMBED, GATHER, GELU, IDENTITY, LAYER_NORM, NO_BIAS, RELU, Step, step
from ..model.params import ENCODER_PREFIX
from .buffers import Buffers, Slot
from .packing import padded
from .products import PRODUCTS
from .weights import PackedWeights

ACTIVATIONS = {"gelu": GELU, "relu": RELU}


class Layers:
    """Writes the steps of one model. Modules go by their names in the checkpoint."""

    def __init__(self, weights: PackedWeights, buffers: Buffers) -> None:
        self.config = config = weights.config
        self.weights = weights
        self.head_dim = config.dim // config.n_heads
        self.stride = buffers.stride
        self.head_stride = buffers.head_stride
        self.products = PRODUCTS[weights.precision](weights, buffers)

    def steps(self) -> list[Step]:
        """Return the steps from ids to logits."""
        *layers, last = (f"{ENCODER_PREFIX}transformer.layer.{i}" for i in range(self.config.n_layers))
        steps = self.embed(f"{ENCODER_PREFIX}embeddings")
        for layer in layers:
            steps += self.self_attention(layer)
            steps += self.feed_forward(layer, Slot.HIDDEN_STATES, Slot.N_TOKENS)
        steps += self.last_self_attention(last)
        steps += self.feed_forward(last, Slot.CLS, Slot.N_TEXTS)
        return steps + self.head()

    def embed(self, embeddings: str) -> list[Step]:
        """HIDDEN_STATES = LayerNorm(words + positions)."""
        words = f"{embeddings}.word_embeddings.weight"
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
            storage=self.weights.storage(words),
            weight=self.weights.address(words),
            scale=self.weights.scale(words),
            bias=self.weights.address(f"{embeddings}.position_embeddings.weight"),
        )
        return [look_up, self.layer_norm(f"{embeddings}.LayerNorm", Slot.HIDDEN_STATES, Slot.N_TOKENS)]

    def self_attention(self, layer: str) -> list[Step]:
        """HIDDEN_STATES = sa_layer_norm(HIDDEN_STATES + out_lin(attention))."""
        x, rows = Slot.HIDDEN_STATES, Slot.N_TOKENS
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
            key_column=padded(self.config.dim),
            value_column=2 * padded(self.config.dim),
        )
        return [
            # One product: k_lin and v_lin follow q_lin in memory (`weights._packings`), and QKV is
            # three times as wide.
            *self.products.linear(x, f"{layer}.attention.q_lin", Slot.QKV, rows),
            attend,
            *self.products.linear(Slot.CONTEXT, f"{layer}.attention.out_lin", Slot.SUMS, rows, residual=x),
            self.layer_norm(f"{layer}.sa_layer_norm", x, rows),
        ]

    def last_self_attention(self, layer: str) -> list[Step]:
        """CLS = sa_layer_norm(CLS + out_lin(attention)).

        Only the first token of each text attends, to all tokens. The weights of keys and values are moved to
        the side of the query, because there is only one query per text. With hidden states x, a score is

            q . (K x + b) = (q K) . x + q . b

        where q . b is the same for all tokens, so softmax ignores it. The context is

            sum of p (V x + b) = V (sum of p x) + b

        because the probabilities p add up to 1. So each head absorbs K into its query, mixes the hidden
        states by their probabilities, and takes only the mixture through V. The hidden states serve as keys
        and as values, and the heads of [CLS] are the queries of a span.
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
            a=Slot.CLS_ABSORBED_QUERIES,
            b=Slot.HIDDEN_STATES,
            c=Slot.CLS_MIXED_STATES,
            a_row=self.head_stride[Slot.CLS_ABSORBED_QUERIES],
            b_row=self.stride[Slot.HIDDEN_STATES],
            c_row=self.head_stride[Slot.CLS_MIXED_STATES],
            dim=self.config.dim,
            n_heads=1,  # the heads are the queries of a span
            head_dim=self.head_dim,
        )
        products = self.products
        return [
            gather,
            *products.linear(x, f"{layer}.attention.q_lin", Slot.CLS_QUERIES, rows),
            *products.linear_of_heads(
                Slot.CLS_QUERIES, f"{layer}.attention.k_lin", Slot.CLS_ABSORBED_QUERIES, epilogue=NO_BIAS
            ),
            attend,
            *products.linear_of_heads(
                Slot.CLS_MIXED_STATES, f"{layer}.attention.v_lin", Slot.CLS_CONTEXT, epilogue=IDENTITY
            ),
            *products.linear(Slot.CLS_CONTEXT, f"{layer}.attention.out_lin", Slot.SUMS, rows, residual=x),
            self.layer_norm(f"{layer}.sa_layer_norm", x, rows),
        ]

    def feed_forward(self, layer: str, x: Slot, rows: Slot) -> list[Step]:
        """Set x to output_layer_norm(x + lin2(activation(lin1(x))))."""
        activation = ACTIVATIONS[self.config.activation]
        return [
            *self.products.linear(x, f"{layer}.ffn.lin1", Slot.FFN, rows, epilogue=activation),
            *self.products.linear(Slot.FFN, f"{layer}.ffn.lin2", Slot.SUMS, rows, residual=x),
            self.layer_norm(f"{layer}.output_layer_norm", x, rows),
        ]

    def head(self) -> list[Step]:
        """LOGITS = classifier(relu(pre_classifier(CLS)))."""
        rows = Slot.N_TEXTS
        return [
            *self.products.linear(Slot.CLS, "pre_classifier", Slot.CONTEXT, rows, epilogue=RELU),
            *self.products.linear(Slot.CONTEXT, "classifier", Slot.LOGITS, rows),
        ]

    def layer_norm(self, norm: str, x: Slot, rows: Slot) -> Step:
        """Set x to LayerNorm(SUMS)."""
        return step(
            LAYER_NORM,
            rows=rows,
            a=Slot.SUMS,
            c=x,
            a_row=self.stride[Slot.SUMS],
            c_row=self.stride[x],
            dim=self.config.dim,
            weight=self.weights.address(f"{norm}.weight"),
            bias=self.weights.address(f"{norm}.bias"),
            **self.products.prepared(x),
        )
