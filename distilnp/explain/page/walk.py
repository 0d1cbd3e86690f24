"""What happened in the model, step by step, as pieces of a page: tokens, vectors, heads, layers, logits."""

import json
from base64 import b64encode
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np

from ...choices import FunctionToApply
from ...model.params import Array
from ..attribution import Attribution
from ..fragment import safe
from ..pictures import logit_lens_picture
from ..trace import Trace
from .elements import bar, counted, isolated, note, table
from .masks import mask

# Attention is a number for each pair of tokens, head and layer: with so many tokens, it takes 2 MB of the
# page. Attention of a longer text is shown for its first tokens, and the page says so.
MAX_TOKENS = 128

# The width of the chart on a phone: no wider than its title, so that its letters are not too small to read.
NARROW = 440

# Labels in the chart of the logit lens: more lines cannot be told apart.
MAX_LABELS = 6


class Cut(NamedTuple):
    """The attention that the page shows.

    Attributes
    ----------
    probs : array, [n_layers, n_heads, n_shown, n_columns]
        The probabilities. If there are tokens that are not shown, the last column is the sum of theirs.
    n_shown : int
        The tokens that are shown.
    n_more : int
        The tokens that are not.
    """

    probs: Array
    n_shown: int
    n_more: int


def cut(trace: Trace) -> Cut:
    """Return the attention that the page shows: all of it, or that of the first tokens."""
    probs, n_shown = trace.probs, min(len(trace.tokens), MAX_TOKENS)
    rows = probs[..., :n_shown, :]
    n_more = len(trace.tokens) - n_shown
    if n_more:
        rows = np.concatenate([rows[..., :n_shown], rows[..., n_shown:].sum(axis=-1, keepdims=True)], axis=-1)
    return Cut(rows, n_shown, n_more)


def tokens(trace: Trace, words: Sequence[Attribution]) -> str:
    """Return the tokens in the order of the text: each word over its pieces, and each piece over its id."""
    places = list(_words_of(trace, words))
    numbered = zip(places, trace.tokens, trace.ids, strict=True)
    # Pieces without a word, which are [CLS] and [SEP], stand alone.
    groups = groupby(enumerate(numbered), lambda one: ~one[0] if one[1][0] is None else one[1][0])
    items = []
    for _, group in groups:
        pieces = [piece for _, piece in group]
        place = pieces[0][0]
        shown = "".join(
            f'<span class="piece">{isolated(token)}<span class="id">{id_}</span></span>'
            for _, token, id_ in pieces
        )
        name = "added" if place is None else isolated(words[place].text)
        kind = " added" if place is None else ""
        items.append(f'<li class="word{kind}"><span class="of">{name}</span><span>{shown}</span></li>')
    return f'<ol class="tokens">{"".join(items)}</ol>'


def about_tokens(trace: Trace, words: Sequence[Attribution], n_tokens: int) -> str:
    """Return a sentence about the pieces of words, and one about what the model was not given."""
    places = [place for place in _words_of(trace, words) if place is not None]
    n_split = sum(len(list(group)) > 1 for _, group in groupby(places))
    n_words = len(set(places))
    said = f"The model was given {counted(n_words, 'word')}, punctuation marks included. "
    if n_split:
        said += f"{n_split} of them became several tokens."
    elif n_words:
        said += "Each became one token."
    if len(trace.tokens) < n_tokens:
        said += (
            f" <strong>The whole text has {n_tokens} tokens, and the model was given {len(trace.tokens)} of "
            "them.</strong> Only these are in the steps up to the answer."
        )
    return said


def _words_of(trace: Trace, words: Sequence[Attribution]) -> Iterator[int | None]:
    """Yield the index of each token's word; None for [CLS] and [SEP]."""
    for span in trace.spans:
        if span is None:
            yield None
            continue
        sequence, start, end = span
        yield next(
            i
            for i, word in enumerate(words)
            if word.sequence == sequence and word.start <= start and end <= word.end
        )


def vectors(trace: Trace) -> str:
    """Return a picture of the vectors that enter the first layer: a row for each token."""
    x = trace["embeddings.LayerNorm"]
    share = x / (np.abs(x).max() or 1.0)
    names = "".join(f"<span>{isolated(token)}</span>" for token in trace.tokens)
    above, below = mask(np.maximum(share, 0)), mask(np.maximum(-share, 0))
    label = f"The vectors of {len(trace.tokens)} tokens: {x.shape[1]} numbers each"
    return (
        f'<div class="vectors scroll" tabindex="0" role="group" aria-label="{label}">'
        f'<div class="names">{names}</div><div class="strips" role="img" aria-label="{label}">'
        f'<span class="for" style="--image:url(\'{above}\')"></span>'
        f'<span class="against" style="--image:url(\'{below}\')"></span></div></div>'
    )


def heads(trace: Trace, shown: Cut) -> str:
    """Return all heads as pictures to choose from: a row for each layer."""
    n_layers, n_heads = shown.probs.shape[:2]
    chosen = _clearest(trace, shown)
    rows = []
    for layer in range(n_layers):
        cells = "".join(
            f'<label class="head"><input type="radio" name="head" value="{layer * n_heads + head}" '
            f'aria-label="layer {layer}, head {head}"{" checked" * ((layer, head) == chosen)}>'
            f"<span style=\"--image:url('{mask(shown.probs[layer, head])}')\"></span></label>"
            for head in range(n_heads)
        )
        rows.append(f'<div class="layer"><span class="name"><span>layer </span>{layer}</span>{cells}</div>')
    numbers = "".join(f"<span>{head}</span>" for head in range(n_heads))
    return (
        f'<div class="heads scroll" style="--n:{n_heads}">'
        '<div class="layer numbers" aria-hidden="true"><span class="name"><span>head</span></span>'
        f"{numbers}</div>{''.join(rows)}</div>"
    )


def _clearest(trace: Trace, shown: Cut) -> tuple[int, int]:
    """Return the layer and the head in which [CLS] looks most clearly at one word of the text."""
    spans = zip(trace.spans[: shown.n_shown], trace.tokens, strict=False)
    words = [i for i, (span, token) in enumerate(spans) if span is not None and token[-1:].isalnum()]
    of_cls = shown.probs[:, :, 0, words or [0]].max(axis=-1)
    layer, head = np.unravel_index(int(of_cls.argmax()), of_cls.shape)
    return int(layer), int(head)


def sentence(trace: Trace, shown: Cut) -> str:
    """Return the tokens to point at."""
    choices = "".join(
        f'<label class="look"><input type="radio" name="token" value="{i}"{" checked" * (i == 0)}>'
        f"{isolated(token)}</label>"
        for i, token in enumerate(trace.tokens[: shown.n_shown])
    )
    more = f'<span class="look">… {counted(shown.n_more, "more token")}</span>' if shown.n_more else ""
    return f'<div class="sentence">{choices}{more}</div>'


def about_cut(shown: Cut) -> str:
    """Return a note if the page does not show the attention of all tokens."""
    if not shown.n_more:
        return ""
    return note(
        f"The model was given {shown.n_shown + shown.n_more} tokens. This step shows the first "
        f"{shown.n_shown}, because attention has a number for every pair of tokens in every head. How much "
        f"they look at the {shown.n_more} others is added up."
    )


def attention_data(shown: Cut) -> str:
    """Return the probabilities as JSON, in two digits: bytes that stand for 0 to 1, in base64."""
    _, n_heads, n_rows, n_columns = shown.probs.shape
    numbers = b64encode(np.rint(shown.probs * 255).astype(np.uint8).tobytes()).decode()
    return json.dumps({"n_heads": n_heads, "n_rows": n_rows, "n_columns": n_columns, "probs": numbers})


def additions(trace: Trace) -> str:
    """Return how much the halves of each layer add to the vectors, as a table with bars."""
    n_layers = len(trace.logit_lens) - 1
    before = trace["embeddings.LayerNorm"]
    shares = []
    for i in range(n_layers):
        middle = trace[f"layer.{i}.sa_layer_norm"]
        shares.append(
            [
                _relative(trace[f"layer.{i}.attention.out_lin"], before),
                _relative(trace[f"layer.{i}.ffn.lin2"], middle),
            ]
        )
        before = trace[f"layer.{i}.output_layer_norm"]
    largest = max(max(pair) for pair in shares) or 1.0
    return table(
        ("layer", "self-attention", "feed-forward"),
        (
            (f"layer {i}", *(f"{bar(share / largest)}{share:.0%}" for share in pair))
            for i, pair in enumerate(shares)
        ),
        "How long the vector is that each half adds, compared with the vector that it is added to; the mean "
        "over all tokens",
    )


def _relative(added: Array, x: Array) -> float:
    """Return how long vectors are, compared with others: the mean over tokens; 0 beside vectors of zeros."""
    lengths, others = (np.linalg.norm(vectors.astype(np.float64), axis=-1) for vectors in (added, x))
    return float(np.divide(lengths, others, out=np.zeros_like(lengths), where=others > 0).mean())


def lens(trace: Trace) -> str:
    """Return the logits that the head gives for [CLS] after each layer: a chart, and a table."""
    ranked = np.argsort(-trace.logits, kind="stable")[:MAX_LABELS]
    kept = sorted(int(label) for label in ranked)
    labels = [trace.labels[label] for label in kept]
    logits = trace.logit_lens[:, kept]
    about = ""
    if len(kept) < len(trace.labels):
        about = note(
            f"The model has {len(trace.labels)} labels. These are the {len(kept)} that have the highest "
            "logits in the end."
        )
    places = ("the embeddings", *(f"layer {i}" for i in range(len(logits) - 1)))
    numbers = table(
        ("after", *map(isolated, labels)),
        ((place, *map("{:+.2f}".format, row)) for place, row in zip(places, logits.tolist(), strict=True)),
    )
    return (
        f'{about}<div class="chart wide">{logit_lens_picture(labels, logits)}</div>'
        f'<div class="chart narrow">{logit_lens_picture(labels, logits, NARROW)}</div>'
        "<details><summary>The same numbers as a table</summary>"
        f'<div class="scroll" tabindex="0" role="group" aria-label="Table of the logit lens">{numbers}</div>'
        "</details>"
    )


def answer(trace: Trace, scores: dict[str, float], function: FunctionToApply) -> str:
    """Return the labels with their logits and scores, as a table with bars."""
    caption = "What the head reads from [CLS] after the last layer"
    logits = dict(zip(trace.labels, trace.logits.tolist(), strict=True))
    if function == "none":
        largest = max(map(abs, logits.values())) or 1.0
        rows = ((isolated(label), f"{bar(logit / largest)}{logit:+.3f}") for label, logit in logits.items())
        return table(("label", "logit"), rows, caption)
    return table(
        ("label", "logit", "score"),
        (
            (isolated(label), f"{logit:+.3f}", f"{bar(scores[label])}{scores[label]:.4f}")
            for label, logit in logits.items()
        ),
        caption,
    )


def intermediates(trace: Trace) -> str:
    """Return the names and shapes of all intermediates as a table."""
    return table(
        ("name", "shape"),
        ((f"<code>{safe(name)}</code>", " × ".join(map(str, x.shape))) for name, x in trace.items()),
    )
