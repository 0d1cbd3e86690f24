"""The values of a JSON array, or of JSON values one after the other, while the file is being read.

Only one value is in memory at a time, however large the array is and wherever its line ends are. Python's own
parser needs the whole array.
"""

import re
from collections.abc import Iterator
from itertools import count

from ..errors import InputFileError
from .lines import MAX_LINE_BYTES, Lines

# A value without brackets or quotes, such as 1.5 or null, ends before one of these.
END_OF_SCALAR = re.compile(r"[,\]}\s]")

OUTSIDE_OF_STRING = re.compile(r'["\[\]{}]')
INSIDE_OF_STRING = re.compile(r'["\\]')

# Python's parser follows no more than about a thousand brackets in brackets.
MAX_DEPTH = 2000

NO_END = "the array does not end, expected a ] at the end of the file"

SPACE = re.compile(r"[ \t\r\n]*")

# What follows a value before the next one begins.
BETWEEN_VALUES = re.compile(r"[ \t\r\n,\]]*")


def json_values(lines: Lines) -> Iterator[str]:
    """Yield the text of each value, which may still be no JSON inside its brackets.

    Raises
    ------
    InputFileError
        Something else is between the values, or a value is too long or has brackets too deep.
    """
    rest = _Rest(lines)
    is_array = rest.next_character() == "["
    if is_array:
        rest.skip()
    for number in count(1):
        character = rest.next_character()
        if is_array and character == "]":
            rest.skip()
            if rest.next_character():
                raise rest.error("something follows the end of the array, expected nothing")
            return
        if not character:
            if is_array:
                raise rest.error(NO_END)
            return
        if is_array and number > 1:
            if character != ",":
                raise rest.error(f"{character!r} follows a value of the array, expected a comma or ]")
            rest.skip()
            if not rest.next_character():
                raise rest.error(NO_END)
        yield rest.value(number)


class _Rest:
    """The text that has been read and is not used yet, in one piece of the file."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        lines.in_pieces()
        self._text = ""
        self._at = 0

    def next_character(self) -> str:
        """Return the next character that is no space, which stays; at the end of the file, return none."""
        while True:
            match = SPACE.match(self._text, self._at)
            assert match
            self._at = match.end()
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._read():
                return ""

    def skip(self) -> None:
        """Go past the next character."""
        self._at += 1

    def value(self, number: int) -> str:
        """Return the text of the value that begins with the next character."""
        parts: list[str] = []
        n_characters = 0
        end = _End(self._text[self._at : self._at + 1])
        while (stop := self._end(end, number)) is None:
            parts.append(self._text[self._at :])
            n_characters += len(parts[-1])
            if n_characters > MAX_LINE_BYTES:
                raise self.error(
                    f"value {number} has more than {MAX_LINE_BYTES:,} characters, expected the object of one "
                    "text. An object with a list for each column has to be written as records first"
                )
            if not self._read():
                break
        parts.append(self._text[self._at : stop])
        self._at = len(self._text) if stop is None else stop
        match = BETWEEN_VALUES.match(self._text, self._at)
        self._lines.has_rest = match is not None and match.end() < len(self._text)
        return "".join(parts)

    def _end(self, end: "_End", number: int) -> int | None:
        try:
            return end.find(self._text, self._at)
        except RecursionError:
            raise self.error(f"value {number} has brackets {MAX_DEPTH} deep, expected an object") from None

    def error(self, message: str) -> InputFileError:
        """Return an error that names the line."""
        return InputFileError(str(self._lines.error(message)))

    def _read(self) -> bool:
        """Replace the text by the next piece, and return whether there is one."""
        self._text, self._at = next(self._lines, ""), 0
        return bool(self._text)


class _End:
    """The end of a value that begins with `first`, looked for in one piece after the other."""

    def __init__(self, first: str) -> None:
        self._is_scalar = first not in ('"', "[", "{")
        self._has_begun = False
        self._depth = 0
        self._in_string = False
        self._is_escaped = False

    def find(self, text: str, at: int) -> int | None:
        """Return the index after the value, or None if the value goes on after this piece.

        Raises
        ------
        RecursionError
            Brackets are deeper than `MAX_DEPTH`.
        """
        if self._is_scalar:
            # The first character belongs to the value, even a stray bracket: it has to go away.
            match = END_OF_SCALAR.search(text, at + (not self._has_begun))
            self._has_begun = True
            return match and match.start()
        if self._is_escaped:
            at += 1
            self._is_escaped = False
        while match := (INSIDE_OF_STRING if self._in_string else OUTSIDE_OF_STRING).search(text, at):
            at = match.end()
            character = match[0]
            if character == "\\":
                at += 1
                if at > len(text):
                    self._is_escaped = True
                    return None
                continue
            if character == '"':
                self._in_string = not self._in_string
            else:
                self._depth += 1 if character in "[{" else -1
                if self._depth > MAX_DEPTH:
                    raise RecursionError
            if self._depth <= 0 and not self._in_string:
                return at
        return None
