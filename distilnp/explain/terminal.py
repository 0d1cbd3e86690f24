"""An explanation for a terminal: the text with coloured words, and the strongest words with bars."""

from collections.abc import Iterator, Sequence

from ..widths import columns_of, fit
from .attribution import Attribution
from .pieces import Piece, pieces

# Backgrounds of the 256 colours that terminals have, from pale to strong, with a foreground that can be read
# on each, whatever the theme. Blue and orange look different to colour-blind people too.
FOR_LABEL = ("30;48;5;153", "30;48;5;111", "97;48;5;62", "97;48;5;20")
AGAINST_LABEL = ("30;48;5;223", "30;48;5;215", "30;48;5;208", "97;48;5;124")
NOT_SEEN = "2"

# A weaker word looks like the rest of the text.
WEAKEST_COLOURED = 0.1

# Words in the list, and columns of the longest bar and the longest word: a list that can be read at a glance.
MAX_WORDS = 10
BAR = 20
MAX_WORD = 30


def lines(
    headline: str, texts: Sequence[str], words: Sequence[Attribution], note: str, *, color: bool
) -> Iterator[str]:
    """Yield the lines of an explanation.

    Parameters
    ----------
    headline : str
        The first line.
    texts : sequence of str
        The text, or both of a pair.
    words : sequence of Attribution
        Their words.
    note : str
        The last line; there is none if it is empty.
    color : bool
        Whether words are coloured, by escape sequences.
    """
    yield headline
    for sequence, text in enumerate(texts):
        yield "".join(_cell(piece, color=color) for piece in pieces(text, sequence, words))
    strongest = sorted(words, key=lambda word: -abs(word.attribution))[:MAX_WORDS]
    names = [fit(word.text, MAX_WORD) for word in strongest if word.attribution]
    width = max(map(columns_of, names), default=0)
    for word, name in zip(strongest, names, strict=False):
        bar = "█" * max(1, round(BAR * abs(word.attribution / strongest[0].attribution)))
        yield f"  {name}{' ' * (width - columns_of(name))}  {word.attribution:+.3f}  {bar}"
    if note:
        yield note


def _cell(piece: Piece, *, color: bool) -> str:
    shown = fit(piece.text, None)
    is_hidden = piece.word is not None and not piece.word.is_seen
    style = NOT_SEEN if is_hidden else _style(piece.strength)
    return f"\x1b[{style}m{shown}\x1b[0m" if color and style else shown


def _style(strength: float) -> str:
    if abs(strength) < WEAKEST_COLOURED:
        return ""
    styles = FOR_LABEL if strength > 0 else AGAINST_LABEL
    return styles[min(int(abs(strength) * len(styles)), len(styles) - 1)]
