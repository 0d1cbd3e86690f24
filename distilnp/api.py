"""What users call: `load`, `classify`, `Classifier`.

Everything that a user gives is checked here, once, before anything is computed; there is no maths in this
file. The way of a text: `Tokenizer.encode`, the cut to what the model can see, the forward pass,
`predictions.predict`.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict, Unpack, get_args, overload

import numpy as np

from . import reference
from .checkpoint.config import DistilBertConfig
from .checkpoint.params import Params
from .checkpoint.registry import find_checkpoint
from .checkpoint.tensors import load_params
from .errors import ArgumentError, CheckpointError, InputTypeError
from .predictions import FunctionToApply, Prediction, default_function, predict
from .tokenizer import Encoding, Tokenizer

DEFAULT_MODEL = "sst2-mini"

# Tokens that `stream` gathers before it computes: about a hundred sentences, a fraction of a second.
DEFAULT_BATCH_TOKENS = 4096

# [CLS], [SEP] and one token between them.
MIN_MAX_LENGTH = 3


@dataclass(frozen=True, eq=False, repr=False)
class Classifier:
    """A text classifier: a tokenizer, a model and its labels. `load` makes one.

    Nothing in it ever changes: any number of threads may use one.

    Attributes
    ----------
    folder : Path
        Where the checkpoint is.
    config : DistilBertConfig
        What its `config.json` says.
    tokenizer : Tokenizer
        What its vocabulary and tokenizer files say.
    params : Params
        Its parameters, in float32.
    labels : tuple of str
        The label of each logit.
    function_to_apply : {"softmax", "sigmoid", "none"}
        What makes scores of logits.
    max_length : int
        The largest number of tokens of a text that the model is given, [CLS] and [SEP] among them.
    """

    folder: Path
    config: DistilBertConfig
    tokenizer: Tokenizer
    params: Params
    labels: tuple[str, ...]
    function_to_apply: FunctionToApply
    max_length: int

    def __repr__(self) -> str:
        return f"Classifier({os.fspath(self.folder)!r}, labels={self.labels!r})"

    # A str is an iterable of str too: type checkers take the first overload that fits, and so do we.
    @overload
    def __call__(self, texts: str) -> Prediction: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, texts: Iterable[str]) -> list[Prediction]: ...

    def __call__(self, texts: str | Iterable[str]) -> Prediction | list[Prediction]:
        """Call `classify`."""
        return self.classify(texts)

    @overload
    def classify(self, texts: str) -> Prediction: ...  # type: ignore[overload-overlap]
    @overload
    def classify(self, texts: Iterable[str]) -> list[Prediction]: ...

    def classify(self, texts: str | Iterable[str]) -> Prediction | list[Prediction]:
        """Classify one text or several.

        Parameters
        ----------
        texts : str or iterable of str
            An empty text is a text. One of more than `max_length` tokens is cut to its head, and its
            prediction says so.

        Returns
        -------
        Prediction or list of Prediction
            One for a `str`; otherwise a list, in the order of the texts.

        Raises
        ------
        InputTypeError
            Something is not a text; in an iterable, the message says which.
        """
        if isinstance(texts, str):
            return next(self.stream([texts]))
        return list(self.stream(texts))

    def stream(
        self, texts: Iterable[str], *, batch_tokens: int = DEFAULT_BATCH_TOKENS
    ) -> Iterator[Prediction]:
        """Classify texts as they come, in order, in memory that does not grow with their number.

        Parameters
        ----------
        texts : iterable of str
            Of any length, also endless.
        batch_tokens : int, optional
            Texts are gathered until they have this many tokens. It decides how soon answers come, never what
            they are.

        Returns
        -------
        iterator of Prediction
            One for every text.

        Raises
        ------
        InputTypeError
            Something is not a text; the message says which. The texts before it have their predictions first.
        ArgumentError
            `batch_tokens` is not a positive integer.
        """
        if type(batch_tokens) is not int or batch_tokens < 1:
            raise ArgumentError(f"batch_tokens is {batch_tokens!r}, expected a positive integer")
        if isinstance(texts, str | bytes | bytearray | Mapping) or not isinstance(texts, Iterable):
            raise InputTypeError(
                f"texts is {type(texts).__name__}, expected an iterable of texts, such as a list of str "
                "(classify also takes a single str)"
            )
        return (self._predict(encoding) for batch in self._batches(texts, batch_tokens) for encoding in batch)

    def _batches(self, texts: Iterable[str], batch_tokens: int) -> Iterator[list[Encoding]]:
        """Encode texts and gather them by their number of tokens."""
        batch: list[Encoding] = []
        n_tokens = 0
        try:
            for i, text in enumerate(texts):
                if not isinstance(text, str):
                    raise InputTypeError(
                        f"texts[{i}] is {type(text).__name__} ({text!r:.60}), expected str. "
                        "Drop it, or give an empty text in its place"
                    )
                batch.append(self.tokenizer.encode(text))
                n_tokens += min(len(batch[-1].ids), self.max_length)
                if n_tokens >= batch_tokens:
                    yield batch
                    batch, n_tokens = [], 0
        except Exception:
            yield batch  # a bad text, or a failing source, costs no text before it its answer
            raise
        yield batch

    def _predict(self, encoding: Encoding) -> Prediction:
        ids = encoding.ids
        n_tokens = len(ids)
        if n_tokens > self.max_length:
            # The head, and the [SEP] without which the model has never seen a text.
            ids = (*ids[: self.max_length - 1], ids[-1])
        with np.errstate(
            over="ignore", invalid="ignore"
        ):  # told below, as one error instead of many warnings
            logits = reference.forward(ids, self.params, self.config)
        if not np.isfinite(logits).all():
            raise CheckpointError(
                f"{self.folder} gives the logits {logits.tolist()} for a text of {len(ids)} tokens, expected "
                "finite numbers. Its weights are finite but too large for float32: the checkpoint is damaged"
            )
        return predict(logits, self.labels, self.function_to_apply, n_tokens=n_tokens, n_seen=len(ids))


def load(
    model: str | os.PathLike[str] = DEFAULT_MODEL,
    *,
    max_length: int | None = None,
    labels: Iterable[str] | None = None,
    function_to_apply: FunctionToApply | None = None,
    split_special_tokens: bool = False,
) -> Classifier:
    """Load a classifier.

    Parameters
    ----------
    model : str or path, optional
        The name of a bundled checkpoint, or a folder that `save_pretrained` of transformers wrote.
    max_length : int, optional
        Give the model at most this many tokens of a text, [CLS] and [SEP] among them; by default, as many as
        it has positions.
    labels : iterable of str, optional
        Labels in place of the checkpoint's, in the order of its ids.
    function_to_apply : {"softmax", "sigmoid", "none"}, optional
        What makes scores of logits; by default what transformers chooses by the checkpoint's `problem_type`
        and its number of labels.
    split_special_tokens : bool, optional
        Take "[SEP]" and its like in a text for the characters that they are. By default, as in transformers,
        they become the special tokens that they name.

    Returns
    -------
    Classifier

    Raises
    ------
    ModelNotFoundError
        There is no such model.
    CheckpointError
        Its files are damaged, unsupported, or belong to different models.
    ArgumentError, InputTypeError
        An argument cannot be used with this model, or is of the wrong type.

    Examples
    --------
    >>> import distilnp
    >>> classifier = distilnp.load("sst2-mini")
    >>> [prediction.label for prediction in classifier(["What a joy.", "What a bore."])]
    ['POSITIVE', 'NEGATIVE']
    """
    folder = find_checkpoint(model)
    config = DistilBertConfig.from_folder(folder)
    tokenizer = Tokenizer.from_folder(folder, split_special_tokens=split_special_tokens)
    _check_vocabulary(folder, tokenizer, config)
    return Classifier(
        folder=folder,
        config=config,
        tokenizer=tokenizer,
        labels=_checked_labels(labels, config),
        function_to_apply=_checked_function(function_to_apply, config),
        max_length=_checked_max_length(max_length, config),
        params=load_params(folder, config),  # last: only this takes time
    )


class LoadOptions(TypedDict, total=False):
    """The keyword arguments of `load`."""

    max_length: int | None
    labels: Iterable[str] | None
    function_to_apply: FunctionToApply | None
    split_special_tokens: bool


_loaded: dict[tuple[Path, str], Classifier] = {}


@overload
def classify(  # type: ignore[overload-overlap]
    texts: str, model: str | os.PathLike[str] = ..., **options: Unpack[LoadOptions]
) -> Prediction: ...
@overload
def classify(
    texts: Iterable[str], model: str | os.PathLike[str] = ..., **options: Unpack[LoadOptions]
) -> list[Prediction]: ...


def classify(
    texts: str | Iterable[str],
    model: str | os.PathLike[str] = DEFAULT_MODEL,
    **options: Unpack[LoadOptions],
) -> Prediction | list[Prediction]:
    """Classify one text or several, with a model that stays loaded for the next call.

    Parameters
    ----------
    texts : str or iterable of str
        See `Classifier.classify`.
    model, **options
        See `load`.

    Returns
    -------
    Prediction or list of Prediction
        One for a `str`; otherwise a list, in the order of the texts.

    Raises
    ------
    DistilnpError
        See `load` and `Classifier.classify`.

    Examples
    --------
    >>> import distilnp
    >>> distilnp.classify("I really liked that movie!").label
    'POSITIVE'
    """
    if options.get("labels") is not None:
        options["labels"] = _label_tuple(options["labels"])
    key = (find_checkpoint(model).resolve(), repr(sorted(options.items())))
    classifier = _loaded.get(key)
    if classifier is None:
        # No lock, which a fork could leave locked for ever: two threads may both load, and one stays.
        classifier = _loaded.setdefault(key, load(model, **options))
    return classifier.classify(texts)


def _label_tuple(labels: Iterable[str] | None) -> tuple[str, ...]:
    if isinstance(labels, str | Mapping) or not isinstance(labels, Iterable):
        raise InputTypeError(
            f"labels is {type(labels).__name__}, expected a list of text, one for each label"
        )
    collected = tuple(labels)
    if not all(isinstance(label, str) for label in collected):
        raise InputTypeError(f"labels is {collected!r}, expected every label to be text")
    return collected


def _checked_labels(labels: Iterable[str] | None, config: DistilBertConfig) -> tuple[str, ...]:
    if labels is None:
        return config.id2label
    checked = _label_tuple(labels)
    if len(checked) != config.n_labels or len(set(checked)) != len(checked):
        raise ArgumentError(
            f"labels is {checked!r}, expected {config.n_labels} different ones for {config.id2label!r}"
        )
    return checked


def _checked_function(function: FunctionToApply | None, config: DistilBertConfig) -> FunctionToApply:
    if function is None:
        return default_function(config)
    if function not in get_args(FunctionToApply):
        choices = ", ".join(repr(choice) for choice in get_args(FunctionToApply))
        raise ArgumentError(f"function_to_apply is {function!r}, expected one of {choices}")
    return function


def _checked_max_length(max_length: int | None, config: DistilBertConfig) -> int:
    largest = config.max_position_embeddings
    if max_length is None:
        return largest
    if type(max_length) is not int or not MIN_MAX_LENGTH <= max_length <= largest:
        raise ArgumentError(
            f"max_length is {max_length!r}, expected an integer from {MIN_MAX_LENGTH} to {largest}, "
            "the number of positions of this model"
        )
    return max_length


def _check_vocabulary(folder: Path, tokenizer: Tokenizer, config: DistilBertConfig) -> None:
    if tokenizer.vocab_size > config.vocab_size:
        raise CheckpointError(
            f"{folder}: the tokenizer has {tokenizer.vocab_size} tokens, expected at most "
            f"{config.vocab_size}, the vocab_size of config.json, so that each has an embedding. The files "
            "come from different models: take all of them from one revision of one checkpoint"
        )
