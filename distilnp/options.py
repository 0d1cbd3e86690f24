"""The keyword arguments of `load`: what each may be, with this model and with the others.

What is not given becomes what it stands for; what cannot be used raises `ArgumentError`, or `InputTypeError`
where it is of the wrong type.
"""

from collections.abc import Iterable, Mapping
from numbers import Real
from pathlib import Path
from typing import Any, TypedDict, get_args

from .choices import (
    DEFAULT_AGGREGATE,
    DEFAULT_LANGUAGE,
    DEFAULT_STRIDE,
    DEFAULT_THRESHOLD,
    Aggregate,
    FunctionToApply,
    LongText,
)
from .errors import ArgumentError, InputTypeError
from .model.config import DistilBertConfig
from .predictions import default_function
from .sentences import check_installed

# [CLS], [SEP] and one token between them.
MIN_MAX_LENGTH = 3


class LoadOptions(TypedDict, total=False):
    """The keyword arguments of `load`."""

    max_length: int | None
    labels: Iterable[str] | None
    function_to_apply: FunctionToApply | None
    threshold: float | None
    calibrated: bool
    long_text: LongText
    stride: int | None
    aggregate: Aggregate | None
    sentences: bool | str
    split_special_tokens: bool
    threads: int | None
    local_files_only: bool


def label_tuple(labels: Iterable[str] | None) -> tuple[str, ...]:
    """Return labels that are text, and can be looked at more than once."""
    if isinstance(labels, str | Mapping) or not isinstance(labels, Iterable):
        raise InputTypeError(
            f"labels is {type(labels).__name__}, expected a list of text, one for each label"
        )
    collected = tuple(labels)
    if not all(isinstance(label, str) for label in collected):
        raise InputTypeError(f"labels is {collected!r}, expected every label to be text")
    return collected


def checked_labels(labels: Iterable[str], config: DistilBertConfig) -> tuple[str, ...]:
    """Return labels of which the model has as many."""
    checked = label_tuple(labels)
    if len(checked) != config.n_labels or len(set(checked)) != len(checked):
        raise ArgumentError(
            f"labels is {checked!r}, expected {config.n_labels} different ones for {config.id2label!r}"
        )
    return checked


def checked_function(function: FunctionToApply | None, config: DistilBertConfig) -> FunctionToApply:
    """Return the function that makes scores; without one, transformers' choice."""
    if function is None:
        return default_function(config)
    _expect_one_of("function_to_apply", function, FunctionToApply)
    return function


def checked_threshold(threshold: float | None, function: FunctionToApply) -> float | None:
    """Return the threshold of a function that judges each label by itself; None of one that does not."""
    if threshold is None:
        return DEFAULT_THRESHOLD if function == "sigmoid" else None
    # A bool is a number too, and NaN is in no range.
    if isinstance(threshold, bool) or not isinstance(threshold, Real) or not 0 <= threshold <= 1:
        raise ArgumentError(f"threshold is {threshold!r}, expected a number from 0 to 1")
    if function != "sigmoid":
        raise ArgumentError(
            f"threshold is {threshold!r} and the function that makes scores is {function!r}, expected "
            "'sigmoid', which judges each label by itself. Leave the threshold out, or give "
            "function_to_apply='sigmoid' if several labels may hold at once"
        )
    return float(threshold)


def checked_temperature(folder: Path, config: DistilBertConfig, function: FunctionToApply) -> float:
    """Return the checkpoint's temperature, for scores that can be calibrated."""
    if function == "none":
        raise ArgumentError(
            "calibrated is True and the function that makes scores is 'none', expected 'softmax' or "
            "'sigmoid': only their scores can be held against how often they are right. Leave calibrated out"
        )
    if config.calibration_temperature is None:
        raise ArgumentError(
            f"calibrated is True and {folder / 'config.json'} has no calibration_temperature, expected the "
            "number that the logits are divided by. weights/recipes/calibrate.py of distilnp's repository "
            "shows how it is fitted on held-out texts; without it, leave calibrated out"
        )
    return float(config.calibration_temperature)


def checked_max_length(max_length: int | None, config: DistilBertConfig) -> int:
    """Return how many tokens the model may be given at once; without a number, as many as it can."""
    largest = config.max_position_embeddings
    if max_length is None:
        return largest
    if type(max_length) is not int or not MIN_MAX_LENGTH <= max_length <= largest:
        raise ArgumentError(
            f"max_length is {max_length!r}, expected an integer from {MIN_MAX_LENGTH} to {largest}, "
            "the number of positions of this model"
        )
    return max_length


def checked_windows(
    long_text: LongText, stride: int | None, aggregate: Aggregate | None, max_length: int
) -> tuple[int, Aggregate]:
    """Return the stride and what aggregates, of a policy under which they count for something."""
    _expect_one_of("long_text", long_text, LongText)
    for name, value in (("stride", stride), ("aggregate", aggregate)):
        if value is not None and long_text != "windows":
            raise ArgumentError(
                f"{name} is {value!r} and long_text is {long_text!r}, expected long_text='windows': there "
                f"are no windows otherwise. Leave {name} out, or ask for them"
            )
    if aggregate is None:
        aggregate = DEFAULT_AGGREGATE
    _expect_one_of("aggregate", aggregate, Aggregate)
    if stride is None:
        return min(DEFAULT_STRIDE, max_length // 8), aggregate
    room = max_length - MIN_MAX_LENGTH
    if type(stride) is not int or not 0 <= stride <= room:
        raise ArgumentError(
            f"stride is {stride!r}, expected an integer from 0 to {room}: consecutive windows share so many "
            f"of {max_length} tokens, and [CLS], [SEP] and at least one other have to be the window's own"
        )
    return stride, aggregate


def checked_language(sentences: bool | str) -> str | None:
    """Return the language of the sentences, if texts are to be parted into these."""
    if not isinstance(sentences, bool | str) or sentences == "":
        raise ArgumentError(
            f'sentences is {sentences!r}, expected True, False or the code of a language, such as "en"'
        )
    if sentences is False:
        return None
    check_installed()
    return DEFAULT_LANGUAGE if sentences is True else sentences


def _expect_one_of(name: str, value: object, allowed: Any) -> None:
    if value not in get_args(allowed):
        choices = ", ".join(repr(choice) for choice in get_args(allowed))
        raise ArgumentError(f"{name} is {value!r}, expected one of {choices}")
