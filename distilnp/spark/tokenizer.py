"""`Tokenizer`: sentences become tokens, which no model of this package reads."""

import re
from typing import Any, ClassVar

from .annotation import DOCUMENT, TOKEN
from .annotator_stage import Annotator
from .params import declared, expect_at_least, with_params
from .work import Tokens, checked_pattern

LONGEST = 99_999  # Spark NLP's default

CONTEXT_CHARS = (".", ",", ";", ":", "!", "?", "*", "-", "(", ")", '"', "'")


@with_params
class Tokenizer(Annotator):
    """Splits sentences into tokens, for pipelines that show them.

    The classifier does not read them: it has the tokenizer that the model was trained with. If no other stage
    uses the column, Spark does not compute it.
    """

    INPUT_TYPES = (DOCUMENT,)
    OUTPUT_TYPE = TOKEN

    targetPattern = declared(str, "a regular expression that finds candidates")
    contextChars = declared(list, "characters that are split off at the ends of candidates")
    prefixPattern = declared(
        str,
        "a regular expression, from \\A, for what is split off at the beginning, in place of contextChars",
    )
    infixPatterns = declared(
        list, "regular expressions whose groups are tokens, between the prefix and the suffix"
    )
    suffixPattern = declared(
        str, "a regular expression, to \\z, for what is split off at the end, in place of contextChars"
    )
    splitPattern = declared(str, "a regular expression at which tokens are split, in place of splitChars")
    splitChars = declared(list, "characters at which tokens are split")
    exceptions = declared(list, "words that are never split")
    exceptionsPath = declared(str, "a file of such words, one in a line")
    caseSensitiveExceptions = declared(bool, "whether exceptions must have the same case")
    minLength = declared(int, "the length below which a token is left out")
    maxLength = declared(int, "the length above which a token is left out")

    UNUSED: ClassVar[dict[str, str]] = {
        **Annotator.UNUSED,
        "exceptionsPath": "read the file, and give its words to setExceptions",
    }

    def __init__(self) -> None:
        super().__init__()
        self._setDefault(
            targetPattern=r"\S+",
            contextChars=list(CONTEXT_CHARS),
            caseSensitiveExceptions=True,
            minLength=0,
            maxLength=LONGEST,
        )

    def fit(self, dataset: Any) -> "Tokenizer":
        """Return the tokenizer: it has nothing to learn. In Spark NLP, it has to be fitted."""
        return self

    def check_param(self, name: str, value: Any) -> None:
        """Check the patterns and the lengths."""
        if name.endswith(("Pattern", "Patterns")):
            for pattern in [value] if isinstance(value, str) else value:
                checked_pattern(name, pattern)
        if name in ("minLength", "maxLength"):
            expect_at_least(name, value, 0)

    def work(self) -> Tokens:
        """Return what splits the sentences of each row."""
        context = re.escape("".join(self.getOrDefault("contextChars")))
        # Without characters, the class would be empty: then nothing is split off.
        ends, core = (f"[{context}]*", f"[^{context}](?:.*[^{context}])?") if context else ("", ".+")
        prefix = self.getParamValue("prefixPattern") or f"({ends})"
        suffix = self.getParamValue("suffixPattern") or f"({ends})"
        infixes = self.getParamValue("infixPatterns") or [f"({core})"]
        characters = self.getParamValue("splitChars")
        split = self.getParamValue("splitPattern") or (
            f"[{re.escape(''.join(characters))}]" if characters else None
        )
        return Tokens(
            target=checked_pattern("targetPattern", self.getOrDefault("targetPattern")),
            rules=tuple(checked_pattern("infixPatterns", prefix + infix + suffix) for infix in infixes),
            split=None if split is None else checked_pattern("splitPattern", split),
            exceptions=tuple(self.getParamValue("exceptions") or ()),
            case_sensitive=self.getOrDefault("caseSensitiveExceptions"),
            min_length=self.getOrDefault("minLength"),
            max_length=self.getOrDefault("maxLength"),
        )
