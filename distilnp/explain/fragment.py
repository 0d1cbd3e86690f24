"""An explanation as a piece of HTML, for notebooks and pages: the text with coloured words."""

from collections.abc import Sequence
from html import escape

from ..widths import fit
from .attribution import Attribution
from .pieces import Piece, pieces

# The colours of the charts: blue for the label, orange against it. The page's own background shows through,
# so that its text can be read in light and in dark. The strongest word has this opacity.
FOR_LABEL, AGAINST_LABEL = "10,100,194", "230,110,10"
MOST_OPAQUE = 0.55


def coloured(target: str, answer: str, texts: Sequence[str], words: Sequence[Attribution], note: str) -> str:
    """Return an explanation as a `div`: the answer, the texts with coloured words, and a note."""
    paragraphs = "".join(
        f'<p dir="auto" style="line-height:1.9;overflow-wrap:anywhere">{coloured_text(text, i, words)}</p>'
        for i, text in enumerate(texts)
    )
    return f"<div><b>{safe(target)}</b> {answer}{paragraphs}<small>{note}</small></div>"


def coloured_text(text: str, sequence: int, words: Sequence[Attribution]) -> str:
    """Return a text as `span` elements; see `pieces`."""
    return "".join(map(_span, pieces(text, sequence, words)))


def _span(piece: Piece) -> str:
    if piece.word is None:
        return safe(piece.text)
    colour = FOR_LABEL if piece.strength > 0 else AGAINST_LABEL
    style = f"background:rgba({colour},{MOST_OPAQUE * abs(piece.strength):.3f});border-radius:3px"
    if not piece.word.is_seen:
        style = "opacity:.5"
    return f'<span style="{style}" title="{piece.word.attribution:+.3f}">{safe(piece.text)}</span>'


def safe(text: str) -> str:
    """Return a stranger's text for a page: nothing in it is markup, and no character does anything."""
    return escape(fit(text, None))
