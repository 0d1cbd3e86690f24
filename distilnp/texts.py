"""What counts as a text: a str, or a mapping with two texts that belong together.

The mapping is the one that the text-classification pipeline of transformers takes.
"""

from collections.abc import Mapping

from .errors import InputTypeError

Text = str | Mapping[str, str]


def as_tuple(text: Text, name: str) -> tuple[str, ...]:
    """Return the one str of a text, or the two of a pair. Messages call the text by `name`.

    Raises
    ------
    InputTypeError
        It is neither a str nor a mapping that has a str under "text", and perhaps one under "text_pair".
    """
    if isinstance(text, str):
        return (text,)
    if not isinstance(text, Mapping):
        raise InputTypeError(
            f"{name} is {type(text).__name__} ({text!r:.60}), expected str, or "
            '{"text": ..., "text_pair": ...} for two texts. Drop it, or give an empty text in its place'
        )
    keys = ("text", "text_pair") if "text_pair" in text else ("text",)
    if set(text) != set(keys):
        came = ", ".join(repr(key) for key in text) or "none"
        raise InputTypeError(
            f"{name} has the keys {came:.200}, expected 'text' and 'text_pair', or 'text' alone"
        )
    for key in keys:
        if not isinstance(text[key], str):
            raise InputTypeError(
                f"{name}[{key!r}] is {type(text[key]).__name__} ({text[key]!r:.60}), expected str. "
                "For a text without a pair, leave 'text_pair' out"
            )
    return tuple(text[key] for key in keys)
