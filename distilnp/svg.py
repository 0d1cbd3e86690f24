"""Write SVG: elements, and a plot with two axes. Nothing here knows what is drawn."""

from collections.abc import Callable, Sequence
from html import escape

from .foreign import printable
from .widths import columns_of, fit

# The width of a character in fonts without serifs, as a share of their size; wide ones take two of them.
CHARACTER = 0.62

FONT_SIZE = 12
SMALL = 10.5
TITLE = 13

# Colours follow the reader's theme, in a browser and in a notebook. The class keeps them away from the page
# that the picture is on.
STYLE = """
.distilnp-plot{
--paper:#fff;--ink:#1f2328;--soft:#59636e;--grid:#d8dee4;--mark:#0a64c2;--other:#bc4c00}
@media (prefers-color-scheme:dark){.distilnp-plot{
--paper:#0d1117;--ink:#e6edf3;--soft:#9198a1;--grid:#30363d;--mark:#6cb6ff;--other:#f0883e}}
.distilnp-plot{font-size:12px;
font-family:system-ui,-apple-system,"Segoe UI","Noto Sans","DejaVu Sans",sans-serif}
.distilnp-plot text{fill:var(--ink)}
.distilnp-plot .paper{fill:var(--paper)}
.distilnp-plot .title{font-size:13px;font-weight:600}
.distilnp-plot .soft{fill:var(--soft);font-size:10.5px}
.distilnp-plot .grid{stroke:var(--grid);fill:none}
.distilnp-plot .ideal{stroke:var(--soft);stroke-dasharray:4 4;fill:none}
.distilnp-plot .line{stroke:var(--mark);fill:none;stroke-width:1.8}
.distilnp-plot .mark{fill:var(--mark)}
.distilnp-plot .other{fill:var(--other)}
.distilnp-plot .faint{fill:var(--mark);opacity:.22}
"""


class Svg(str):
    """A picture as the text of an SVG file, which a notebook shows."""

    __slots__ = ()

    def _repr_svg_(self) -> str:
        return str(self)


def element(name: str, *children: str, **attributes: object) -> str:
    """Return an element. Its children are elements; an underscore in an attribute's name is a hyphen."""
    written = "".join(
        f' {key.strip("_").replace("_", "-")}="{_number(value)}"' for key, value in attributes.items()
    )
    return f"<{name}{written}>{''.join(children)}</{name}>" if children else f"<{name}{written}/>"


def text(words: str, x: float, y: float, **attributes: object) -> str:
    """Return a line of text, which may be a stranger's."""
    return element("text", safe(words), x=x, y=y, **attributes)


def tip(words: str) -> str:
    """Return what a pointer over the element shows."""
    return element("title", safe(words))


def group(label: str, *children: str) -> str:
    """Return elements that are one picture, which a screen reader reads as `label`."""
    return element("g", *children, role="img", aria_label=label)


def picture(label: str, width: float, height: float, *children: str) -> Svg:
    """Return a whole picture; it may be put on a page, where it shrinks with its column."""
    paper = element("rect", class_="paper", width=width, height=height, rx=6)
    return Svg(
        element(
            "svg",
            tip(label),
            f"<style>{STYLE}</style>",
            paper,
            *children,
            xmlns="http://www.w3.org/2000/svg",
            class_="distilnp-plot",
            width=width,
            height=height,
            viewBox=f"0 0 {width:g} {height:g}",
            style="max-width:100%;height:auto",
            role="group",
            aria_label=label,
        )
    )


def width_of(words: str, size: float = FONT_SIZE) -> float:
    """Return about how wide a line of text is."""
    return columns_of(words) * size * CHARACTER


def cut(words: str, width: float, size: float = FONT_SIZE) -> str:
    """Return a line of text that is no wider than this, about."""
    return fit(words, max(1, int(width / (size * CHARACTER))))


def safe(words: object) -> str:
    """Return text as XML can hold it: many controls are not allowed there even if they are escaped."""
    return escape(printable(words))


class Plot:
    """A square with two axes.

    Parameters
    ----------
    left, top, width, height : float
        Where the axes are.
    x_range, y_range : tuple of float
        The values at the ends of the axes.
    """

    def __init__(
        self,
        left: float,
        top: float,
        width: float,
        height: float,
        x_range: tuple[float, float] = (0.0, 1.0),
        y_range: tuple[float, float] = (0.0, 1.0),
    ) -> None:
        self.left, self.top, self.width, self.height = left, top, width, height
        self._x_range, self._y_range = x_range, y_range

    def x(self, value: float) -> float:
        """Return where a value is from left to right."""
        low, high = self._x_range
        return self.left + self.width * (value - low) / (high - low)

    def y(self, value: float) -> float:
        """Return where a value is from top to bottom."""
        low, high = self._y_range
        return self.top + self.height * (high - value) / (high - low)

    def axes(
        self,
        x_name: str,
        y_name: str,
        x_ticks: Sequence[float],
        y_ticks: Sequence[float],
        written: Callable[[float], str] = "{:g}".format,
    ) -> str:
        """Return the grid, the ticks and the names of the axes."""
        bottom, right = self.top + self.height, self.left + self.width
        lines = [
            *(
                element("path", class_="grid", d=f"M{self.x(x):.1f} {self.top:.1f}V{bottom:.1f}")
                for x in x_ticks
            ),
            *(
                element("path", class_="grid", d=f"M{self.left:.1f} {self.y(y):.1f}H{right:.1f}")
                for y in y_ticks
            ),
        ]
        names = [
            *(text(written(x), self.x(x), bottom + 15, class_="soft", text_anchor="middle") for x in x_ticks),
            *(
                text(written(y), self.left - 6, self.y(y) + 3.5, class_="soft", text_anchor="end")
                for y in y_ticks
            ),
            text(x_name, self.left + self.width / 2, bottom + 32, class_="soft", text_anchor="middle"),
            text(y_name, self.left, self.top - 8, class_="soft"),
        ]
        return "".join(lines + names)

    def line(self, points: Sequence[tuple[float, float]], kind: str) -> str:
        """Return a line through points."""
        path = "L".join(f"{self.x(x):.1f} {self.y(y):.1f}" for x, y in points)
        return element("path", class_=kind, d=f"M{path}")

    def dot(self, x: float, y: float, words: str, radius: float = 3.5, kind: str = "mark") -> str:
        """Return a dot, and what a pointer over it shows."""
        return element("circle", tip(words), class_=kind, cx=self.x(x), cy=self.y(y), r=radius)


def _number(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else safe(value)
