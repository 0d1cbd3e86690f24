"""`SentenceDetector`: documents become sentences."""

from typing import Any, ClassVar

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ..choices import DEFAULT_LANGUAGE
from ..sentences import check_installed, language_code
from .annotation import DOCUMENT
from .annotator_stage import Annotator
from .columns import quoted, with_annotations
from .params import declared, expect_at_least, expect_one_of, with_params
from .work import Sentences, checked_pattern

LONGEST = 99_999  # Spark NLP's default


@with_params
class SentenceDetector(Annotator):
    """Splits documents into sentences, by the rules of the package sentencex.

    Its rules are not those of Spark NLP: see the table of differences in docs/spark.md.
    """

    INPUT_TYPES = (DOCUMENT,)
    OUTPUT_TYPE = DOCUMENT

    language = declared(str, "the code of the language whose rules are used")
    customBounds = declared(list, "regular expressions where a text is split as well")
    customBoundsStrategy = declared(
        str, "what becomes of their matches: none, prepend to the next sentence, append to the last"
    )
    useCustomBoundsOnly = declared(bool, "whether a text is split nowhere else")
    explodeSentences = declared(bool, "whether each sentence gets a row of its own")
    splitLength = declared(int, "the length from which a sentence is cut into pieces")
    minLength = declared(int, "the length below which a sentence is left out")
    maxLength = declared(int, "the length above which a sentence is left out")
    detectLists = declared(bool, "whether the items of lists are sentences")
    useAbbreviations = declared(bool, "whether the rules know abbreviations")

    UNUSED: ClassVar[dict[str, str]] = {
        **Annotator.UNUSED,
        "detectLists": "a line of a list is a sentence if the rules of sentencex say so",
        "useAbbreviations": "the rules of sentencex always know abbreviations",
    }

    def __init__(self) -> None:
        super().__init__()
        self._setDefault(
            language=DEFAULT_LANGUAGE,
            customBounds=[],
            customBoundsStrategy="none",
            useCustomBoundsOnly=False,
            explodeSentences=False,
            minLength=0,
            maxLength=LONGEST,
            detectLists=True,
            useAbbreviations=True,
        )

    def check_param(self, name: str, value: Any) -> None:
        """Check the language, the patterns and the lengths."""
        if name == "language":
            language_code(value)
        if name == "customBoundsStrategy":
            expect_one_of(name, value, ("none", "prepend", "append"))
        if name == "customBounds":
            for pattern in value:
                checked_pattern(name, pattern)
        if name in ("splitLength", "minLength", "maxLength"):
            expect_at_least(name, value, 1 if name == "splitLength" else 0)

    def work(self) -> Sentences:
        """Return what splits the documents of each row."""
        check_installed()
        return Sentences(
            language=self.getOrDefault("language"),
            bounds=tuple(
                checked_pattern("customBounds", bound) for bound in self.getOrDefault("customBounds")
            ),
            keep_bounds=self.getOrDefault("customBoundsStrategy"),
            only_bounds=self.getOrDefault("useCustomBoundsOnly"),
            split_length=self.getParamValue("splitLength"),
            min_length=self.getOrDefault("minLength"),
            max_length=self.getOrDefault("maxLength"),
        )

    def _transform(self, dataset: DataFrame) -> DataFrame:
        split = super()._transform(dataset)
        if not self.getOrDefault("explodeSentences"):
            return split
        output = self.getOrDefault("outputCol")
        # A row without a sentence stays: one that is lost is missed only later.
        exploded = split.withColumn(output, F.explode_outer(F.col(quoted(output))))
        sentence = F.col(quoted(output))
        one = F.filter(F.array(sentence), lambda annotation: annotation.isNotNull())
        return with_annotations(exploded, output, DOCUMENT, one)
