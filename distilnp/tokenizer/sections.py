"""Files made by strangers, read with suspicion: text, and JSON whose values are asked for by type.

Whatever is wrong with a file is a `TokenizerFilesError` that names the file, the place in it, what was
expected and what was there. What the values mean is the business of `files.py`.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from ..errors import TokenizerFilesError

# Twenty times the largest published one (multilingual, 3 MB): what is larger is not a tokenizer's file.
MAX_FILE_BYTES = 64 << 20
# Ids are 32-bit unsigned integers in the witness.
MAX_ID = (1 << 32) - 1

ADVICE = "Download the checkpoint again, or save it again with transformers' save_pretrained."


class Section:
    """An object of a JSON file, with the place where it stands."""

    def __init__(self, values: Mapping[str, Any], where: str) -> None:
        self.values = values
        self.where = where

    def has(self, key: str) -> bool:
        """Whether the key is there with something other than null."""
        return self.values.get(key) is not None

    def reject(self, key: str, expected: str, advice: str = ADVICE) -> NoReturn:
        """Raise the error for a value that is not what was expected."""
        came = shown(self.values[key]) if key in self.values else "nothing"
        raise TokenizerFilesError(f"{self.where}: {shown(key)}: expected {expected}, got {came}. {advice}")

    def boolean(self, key: str, default: bool | None = None) -> bool:
        """Return true or false; without a default the key must be there."""
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            self.reject(key, "true or false")
        return value

    def string(self, key: str) -> str:
        """Return a string of Unicode scalar values (JSON can spell others)."""
        value = self.values.get(key)
        if not isinstance(value, str) or not is_unicode(value):
            self.reject(key, "a string of Unicode characters")
        return value

    def integer(self, key: str, largest: int = MAX_ID) -> int:
        """Return a whole number, zero included."""
        value = self.values.get(key)
        if type(value) is not int or not 0 <= value <= largest:  # a bool is an int to isinstance
            self.reject(key, f"a whole number from 0 to {largest}")
        return value

    def section(self, key: str) -> "Section":
        """Return an object inside this one."""
        value = self.values.get(key)
        if not isinstance(value, dict):
            self.reject(key, "an object")
        return Section(value, f"{self.where}: {shown(key)}")

    def items(self, key: str) -> Iterator["Section"]:
        """Yield the items of a list, each as an object with the one key "item"."""
        value = self.values.get(key)
        if not isinstance(value, list):
            self.reject(key, "a list")
        for index, item in enumerate(value):
            yield Section({"item": item}, f"{self.where}: {shown(key)}[{index}]")

    def supports(self, key: str, *values: str | None) -> None:
        """Refuse a value that asks for what is not implemented; None allows null and no value at all."""
        if self.values.get(key) not in values:
            names = " or ".join(shown(value) for value in values if value)
            self.reject(
                key,
                names,
                "Only BERT's WordPiece tokenizer is implemented here; this model needs another library.",
            )


def read_text(path: Path) -> str | None:
    """Return a file's text, or None if there is no such file."""
    try:
        if not path.exists():
            return None
        if path.stat().st_size > MAX_FILE_BYTES:
            raise TokenizerFilesError(
                f"{path}: expected at most {MAX_FILE_BYTES:,} bytes, got {path.stat().st_size:,}. {ADVICE}"
            )
        if not path.is_file():  # a named pipe would be waited for without end
            raise TokenizerFilesError(f"{path}: expected a file, got something else. {ADVICE}")
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise TokenizerFilesError(
            f"{path}: expected UTF-8, got 0x{error.object[error.start]:02X} at byte {error.start}. {ADVICE}"
        ) from None
    except OSError as error:
        raise TokenizerFilesError(
            f"{path}: expected a file that can be read, got {error.strerror or error}. Check its permissions."
        ) from error


def read_json(path: Path) -> Section | None:
    """Return a file's JSON object, or None if there is no such file."""
    text = read_text(path)
    if text is None:
        return None
    try:
        values = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        reason = "brackets too deep" if isinstance(error, RecursionError) else str(error)
        raise TokenizerFilesError(
            f"{path}: expected JSON, got text that is not ({reason}). {ADVICE}"
        ) from None
    if not isinstance(values, dict):
        raise TokenizerFilesError(f"{path}: expected a JSON object, got {shown(values)}. {ADVICE}")
    return Section(values, str(path))


def is_unicode(text: str) -> bool:
    """Whether a text holds no lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def shown(value: object) -> str:
    """Return a value for a message, cut short: the message must not be as long as the file."""
    text = ascii(value) if isinstance(value, str) else repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
