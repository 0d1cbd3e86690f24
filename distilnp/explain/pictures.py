"""Pictures of a trace: where heads look, and how far each layer has come."""

from collections.abc import Iterable, Sequence
from math import ceil, floor, log10

from ..model.params import Array
from ..svg import SMALL, Plot, Svg, cut, element, group, picture, text, tip, width_of

MARGIN = 24
TITLE_HEIGHT = 48
WIDTH = 760  # as wide as the text of a page

# One head: a cell large enough for the name of its token, which takes at most this width.
CELL = 18
NAME_WIDTH = 110

# All heads of a layer, in rows of four: a small square for each.
IN_ROW = 4
GAP = 28

LENS_HEIGHT = 220

# A smaller share cannot be seen.
WEAKEST_DRAWN = 0.01


def attention_picture(tokens: Sequence[str], probs: Array, layer: int, heads: Iterable[int]) -> Svg:
    """Draw where heads of a layer look, from their probabilities [n_heads, n_seq, n_seq]."""
    heads = list(heads)
    if len(heads) == 1:
        return _one_head(tokens, probs[heads[0]], layer, heads[0])
    return _many_heads(tokens, probs, layer, heads)


def logit_lens_picture(labels: Sequence[str], logits: Array) -> Svg:
    """Draw the logits [n_layers + 1, n_labels] after the embeddings and each layer, a line for each label."""
    ticks = _ticks(float(logits.min()), float(logits.max()))
    names = [cut(label, NAME_WIDTH) for label in labels]
    left, top = MARGIN + 36, TITLE_HEIGHT + 22
    plot = Plot(
        left,
        top,
        WIDTH - left - NAME_WIDTH - MARGIN,
        LENS_HEIGHT,
        x_range=(0, len(logits) - 1),
        y_range=(ticks[0], ticks[-1]),
    )
    layers = range(len(logits))
    parts = [
        _title("What the head reads from [CLS] after each layer"),
        plot.axes(
            "layers",
            "logit",
            layers,
            ticks,
        ),
    ]
    best = int(logits[-1].argmax())
    for i, label in enumerate(labels):
        values = logits[:, i].tolist()
        kind = "line" if i == best else "ideal"
        points = [(float(x), y) for x, y in zip(layers, values, strict=True)]
        dots = [plot.dot(x, y, f"{label}: {y:+.2f} after {_place(int(x))}") for x, y in points]
        name = text(names[i], plot.x(len(logits) - 1) + 10, plot.y(values[-1]) + 4)
        parts.append(group(f"{label}: {values[-1]:+.2f} in the end", plot.line(points, kind), *dots, name))
    return picture(
        f"Logits after each layer; in the end, {labels[best]} has {logits[-1, best]:+.2f}",
        WIDTH,
        top + LENS_HEIGHT + 44,
        *parts,
    )


def _place(layer: int) -> str:
    return f"layer {layer - 1}" if layer else "the embeddings"


def _one_head(tokens: Sequence[str], probs: Array, layer: int, head: int) -> Svg:
    names = [cut(token, NAME_WIDTH, SMALL) for token in tokens]
    room = max(width_of(name, SMALL) for name in names) + 8
    left, top = MARGIN + room, TITLE_HEIGHT + room
    parts = [_title(f"Layer {layer}, head {head}: where each token (row) looks")]
    for i, name in enumerate(names):
        middle = i * CELL + CELL / 2
        x = left + middle + 3.5
        parts += [
            text(name, left - 6, top + middle + 3.5, class_="soft", text_anchor="end"),
            text(name, x, top - 6, class_="soft", transform=f"rotate(-90 {x:g} {top - 6:g})"),
        ]
    parts.append(_square(tokens, probs, left, top, CELL, has_tips=True))
    side = len(tokens) * CELL
    return picture(
        f"Attention of layer {layer}, head {head}, between {len(tokens)} tokens",
        max(left + side + MARGIN, width_of(f"Layer {layer}, head {head}: where each token (row) looks") + 60),
        top + side + MARGIN,
        *parts,
    )


def _many_heads(tokens: Sequence[str], probs: Array, layer: int, heads: Sequence[int]) -> Svg:
    side = (WIDTH - 2 * MARGIN - (IN_ROW - 1) * GAP) / IN_ROW
    cell = side / len(tokens)
    parts = [_title(f"Layer {layer}: where each token (row) looks, head by head")]
    for place, head in enumerate(heads):
        left = MARGIN + place % IN_ROW * (side + GAP)
        top = TITLE_HEIGHT + 20 + place // IN_ROW * (side + GAP + 8)
        parts.append(text(f"head {head}", left, top - 6, class_="soft"))
        parts.append(_square(tokens, probs[head], left, top, cell, has_tips=False))
    rows = ceil(len(heads) / IN_ROW)
    return picture(
        f"Attention of layer {layer}, {len(heads)} heads, between {len(tokens)} tokens",
        WIDTH,
        TITLE_HEIGHT + 20 + rows * (side + GAP + 8),
        *parts,
    )


def _square(
    tokens: Sequence[str], probs: Array, left: float, top: float, cell: float, *, has_tips: bool
) -> str:
    """Return the cells of one head over a frame; the more a token is looked at, the stronger its cell."""
    side = cell * len(tokens)
    cells = [element("rect", class_="grid", x=left, y=top, width=side, height=side)]
    for i, row in enumerate(probs.tolist()):
        for j, share in enumerate(row):
            if share < WEAKEST_DRAWN:
                continue
            words = [tip(f"{tokens[i]} looks at {tokens[j]}: {share:.2f}")] if has_tips else []
            cells.append(
                element(
                    "rect",
                    *words,
                    class_="mark",
                    x=left + j * cell,
                    y=top + i * cell,
                    width=cell,
                    height=cell,
                    fill_opacity=round(share, 2),
                )
            )
    return "".join(cells)


def _title(words: str) -> str:
    return text(words, MARGIN, 30, class_="title")


def _ticks(low: float, high: float) -> list[float]:
    """Return round values for an axis that has these values and 0: at most eight."""
    low, high = min(low, 0.0), max(high, 0.0)
    span = (high - low) or 1.0
    power = 10.0 ** floor(log10(span / 6))
    step = next(digit * power for digit in (1, 2, 5, 10) if span <= 6 * digit * power)
    return [n * step for n in range(floor(low / step), max(1, ceil(high / step)) + 1)]
