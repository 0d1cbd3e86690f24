"""How much a piece of a text counts, and where it is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """How much a piece of the text adds to the logit, and where the piece is.

    Attributes
    ----------
    text : str
        The piece: of a word, as the text has it; of a token, as the vocabulary spells it.
    start, end : int
        Its span of the text in characters; end exclusive.
    sequence : int
        0, or 1 in the second text of a pair.
    attribution : float
        What it adds to the logit of the explained label; negative if it speaks against the label. By
        attention rollout, the part of [CLS] that comes from it.
    is_seen : bool
        Whether the model was given it: a longer text may be cut. What it was not given has the attribution 0.
    """

    text: str
    start: int
    end: int
    sequence: int
    attribution: float
    is_seen: bool
