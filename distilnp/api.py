"""What users call: `load`, `classify`, `Classifier`.

Everything that a user gives is checked once, before anything is computed: texts here, options in `options`;
there is no maths in this file. The way of a text: `Tokenizer.encode`, what `long_text` gives the model of it,
`Engine.forward`, `predictions.predict`; a text in sentences goes it sentence by sentence.
"""

import operator
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Unpack, overload

import numpy as np
from numpy.typing import NDArray

from .checkpoint.config_json import read_config
from .checkpoint.registry import find_checkpoint, hub_model, promised_labels
from .checkpoint.tensors import load_params
from .choices import (
    DEFAULT_BATCH_TOKENS,
    DEFAULT_LONG_TEXT,
    DEFAULT_MODEL,
    Aggregate,
    FunctionToApply,
    LongText,
)
from .engine.engine import Engine
from .engine.fallback import ReferenceEngine
from .engine.threads import thread_count
from .engine.weights import load_packed
from .errors import ArgumentError, CheckpointError, InputTypeError, TextTooLongError
from .long_text import Passage, read
from .model.config import DistilBertConfig
from .model.params import Params
from .native.loader import chosen, say
from .options import (
    LoadOptions,
    checked_function,
    checked_labels,
    checked_language,
    checked_max_length,
    checked_temperature,
    checked_threshold,
    checked_windows,
    label_tuple,
)
from .predictions import (
    Part,
    Prediction,
    aggregated,
    placed,
    predict,
)
from .sentences import sentence_spans
from .texts import Text, parts
from .tokenizer import Tokenizer


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
    engine : Engine or ReferenceEngine
        Its parameters, and what computes with them.
    labels : tuple of str
        The label of each logit.
    function_to_apply : {"softmax", "sigmoid", "none"}
        What makes scores of logits.
    threshold : float or None
        A label holds if its score is above it. None where scores are no sigmoids and one label wins.
    temperature : float
        What logits are divided by before scores are made of them: that of the checkpoint where scores are
        calibrated, otherwise 1.0.
    max_length : int
        The largest number of tokens that the model is given at once, [CLS] and [SEP] among them.
    long_text : {"head", "tail", "head_tail", "windows", "error"}
        What it is given of a text that has more.
    stride : int
        Tokens that consecutive windows share.
    aggregate : {"mean_probs", "mean_logits", "max"}
        How scores of windows become those of their text.
    sentences : str or None
        The language by whose rules texts are parted into sentences. None where they are not.
    """

    folder: Path
    config: DistilBertConfig
    tokenizer: Tokenizer
    engine: Engine | ReferenceEngine
    labels: tuple[str, ...]
    function_to_apply: FunctionToApply
    threshold: float | None
    temperature: float
    max_length: int
    long_text: LongText
    stride: int
    aggregate: Aggregate
    sentences: str | None

    @property
    def params(self) -> Params:
        """The parameters as `distilnp.model.reference` takes them, float32; unpacked anew when asked for."""
        return self.engine.params

    def __repr__(self) -> str:
        return f"Classifier({os.fspath(self.folder)!r}, labels={self.labels!r})"

    # A text is an iterable of str too: type checkers take the first overload that fits, and so do we.
    @overload
    def __call__(self, texts: Text) -> Prediction: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, texts: Iterable[Text]) -> list[Prediction]: ...

    def __call__(self, texts: Text | Iterable[Text]) -> Prediction | list[Prediction]:
        """Call `classify`."""
        return self.classify(texts)

    @overload
    def classify(self, texts: Text) -> Prediction: ...  # type: ignore[overload-overlap]
    @overload
    def classify(self, texts: Iterable[Text]) -> list[Prediction]: ...

    def classify(self, texts: Text | Iterable[Text]) -> Prediction | list[Prediction]:
        """Classify one text or several.

        Parameters
        ----------
        texts : str or mapping, or an iterable of them
            A mapping `{"text": ..., "text_pair": ...}` is two texts that belong together. An empty text is a
            text. Of what has more than `max_length` tokens, `long_text` decides what is read, and the
            prediction says how much that was; two texts are cut, the longer one first
            (`long_text.longest_first`).

        Returns
        -------
        Prediction or list of Prediction
            One for a `str` or a mapping; otherwise a list, in the order of the texts.

        Raises
        ------
        InputTypeError
            Something is not a text; in an iterable, the message says which.
        TextTooLongError
            A text is too long, and `long_text` is "error".
        ArgumentError
            Two texts that belong together, where `long_text` or `sentences` is for single ones.
        """
        if isinstance(texts, str | Mapping):
            return next(self._predict([self._read(texts, "texts")]))
        return list(self.stream(texts))

    def stream(
        self, texts: Iterable[Text], *, batch_tokens: int = DEFAULT_BATCH_TOKENS
    ) -> Iterator[Prediction]:
        """Classify texts as they come, in order, in memory that does not grow with their number.

        Parameters
        ----------
        texts : iterable of str or mapping
            See `classify`; of any length, also endless.
        batch_tokens : int, optional
            Texts are gathered until they have this many tokens. It decides how soon answers come, never what
            they are.

        Returns
        -------
        iterator of Prediction
            One for every text.

        Raises
        ------
        InputTypeError, TextTooLongError, ArgumentError
            See `classify`; the message says which text it is. Those before it have their predictions first.
        ArgumentError
            `batch_tokens` is not a positive integer.
        """
        if type(batch_tokens) is not int or batch_tokens < 1:
            raise ArgumentError(f"batch_tokens is {batch_tokens!r}, expected a positive integer")
        if isinstance(texts, str | bytes | bytearray | Mapping) or not isinstance(texts, Iterable):
            raise InputTypeError(
                f"texts is {type(texts).__name__}, expected an iterable of texts, such as a list of str "
                "(classify also takes a single text)"
            )
        return (
            prediction for batch in self._batches(texts, batch_tokens) for prediction in self._predict(batch)
        )

    def warmup(self) -> None:
        """Compile the kernels now, some seconds once in a process, and not at the first text."""
        self.engine.warmup()

    def forward(self, texts: Iterable[Sequence[int]]) -> NDArray[np.float32]:
        """Compute the logits of texts that are token ids already.

        Parameters
        ----------
        texts : iterable of sequences of int
            Each as `tokenizer.encode` gives it, with [CLS] and [SEP], of at most
            `config.max_position_embeddings` tokens: here, nothing is cut.

        Returns
        -------
        array, [n_texts, n_labels], float32

        Raises
        ------
        InputTypeError, ArgumentError
            Something is not a sequence of integers, has none or too many, or ids that the model has not.

        Examples
        --------
        >>> import distilnp
        >>> classifier = distilnp.load("sst2-mini")
        >>> logits = classifier.forward([classifier.tokenizer.encode("What a joy.").ids])
        >>> classifier.labels[logits[0].argmax()]
        'POSITIVE'
        """
        if not isinstance(texts, Iterable):
            raise InputTypeError(
                f"texts is {type(texts).__name__}, expected an iterable of texts, each as token ids"
            )
        return self.engine.forward([self._checked_ids(i, ids) for i, ids in enumerate(texts)])

    def _checked_ids(self, i: int, ids: Sequence[int]) -> list[int]:
        try:
            checked = [operator.index(id_) for id_ in ids]
        except TypeError as error:
            raise InputTypeError(
                f"texts[{i}] is {ids!r:.60}, expected token ids: a sequence of integers"
            ) from error
        if not 1 <= len(checked) <= self.config.max_position_embeddings:
            raise ArgumentError(
                f"texts[{i}] has {len(checked)} tokens, expected from 1 to "
                f"{self.config.max_position_embeddings}, the number of positions of this model. Cut it, or "
                "give the text to classify, which does"
            )
        if min(checked) < 0 or max(checked) >= self.config.vocab_size:
            raise ArgumentError(
                f"texts[{i}] has ids from {min(checked)} to {max(checked)}, expected from 0 to "
                f"{self.config.vocab_size - 1}. They come from another model's tokenizer"
            )
        return checked

    def _batches(self, texts: Iterable[Text], batch_tokens: int) -> Iterator[list[list[Passage]]]:
        """Read texts, each as passages, and gather them by the number of tokens that the model is given."""
        batch: list[list[Passage]] = []
        n_tokens = 0
        try:
            for i, text in enumerate(texts):
                batch.append(self._read(text, f"texts[{i}]"))
                n_tokens += sum(len(ids) for passage in batch[-1] for ids in passage.inputs)
                if n_tokens >= batch_tokens:
                    yield batch
                    batch, n_tokens = [], 0
        except Exception:
            yield batch  # a bad text, or a failing source, costs no text before it its answer
            raise
        yield batch

    def _read(self, text: Text, name: str) -> list[Passage]:
        """Choose what the model is given of a text: one passage, or one for each sentence."""
        whole, *pair = parts(text, name)
        if pair and (self.sentences is not None or self.long_text != "head"):
            asked = f"long_text={self.long_text!r}" if self.sentences is None else "sentences"
            raise ArgumentError(
                f"{name} is two texts that belong together, and {asked} was asked for, expected a single "
                "text. Pairs are only ever cut, the longer text first: leave it out for them"
            )
        spans = [(0, len(whole))] if self.sentences is None else sentence_spans(whole, self.sentences)
        return [self._passage(whole[start:end], *pair, start=start, name=name) for start, end in spans]

    def _passage(self, *texts: str, start: int, name: str) -> Passage:
        encoding = self.tokenizer.encode(*texts)
        n_tokens = len(encoding)
        if self.long_text == "error" and n_tokens > self.max_length:
            where = name if self.sentences is None else f"the sentence at character {start} of {name}"
            raise TextTooLongError(
                f"{where} has {n_tokens} tokens, expected at most {self.max_length}, as long_text is "
                "'error'. Shorten it, or say what is read of long texts: their 'head', 'tail' or "
                "'head_tail', or in 'windows' all of it"
            )
        end = start + len(texts[0])
        return read(encoding, start, end, self.max_length, self.long_text, self.stride)

    def _predict(self, batch: list[list[Passage]]) -> Iterator[Prediction]:
        inputs = [ids for passages in batch for passage in passages for ids in passage.inputs]
        logits = iter(self.engine.forward(inputs))
        for passages in batch:
            answers = [self._answer(passage, logits) for passage in passages]
            yield answers[0] if self.sentences is None else self._coalesced(passages, answers)

    def _answer(self, passage: Passage, logits: Iterator[NDArray[np.float32]]) -> Prediction:
        """Make the prediction for a passage, whose inputs are the next that there are logits of."""
        answers = [self._judge(next(logits), len(ids), passage.n_tokens) for ids in passage.inputs]
        if not passage.windows:
            return answers[0]
        windows = tuple(
            placed(replace(answer, n_tokens=answer.n_seen), *place)
            for answer, place in zip(answers, passage.windows, strict=True)
        )
        weights = [window.n_new for window in windows]
        whole = self._aggregated(windows, weights, self.aggregate, passage.n_tokens, passage.n_tokens)
        return replace(whole, windows=windows)

    def _coalesced(self, passages: list[Passage], answers: list[Prediction]) -> Prediction:
        """Make the prediction for a text of those for its sentences: the mean, as Spark NLP's is."""
        sentences = tuple(
            placed(answer, *passage.place) for answer, passage in zip(answers, passages, strict=True)
        )
        n_tokens = sum(sentence.n_tokens for sentence in sentences)
        n_seen = sum(sentence.n_seen for sentence in sentences)
        whole = self._aggregated(sentences, [1] * len(sentences), "mean_probs", n_tokens, n_seen)
        return replace(whole, sentences=sentences)

    def _aggregated(
        self, parts: Sequence[Part], weights: Sequence[int], aggregate: Aggregate, n_tokens: int, n_seen: int
    ) -> Prediction:
        return aggregated(
            parts,
            weights,
            aggregate,
            self.function_to_apply,
            n_tokens=n_tokens,
            n_seen=n_seen,
            threshold=self.threshold,
            temperature=self.temperature,
        )

    def _judge(self, logits: NDArray[np.float32], n_seen: int, n_tokens: int) -> Prediction:
        if not np.isfinite(logits).all():
            raise CheckpointError(
                f"{self.folder} gives the logits {logits.tolist()} for a text of {n_seen} tokens, "
                "expected finite numbers. Its weights are finite but too large for float32: the "
                "checkpoint is damaged"
            )
        return predict(
            logits,
            self.labels,
            self.function_to_apply,
            n_tokens=n_tokens,
            n_seen=n_seen,
            threshold=self.threshold,
            temperature=self.temperature,
        )


def load(
    model: str | os.PathLike[str] = DEFAULT_MODEL,
    *,
    max_length: int | None = None,
    labels: Iterable[str] | None = None,
    function_to_apply: FunctionToApply | None = None,
    threshold: float | None = None,
    calibrated: bool = False,
    long_text: LongText = DEFAULT_LONG_TEXT,
    stride: int | None = None,
    aggregate: Aggregate | None = None,
    sentences: bool | str = False,
    split_special_tokens: bool = False,
    threads: int | None = None,
    local_files_only: bool = False,
) -> Classifier:
    """Load a classifier.

    Parameters
    ----------
    model : str or path, optional
        The name of a bundled or another known model (`distilnp models` lists them), a folder that
        `save_pretrained` of transformers wrote, or a repository of the Hugging Face hub as "org/name" or
        "org/name@revision". What comes from the hub is in its cache from then on, and not asked for again.
    max_length : int, optional
        Give the model at most this many tokens at once, [CLS] and [SEP] among them; by default, as many as it
        has positions.
    labels : iterable of str, optional
        Labels in place of the checkpoint's, in the order of its ids.
    function_to_apply : {"softmax", "sigmoid", "none"}, optional
        What makes scores of logits; by default what transformers chooses by the checkpoint's `problem_type`
        and its number of labels.
    threshold : float, optional
        From 0 to 1: `Prediction.labels` are those with a score above it; by default 0.5. Only where scores
        are sigmoids, as those of multi-label models are.
    calibrated : bool, optional
        Divide the logits by the temperature in the checkpoint's `config.json`, which brings scores nearer to
        how often they are right, and never changes the label that wins of one input's. By default, scores are
        those of transformers.
    long_text : {"head", "tail", "head_tail", "windows", "error"}, optional
        What is read of a text that has more tokens: its beginning; its end; 128 tokens of its beginning and
        the rest from its end (Sun et al. 2019, arXiv:1905.05583; of a smaller `max_length`, the same share);
        all of it, in windows, each with a prediction of its own; or nothing, which is an error. Texts that
        belong together take "head" alone.
    stride : int, optional
        Of windows, the tokens that two consecutive ones share (what the word means in `tokenizers`); by
        default 64, or an eighth of `max_length` if that is less.
    aggregate : {"mean_probs", "mean_logits", "max"}, optional
        Of windows, what makes scores of theirs: their mean, which is the default; what the mean of the logits
        gives; of each label the highest. In means, a window counts by the tokens that no window before has.
    sentences : bool or str, optional
        Classify each sentence, and give the text the mean of their scores, each counting alike, as
        `coalesceSentences` of Spark NLP does. True is English, any other language goes by its code, such as
        "de". Needs `pip install "distilnp[sentences]"`.
    split_special_tokens : bool, optional
        Take "[SEP]" and its like in a text for the characters that they are. By default, as in transformers,
        they become the special tokens that they name.
    threads : int, optional
        Threads to compute with; by default those of the variable DISTILNP_NUM_THREADS, else as many as the
        process may use by its affinity and its control group's quota. Never changes a bit of a logit.
    local_files_only : bool, optional
        Fetch nothing from the hub.

    Returns
    -------
    Classifier

    Raises
    ------
    ModelNotFoundError
        There is no such model; as `DownloadError`, it is not in the cache and cannot be fetched.
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
    folder = find_checkpoint(model, local_files_only=local_files_only)
    config = read_config(folder)
    tokenizer = Tokenizer.from_folder(folder, split_special_tokens=split_special_tokens)
    _check_vocabulary(folder, tokenizer, config)
    function = checked_function(function_to_apply, config)
    longest = checked_max_length(max_length, config)
    shared, aggregate = checked_windows(long_text, stride, aggregate, longest)
    return Classifier(
        folder=folder,
        config=config,
        tokenizer=tokenizer,
        labels=promised_labels(model, config) if labels is None else checked_labels(labels, config),
        function_to_apply=function,
        threshold=checked_threshold(threshold, function),
        temperature=checked_temperature(folder, config, function) if calibrated else 1.0,
        max_length=longest,
        long_text=long_text,
        stride=shared,
        aggregate=aggregate,
        sentences=checked_language(sentences),
        engine=_engine(folder, config, thread_count(threads)),  # last: only this takes time
    )


def _engine(folder: Path, config: DistilBertConfig, threads: int) -> Engine | ReferenceEngine:
    kernels, reason = chosen()
    if kernels == "numpy":
        if reason:
            _announce(f"{reason}; computing with NumPy instead, several times slower")
        return ReferenceEngine(load_params(folder, config), config)
    return Engine(load_packed(folder, config), threads)


@cache
def _announce(message: str) -> None:
    """Say something once in a process."""
    say(message)


_loaded: dict[tuple[Path, bool, str], Classifier] = {}


@overload
def classify(  # type: ignore[overload-overlap]
    texts: Text, model: str | os.PathLike[str] = ..., **options: Unpack[LoadOptions]
) -> Prediction: ...
@overload
def classify(
    texts: Iterable[Text], model: str | os.PathLike[str] = ..., **options: Unpack[LoadOptions]
) -> list[Prediction]: ...


def classify(
    texts: Text | Iterable[Text],
    model: str | os.PathLike[str] = DEFAULT_MODEL,
    **options: Unpack[LoadOptions],
) -> Prediction | list[Prediction]:
    """Classify one text or several, with a model that stays loaded for the next call.

    Parameters
    ----------
    texts : str or mapping, or an iterable of them
        See `Classifier.classify`.
    model, **options
        See `load`.

    Returns
    -------
    Prediction or list of Prediction
        One for a `str` or a mapping; otherwise a list, in the order of the texts.

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
        options["labels"] = label_tuple(options["labels"])
    folder = find_checkpoint(model, local_files_only=options.get("local_files_only", False)).resolve()
    # The same files have other labels by a known name.
    key = (folder, hub_model(model) is not None, repr(sorted(options.items())))
    classifier = _loaded.get(key)
    if classifier is None:
        # No lock, which a fork could leave locked for ever: two threads may both load, and one stays.
        classifier = _loaded.setdefault(key, load(model, **options))
    return classifier.classify(texts)


def _check_vocabulary(folder: Path, tokenizer: Tokenizer, config: DistilBertConfig) -> None:
    if tokenizer.vocab_size > config.vocab_size:
        raise CheckpointError(
            f"{folder}: the tokenizer has {tokenizer.vocab_size} tokens, expected at most "
            f"{config.vocab_size}, the vocab_size of config.json, so that each has an embedding. The files "
            "come from different models: take all of them from one revision of one checkpoint"
        )
