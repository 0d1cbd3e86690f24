"""Before stage 1: find added tokens in the text itself, including a "[SEP]" that a user typed.

Matching is exact: upper and lower case differ, and "a[SEP]b" contains a match. The leftmost match wins; if
several tokens match at the same place, the longest wins. Tokens marked `normalized` are searched for in the
normalized text instead, where "Yesterday" matches the token "yesterday".
"""

import re
from collections.abc import Iterable, Iterator

from .characters import WHITESPACE, WORD
from .normalize import AlignedText, normalize
from .settings import AddedToken, TokenizerSettings

# The characters of a token that a regular expression compares before Python looks the token up. Three are
# enough to rule out nearly every place in a text, even if tokens begin with common letters.
LOOKS_AHEAD = 3


class AddedTokens:
    """Two finders, `raw` for given texts and `normalized` for normalized ones; None for no tokens."""

    def __init__(self, settings: TokenizerSettings) -> None:
        tokens = settings.added_tokens
        self.raw = Finder.of(
            ((token.content, token) for token in tokens if not token.normalized),
            settings.split_special_tokens,
        )
        self.normalized = Finder.of(
            ((normalized_content(token, settings), token) for token in tokens if token.normalized),
            settings.split_special_tokens,
        )


def normalized_content(token: AddedToken, settings: TokenizerSettings) -> str:
    """Return the spelling of a token marked `normalized` in a normalized text."""
    return normalize(AlignedText(token.content, range(len(token.content))), settings).text


class Finder:
    """Finds a set of added tokens in a text.

    A search takes time linear in the text, whatever the number of tokens. A place is looked at only if its
    first characters occur at these places in tokens. The tokens with its first character have some lengths,
    and each length is one look-up.

    Attributes
    ----------
    tokens : dict
        The token for each spelling.
    pattern : re.Pattern
        Matches at every place where a token begins, and at others.
    """

    def __init__(self, tokens: dict[str, AddedToken], split_special_tokens: bool) -> None:
        self.tokens = tokens
        self._split_special_tokens = split_special_tokens
        lengths: dict[str, set[int]] = {}
        for spelling in tokens:
            lengths.setdefault(spelling[0], set()).add(len(spelling))
        self._lengths = {first: sorted(found, reverse=True) for first, found in lengths.items()}
        n = min(LOOKS_AHEAD, min(map(len, tokens)))
        places = [{spelling[i] for spelling in tokens} for i in range(n)]
        self.pattern = re.compile("".join(f"[{re.escape(''.join(sorted(found)))}]" for found in places))

    @classmethod
    def of(cls, tokens: Iterable[tuple[str, AddedToken]], split_special_tokens: bool) -> "Finder | None":
        """Return a finder, or None if there are no tokens."""
        by_spelling = {spelling: token for spelling, token in tokens if spelling}
        return cls(by_spelling, split_special_tokens) if by_spelling else None

    def split(self, text: str) -> Iterator[tuple[int, int, AddedToken | None]]:
        """Split a text into spans, each with its added token, or with None if it is not one."""
        done = 0
        whitespace_end = 0  # the end of the white space that the last match took on its right
        for start, end, token in self._matches(text):
            if token.special and self._split_special_tokens:
                continue
            if token.single_word and (_is_word(text[start - 1 : start]) or _is_word(text[end : end + 1])):
                continue
            if token.lstrip:
                while start > done and text[start - 1] in WHITESPACE:
                    start -= 1
                start = max(start, done)
            if token.rstrip:
                # A token of white space matches again inside that: looking from each match to the end would
                # take quadratic time.
                end = max(end, whitespace_end)
                while end < len(text) and text[end] in WHITESPACE:
                    end += 1
                whitespace_end = end
            if done < start:
                yield done, start, None
            # The previous match may already have consumed the whitespace that a whitespace token matches.
            # The witness then returns both, overlapping, unless lstrip leaves nothing of the second.
            if start < end:
                yield start, end, token
            done = end
        if done < len(text):
            yield done, len(text), None

    def _matches(self, text: str) -> Iterator[tuple[int, int, AddedToken]]:
        """Yield the span and the token of each match: the leftmost one, and the longest at its place."""
        position = 0
        while candidate := self.pattern.search(text, position):
            start = candidate.start()
            position = start + 1
            for length in self._lengths.get(text[start], ()):
                spelling = text[start : start + length]
                if (token := self.tokens.get(spelling)) is not None:
                    position = start + len(spelling)
                    yield start, position, token
                    break


def _is_word(neighbour: str) -> bool:
    return neighbour != "" and neighbour in WORD
