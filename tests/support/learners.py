"""Answers to the exercises as learners write them: a right one for each, and changes that make it wrong.

A change is a piece of the right answer, another one in its place, and words that the report must have.
"""

from typing import NamedTuple


class Answer(NamedTuple):
    """The body of one file, after its imports, and typical failures."""

    source: str
    failures: tuple[tuple[str, str, str], ...]


IMPORTS = """
import math
import numpy as np
from distilnp.model.erf import erf
from distilnp.model.reference import *
from distilnp.model.reference import ACTIVATIONS, LAYER_NORM_EPSILON, under
from distilnp.tokenizer.characters import *
"""

ANSWERS = {
    "softmax": Answer(
        """
def softmax(x):
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)
""",
        (
            ("np.sum(e, axis=-1, keepdims=True)", "np.sum(e)", "with one sum for the whole array"),
            ("np.sum(e, axis=-1,", "np.sum(e, axis=0,", "with sums along axis 0"),
            (" - np.max(x, axis=-1, keepdims=True)", "", "without subtracting the row's maximum"),
            ("axis=-1, keepdims=True)\n", "axis=-1)\n", "ValueError: operands could not be broadcast"),
            ("x - np.max", "x.astype(np.float64) - np.max", "your result is float64, expected float32"),
            ("return e", "e", "Is there a `return` at the end of the function?"),
        ),
    ),
    "layer_norm": Answer(
        """
def layer_norm(x, norm):
    mean = x.mean(axis=-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(axis=-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + LAYER_NORM_EPSILON) * norm.weight + norm.bias
""",
        (
            (" + LAYER_NORM_EPSILON", "", "without epsilon"),
            ("LAYER_NORM_EPSILON", "1e-5", "1e-5 is GPT-2's and torch's default"),
            ("axis=-1", "axis=0", "with mean and variance along axis 0"),
            (
                "np.sqrt(variance + LAYER_NORM_EPSILON)",
                "x.std(axis=-1, keepdims=True, ddof=1)",
                "with n - 1 in the variance",
            ),
            ("    mean", "    x -= 1\n    mean", "A function must not change its arguments"),
            ("axis=-1, keepdims=True", "axis=-1", "without keepdims=True loses its axis"),
        ),
    ),
    "gelu": Answer(
        """
def gelu(x):
    return 0.5 * x * (1.0 + erf(x / math.sqrt(2.0)))
""",
        (
            (
                "erf(x / math.sqrt(2.0))",
                "np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))",
                "with the tanh approximation",
            ),
            (" / math.sqrt(2.0)", "", "without the division by sqrt(2)"),
            ("math.sqrt", "np.sqrt", "take math.sqrt"),
            ("0.5 * x", "x", "without the factor 1/2"),
            ("erf(x", "math.erf(x", "gelu.py, line 10: TypeError"),
        ),
    ),
    "linear": Answer(
        """
def linear(x, layer):
    return x @ layer.weight.T + layer.bias
""",
        (
            ("weight.T", "weight", "with x @ W instead of x @ W.T"),
            (" + layer.bias", "", "without the bias"),
            ("x @ layer.weight.T", "layer.weight @ x", "linear.py, line 10: ValueError"),
            ("x @ layer.weight.T + layer.bias", "(x @ layer.weight.T + layer.bias).T", "transposed"),
        ),
    ),
    "embed": Answer(
        """
def embed(ids, embeddings, record):
    words = embeddings.word_embeddings[list(ids)]
    positions = embeddings.position_embeddings[np.arange(len(ids))]
    x = layer_norm(words + positions, embeddings.LayerNorm)
    record(word_embeddings=words, position_embeddings=positions, LayerNorm=x)
    return x
""",
        (
            ("np.arange(len(ids))", "np.arange(1, len(ids) + 1)", "with positions from 1"),
            ("np.arange(len(ids))", "[i % 8 for i in ids]", "with the ids as positions"),
            ("words + positions,", "words,", "without positions"),
            ("embeddings.word_embeddings[list(ids)]", "embeddings.word_embeddings", "ValueError"),
        ),
    ),
    "attention": Answer(
        """
def self_attention(x, layer, n_heads, record):
    n_seq, dim = x.shape
    head_dim = dim // n_heads
    q = linear(x, layer.q_lin).reshape(n_seq, n_heads, head_dim).transpose(1, 0, 2)
    k = linear(x, layer.k_lin).reshape(n_seq, n_heads, head_dim).transpose(1, 0, 2)
    v = linear(x, layer.v_lin).reshape(n_seq, n_heads, head_dim).transpose(1, 0, 2)
    scores = q @ k.transpose(0, 2, 1) / math.sqrt(head_dim)
    probs = softmax(scores)
    context = (probs @ v).transpose(1, 0, 2).reshape(n_seq, dim)
    record(scores=scores, probs=probs, context=context)
    return linear(context, layer.out_lin)
""",
        (
            (
                " / math.sqrt(head_dim)",
                "",
                "Your scores equal those of a self_attention without the division by sqrt(head_dim)",
            ),
            ("math.sqrt(head_dim)", "math.sqrt(dim)", "with scores divided by sqrt(dim)"),
            ("math.sqrt", "np.sqrt", "your scores are float64, expected float32"),
            ("softmax(scores)", "softmax(scores.swapaxes(1, 2)).swapaxes(1, 2)", "softmax over the queries"),
            (
                ".transpose(1, 0, 2).reshape(n_seq, dim)",
                ".reshape(n_seq, dim)",
                "joined without exchanging the axes",
            ),
            (
                "reshape(n_seq, n_heads, head_dim).transpose(1, 0, 2)",
                "reshape(n_heads, n_seq, head_dim)",
                "split without exchanging the axes",
            ),
            ("q @ k.transpose(0, 2, 1)", "k @ q.transpose(0, 2, 1)", "with keys and queries exchanged"),
            (
                "linear(x, layer.q_lin)",
                "(x @ layer.q_lin.weight + layer.q_lin.bias)",
                "with x @ W instead of x @ W.T in q_lin",
            ),
            ("    record(scores=scores, probs=probs, context=context)\n", "    scores\n", "passes"),
            ("return linear(context, layer.out_lin)", "return context", "without the output projection"),
            ("return linear(context, layer.out_lin)", "pass", "Your result is None"),
            (
                "n_heads, head_dim).transpose(1, 0, 2)\n    k",
                "head_dim)\n    k",
                "attention.py, line 12: ValueError",
            ),
            ("probs = softmax(scores)", "while True: pass", "attention.py, line 16: Timeout"),
        ),
    ),
    "feed_forward": Answer(
        """
def feed_forward(x, layer, config, record):
    hidden = gelu(linear(x, layer.lin1))
    return linear(hidden, layer.lin2)
""",
        (
            ("gelu(linear(x, layer.lin1))", "linear(x, layer.lin1)", "without the activation"),
            ("gelu", "relu", "with ReLU"),
            ("linear(hidden, layer.lin2)", "x + linear(hidden, layer.lin2)", "with x added"),
            ("layer.lin2", "layer.lin1", "ValueError"),
        ),
    ),
    "transformer_block": Answer(
        """
def transformer_block(x, layer, config, record):
    inner = under("attention", record)
    x = layer_norm(x + self_attention(x, layer, config.n_heads, inner), layer.sa_layer_norm)
    record(sa_layer_norm=x)
    return layer_norm(x + feed_forward(x, layer, config, under("ffn", record)), layer.output_layer_norm)
""",
        (
            ("x + self_attention", "self_attention", "without the residual around attention"),
            ("x + feed_forward", "feed_forward", "without the residual around the network"),
            ("layer.output_layer_norm", "layer.sa_layer_norm", "with sa_layer_norm in both places"),
            (
                "layer_norm(x + self_attention(x, layer, config.n_heads, inner), layer.sa_layer_norm)",
                "x + self_attention(layer_norm(x, layer.sa_layer_norm), layer, config.n_heads, inner)",
                "DistilBERT normalizes after each residual sum (post-LN)",
            ),
        ),
    ),
    "head": Answer(
        """
def head(x, params, record):
    pooled = linear(x[0], params.pre_classifier)
    record(pre_classifier=pooled)
    return linear(np.maximum(pooled, 0), params.classifier)
""",
        (
            ("x[0]", "x[-1]", "that reads the last token"),
            ("x[0]", "x.mean(axis=0)", "that reads the mean of the tokens"),
            ("np.maximum(pooled, 0)", "np.tanh(pooled)", "BERT's pooler has tanh"),
            ("return linear(np.maximum(pooled, 0), params.classifier)", "return float(pooled[0])", "a float"),
            ("x[0]", "x", "Your pre_classifier has the shape [4, 6], expected [dim] = [6]"),
        ),
    ),
    "forward": Answer(
        """
def forward(ids, params, config, trace=None):
    record = trace.update if trace is not None else lambda **_: None
    x = embed(ids, params.embeddings, under("embeddings", record))
    for i, layer in enumerate(params.layers):
        x = transformer_block(x, layer, config, under(f"layer.{i}", record))
    return head(x, params, record)
""",
        (
            ("enumerate(params.layers)", "enumerate(params.layers[:-1])", "without the last layer"),
            (
                "transformer_block(x, layer,",
                "transformer_block(x, params.layers[0],",
                "layer.1.attention.q_lin",
            ),
            ("return head(x, params, record)", "return softmax(head(x, params, record))", "after a softmax"),
            ("enumerate(params.layers)", "params.layers", "forward.py, line 12: ValueError"),
        ),
    ),
    "normalize": Answer(
        """
def normalize(text):
    text = "".join(" " if c in WHITESPACE else c for c in text if c in WHITESPACE or c not in REMOVED)
    text = "".join(f" {c} " if c in CHINESE else c for c in text)
    text = "".join(decompose(c) for c in text)
    text = "".join(c for c in text if c not in ACCENTS)
    return "".join(LOWERCASE.get(c, c) for c in text)
""",
        (
            ('"".join(LOWERCASE.get(c, c) for c in text)', "text.lower()", "with str.lower"),
            ('"".join(decompose(c) for c in text)', "text", "in which accents of composed letters stay"),
            (" if c in WHITESPACE or c not in REMOVED", "", "in which control characters stay"),
            ('f" {c} " if c in CHINESE else c', "c", "without spaces around ideographs"),
            ("return", "normal =", "Your result is None, expected a str"),
        ),
    ),
    "pre_tokenize": Answer(
        """
def pre_tokenize(text):
    for c in set(text):
        if c in PUNCTUATION:
            text = text.replace(c, f" {c} ")
    return text.split()
""",
        (
            ("if c in PUNCTUATION:", "if False:", "that only splits at spaces"),
            ('f" {c} "', '" "', "in which punctuation is lost"),
            ("text.split()", "text.split(' ')", "with empty words"),
            ("text.split()", "tuple(text.split())", "Your result is a tuple, expected a list"),
        ),
    ),
    "wordpiece": Answer(
        """
def wordpiece(word, vocab):
    if len(word) > 100:
        return ["[UNK]"]
    pieces, start = [], 0
    while start < len(word):
        end = len(word)
        while end > start:
            piece = word[start:end] if start == 0 else "##" + word[start:end]
            if piece in vocab:
                break
            end -= 1
        else:
            return ["[UNK]"]
        pieces.append(piece)
        start = end
    return pieces
""",
        (
            ('"##" + word[start:end]', "word[start:end]", "without ##"),
            (
                'else:\n            return ["[UNK]"]',
                'else:\n            return pieces + ["[UNK]"]',
                "that keeps the pieces before",
            ),
            ("if len(word) > 100:", "if False:", "words of more than 100 characters"),
            ("            end -= 1\n", "", "Timeout"),
            ("        start = end\n", "", "Timeout"),
        ),
    ),
    "encode": Answer(
        """
from normalize import normalize
from pre_tokenize import pre_tokenize
from wordpiece import wordpiece

def encode(text, vocab):
    tokens = ["[CLS]"]
    for word in pre_tokenize(normalize(text)):
        tokens += wordpiece(word, vocab)
    tokens.append("[SEP]")
    return [vocab[token] for token in tokens]
""",
        (
            ('["[CLS]"]', "[]", "without [CLS]"),
            ("vocab[token]", "token", "look each token up"),
            ("normalize(text)", "text", "normalize the text first"),
            ("vocab[token]", "vocab[token + 1]", "encode.py, line 18: TypeError"),
        ),
    ),
    "online_softmax": Answer(
        """
def online_softmax(scores, values):
    n, head_dim = values.shape
    result = np.zeros(head_dim, scores.dtype)
    largest, total = -math.inf, 0.0
    for j in range(n):
        new = max(largest, scores[j])
        factor = math.exp(largest - new)
        weight = math.exp(scores[j] - new)
        total = total * factor + weight
        for c in range(head_dim):
            result[c] = result[c] * factor + weight * values[j, c]
        largest = new
    for c in range(head_dim):
        result[c] /= total
    return result
""",
        (
            ("result[c] * factor", "result[c]", "whose average is not scaled down"),
            ("total * factor", "total", "whose sum is not scaled down"),
            ("result[c] /= total", "pass", "that is not divided by the sum"),
            ("new = max(largest, scores[j])", "new = 0.0", "OverflowError"),
            ("range(n)", "range(n + 1)", "IndexError"),
        ),
    ),
    "softmax_backward": Answer(
        """
def softmax_backward(dprobs, probs):
    weighted = np.sum(probs * dprobs, axis=-1, keepdims=True)
    return probs * (dprobs - weighted)
""",
        (
            ("(dprobs - weighted)", "dprobs", "without the average subtracted"),
            ("np.sum(probs * dprobs,", "np.mean(dprobs,", "with the plain mean subtracted"),
            ("axis=-1", "axis=-2", "with averages along axis -2"),
            ("(dprobs - weighted)", "(1 - probs) * dprobs", "with the derivative of a sigmoid"),
        ),
    ),
    "linear_backward": Answer(
        """
def linear_backward(dy, layer):
    return dy @ layer.weight
""",
        (
            ("layer.weight", "layer.weight.T", "with dy @ W.T instead of dy @ W"),
            ("layer.weight", "layer.weight.T + layer.bias", "that is the forward layer"),
            ("dy @ layer.weight", "layer.weight.T @ dy", "linear_backward.py, line 10: ValueError"),
        ),
    ),
    "gelu_slope": Answer(
        """
def gelu_slope(x):
    below = 0.5 * (1.0 + erf(x / math.sqrt(2.0)))
    return below + x * np.exp(-(x**2) / 2) / math.sqrt(2.0 * math.pi)
""",
        (
            ("x * np.exp", "np.exp", "with phi(x) instead of x phi(x)"),
            ("-(x**2) / 2", "-(x**2)", "with exp(-x^2) in the density"),
            (" / math.sqrt(2.0 * math.pi)", "", "not divided by sqrt(2 pi)"),
            ("math.sqrt(2.0 * math.pi)", "np.sqrt(2.0 * np.pi)", "take math.sqrt"),
        ),
    ),
    "layer_norm_backward": Answer(
        """
def layer_norm_backward(dy, x, norm):
    std = np.sqrt(x.var(axis=-1, keepdims=True) + LAYER_NORM_EPSILON)
    n = (x - x.mean(axis=-1, keepdims=True)) / std
    dn = dy * norm.weight
    moved = dn.mean(axis=-1, keepdims=True)
    stretched = n * (dn * n).mean(axis=-1, keepdims=True)
    return (dn - moved - stretched) / std
""",
        (
            (" - moved - stretched", "", "without both means"),
            (" - moved", "", "without mean(dn)"),
            (" - stretched", "", "without n mean(dn n)"),
            ("dy * norm.weight", "dy", "without the weight"),
            ("stretched) / std", "stretched)", "without the division by std"),
            ("axis=-1, keepdims=True)\n    stretched", "axis=-1)\n    stretched", "loses its axis"),
        ),
    ),
    "attention_backward": Answer(
        """
from distilnp.explain.backward import linear as linear_backward, softmax as softmax_backward

def self_attention_backward(dy, trace, layer, n_heads, record):
    n_seq, dim = dy.shape
    head_dim = dim // n_heads
    def split(y):
        return y.reshape(n_seq, n_heads, head_dim).transpose(1, 0, 2)
    def join(y):
        return y.transpose(1, 0, 2).reshape(n_seq, dim)
    q, k, v, probs = split(trace["q_lin"]), split(trace["k_lin"]), split(trace["v_lin"]), trace["probs"]
    dcontext = split(linear_backward(dy, layer.out_lin))
    dprobs = dcontext @ v.transpose(0, 2, 1)
    dscores = softmax_backward(dprobs, probs)
    dv = probs.transpose(0, 2, 1) @ dcontext
    dq = dscores @ k / math.sqrt(head_dim)
    dk = dscores.transpose(0, 2, 1) @ q / math.sqrt(head_dim)
    record(dcontext=dcontext, dprobs=dprobs, dscores=dscores, dv=dv, dq=dq, dk=dk)
    dx = linear_backward(join(dv), layer.v_lin)
    dx = dx + linear_backward(join(dq), layer.q_lin)
    return dx + linear_backward(join(dk), layer.k_lin)
""",
        (
            (
                " / math.sqrt(head_dim)",
                "",
                "Your dq equals that of a self_attention_backward without the division by sqrt(head_dim)",
            ),
            (
                "dk = dscores.transpose(0, 2, 1)",
                "dk = dscores",
                "Your dk equals that of a self_attention_backward whose dscores are not transposed in dK",
            ),
            ("dv = probs.transpose(0, 2, 1)", "dv = probs", "whose probs are not transposed in dV"),
            (
                "softmax_backward(dprobs, probs)",
                "dprobs",
                "Your dscores equal those of a self_attention_backward without softmax_backward",
            ),
            (
                "softmax_backward(dprobs, probs)",
                "probs * dprobs",
                "without the average subtracted in softmax_backward",
            ),
            ("return dx +", "return dx #", "without the way through the keys"),
            ("dx + linear", "dx # linear", "that only goes back through the values"),
            ("linear_backward(", "linear(", "that takes the forward layers"),
            (
                "split(linear_backward(dy, layer.out_lin))",
                "split(dy @ layer.out_lin.weight.T)",
                "with dy @ W.T instead of dy @ W in out_lin",
            ),
            ("v.transpose(0, 2, 1)", "v", "attention_backward.py, line 20: ValueError"),
            ("    record(dcontext", "    dict(dcontext", "passes"),
            ("math.sqrt(head_dim)", "np.sqrt(head_dim)", "your dq is float64, expected float32"),
        ),
    ),
}
