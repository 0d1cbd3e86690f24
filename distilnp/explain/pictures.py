"""Pictures: where heads look, how far each layer has come, and how much each word counts."""

from collections.abc import Iterable, Sequence
from math import ceil, floor, inf, log10

from ..model.params import Array
from ..svg import SMALL, Plot, Svg, cut, element, group, picture, text, tip, width_of
from .attribution import Attribution

MARGIN = 24
TITLE_HEIGHT = 48
WIDTH = 760  # as wide as the text of a page

# One head: a cell large enough for the name of its token, which takes at most this width.
CELL = 18
NAME_WIDTH = 110

# A pointer shows the number of a cell. With 64 tokens, the picture has 340 kB; with 512, it would have 19 MB.
MOST_TOKENS_WITH_TIPS = 64

# All heads of a layer, in rows of four: a small square for each.
IN_ROW = 4
GAP = 28

LENS_HEIGHT = 220
LINE_HEIGHT = 14.0

# Words with bars: the height of one, the room for its number, and as many as a screen shows.
ROW = 24
VALUE_WIDTH = 64
MOST_WORDS = 30


def attention_picture(tokens: Sequence[str], probs: Array, layer: int, heads: Iterable[int]) -> Svg:
    """Draw where heads of a layer look, from their probabilities [n_heads, n_seq, n_seq]."""
    heads = list(heads)
    if len(heads) == 1:
        return _one_head(tokens, probs[heads[0]], layer, heads[0])
    return _many_heads(tokens, probs, layer, heads)


def logit_lens_picture(labels: Sequence[str], logits: Array, width: float = WIDTH) -> Svg:
    """Draw the logits [n_layers + 1, n_labels] after the embeddings and each layer, a line for each label."""
    ticks = _ticks(float(logits.min()), float(logits.max()))
    names = [cut(label, NAME_WIDTH) for label in labels]
    left, top = MARGIN + 36, TITLE_HEIGHT + 22
    plot = Plot(
        left,
        top,
        width - left - NAME_WIDTH - MARGIN,
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
    heights = _apart([plot.y(value) for value in logits[-1].tolist()])
    for i, label in enumerate(labels):
        values = logits[:, i].tolist()
        kind = "line" if i == best else "ideal"
        points = [(float(x), y) for x, y in zip(layers, values, strict=True)]
        dots = [plot.dot(x, y, f"{label}: {y:+.2f} after {_place(int(x))}") for x, y in points]
        name = text(names[i], plot.x(len(logits) - 1) + 10, heights[i] + 4)
        parts.append(group(f"{label}: {values[-1]:+.2f} in the end", plot.line(points, kind), *dots, name))
    return picture(
        f"Logits after each layer; in the end, {labels[best]} has {logits[-1, best]:+.2f}",
        width,
        top + LENS_HEIGHT + 44,
        *parts,
    )


def _apart(heights: list[float]) -> list[float]:
    """Move heights down as far as the names at them would overlap. Too many names come closer together."""
    room = min(LINE_HEIGHT, LENS_HEIGHT / len(heights))
    moved, lowest = list(heights), -inf
    for i in sorted(range(len(heights)), key=heights.__getitem__):
        moved[i] = lowest = max(heights[i], lowest + room)
    return moved


def words_picture(headline: str, words: Sequence[Attribution], note: str) -> Svg:
    """Draw a bar for each word, to the right if it speaks for the label; of many words, the strongest."""
    drawn = sorted(words, key=lambda word: -abs(word.attribution))[:MOST_WORDS]
    drawn = [word for word in words if word in drawn][:MOST_WORDS]
    largest = max((abs(word.attribution) for word in drawn), default=0.0) or 1.0
    names = [cut(word.text, NAME_WIDTH) for word in drawn]
    left = MARGIN + max(map(width_of, names), default=0.0) + 12
    # Bars to the left need room only if there are any.
    lowest = min((word.attribution for word in drawn), default=0.0)
    scale = (WIDTH - left - VALUE_WIDTH - MARGIN) / (largest + max(-lowest, 0.0))
    zero = left + max(-lowest, 0.0) * scale
    parts = [_title(cut(headline, WIDTH - 2 * MARGIN))]
    for i, (word, name) in enumerate(zip(drawn, names, strict=True)):
        top = TITLE_HEIGHT + i * ROW
        width = abs(word.attribution) * scale
        value = f"{word.attribution:+.3f}"
        start = zero if word.attribution > 0 else zero - width
        bar = element(
            "rect",
            class_="mark" if word.attribution > 0 else "other",
            x=start,
            y=top + 3,
            width=width,
            height=ROW - 6,
        )
        label = text(name, left - 8, top + ROW / 2 + 4, text_anchor="end")
        number = text(value, max(zero, start + width) + 6, top + ROW / 2 + 4, class_="soft")
        parts.append(group(f"{word.text}: {value}", label, bar, number))
    bottom = TITLE_HEIGHT + len(drawn) * ROW
    parts.append(element("path", class_="grid", d=f"M{zero:.1f} {TITLE_HEIGHT}V{bottom}"))
    if len(drawn) < len(words):
        note = f"The {len(drawn)} of {len(words)} words that count most. {note}"
    parts.append(text(note, MARGIN, bottom + 22, class_="soft"))
    return picture(headline, WIDTH, bottom + (40 if note else MARGIN), *parts)


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
    parts.append(_square(tokens, probs, left, top, CELL, has_tips=len(tokens) <= MOST_TOKENS_WITH_TIPS))
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
    n_seq = len(tokens)
    squares: dict[float, list[str]] = {}
    tips = []
    for i, row in enumerate(probs.tolist()):
        for j, probability in enumerate(row):
            strength = round(probability, 2)
            if strength:
                squares.setdefault(strength, []).append(f"M{j} {i}h1v1h-1z")
            if has_tips:
                words = tip(f"{tokens[i]} looks at {tokens[j]}: {probability:.2f}")
                tips.append(element("path", words, d=f"M{j} {i}h1v1h-1z"))
    cells = [
        element("path", class_="mark", fill_opacity=strength, d="".join(paths))
        for strength, paths in squares.items()
    ]
    frame = element(
        "rect", class_="grid", width=n_seq, height=n_seq, vector_effect="non-scaling-stroke", fill="none"
    )
    pointed = [element("g", *tips, fill_opacity=0)] if tips else []
    return element("g", *cells, frame, *pointed, transform=f"translate({left:g} {top:g})scale({cell:g})")


def _title(words: str) -> str:
    return text(words, MARGIN, 30, class_="title")


def _ticks(low: float, high: float) -> list[float]:
    """Return round values for an axis that has these values and 0: at most eight."""
    low, high = min(low, 0.0), max(high, 0.0)
    span = (high - low) or 1.0
    power = 10.0 ** floor(log10(span / 6))
    step = next(digit * power for digit in (1, 2, 5, 10) if span <= 6 * digit * power)
    return [n * step for n in range(floor(low / step), max(1, ceil(high / step)) + 1)]
