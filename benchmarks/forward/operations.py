"""The minimum cost of a forward pass: the operations that distilnp executes and the bytes that it must read.

Only matrix products count, with two operations for a multiplication and an addition. Softmax, GELU and
LayerNorm are not the kind of work that the FMA peak measures; their time is part of the gap to that peak.
"""

from distilnp.model.config import DistilBertConfig

BYTES_OF_FLOAT32 = 4


def executed_flops(config: DistilBertConfig, n_seq: int) -> int:
    """Count the operations for one text of `n_seq` tokens, with the last layer pruned.

    The head needs only the first token of the last layer. In that layer, no other token is multiplied with a
    weight, and the hidden states serve as the keys and the values of each head.
    """
    dim, hidden_dim = config.dim, config.hidden_dim

    def layer(n_queries: int, columns_of_scores: int) -> int:
        attention_weights = n_queries * 4 * dim * dim
        scores_and_context = n_queries * 2 * n_seq * columns_of_scores
        feed_forward = n_queries * 2 * dim * hidden_dim
        return attention_weights + scores_and_context + feed_forward

    head = dim * dim + dim * config.n_labels
    return 2 * ((config.n_layers - 1) * layer(n_seq, dim) + layer(1, config.n_heads * dim) + head)


def weight_bytes(config: DistilBertConfig) -> int:
    """Count the bytes of the float32 matrices that every pass reads, even for the shortest text.

    Pruning the last layer saves none of these reads. The few rows of the embeddings are not counted.
    """
    layer = 4 * config.dim**2 + 2 * config.dim * config.hidden_dim
    head = config.dim**2 + config.dim * config.n_labels
    return BYTES_OF_FLOAT32 * (config.n_layers * layer + head)
