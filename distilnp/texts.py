"""What counts as a text: a str, or a mapping that holds two which belong together.

The mapping is the one that the text-classification pipeline of transformers takes.
"""

from collections.abc import Mapping

from .errors import InputTypeError

Text = str | Mapping[str, str]


def parts(text: Text, name: str) -> tuple[str, ...]:
    """Return the one text or the two of a pair; an error calls what was given by its `name`.

    Raises
    ------
    InputTypeError
        It is neither a str nor a mapping with "text", and perhaps "text_pair", to a str each.
    """
    if isinstance(text, str):
        return (text,)
    if not isinstance(text, Mapping):
        raise InputTypeError(
            f"{name} is {type(text).__name__} ({text!r:.60}), expected str, or for two texts "
            '{"text": ..., "text_pair": ...}. Drop it, or give an empty text in its place'
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
