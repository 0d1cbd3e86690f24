"""The keyword arguments of `load`: a missing one takes its default, an unusable one raises.

Each function here resolves one argument. `Reading` and `Scoring` themselves check which values are valid at
all.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias, TypedDict, get_args

from .choices import (
    DEFAULT_AGGREGATE,
    DEFAULT_LANGUAGE,
    DEFAULT_STRIDE,
    DEFAULT_THRESHOLD,
    Aggregate,
    FunctionToApply,
    LongText,
    Precision,
)
from .errors import ArgumentError, InputTypeError
from .foreign import shown
from .model.config import DistilBertConfig
from .sentences import check_installed, language_code

# One number for all labels, one for each, or one for those that are named.
Threshold: TypeAlias = float | Sequence[float] | Mapping[str, float]


class OptionsButLabels(TypedDict, total=False):
    """The keyword arguments of `load`, but for `labels`, which are the truth where texts have some."""

    max_length: int | None
    function_to_apply: FunctionToApply | None
    threshold: Threshold | None
    calibrated: bool
    long_text: LongText
    stride: int | None
    aggregate: Aggregate | None
    sentences: bool | str
    split_special_tokens: bool
    precision: Precision
    threads: int | None
    local_files_only: bool


class LoadOptions(OptionsButLabels, total=False):
    """The keyword arguments of `load`."""

    labels: Iterable[str] | None


# Keywords of other libraries, and what to do here instead.
FOREIGN = {
    "batch_size": "texts are gathered by their tokens: stream(texts, batch_tokens=...)",
    "cache_dir": "set HF_HOME to move the cache of the hub",
    "device": "distilnp computes on the CPU; leave it out",
    "device_map": "distilnp computes on the CPU; leave it out",
    "dtype": "precision=... chooses between float32 and int8",
    "framework": "there is only one; leave it out",
    "model_kwargs": "give the options themselves",
    "num_workers": "threads=... sets how many threads compute",
    "padding": "texts are never padded; leave it out",
    "return_all_scores": "Prediction.scores has the score of every label",
    "return_tensors": "Classifier.forward gives logits as an array",
    "revision": 'name it in the model: "org/name@revision"',
    "task": "a model here is always a text classifier; leave it out",
    "token": "set HF_TOKEN",
    "tokenizer": "the tokenizer is that of the checkpoint; leave it out",
    "top_k": "Prediction.scores has the score of every label",
    "torch_dtype": "precision=... chooses between float32 and int8",
    "truncation": "long_text=... decides what is read of long texts; nothing is cut in silence",
    "trust_remote_code": "nothing in a checkpoint is executed; leave it out",
}


def refuse_keywords(function: str, keywords: Mapping[str, object]) -> None:
    """Raise an `InputTypeError` if there are keywords that a function does not have."""
    for keyword in keywords:
        from difflib import get_close_matches  # imported late: it takes milliseconds of every start

        near = get_close_matches(keyword, LoadOptions.__annotations__, 1)
        advice = FOREIGN.get(keyword) or (f"did you mean {near[0]}" if near else "leave it out")
        raise InputTypeError(f"{function} has no keyword {shown(keyword)}. In distilnp, {advice}")


def checked_bool(name: str, value: object) -> bool:
    """Return a value that is True or False."""
    if not isinstance(value, bool):
        raise InputTypeError(f"{name} is {shown(value)}, expected True or False")
    return value


def checked_precision(precision: Precision) -> Precision:
    """Return a precision that the engine has."""
    if precision not in get_args(Precision):
        raise ArgumentError(
            f"precision is {shown(precision)}, expected {' or '.join(map(repr, get_args(Precision)))}"
        )
    return precision


def label_tuple(labels: Iterable[str]) -> tuple[str, ...]:
    """Return labels as a tuple of str."""
    if isinstance(labels, str | Mapping) or not isinstance(labels, Iterable):
        raise InputTypeError(f"labels is {type(labels).__name__}, expected a list of str, one for each label")
    collected = tuple(labels)
    if not all(isinstance(label, str) for label in collected):
        raise InputTypeError(f"labels is {shown(collected)}, expected every label to be a str")
    return collected


def resolved_threshold(
    threshold: Threshold | None, function: FunctionToApply, labels: Sequence[str]
) -> float | tuple[float, ...] | None:
    """Return the threshold; by default 0.5 if each label is scored by itself, and otherwise None.

    Labels that a mapping does not name keep the default.
    """
    if threshold is None:
        return DEFAULT_THRESHOLD if function == "sigmoid" else None
    if isinstance(threshold, Mapping):
        unknown = [name for name in threshold if name not in labels]
        if unknown:
            raise ArgumentError(
                f"threshold is for {shown(unknown[0])}, expected a label of the model: {shown(tuple(labels))}"
            )
        return tuple(threshold.get(label, DEFAULT_THRESHOLD) for label in labels)
    if isinstance(threshold, Sequence) and not isinstance(threshold, str | bytes):
        return tuple(threshold)
    return threshold  # type: ignore[return-value]  # what is left is a number, or `Scoring` refuses it


def resolved_temperature(
    calibrated: bool, folder: Path, config: DistilBertConfig, function: FunctionToApply
) -> float:
    """Return the temperature of the checkpoint if scores are to be calibrated, and 1 otherwise."""
    if not checked_bool("calibrated", calibrated):
        return 1.0
    if function == "none":
        raise ArgumentError(
            "calibrated is True and function_to_apply is 'none', expected 'softmax' or 'sigmoid': only "
            "probabilities can be compared with how often they are right. Leave calibrated out"
        )
    if config.calibration_temperature is None:
        raise ArgumentError(
            f"calibrated is True and {folder / 'config.json'} has no calibration_temperature, expected the "
            "number that the logits are divided by. distilnp evaluate FILE --fit-temperature fits it on "
            "texts with labels; without it, leave calibrated out"
        )
    return float(config.calibration_temperature)


def resolved_windows(
    long_text: LongText, stride: int | None, aggregate: Aggregate | None, max_length: int
) -> tuple[int, Aggregate]:
    """Return the stride and the aggregate. Giving one of them is an error unless there are windows."""
    for name, value in (("stride", stride), ("aggregate", aggregate)):
        if value is not None and long_text != "windows":
            raise ArgumentError(
                f"{name} is {shown(value)} and long_text is {shown(long_text)}, expected "
                f"long_text='windows'. Without windows, leave {name} out"
            )
    if stride is None:
        stride = min(DEFAULT_STRIDE, max_length // 8) if type(max_length) is int else 0
    return stride, DEFAULT_AGGREGATE if aggregate is None else aggregate


def resolved_language(sentences: bool | str) -> str | None:
    """Return the language whose rules split texts into sentences, or None if texts are not split."""
    if not isinstance(sentences, bool | str) or sentences == "":
        raise ArgumentError(
            f'sentences is {shown(sentences)}, expected True, False or the code of a language, such as "en"'
        )
    if sentences is False:
        return None
    language = DEFAULT_LANGUAGE if sentences is True else language_code(sentences)
    check_installed()
    return language
