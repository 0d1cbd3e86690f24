"""The elements of the page that several steps share: tables, bars, counted things, and a stranger's text."""

from collections.abc import Iterable, Sequence

from ..fragment import safe


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "") -> str:
    """Return a table whose rows begin with their names.

    Parameters
    ----------
    columns : sequence of str
        The names of the columns; these and everything else are HTML.
    rows : iterable of sequences of str
        The cells of each row, the name of the row first.
    caption : str
        What the table shows; there is no caption if it is empty.
    """
    head = "".join(f'<th scope="col">{name}</th>' for name in columns)
    body = "".join(
        f'<tr><th scope="row">{name}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
        for name, *cells in rows
    )
    title = f"<caption>{caption}</caption>" if caption else ""
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def bar(share: float) -> str:
    """Return a bar, which says nothing that the number beside it does not say."""
    kind = "for" if share >= 0 else "against"
    return f'<span class="bar {kind}" style="--share:{min(abs(share), 1):.3f}"></span>'


def counted(n: int, name: str) -> str:
    """Return a number of things, such as 1 layer or 6 layers."""
    return f"{n} {name}" if n == 1 else f"{n} {name}s"


def isolated(text: str) -> str:
    """Return a stranger's text that changes no direction but its own."""
    return f"<bdi>{safe(text)}</bdi>"


def passage(text: str) -> str:
    """Return a paragraph of a stranger's text, which is HTML already and in a language that nobody knows."""
    return f'<p class="text" lang="" dir="auto">{text}</p>'


def note(text: str) -> str:
    """Return a remark on a step."""
    return f'<p class="note">{text}</p>'
