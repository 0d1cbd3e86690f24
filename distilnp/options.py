"""The keyword arguments of `load`: a missing one takes its default, an unusable one raises.

Each function here resolves one argument. What values `Reading` and `Scoring` can have at all, they check
themselves.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypedDict

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
from .sentences import check_installed


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


def label_tuple(labels: Iterable[str]) -> tuple[str, ...]:
    """Return labels as a tuple of str."""
    if isinstance(labels, str | Mapping) or not isinstance(labels, Iterable):
        raise InputTypeError(f"labels is {type(labels).__name__}, expected a list of str, one for each label")
    collected = tuple(labels)
    if not all(isinstance(label, str) for label in collected):
        raise InputTypeError(f"labels is {collected!r}, expected every label to be a str")
    return collected


def resolved_threshold(threshold: float | None, function: FunctionToApply) -> float | None:
    """Return the threshold; by default 0.5 if each label is scored by itself, and otherwise None."""
    if threshold is None and function == "sigmoid":
        return DEFAULT_THRESHOLD
    return threshold


def resolved_temperature(
    calibrated: bool, folder: Path, config: DistilBertConfig, function: FunctionToApply
) -> float:
    """Return the temperature of the checkpoint if scores are to be calibrated, and 1 otherwise."""
    if not calibrated:
        return 1.0
    if function == "none":
        raise ArgumentError(
            "calibrated is True and function_to_apply is 'none', expected 'softmax' or 'sigmoid': only "
            "probabilities can be compared with how often they are right. Leave calibrated out"
        )
    if config.calibration_temperature is None:
        raise ArgumentError(
            f"calibrated is True and {folder / 'config.json'} has no calibration_temperature, expected the "
            "number that the logits are divided by. weights/recipes/calibrate.py of distilnp's repository "
            "fits it on held-out texts; without it, leave calibrated out"
        )
    return float(config.calibration_temperature)


def resolved_windows(
    long_text: LongText, stride: int | None, aggregate: Aggregate | None, max_length: int
) -> tuple[int, Aggregate]:
    """Return the stride and the aggregate. Giving one of them is an error unless there are windows."""
    for name, value in (("stride", stride), ("aggregate", aggregate)):
        if value is not None and long_text != "windows":
            raise ArgumentError(
                f"{name} is {value!r} and long_text is {long_text!r}, expected long_text='windows'. Without "
                f"windows, leave {name} out"
            )
    if stride is None:
        stride = min(DEFAULT_STRIDE, max_length // 8) if type(max_length) is int else 0
    return stride, DEFAULT_AGGREGATE if aggregate is None else aggregate


def resolved_language(sentences: bool | str) -> str | None:
    """Return the language whose rules split texts into sentences, or None if texts are not split."""
    if not isinstance(sentences, bool | str) or sentences == "":
        raise ArgumentError(
            f'sentences is {sentences!r}, expected True, False or the code of a language, such as "en"'
        )
    if sentences is False:
        return None
    check_installed()
    return DEFAULT_LANGUAGE if sentences is True else sentences
