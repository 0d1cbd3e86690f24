"""What happened in the model, for one text: every intermediate of the reference pass, by name."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..engine.engine import Engine
from ..errors import ArgumentError
from ..foreign import shown
from ..model import reference
from ..model.config import DistilBertConfig
from ..model.params import Array, Params
from ..reading import Reading
from ..svg import Svg
from ..texts import Text
from .finite import expect_finite
from .float_params import unpacked
from .inputs import read_inputs


@dataclass(frozen=True, eq=False, repr=False)
class Trace(Mapping[str, Array]):
    """The intermediates of one forward pass: a mapping from names to arrays, in the order of computation.

    The names are those of the checkpoint's modules, shortened as in docs/glossary.md:
    "embeddings.LayerNorm", "layer.0.attention.q_lin", "layer.0.attention.probs", ... "classifier". A module's
    name stands for its output.

    Attributes
    ----------
    texts : tuple of str
        The text, or both of a pair.
    ids : tuple of int, [n_seq]
        What the model was given.
    tokens : tuple of str, [n_seq]
        The tokens, with [CLS] and [SEP].
    spans : tuple of (int, int, int) or None, [n_seq]
        Where each token is: the index of its text, and its span of characters. None for [CLS] and [SEP].
    labels : tuple of str
        The label of each logit.
    arrays : dict of str to array
        The intermediates. Read-only.
    logit_lens : array, [n_layers + 1, n_labels]
        The logits that the head gives for [CLS] after the embeddings and after each layer. The last ones are
        the model's; the others say how far it had come.
    logits : array, [n_labels]
        The logits of the model.
    probs : array, [n_layers, n_heads, n_seq, n_seq]
        Where each head of each layer looks: `probs[layer, head, i, j]` is how much of token j goes into
        token i.
    """

    texts: tuple[str, ...]
    ids: tuple[int, ...]
    tokens: tuple[str, ...]
    spans: tuple[tuple[int, int, int] | None, ...]
    labels: tuple[str, ...]
    arrays: dict[str, Array]
    logit_lens: Array

    def __getitem__(self, name: str) -> Array:
        return self.arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.arrays)

    def __len__(self) -> int:
        return len(self.arrays)

    # Those of a mapping would compare arrays, which gives an array.
    __eq__, __hash__ = object.__eq__, object.__hash__

    @property
    def logits(self) -> Array:
        """The logits of the model."""
        return self.arrays["classifier"]

    @property
    def probs(self) -> Array:
        """Where each head of each layer looks."""
        n_layers = len(self.logit_lens) - 1
        return np.stack([self.arrays[f"layer.{i}.attention.probs"] for i in range(n_layers)])

    def attention_svg(self, layer: int, head: int | None = None) -> Svg:
        """Draw where the heads of a layer look: a row for each token, with a cell for each that it looks at.

        Parameters
        ----------
        layer : int
            From 0; -1 is the last.
        head : int, optional
            From 0; -1 is the last. By default, all heads of the layer are drawn.

        Returns
        -------
        Svg
            The text of an SVG file, which a notebook shows.

        Raises
        ------
        ArgumentError
            There is no such layer or head.
        """
        from .pictures import attention_picture  # imported late: most traces are not drawn

        n_layers, n_heads = self.probs.shape[:2]
        number = _index("layer", layer, n_layers)
        heads = range(n_heads) if head is None else [_index("head", head, n_heads)]
        return attention_picture(self.tokens, self.probs[number], number, heads)

    def logit_lens_svg(self) -> Svg:
        """Draw the logits that the head gives after each layer."""
        from .pictures import logit_lens_picture

        return logit_lens_picture(self.labels, self.logit_lens)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all arrays into a file that `numpy.load` reads.

        It also has `ids`, `tokens`, `labels` and `logit_lens`.

        Parameters
        ----------
        path : str or path
            The file, whose name usually ends in ".npz".
        """
        arrays: dict[str, Any] = {
            "ids": np.array(self.ids),
            "tokens": np.array(self.tokens),
            "labels": np.array(self.labels),
            "logit_lens": self.logit_lens,
            **self.arrays,
        }
        with Path(path).open("wb") as file:
            np.savez_compressed(file, **arrays)

    def __repr__(self) -> str:
        return f"Trace({len(self.tokens)} tokens, {len(self.arrays)} intermediates)"

    def _repr_html_(self) -> str:
        """Return the names and shapes as a table, for notebooks."""
        from html import escape

        rows = "".join(
            f"<tr><td><code>{escape(name)}</code></td><td>{list(array.shape)}</td></tr>"
            for name, array in self.arrays.items()
        )
        return f"<table><tr><th>name</th><th>shape</th></tr>{rows}</table>"


def record_trace(text: Text, reading: Reading, engine: Engine, labels: tuple[str, ...]) -> Trace:
    """Run the reference pass on a text and keep everything: see `Classifier.trace`."""
    given = read_inputs(reading, text, "text")
    if len(given.inputs) != 1:
        raise ArgumentError(
            f"text is given to the model in {len(given.inputs)} parts, expected one: a trace is of one pass. "
            "Give one window or sentence, such as text[part.start:part.end]"
        )
    (one,) = given.inputs
    params = unpacked(engine).params
    arrays: dict[str, Array] = {}
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):  # checked once, below
        reference.forward(one.ids, params, engine.config, arrays)
        lens = logit_lens(arrays, params, engine.config)
    expect_finite("the logits after each layer", lens)
    for array in (*arrays.values(), lens):
        array.flags.writeable = False
    settings = reading.tokenizer.settings
    tokens: list[str] = [settings.cls_token]
    spans: list[tuple[int, int, int] | None] = [None]
    for i in one.tokens[1:]:
        token = None if i is None else given.tokens[i]
        tokens.append(settings.sep_token if token is None else token.token)
        spans.append(None if token is None else (token.sequence, token.start, token.end))
    return Trace(given.texts, one.ids, tuple(tokens), tuple(spans), labels, arrays, lens)


def logit_lens(arrays: Mapping[str, Array], params: Params, config: DistilBertConfig) -> Array:
    """Apply the head to [CLS] after the embeddings and after each layer: [n_layers + 1, n_labels]."""
    names = ["embeddings.LayerNorm", *(f"layer.{i}.output_layer_norm" for i in range(config.n_layers))]
    return np.stack([reference.head(arrays[name], params, lambda **_: None) for name in names])


def _index(name: str, value: int, n: int) -> int:
    """Return an index that may count from the end as one that counts from the start."""
    if type(value) is bool or not isinstance(value, int | np.integer) or not -n <= value < n:
        raise ArgumentError(f"{name} is {shown(value)}, expected an integer from {-n} to {n - 1}")
    return int(value) % n
