"""What an explanation says, and how it is shown. `explainer` makes it."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from ..choices import ExplainMethod
from ..errors import ArgumentError
from ..foreign import MAX_SHOWN, printable, shown
from ..predictions import Prediction
from ..serializable import Serializable
from ..svg import Svg
from .attribution import Attribution

# The methods as they stand in a sentence.
METHODS: dict[ExplainMethod, str] = {
    "gradient_x_input": "gradient times input",
    "integrated_gradients": "integrated gradients",
    "leave_one_out": "leaving out each word",
    "attention_rollout": "attention rollout",
}

# The types of a full dict, as JSON Schema has them.
TYPES_OF_EXPLANATION = {
    "texts": {"type": "array", "items": {"type": "string"}},
    "target": {"type": "string"},
    "method": {"enum": [*METHODS]},
    "logit": {"type": "number"},
    "words": {"type": "array", "items": {"type": "object"}},
    "tokens": {"type": "array", "items": {"type": "object"}},
    "special": {"type": "number"},
    "baseline_logit": {"type": ["number", "null"]},
    "error": {"type": ["number", "null"]},
    "n_steps": {"type": ["integer", "null"]},
    "prediction": {"type": "object"},
}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Explanation(Serializable):
    """Which words of a text a label comes from.

    For a text in windows or sentences, the explained logit is the mean of theirs, as in `Prediction.logits`,
    and a word that is in two windows adds to both.

    Attributes
    ----------
    texts : tuple of str
        The text, or both of a pair.
    target : str
        The label that is explained.
    method : {"gradient_x_input", "integrated_gradients", "leave_one_out", "attention_rollout"}
        How attributions were computed: see `Classifier.explain`.
    logit : float
        The logit of the label. For a classifier that computes with integers, it is that of the same weights
        in float32 if the method needs gradients, which integers do not have.
    words : tuple of Attribution
        Every word of the text. A punctuation mark is a word of its own.
    tokens : tuple of Attribution
        Every token of the text, without [CLS] and [SEP]. Empty for "leave_one_out", which leaves out whole
        words.
    special : float
        The sum of the attributions of [CLS] and [SEP], which are in no text.
    baseline_logit : float or None
        With "integrated_gradients", the logit of the input that says nothing, from which the way begins.
    error : float or None
        With "integrated_gradients", by how much the attributions miss the difference of the two logits.
    n_steps : int or None
        With "integrated_gradients", the number of gradients that each input took; the largest, if there
        are several inputs.
    prediction : Prediction
        What the classifier says about the text.
    """

    _JSON_TYPES = TYPES_OF_EXPLANATION

    texts: tuple[str, ...]
    target: str
    method: ExplainMethod
    logit: float
    words: tuple[Attribution, ...]
    tokens: tuple[Attribution, ...] = ()
    special: float = 0.0
    baseline_logit: float | None = None
    error: float | None = None
    n_steps: int | None = None
    prediction: Prediction

    def as_dict(self, *, full: bool = False) -> dict[str, Any]:
        """Return the explanation as a dict that JSON can hold.

        Parameters
        ----------
        full : bool, default False
            By default, the dict has the label, its score, the method, and the words. In full, it has every
            attribute, with the prediction in full.

        Returns
        -------
        dict of str to object
        """
        words = [asdict(word) for word in self.words]
        if not full:
            return {"target": self.target, "score": self._score, "method": self.method, "words": words}
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        values |= {"texts": list(self.texts), "words": words, "tokens": [asdict(one) for one in self.tokens]}
        return values | {"prediction": self.prediction.as_dict(full=True)}

    def strongest(self, n: int | None = None) -> list[Attribution]:
        """Return the words by how much they count, for the label or against it; the strongest first.

        Parameters
        ----------
        n : int, optional
            At most so many words; by default, all of them.

        Returns
        -------
        list of Attribution

        Raises
        ------
        ArgumentError
            `n` is not an integer of at least 0.
        """
        if n is not None and (type(n) is not int or n < 0):
            raise ArgumentError(f"n is {shown(n)}, expected an integer of at least 0")
        return sorted(self.words, key=lambda word: -abs(word.attribution))[:n]

    def __repr__(self) -> str:
        words = ", ".join(
            f"{printable(word.text, MAX_SHOWN)} {word.attribution:+.2f}" for word in self.strongest(3)
        )
        return f"Explanation({self.target!r}, {self.method}: {words})"

    def to_text(self, *, color: bool = False) -> str:
        """Return the explanation as lines for a terminal: the text, and the words that count most.

        Parameters
        ----------
        color : bool, default False
            Whether words are coloured: blue for the label, orange against it.

        Returns
        -------
        str
        """
        from .terminal import lines  # imported late, as `fragment` is: only those who look need it

        return "\n".join(lines(self._headline, self.texts, self.words, self._exactness, color=color))

    def to_svg(self) -> Svg:
        """Draw a bar for each word: to the right if it speaks for the label, to the left if against it.

        Returns
        -------
        Svg
            The text of an SVG file, which a notebook shows. Of more than 30 words, it has the strongest.
        """
        from .pictures import words_picture

        return words_picture(self._headline, self.words, self._exactness)

    def __str__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        """Return the text with its words coloured, for notebooks."""
        from .fragment import coloured

        answer = f"{self._score:.4f} (logit {self.logit:+.2f})"
        colours = "Blue speaks for the label, orange against it"
        if self.method == "attention_rollout":
            colours = "The bluer a word, the more the model looked at it, which is not why"
        note = f"{colours}; by {self._method}. {self._exactness}"
        return coloured(self.target, answer, self.texts, self.words, note)

    @property
    def _headline(self) -> str:
        return f"{printable(self.target)} {self._score:.4f} (logit {self.logit:+.2f}), by {self._method}"

    @property
    def _score(self) -> float:
        return self.prediction.scores[self.target]

    @property
    def _method(self) -> str:
        return METHODS[self.method]

    @property
    def _exactness(self) -> str:
        if self.error is None or self.baseline_logit is None:
            return ""
        difference = self.logit - self.baseline_logit
        return f"The attributions add up to {difference:+.2f}, within {abs(self.error):.2g}."
