"""The public functions: `load`, `classify`, and the class `Classifier`.

A text takes three steps: `Reading.passages` chooses the token ids that the model is given, `Engine.forward`
computes logits, `Scoring` makes the prediction. Options are checked before the weights are loaded, each text
before it is computed. There is no maths in this file.
"""

import operator
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Never, Unpack, get_args, overload

import numpy as np
from numpy.typing import NDArray

from .checkpoint.config_json import read_config
from .checkpoint.registry import find_checkpoint, hub_model, promised_labels
from .choices import (
    DEFAULT_BATCH_TOKENS,
    DEFAULT_EXPLAIN_METHOD,
    DEFAULT_LONG_TEXT,
    DEFAULT_MODEL,
    DEFAULT_PRECISION,
    Aggregate,
    ExplainMethod,
    FunctionToApply,
    LongText,
    Missing,
    Precision,
)
from .engine.choice import load_engine
from .engine.engine import Engine
from .engine.thread_count import thread_count
from .errors import ArgumentError, CheckpointError, InputTypeError
from .foreign import shown
from .fork_lock import ForkLock
from .identity import fingerprint, reading_settings
from .long_text import Passage
from .model.config import DistilBertConfig
from .model.params import Params
from .options import (
    LoadOptions,
    OptionsButLabels,
    Threshold,
    checked_bool,
    checked_precision,
    label_tuple,
    refuse_keywords,
    resolved_language,
    resolved_temperature,
    resolved_threshold,
    resolved_windows,
)
from .predictions import Prediction
from .reading import Reading
from .scoring import Scoring, default_function
from .texts import Text, check_iterable, is_missing
from .tokenizer import Tokenizer
from .version import __version__

if TYPE_CHECKING:  # most programs measure nothing
    from .evaluation.base import Evaluation
    from .evaluation.comparison import Comparison
    from .explain.counterfactual import Counterfactual
    from .explain.explanation import Explanation
    from .explain.page.document import Page
    from .explain.trace import Trace


@dataclass(frozen=True, eq=False, repr=False)
class Classifier:
    """A text classifier: how texts are read, a model, and how its logits are scored. `load` makes one.

    It never changes, so any number of threads may use one. `dataclasses.replace` makes a variant that shares
    the weights, such as `replace(c, scoring=replace(c.scoring, threshold=0.7))`.

    Attributes
    ----------
    folder : Path
        The folder of the checkpoint.
    config : DistilBertConfig
        The configuration of the model.
    reading : Reading
        From a text to token ids: tokenizer, max_length, long_text, stride, sentences.
    engine : Engine
        From token ids to logits: the parameters, and what computes with them.
    scoring : Scoring
        From logits to a prediction: labels, function_to_apply, threshold, temperature, aggregate.
    embed : bool
        Whether a pickle carries the weights. By default it names the folder, which the receiver loads again
        and compares by fingerprint; `replace(c, embed=True)` is for receivers that do not have the folder.
    fingerprint : str
        The SHA-256 of the parameters, the tokenizer and the settings, that is, of everything an answer
        depends on.
    tokenizer : Tokenizer
        The tokenizer of `reading`.
    max_length : int
        The most tokens that the model is given at once, [CLS] and [SEP] included.
    long_text : {"head", "tail", "head_tail", "windows", "error"}
        Which part of a longer text the model is given.
    stride : int
        The tokens that consecutive windows share.
    sentences : str or None
        The language whose rules split texts into sentences. None: texts are not split.
    labels : tuple of str
        The label of each logit.
    function_to_apply : {"softmax", "sigmoid", "none"}
        Turns logits into scores.
    threshold : float, tuple of float, or None
        Labels that score above it apply; a tuple has one number for each. If None, exactly one label applies.
    temperature : float
        Divides the logits before they are scored: the checkpoint's if scores are calibrated, otherwise 1.0.
    aggregate : {"mean_probs", "mean_logits", "max"}
        How the scores of the windows are combined into the text's.
    params : Params
        The parameters as `distilnp.model.reference` takes them. Each use may unpack them again.

    Raises
    ------
    ArgumentError
        The parts do not fit the model.
    """

    folder: Path
    config: DistilBertConfig
    reading: Reading
    engine: Engine
    scoring: Scoring
    embed: bool = False

    def __post_init__(self) -> None:
        _check_fit(self.config, self.reading, self.scoring)
        if self.engine.config != self.config:
            raise ArgumentError(
                f"engine runs a model of {self.engine.config}, expected one of {self.config}. Load the other "
                "model instead"
            )

    def __reduce__(self) -> tuple[object, ...]:
        if self.embed:
            return Classifier, (self.folder, self.config, self.reading, self.engine, self.scoring, True)
        settings = reading_settings(self.reading)
        split_special_tokens = self.tokenizer.settings.split_special_tokens
        given = (self.folder.resolve(), self.fingerprint, settings, split_special_tokens, self.scoring)
        return _unpickled, (*given, self.engine.precision, self.engine.threads)

    def __copy__(self) -> "Classifier":
        return self

    def __deepcopy__(self, memo: object) -> "Classifier":
        return self

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the parameters, the tokenizer and the settings."""
        return fingerprint(self.reading, self.engine, self.scoring)

    def describe(self) -> dict[str, Any]:
        """Return the facts about this classifier, as JSON can hold them, for logs and health checks.

        Returns
        -------
        dict of str to object
            The version of distilnp, the folder, the fingerprint, the hash of the parameters, the precision,
            the kernels and the threads, and every setting of `reading` and `scoring`.
        """
        return {
            "distilnp": __version__,
            "folder": os.fspath(self.folder),
            "fingerprint": self.fingerprint,
            "weights_sha256": self.engine.weights_sha256,
            "precision": self.engine.precision,
            "kernels": self.engine.kernels,
            "threads": self.engine.threads,
            **reading_settings(self.reading),
            **asdict(self.scoring),
            "labels": list(self.labels),
            "threshold": list(self.threshold) if isinstance(self.threshold, tuple) else self.threshold,
        }

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer of `reading`."""
        return self.reading.tokenizer

    @property
    def max_length(self) -> int:
        """The most tokens that the model is given at once, [CLS] and [SEP] included."""
        return self.reading.max_length

    @property
    def long_text(self) -> LongText:
        """Which part of a text with more than `max_length` tokens the model is given."""
        return self.reading.long_text

    @property
    def stride(self) -> int:
        """The tokens that consecutive windows share."""
        return self.reading.stride

    @property
    def sentences(self) -> str | None:
        """The language whose rules split texts into sentences, or None."""
        return self.reading.sentences

    @property
    def labels(self) -> tuple[str, ...]:
        """The label of each logit."""
        return self.scoring.labels

    @property
    def function_to_apply(self) -> FunctionToApply:
        """The function that turns logits into scores."""
        return self.scoring.function_to_apply

    @property
    def threshold(self) -> float | tuple[float, ...] | None:
        """The score above which a label applies, or that of each label, or None if one label wins."""
        return self.scoring.threshold

    @property
    def temperature(self) -> float:
        """The number that logits are divided by before they are scored."""
        return self.scoring.temperature

    @property
    def aggregate(self) -> Aggregate:
        """How the scores of the windows are combined into the text's."""
        return self.scoring.aggregate

    @property
    def params(self) -> Params:
        """The parameters as `distilnp.model.reference` takes them."""
        return self.engine.params

    def __repr__(self) -> str:
        return f"Classifier({os.fspath(self.folder)!r}, labels={self.labels!r})"

    # A str is an iterable of str too. Type checkers take the first overload that fits, and so do we.
    @overload
    def __call__(self, texts: Text) -> Prediction: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, texts: Iterable[Text]) -> list[Prediction]: ...
    @overload
    def __call__(
        self, texts: Iterable[Text | None], *, missing: Literal["none"]
    ) -> list[Prediction | None]: ...

    def __call__(self, texts: Any, **keywords: Any) -> Any:
        """Call `classify`."""
        return self.classify(texts, **keywords)

    @overload
    def classify(self, texts: Text) -> Prediction: ...  # type: ignore[overload-overlap]
    @overload
    def classify(self, texts: Iterable[Text]) -> list[Prediction]: ...
    @overload
    def classify(
        self, texts: Iterable[Text | None], *, missing: Literal["none"]
    ) -> list[Prediction | None]: ...

    def classify(self, texts: Any, *, missing: Missing = "raise", **foreign: Never) -> Any:
        """Classify one text or several.

        Parameters
        ----------
        texts : str or mapping, or an iterable of them
            A mapping `{"text": ..., "text_pair": ...}` is two texts that belong together. An empty text is
            allowed. If a text has more than `max_length` tokens, `long_text` decides which part is read, and
            the prediction says how much that was. A pair is cut at its longer text first
            (`long_text.longest_first`).
        missing : {"raise", "none"}, optional
            How to treat an item of an iterable that is None, NaN, or the null of pandas or Arrow: raise an
            error, which is the default, or give None in place of its prediction.
        **foreign
            Keywords of other libraries are refused with advice on the equivalent here.

        Returns
        -------
        Prediction or list of Prediction
            One for a `str` or a mapping; otherwise a list, in the order of the texts. If it is not known
            which of them `texts` is, `list(stream(texts))` is always a list, and refuses a single text.

        Raises
        ------
        InputTypeError
            Something is not a text. For an iterable, the message says which item.
        TextTooLongError
            A text is too long, and `long_text` is "error".
        ArgumentError
            A text is a pair, and `long_text` or `sentences` is for single texts.
        CheckpointError
            The weights are finite, but the logits are not.
        """
        refuse_keywords("classify", foreign)
        if isinstance(texts, str | Mapping):
            return next(self._predict([self.reading.passages(texts, "texts")]))
        return list(self.stream(texts, missing=missing))

    @overload
    def stream(
        self, texts: Iterable[Text], *, batch_tokens: int = ..., progress: bool = ...
    ) -> Iterator[Prediction]: ...
    @overload
    def stream(
        self,
        texts: Iterable[Text | None],
        *,
        batch_tokens: int = ...,
        progress: bool = ...,
        missing: Missing,
    ) -> Iterator[Prediction | None]: ...

    def stream(
        self,
        texts: Any,
        *,
        batch_tokens: int = DEFAULT_BATCH_TOKENS,
        progress: bool = False,
        missing: Missing = "raise",
    ) -> Any:
        """Classify texts as they come, in order, in memory that does not grow with their number.

        Parameters
        ----------
        texts : iterable of str or mapping
            See `classify`. It may be endless.
        batch_tokens : int, optional
            Texts are gathered until they have this many tokens. This affects only how soon answers come.
        progress : bool, default False
            Show a bar on standard error, with the number of texts and, if `texts` has a length, the remaining
            time.
        missing : {"raise", "none"}, optional
            See `classify`.

        Returns
        -------
        iterator of Prediction
            One for each text; None for a missing one.

        Raises
        ------
        InputTypeError, TextTooLongError
            See `classify`. The message says which text it is. Earlier texts get their predictions first.
        ArgumentError
            See `classify`, or `batch_tokens` is not a positive integer.
        CheckpointError
            See `classify`.
        """
        if type(batch_tokens) is not int or batch_tokens < 1:
            raise ArgumentError(f"batch_tokens is {shown(batch_tokens)}, expected a positive integer")
        if missing not in get_args(Missing):
            raise ArgumentError(f"missing is {shown(missing)}, expected 'raise' or 'none'")
        check_iterable(texts)
        predictions = (
            prediction
            for batch in self._batches(texts, batch_tokens, missing)
            for prediction in self._predict(batch)
        )
        if not checked_bool("progress", progress):
            return predictions
        from tqdm import tqdm  # type: ignore[import-untyped]  # it comes without types

        return iter(tqdm(predictions, total=operator.length_hint(texts) or None, unit=" texts"))

    def evaluate(
        self,
        texts: Iterable[Text],
        labels: Iterable[Any],
        *,
        label_map: Mapping[Any, str] | None = None,
        progress: bool = False,
    ) -> "Evaluation":
        """Measure how good the answers are to texts with labels: what `distilnp evaluate` reports.

        Needs `pip install "distilnp[evaluate]"`.

        Parameters
        ----------
        texts : iterable of str or mapping
            See `classify`.
        labels : iterable
            The truth about each text. If one label wins: a label of the model, in any case, or its id. If
            labels apply each by itself: a list of labels or ids, or a row of an array of 0 and 1,
            [n_texts, n_labels]. For a regression model: a number.
        label_map : mapping, optional
            Other names in `labels`, each with the label of the model that it means.
        progress : bool, optional
            See `stream`.

        Returns
        -------
        SingleLabelEvaluation, MultiLabelEvaluation or RegressionEvaluation
            The kind depends on `function_to_apply`: "softmax", "sigmoid" or "none".

        Raises
        ------
        ArgumentError
            There are no texts, or more or fewer than labels; a label is missing, or is none of the model's;
            the model gives several numbers.
        InputTypeError
            `texts` or `labels` is no column.
        DistilnpError
            scikit-learn is not installed. See also `stream`.

        Examples
        --------
        >>> import distilnp
        >>> distilnp.load().evaluate(["What a joy.", "What a bore."], ["positive", 0]).accuracy
        1.0
        """
        # Imported late: most programs measure nothing.
        from .evaluation.base import expect_scikit_learn
        from .evaluation.run import measured, tally_for

        expect_scikit_learn("evaluate")
        tally = tally_for(self.scoring, label_map)

        def predict(in_step: Iterable[Text]) -> Iterator[Prediction]:
            return self.stream(in_step, progress=progress)

        return measured(predict, tally, texts, labels)

    def classify_frame(
        self,
        frame: Any,
        column: str = "text",
        *,
        pair_column: str | None = None,
        scores: bool = False,
        prefix: str = "",
        progress: bool = False,
    ) -> Any:
        """Classify a column of a table, and return the table with columns for the predictions.

        Needs `pip install "distilnp[tables]"`.

        Parameters
        ----------
        frame : DataFrame or Table, or an iterator of them
            Of pandas, polars, Arrow, or another library that narwhals knows. An iterator of frames, such as
            the batches of a large file, gives an iterator, in memory that does not grow with their number.
        column : str, optional
            The column of text. A text that is null, NaN or NA is missing.
        pair_column : str, optional
            The column of the second texts, for models of pairs.
        scores : bool, optional
            Add a column with the score of every label, under the label's name.
        prefix : str, optional
            What the names of the new columns begin with.
        progress : bool, optional
            See `stream`.

        Returns
        -------
        DataFrame or Table, or an iterator of them
            Of the same library: the frame with `label`, `score` and `truncated` behind its own columns, and
            with its index. They are null where the text is missing.

        Raises
        ------
        InputTypeError
            It is not a frame, or a column has something that is not a text. The message says which row.
        ArgumentError
            There is no such column, the frame has a new column already, or narwhals is missing.
        DistilnpError
            See `classify`.

        Examples
        --------
        >>> import distilnp, pandas
        >>> reviews = pandas.DataFrame({"id": [7, 8], "text": ["What a joy.", None]}, index=["a", "b"])
        >>> distilnp.load().classify_frame(reviews)[["id", "label"]]
           id     label
        a   7  POSITIVE
        b   8       NaN
        """
        from .frames import classified  # imported late: most programs have no frame

        def predict(texts: Iterable[Text | None]) -> Iterator[Prediction | None]:
            return self.stream(texts, progress=progress, missing="none")

        def with_predictions(one: Any) -> Any:
            return classified(
                one,
                column,
                pair_column,
                labels=self.labels,
                predict=predict,
                scores=checked_bool("scores", scores),
                prefix=prefix,
            )

        return map(with_predictions, frame) if isinstance(frame, Iterator) else with_predictions(frame)

    def explain(
        self,
        text: Text,
        *,
        method: ExplainMethod = DEFAULT_EXPLAIN_METHOD,
        target: str | int | None = None,
    ) -> "Explanation":
        """Say which words of a text a label comes from.

        What is explained is the logit of the label, because a score near 1 hides what moves it.

        Parameters
        ----------
        text : str or mapping
            See `classify`.
        method : {"gradient_x_input", "integrated_gradients", "leave_one_out", "attention_rollout"}, optional
            - "gradient_x_input": the gradient of the logit with respect to a token's vector, times the
              vector (arXiv:1605.01713). The cheapest: one forward and one backward pass.
            - "integrated_gradients": the mean of that gradient on the way from a text of [PAD] tokens
              (arXiv:1703.01365). The attributions add up to the difference of the logits; `error` says by
              how much they miss it.
            - "leave_one_out": by how much the logit falls without the word. The default.
            - "attention_rollout": from which tokens attention carries something to [CLS]
              (arXiv:2005.00928). That is where the model looked, and not why it decided; the label makes no
              difference.
        target : str or int, optional
            The label to explain, or its id. By default, the label that is predicted.

        Returns
        -------
        Explanation
            An attribution for every word, with its place in the text. docs/inside.md says how far each
            method can be trusted.

        Raises
        ------
        ArgumentError
            There is no such method or label.
        DistilnpError
            See `classify`.

        Examples
        --------
        >>> import distilnp
        >>> explanation = distilnp.load("sst2-mini").explain("I really liked that movie!")
        >>> explanation.target, explanation.strongest(1)[0].text
        ('POSITIVE', 'liked')
        """
        from .explain.explainer import explain  # imported late: most programs explain nothing

        prediction = self._expect_single(text)
        return explain(text, self.reading, self.engine, self.labels, prediction, method, target)

    def counterfactual(self, text: Text) -> "Counterfactual | None":
        """Find the fewest words whose removal turns the answer to a text.

        All sets of up to three words are tried if the text is short: single words always, pairs of up to some
        50 words, and triples of up to 25. Otherwise, the words that count most are removed until the answer
        turns, and those that can stay are put back. `Counterfactual.is_minimal` says whether it is certain
        that no fewer words do. The answer is the label or, if several may apply, all of those that do.

        Parameters
        ----------
        text : str or mapping
            See `classify`.

        Returns
        -------
        Counterfactual or None
            None if no removal was found that turns the answer.

        Raises
        ------
        ArgumentError
            The model has a single label, so its answer cannot become another one.
        DistilnpError
            See `classify`.

        Examples
        --------
        >>> import distilnp
        >>> distilnp.load("sst2-mini").counterfactual("I really liked that movie!")
        """
        from .explain.counterfactual import Search

        return Search(text, self.reading, self.engine, self.scoring, self._expect_single(text)).run()

    def trace(self, text: Text) -> "Trace":
        """Run the reference pass on a text, and keep every intermediate.

        Parameters
        ----------
        text : str or mapping
            See `classify`. It is cut as `long_text` says.

        Returns
        -------
        Trace
            A mapping from names to arrays, with the tokens, the logits, and the logits that the head would
            give after each layer.

        Raises
        ------
        ArgumentError
            The model is given the text in several windows or sentences: each is a pass of its own.
        DistilnpError
            See `classify`.

        Examples
        --------
        >>> import distilnp
        >>> trace = distilnp.load("sst2-mini").trace("What a joy.")
        >>> trace.tokens
        ('[CLS]', 'what', 'a', 'joy', '.', '[SEP]')
        >>> trace["layer.0.attention.probs"].shape  # [n_heads, n_seq, n_seq]
        (12, 6, 6)
        """
        from .explain.trace import record_trace

        self._expect_single(text)
        return record_trace(text, self.reading, self.engine, self.labels)

    def inspect(
        self,
        text: Text,
        *,
        method: ExplainMethod = DEFAULT_EXPLAIN_METHOD,
        target: str | int | None = None,
    ) -> "Page":
        """Write a page that takes a reader through the model for one text, as `distilnp inspect` does.

        Parameters
        ----------
        text : str or mapping
            See `classify`. It is cut as `long_text` says.
        method : {"gradient_x_input", "integrated_gradients", "leave_one_out", "attention_rollout"}, optional
            The method of the explanation that is shown first; the page has all four. See `explain`.
        target : str or int, optional
            The label to explain, or its id. By default, the label that is predicted.

        Returns
        -------
        Page
            The text of an HTML file, which a notebook shows in a frame. It needs no other file.

        Raises
        ------
        ArgumentError
            There is no such method or label, or the model is given the text in several windows or sentences.
        DistilnpError
            See `classify`.

        Examples
        --------
        >>> import distilnp
        >>> page = distilnp.load("sst2-mini").inspect("What a joy.")
        >>> page[:15]
        '<!doctype html>'
        """
        from .explain.page.document import page

        trace = self.trace(text)  # before anything else: it says what a page cannot be about
        chosen = self.explain(text, method=method, target=target)
        explanations = [
            chosen if one == method else self.explain(text, method=one, target=target)
            for one in get_args(ExplainMethod)
        ]
        found = self.counterfactual(text) if self.scoring.has_choice else None
        return page(trace, explanations, found, self.config, self.scoring, first=method)

    def _expect_single(self, text: Text) -> Prediction:
        """Classify a text that is one text, and not several."""
        return next(self._predict([self.reading.passages(text, "text")]))  # type: ignore[return-value]

    def warmup(self) -> None:
        """Compile the kernels now, where they have to be compiled: some seconds, once in a process."""
        self.engine.warmup()

    def forward(self, inputs: Iterable[Sequence[int]]) -> NDArray[np.float32]:
        """Compute the logits of texts that are token ids already.

        Parameters
        ----------
        inputs : iterable of sequences of int
            Token ids with [CLS] and [SEP], such as `tokenizer.encode(text).ids`; from 1 to
            `config.max_position_embeddings` in each. Nothing is cut here.

        Returns
        -------
        array, [n_inputs, n_labels], float32

        Raises
        ------
        InputTypeError
            An input is not a sequence of integers.
        ArgumentError
            An input has no ids, too many ids, or ids outside the vocabulary.

        Examples
        --------
        >>> import distilnp
        >>> classifier = distilnp.load("sst2-mini")
        >>> logits = classifier.forward([classifier.tokenizer.encode("What a joy.").ids])
        >>> classifier.labels[logits[0].argmax()]
        'POSITIVE'
        """
        if not isinstance(inputs, Iterable):
            raise InputTypeError(
                f"inputs is {type(inputs).__name__}, expected an iterable of sequences of token ids"
            )
        return self.engine.forward([self._checked_ids(i, ids) for i, ids in enumerate(inputs)])

    def _checked_ids(self, i: int, ids: Sequence[int]) -> list[int]:
        try:
            checked = [operator.index(id_) for id_ in ids]
        except TypeError as error:
            raise InputTypeError(
                f"inputs[{i}] is {shown(ids, 60)}, expected token ids: a sequence of integers"
            ) from error
        if not 1 <= len(checked) <= self.config.max_position_embeddings:
            raise ArgumentError(
                f"inputs[{i}] has {len(checked)} tokens, expected from 1 to "
                f"{self.config.max_position_embeddings}, the number of positions of this model. Cut it, or "
                "give the text to classify, which cuts"
            )
        if min(checked) < 0 or max(checked) >= self.config.vocab_size:
            raise ArgumentError(
                f"inputs[{i}] has ids from {shown(min(checked))} to {shown(max(checked))}, expected from 0 "
                f"to {self.config.vocab_size - 1}. They come from another model's tokenizer"
            )
        return checked

    def _batches(
        self, texts: Iterable[Text], batch_tokens: int, missing: Missing
    ) -> Iterator[list[list[Passage]]]:
        """Read texts, each as a list of passages, and gather them by the tokens that the model is given.

        A missing text has no passage.
        """
        batch: list[list[Passage]] = []
        n_tokens = 0
        try:
            for i, text in enumerate(texts):
                is_absent = missing == "none" and is_missing(text)
                batch.append([] if is_absent else self.reading.passages(text, f"texts[{i}]"))
                n_tokens += sum(len(ids) for passage in batch[-1] for ids in passage.inputs)
                if n_tokens >= batch_tokens:
                    yield batch
                    batch, n_tokens = [], 0
        except Exception:
            yield batch  # a bad text, or a source that fails, costs no earlier text its answer
            raise
        yield batch

    def _predict(self, batch: list[list[Passage]]) -> Iterator[Prediction | None]:
        """Yield the prediction for each text of a batch, or None for a text without a passage."""
        logits = self.engine.forward([ids for text in batch for passage in text for ids in passage.inputs])
        first = 0
        for text in batch:
            if not text:
                yield None
                continue
            inputs = [ids for passage in text for ids in passage.inputs]
            rows = logits[first : first + len(inputs)]
            first += len(inputs)
            self._check_finite(rows, inputs)
            yield self.scoring.text_answer(text, rows, is_split=self.sentences is not None)

    def _check_finite(self, logits: NDArray[np.float32], inputs: Sequence[Sequence[int]]) -> None:
        if not np.isfinite(logits).all():
            bad = int(np.flatnonzero(~np.isfinite(logits).all(axis=1))[0])
            raise CheckpointError(
                f"{self.folder} gives the logits {logits[bad].tolist()} for {len(inputs[bad])} tokens, "
                "expected finite numbers. Its weights are finite but too large for float32: the checkpoint "
                "is damaged"
            )


def load(
    model: str | os.PathLike[str] = DEFAULT_MODEL,
    *,
    max_length: int | None = None,
    labels: Iterable[str] | None = None,
    function_to_apply: FunctionToApply | None = None,
    threshold: Threshold | None = None,
    calibrated: bool = False,
    long_text: LongText = DEFAULT_LONG_TEXT,
    stride: int | None = None,
    aggregate: Aggregate | None = None,
    sentences: bool | str = False,
    split_special_tokens: bool = False,
    precision: Precision = DEFAULT_PRECISION,
    threads: int | None = None,
    local_files_only: bool = False,
    **foreign: Never,
) -> Classifier:
    """Load a classifier.

    Parameters
    ----------
    model : str or path, optional
        The name of a bundled or otherwise known model (`distilnp models` lists them), a folder that
        `save_pretrained` of transformers wrote, a model package of Spark NLP (the archive or its folder), or
        a repository on the Hugging Face hub as "org/name" or "org/name@revision". A model from the hub is
        kept in the hub's cache, and not fetched again.
    max_length : int, optional
        Give the model at most this many tokens at once, [CLS] and [SEP] included. By default, as many as it
        has positions.
    labels : iterable of str, optional
        Labels that replace those of the checkpoint, in the order of the ids.
    function_to_apply : {"softmax", "sigmoid", "none"}, optional
        Turns logits into scores. By default, the function that transformers chooses from the checkpoint's
        `problem_type` and its number of labels.
    threshold : float, sequence of float, or mapping of str to float, optional
        From 0 to 1; `Prediction.labels` are the labels that score above it. A sequence has one number for
        each label, in the order of their ids; a mapping has them by label. By default, and for labels that a
        mapping leaves out, 0.5. Only for scores that are sigmoids, like those of multi-label models.
    calibrated : bool, optional
        Divide the logits by the temperature in the checkpoint's `config.json`. That brings scores closer to
        how often they are right, and never changes the winning label of a single input. By default, scores
        are those of transformers.
    long_text : {"head", "tail", "head_tail", "windows", "error"}, optional
        Which part of a text is read if it has too many tokens: its beginning; its end; 128 tokens of its
        beginning and the rest from its end (Sun et al. 2019, arXiv:1905.05583; the same ratio for a smaller
        `max_length`); all of it, in windows that each get a prediction of their own; or none, and an error is
        raised. Pairs of texts take only "head".
    stride : int, optional
        With windows, the tokens that consecutive ones share (as in `tokenizers`). By default 64, or an eighth
        of `max_length` if that is less.
    aggregate : {"mean_probs", "mean_logits", "max"}, optional
        With windows, how their scores combine: their mean, which is the default; the scores of the mean
        logits; or each label's highest score. The mean weights each window by its number of new tokens.
    sentences : bool or str, optional
        Classify each sentence, and give the text the mean of their scores. Every sentence counts the same, as
        with `coalesceSentences` of Spark NLP. True is English; other languages go by their codes, such as
        "de". Needs `pip install "distilnp[sentences]"`.
    split_special_tokens : bool, optional
        Read "[SEP]" and the like in a text as the characters that they are. By default, as in transformers,
        they become the special tokens that they name.
    precision : {"float32", "int8"}, optional
        The arithmetic of the dense layers. "int8" multiplies integers: two to five times as fast, with
        weights of a quarter of the size, and with scores that differ a little (docs/int8.md). They are the
        same bits in any batch and on any CPU, as those of "float32" are. Weights of any type are
        quantized while they are loaded; `distilnp convert --dtype int8` does it ahead of time.
    threads : int, optional
        Threads to compute with. By default, `DISTILNP_NUM_THREADS`; if it is not set, as many as the CPU
        affinity and the cgroup quota allow. It never changes a bit of a logit.
    local_files_only : bool, optional
        Fetch nothing from the hub.
    **foreign
        Keywords of other libraries are refused with advice on the equivalent here.

    Returns
    -------
    Classifier

    Raises
    ------
    ModelNotFoundError
        There is no such model. A `DownloadError` if it is not in the cache and cannot be fetched.
    CheckpointError
        Its files are damaged, unsupported, or belong to different models.
    ArgumentError, InputTypeError
        An argument cannot be used with this model, or has the wrong type.

    Examples
    --------
    >>> import distilnp
    >>> classifier = distilnp.load("sst2-mini")
    >>> [prediction.label for prediction in classifier(["What a joy.", "What a bore."])]
    ['POSITIVE', 'NEGATIVE']
    """
    refuse_keywords("load", foreign)
    for name, value in (
        ("local_files_only", local_files_only),
        ("split_special_tokens", split_special_tokens),
    ):
        checked_bool(name, value)
    folder = find_checkpoint(model, local_files_only=local_files_only)
    names = None if labels is None else label_tuple(labels)
    config = read_config(folder, labels=names, function_to_apply=function_to_apply)
    tokenizer = Tokenizer.from_folder(folder, split_special_tokens=split_special_tokens)
    _check_vocabulary(folder, tokenizer, config)
    longest = config.max_position_embeddings if max_length is None else max_length
    shared, aggregate = resolved_windows(long_text, stride, aggregate, longest)
    reading = Reading(
        tokenizer=tokenizer,
        vocab_size=config.vocab_size,
        max_length=longest,
        long_text=long_text,
        stride=shared,
        sentences=resolved_language(sentences),
    )
    function = default_function(config) if function_to_apply is None else function_to_apply
    labels_of_model = promised_labels(model, config) if names is None else names
    scoring = Scoring(
        labels=labels_of_model,
        function_to_apply=function,
        threshold=resolved_threshold(threshold, function, labels_of_model),
        temperature=resolved_temperature(calibrated, folder, config, function),
        aggregate=aggregate,
    )
    _check_fit(config, reading, scoring)
    # Last, because only this takes time.
    engine = load_engine(folder, config, thread_count(threads), checked_precision(precision))
    return Classifier(folder, config, reading, engine, scoring)


def _unpickled(
    folder: Path,
    expected: str,
    settings: dict[str, Any],
    split_special_tokens: bool,
    scoring: Scoring,
    precision: Precision,
    threads: int | None,
) -> Classifier:
    """Load the classifier of a pickle from its folder."""
    loaded = load(
        folder,
        labels=scoring.labels,  # they may stand in for labels of the folder that cannot be used
        function_to_apply=scoring.function_to_apply,
        split_special_tokens=split_special_tokens,
        precision=precision,
        threads=threads,
    )
    classifier = replace(loaded, reading=replace(loaded.reading, **settings), scoring=scoring)
    if classifier.fingerprint != expected:
        raise CheckpointError(
            f"{folder} has the fingerprint {classifier.fingerprint}, expected {expected}, as when the "
            "classifier was pickled. Its files have changed, or are others on this machine. To send the "
            "weights themselves, pickle dataclasses.replace(classifier, embed=True)"
        )
    return classifier


def _check_fit(config: DistilBertConfig, reading: Reading, scoring: Scoring) -> None:
    """Raise an `ArgumentError` if the parts of a classifier do not fit its model."""
    if reading.max_length > config.max_position_embeddings:
        raise ArgumentError(
            f"max_length is {shown(reading.max_length)}, expected at most "
            f"{config.max_position_embeddings}, the number of positions of this model"
        )
    if max(reading.tokenizer.n_embeddings, reading.vocab_size) > config.vocab_size:
        raise ArgumentError(
            f"tokenizer has {reading.tokenizer.n_embeddings} tokens, expected at most "
            f"{config.vocab_size}, the embeddings of this model. Use the tokenizer of the same checkpoint"
        )
    if len(scoring.labels) != config.n_labels:
        raise ArgumentError(
            f"labels is {shown(scoring.labels)}, expected {config.n_labels} different ones for "
            f"{shown(config.id2label)}"
        )


def _check_vocabulary(folder: Path, tokenizer: Tokenizer, config: DistilBertConfig) -> None:
    if tokenizer.n_embeddings > config.vocab_size:
        raise CheckpointError(
            f"{folder}: the tokenizer has {tokenizer.n_embeddings} tokens, expected at most "
            f"{config.vocab_size}, the vocab_size of config.json, so that each has an embedding. The files "
            "come from different models: take all of them from one revision of one checkpoint"
        )


_kept: dict[tuple[Path, bool, str], Classifier] = {}
_keeping = ForkLock()


def kept_classifier(
    model: str | os.PathLike[str] = DEFAULT_MODEL, **options: Unpack[LoadOptions]
) -> Classifier:
    """Return a classifier that stays loaded in this process: the same one for the same model and options.

    Parameters
    ----------
    model, **options
        See `load`.
    """
    if (labels := options.get("labels")) is not None:
        options["labels"] = label_tuple(labels)
    folder = find_checkpoint(model, local_files_only=options.get("local_files_only", False)).resolve()
    # A known name may give the same files other labels.
    key = (folder, hub_model(model) is not None, repr(sorted(options.items())))
    classifier = _kept.get(key)
    if classifier is None:
        with _keeping.held():  # threads whose first calls come together wait for one copy
            classifier = _kept.get(key) or _kept.setdefault(key, load(model, **options))
    return classifier


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
    return kept_classifier(model, **options).classify(texts)


def classify_frame(
    frame: Any,
    column: str = "text",
    model: str | os.PathLike[str] = DEFAULT_MODEL,
    *,
    pair_column: str | None = None,
    scores: bool = False,
    prefix: str = "",
    progress: bool = False,
    **options: Unpack[LoadOptions],
) -> Any:
    """Classify a column of a table, with a model that stays loaded for the next call.

    Parameters
    ----------
    frame, column
        See `Classifier.classify_frame`.
    model : str or path, optional
        See `load`.
    pair_column, scores, prefix, progress
        See `Classifier.classify_frame`.
    **options
        See `load`.

    Returns
    -------
    DataFrame or Table, or an iterator of them
        See `Classifier.classify_frame`.

    Raises
    ------
    DistilnpError
        See `load` and `Classifier.classify_frame`.
    """
    return kept_classifier(model, **options).classify_frame(
        frame, column, pair_column=pair_column, scores=scores, prefix=prefix, progress=progress
    )


def evaluate(
    texts: Iterable[Text],
    labels: Iterable[Any],
    model: str | os.PathLike[str] = DEFAULT_MODEL,
    *,
    label_map: Mapping[Any, str] | None = None,
    progress: bool = False,
    **options: Unpack[OptionsButLabels],
) -> "Evaluation":
    """Measure how good the answers are, with a model that stays loaded for the next call.

    Parameters
    ----------
    texts, labels
        See `Classifier.evaluate`.
    model
        See `load`.
    label_map, progress
        See `Classifier.evaluate`.
    **options
        See `load`, but for its `labels`.

    Returns
    -------
    SingleLabelEvaluation, MultiLabelEvaluation or RegressionEvaluation
        See `Classifier.evaluate`.

    Raises
    ------
    DistilnpError
        See `load` and `Classifier.evaluate`.

    Examples
    --------
    >>> import distilnp
    >>> texts = ["What a joy.", "What a bore.", "A film."]
    >>> evaluation = distilnp.evaluate(texts, ["positive", "negative", 0])
    >>> evaluation.n_right, evaluation.confusion_matrix.tolist()
    (2, [[1, 1], [0, 1]])
    """
    classifier = kept_classifier(model, **options)
    return classifier.evaluate(texts, labels, label_map=label_map, progress=progress)


def compare(
    model_a: str | os.PathLike[str] | Classifier,
    model_b: str | os.PathLike[str] | Classifier,
    texts: Iterable[Text],
    labels: Iterable[Any],
    *,
    label_map: Mapping[Any, str] | None = None,
    progress: bool = False,
    **options: Unpack[OptionsButLabels],
) -> "Comparison":
    """Compare two models on the same texts: which is right more often, and whether that may be chance.

    Needs `pip install "distilnp[evaluate]"`.

    Parameters
    ----------
    model_a, model_b : str, path or Classifier
        The models, as for `load`. Two classifiers may also be one model with different options.
    texts, labels, label_map, progress
        See `Classifier.evaluate`. A label is one of each model's; if the models name them differently, give
        ids, or a label map to ids.
    **options
        See `load`, but for its `labels`. They are for models given by name.

    Returns
    -------
    Comparison
        Its `sentence` says what follows.

    Raises
    ------
    ArgumentError
        The models predict numbers, or options are given for two classifiers.
    DistilnpError
        See `load` and `Classifier.evaluate`.

    Examples
    --------
    >>> import distilnp
    >>> texts = ["What a joy.", "What a bore."]
    >>> print(distilnp.compare("sst2-mini", "imdb-mini", texts, [1, 0]).sentence)
    On these 2 rows, A and B are right for the same ones: nothing tells them apart.
    """
    check_iterable(texts)
    if options and isinstance(model_a, Classifier) and isinstance(model_b, Classifier):
        raise ArgumentError(
            f"{next(iter(options))} is given with two classifiers, expected it with a model to load. Give it "
            "to load"
        )
    from .evaluation.comparison import compared, expect_labels  # imported late: most programs measure nothing

    texts = list(texts)
    labels = labels if hasattr(labels, "__len__") else list(labels)
    names, classifiers = [], []
    for model in (model_a, model_b):
        classifiers.append(model if isinstance(model, Classifier) else kept_classifier(model, **options))
        names.append(os.fspath(model.folder if isinstance(model, Classifier) else model))
        expect_labels(names[-1], classifiers[-1].function_to_apply)
    return compared(
        names,
        [one.evaluate(texts, labels, label_map=label_map, progress=progress) for one in classifiers],
    )
