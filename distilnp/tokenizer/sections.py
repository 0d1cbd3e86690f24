"""Read text and JSON files that strangers made, and take their values by type.

Every fault of a file raises `TokenizerFilesError`, which names the file, the place in it, the value and the
expected value. The meaning of the values is in `files.py`.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from .. import foreign
from ..errors import TokenizerFilesError
from ..foreign import MAX_FILE_BYTES, read_file

# The witness stores ids as 32-bit unsigned integers.
MAX_ID = (1 << 32) - 1
# Long enough to recognise a value by. A message must not be as long as the file that it is about.
MAX_SHOWN = 60

ADVICE = "Download the checkpoint again, or save it again with transformers' save_pretrained"

Key = str | int

_NAME = re.compile(f"[A-Za-z_][A-Za-z0-9_]{{0,{MAX_SHOWN - 1}}}")


class Section:
    """An object or a list in a JSON file, with its path in the file."""

    def __init__(self, values: Mapping[Any, Any], file: str, path: str = "") -> None:
        self.values = values
        self.file = file
        self._path = path

    def has(self, key: Key) -> bool:
        """Return whether the key has a value other than null."""
        return self.values.get(key) is not None

    def reject(self, key: Key, expected: str, advice: str = ADVICE) -> NoReturn:
        """Raise the error for a value other than the expected one."""
        found = f"is {shown(self.values[key])}" if key in self.values else "is missing"
        raise TokenizerFilesError(f"{self.file}: {self._path_of(key)} {found}, expected {expected}. {advice}")

    def boolean(self, key: Key, default: bool | None = None) -> bool:
        """Return true or false; without a default, the key must be present."""
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            self.reject(key, "true or false")
        return value

    def string(self, key: Key) -> str:
        """Return a string of Unicode scalar values; JSON can also spell lone surrogates."""
        value = self.values.get(key)
        if not isinstance(value, str) or not is_unicode(value):
            self.reject(key, "a string of Unicode characters")
        return value

    def integer(self, key: Key, largest: int = MAX_ID) -> int:
        """Return an integer from 0 to `largest`."""
        value = self.values.get(key)
        if type(value) is not int or not 0 <= value <= largest:  # isinstance would accept a bool
            self.reject(key, f"an integer from 0 to {largest}")
        return value

    def section(self, key: Key) -> "Section":
        """Return an object inside this section."""
        value = self.values.get(key)
        if not isinstance(value, dict):
            self.reject(key, "an object")
        return Section(value, self.file, self._path_of(key))

    def items(self, key: Key) -> "Section":
        """Return a list inside this section, with the indices as keys."""
        value = self.values.get(key)
        if not isinstance(value, list):
            self.reject(key, "a list")
        return Section(dict(enumerate(value)), self.file, self._path_of(key))

    def sections(self, key: Key) -> Iterator["Section"]:
        """Yield the objects of a list inside this section."""
        items = self.items(key)
        return map(items.section, items.values)

    def supports(self, key: Key, values: Sequence[str], *, optional: bool = False) -> None:
        """Reject a value that is not one of `values`; `optional` also allows null and a missing key."""
        if self.values.get(key) not in values and (self.has(key) or not optional):
            self.reject(
                key,
                f"{'one of ' if len(values) > 1 else ''}{', '.join(map(shown, values))}",
                "Only BERT's WordPiece tokenizer is implemented here. This model needs another library",
            )

    def _path_of(self, key: Key) -> str:
        if isinstance(key, int) or not _NAME.fullmatch(key):
            return f"{self._path}[{shown(key)}]"
        return f"{self._path}.{key}" if self._path else key


def read_text(path: Path) -> str | None:
    """Return the text of a file, or None if the file does not exist."""
    try:
        return read_file(path).decode("utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise TokenizerFilesError(
            f"{path}: byte {error.start} is 0x{error.object[error.start]:02X}, expected UTF-8. {ADVICE}"
        ) from None
    except OSError as error:
        raise TokenizerFilesError(
            f"{path} cannot be read ({error.strerror or error}), expected a readable file of at most "
            f"{MAX_FILE_BYTES} bytes. Check its permissions, or download the checkpoint again"
        ) from error


def read_json_object(path: Path) -> Section | None:
    """Return the object in a JSON file, or None if the file does not exist."""
    text = read_text(path)
    if text is None:
        return None
    try:
        values = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        reason = "too many nested brackets" if isinstance(error, RecursionError) else str(error)
        raise TokenizerFilesError(
            f"{path} is not JSON ({reason}), expected a JSON object. {ADVICE}"
        ) from None
    if not isinstance(values, dict):
        raise TokenizerFilesError(f"{path} is {shown(values)}, expected a JSON object. {ADVICE}")
    return Section(values, str(path))


def is_unicode(text: str) -> bool:
    """Return whether a text contains no lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def shown(value: object) -> str:
    """Return a foreign value in a form for messages: escaped, and cut after 60 characters.

    Text is escaped to ASCII: a token may be a combining mark, or look like another one.
    """
    if not isinstance(value, str):
        return foreign.shown(value, MAX_SHOWN)
    text = ascii(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")
