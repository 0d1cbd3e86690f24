"""What the stages do with rows, without Spark: from the annotations of each row to new ones.

A `Work` is small and picklable. Spark's Python workers and `LightPipeline` call the same ones.
"""

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ..api import Classifier
from ..errors import ArgumentError
from ..foreign import shown
from ..predictions import Prediction
from ..sentences import sentence_spans
from .annotation import CATEGORY, DOCUMENT, TOKEN, Annotation, java_float, utf16_position
from .loaded_model import LoadedModel

Row = list[Annotation]
Work = Callable[[list[Row]], list[Row]]

# Java's \S: a no-break space and other white space outside ASCII count as text.
NOT_BLANK = re.compile(r"\S", re.ASCII)

logger = logging.getLogger("distilnp")


def checked_pattern(name: str, pattern: str) -> str:
    r"""Return a regular expression in Python's spelling, which has \Z for Java's \z.

    Raises
    ------
    ArgumentError
        Python cannot read it.
    """
    pattern = pattern.replace(r"\z", r"\Z")
    try:
        re.compile(pattern)
    except re.error as error:
        raise ArgumentError(
            f"{name} has the pattern {shown(pattern)}, expected a regular expression that Python can read "
            f"({error}). Java's \\Q...\\E and possessive quantifiers have to be written another way"
        ) from error
    return pattern


@dataclass(frozen=True)
class Sentences:
    """Splits documents into sentences.

    Attributes
    ----------
    language : str
        The language whose rules are used.
    bounds : tuple of str
        Regular expressions. A text is split where one of them matches, as well.
    keep_bounds : {"none", "prepend", "append"}
        Whether the match is left out, begins the sentence behind it, or ends the sentence before it.
    only_bounds : bool
        Whether the text is split nowhere else.
    split_length : int or None
        A longer sentence is cut into pieces of this many characters.
    min_length, max_length : int
        Shorter and longer sentences are left out.
    """

    language: str
    bounds: tuple[str, ...]
    keep_bounds: str
    only_bounds: bool
    split_length: int | None
    min_length: int
    max_length: int

    def __call__(self, rows: list[Row]) -> list[Row]:
        """Return the sentences of each row."""
        return [self._sentences(row) for row in rows]

    def _sentences(self, documents: Row) -> Row:
        sentences: Row = []
        for document in documents:
            text = document.result
            position = utf16_position(text)
            for start, end in self._spans(text):
                if self.min_length <= end - start <= self.max_length:
                    begin = document.begin + position(start)
                    last = document.begin + position(end) - 1
                    metadata = {"sentence": str(len(sentences))}
                    sentences.append(Annotation(DOCUMENT, begin, last, text[start:end], metadata))
        return sentences

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        for first, last in self._between_bounds(text):
            part = text[first:last]
            for start, end in [(0, len(part))] if self.only_bounds else sentence_spans(part, self.language):
                step = self.split_length or max(1, end - start)
                for i in range(start, end, step):
                    piece = part[i : min(i + step, end)]
                    left = first + i + len(piece) - len(piece.lstrip())
                    if piece := piece.strip():
                        yield left, left + len(piece)

    def _between_bounds(self, text: str) -> Iterator[tuple[int, int]]:
        start = 0
        if self.bounds:
            for match in re.finditer("|".join(f"(?:{bound})" for bound in self.bounds), text):
                if match.start() == match.end():
                    continue
                yield start, match.end() if self.keep_bounds == "append" else match.start()
                start = match.start() if self.keep_bounds == "prepend" else match.end()
        yield start, len(text)


@dataclass(frozen=True)
class Tokens:
    """Splits sentences into tokens, as the default `Tokenizer` of Spark NLP does. No model reads them.

    Attributes
    ----------
    target : str
        A regular expression that finds candidates.
    rules : tuple of str
        Regular expressions. The groups of the first one that matches a whole candidate are its tokens; if
        none does, the candidate is a token.
    split : str or None
        A regular expression. Tokens are split where it matches, and the match is left out.
    exceptions : tuple of str
        What is never split.
    case_sensitive : bool
        Whether the exceptions have to be spelled in the same case.
    min_length, max_length : int
        Shorter and longer tokens are left out.
    """

    target: str
    rules: tuple[str, ...]
    split: str | None
    exceptions: tuple[str, ...]
    case_sensitive: bool
    min_length: int
    max_length: int

    def __call__(self, rows: list[Row]) -> list[Row]:
        """Return the tokens of each row."""
        candidates = self._candidates()
        return [
            [token for i, sentence in enumerate(row) for token in self._tokens(sentence, i, candidates)]
            for row in rows
        ]

    def _tokens(self, sentence: Annotation, i: int, candidates: re.Pattern[str]) -> Iterator[Annotation]:
        text = sentence.result
        position = utf16_position(text)
        index = sentence.metadata.get("sentence", str(i))
        for start, end in self._spans(text, candidates):
            if self.min_length <= end - start <= self.max_length:
                begin, last = sentence.begin + position(start), sentence.begin + position(end) - 1
                yield Annotation(TOKEN, begin, last, text[start:end], {"sentence": index})

    def _spans(self, text: str, candidates: re.Pattern[str]) -> Iterator[tuple[int, int]]:
        for candidate in candidates.finditer(text):
            if candidate.start() == candidate.end():
                continue
            if candidate["exception"] is not None:
                yield candidate.span()
                continue
            for start, end in self._parts(candidate[0]):
                yield candidate.start() + start, candidate.start() + end

    def _candidates(self) -> re.Pattern[str]:
        flags = "" if self.case_sensitive else "i"
        exceptions = "|".join(map(re.escape, sorted(self.exceptions, key=len, reverse=True))) or r"(?!)"
        return re.compile(rf"(?P<exception>(?<!\S)(?{flags}:{exceptions})(?!\S))|(?:{self.target})", re.ASCII)

    def _parts(self, candidate: str) -> Iterator[tuple[int, int]]:
        matches = (re.fullmatch(rule, candidate, re.ASCII | re.DOTALL) for rule in self.rules)
        match = next((match for match in matches if match), None)
        for start, end in [(0, len(candidate))] if match is None else match.regs[1:]:
            yield from self._split(candidate, start, end)

    def _split(self, text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
        for cut in re.compile(self.split).finditer(text, start, end) if self.split else ():
            if cut.start() > start:
                yield start, cut.start()
            start = cut.end()
        if end > start:  # a group that took no part in the match is at -1
            yield start, end


@dataclass(frozen=True)
class Categories:
    """Classifies documents: an annotation for each, or for each label that applies to it.

    Attributes
    ----------
    model : LoadedModel
        The classifier.
    coalesce : bool
        Whether a row gets the mean of the scores of its documents, with the span of the first.
    """

    model: LoadedModel
    coalesce: bool

    def __call__(self, rows: list[Row]) -> list[Row]:
        """Return the categories of each row."""
        classifier = self.model.classifier()
        read = [[document for document in row if NOT_BLANK.search(document.result)] for row in rows]
        predictions = classifier.stream(document.result for row in read for document in row)
        answers = [list(zip(row, predictions, strict=False)) for row in read]
        _report_cut(classifier, [prediction for row in answers for _, prediction in row])
        if self.coalesce:
            answers = [
                [(row[0][0], classifier.scoring.mean([prediction for _, prediction in row]))] if row else []
                for row in answers
            ]
        return [
            [
                category
                for i, (document, prediction) in enumerate(row)
                for category in _categories(document, i, prediction)
            ]
            for row in answers
        ]


def _categories(document: Annotation, i: int, prediction: Prediction) -> Iterator[Annotation]:
    metadata = {
        "sentence": document.metadata.get("sentence", str(i)),
        **{label: java_float(score) for label, score in prediction.scores.items()},
    }
    for label in prediction.labels:
        yield Annotation(CATEGORY, document.begin, document.end, label, metadata)


def _report_cut(classifier: Classifier, predictions: Sequence[Prediction]) -> None:
    if n_cut := sum(prediction.truncated for prediction in predictions):
        logger.warning(
            "%d of %d texts have more than %d tokens, and the model read only a part of each. Raise "
            "maxSentenceLength, or set longText to 'windows'",
            n_cut,
            len(predictions),
            classifier.max_length,
        )
