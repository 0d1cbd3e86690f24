"""Explain answers: from a text and a label to an `Explanation`, by one of four methods."""

from typing import get_args

import numpy as np

from ..choices import ExplainMethod
from ..engine.engine import Engine
from ..errors import ArgumentError
from ..foreign import shown
from ..model import reference
from ..model.params import Array
from ..predictions import Prediction
from ..reading import Reading
from ..texts import Text
from ..tokenizer import Tokenizer
from .attributions import (
    Attributed,
    Differentiable,
    attention_rollout,
    gradient_x_input,
    integrated_gradients,
)
from .explanation import Explanation
from .finite import expect_finite
from .float_params import unpacked
from .inputs import Input, read_inputs
from .left_out import effects_of_words
from .words import spread, sums_of_words, token_attributions, word_attributions

# Tokens that say nothing. The first one gave the more faithful attributions: see docs/inside.md.
NEUTRAL_TOKENS = ("[PAD]", "[MASK]")


def explain(
    text: Text,
    reading: Reading,
    engine: Engine,
    labels: tuple[str, ...],
    prediction: Prediction,
    method: ExplainMethod,
    target: str | int | None,
) -> Explanation:
    """Say which words of a text a label comes from: see `Classifier.explain`."""
    if method not in get_args(ExplainMethod):
        expected = ", ".join(map(repr, get_args(ExplainMethod)))
        raise ArgumentError(f"method is {shown(method)}, expected one of {expected}")
    label = _label_id(target, labels, prediction)
    given = read_inputs(reading, text, "text")
    if method == "leave_one_out":
        effects = effects_of_words(engine, given, label)
        return Explanation(
            texts=given.texts,
            target=labels[label],
            method=method,
            logit=float(prediction.logits[label]),
            words=word_attributions(given, effects),
            prediction=prediction,
        )
    if method == "attention_rollout":
        found = [_rollout(engine, one, label) for one in given.inputs]
    else:
        function = Differentiable(unpacked(engine).differentiable, engine.config, label)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):  # checked once, below
            found = [_gradients(function, one, reading.tokenizer, method) for one in given.inputs]
    for one in found:
        expect_finite("the attributions of the tokens", one.attributions)
    tokens, special = spread(given, [one.attributions for one in found])
    shares = [one.share for one in given.inputs]

    def mean(values: list[float | None]) -> float | None:
        numbers = [value for value in values if value is not None]
        return float(np.dot(shares, numbers)) if numbers else None

    return Explanation(
        texts=given.texts,
        target=labels[label],
        method=method,
        logit=float(np.dot(shares, [one.logit for one in found])),
        words=word_attributions(given, sums_of_words(given, tokens)),
        tokens=token_attributions(given, tokens),
        special=special,
        baseline_logit=mean([one.baseline_logit for one in found]),
        error=mean([one.error for one in found]),
        n_steps=max((one.n_steps for one in found if one.n_steps is not None), default=None),
        prediction=prediction,
    )


def neutral_ids(one: Input, tokenizer: Tokenizer) -> tuple[int, ...]:
    """Return an input of the same length that says nothing: [PAD] for every token but [CLS] and [SEP].

    A vocabulary without [PAD] has [MASK]; without either, the unknown token is used.
    """
    settings = tokenizer.settings
    names = (*NEUTRAL_TOKENS, settings.unk_token)
    neutral = next((settings.vocab[name] for name in names if name in settings.vocab), settings.sep_id)
    return tuple(id_ if token is None else neutral for id_, token in zip(one.ids, one.tokens, strict=True))


def _gradients(
    function: Differentiable, one: Input, tokenizer: Tokenizer, method: ExplainMethod
) -> Attributed:
    if method == "gradient_x_input":
        return gradient_x_input(function, one.ids)
    return integrated_gradients(function, one.ids, neutral_ids(one, tokenizer))


def _rollout(engine: Engine, one: Input, label: int) -> Attributed:
    trace: dict[str, Array] = {}
    logits = reference.forward(one.ids, unpacked(engine).params, engine.config, trace)
    return Attributed(attention_rollout(trace, engine.config.n_layers), float(logits[label]))


def _label_id(target: str | int | None, labels: tuple[str, ...], prediction: Prediction) -> int:
    """Return the id of the label to explain; by default, it is the predicted one."""
    if target is None:
        return labels.index(prediction.label)
    if isinstance(target, str) and target in labels:
        return labels.index(target)
    # argmax returns an integer of NumPy.
    is_integer = isinstance(target, int | np.integer) and not isinstance(target, bool)
    if is_integer and 0 <= int(target) < len(labels):
        return int(target)
    raise ArgumentError(
        f"target is {shown(target)}, expected one of the labels {shown(labels)}, or an id from 0 to "
        f"{len(labels) - 1}"
    )
