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
    """Finds a set of added tokens in a text."""

    def __init__(self, tokens: dict[str, AddedToken], split_special_tokens: bool) -> None:
        self.tokens = tokens
        self.split_special_tokens = split_special_tokens
        # Longest first, because an alternation takes its first branch that matches. After re.escape every
        # branch is a literal, so a search takes time linear in the text.
        self.pattern = re.compile("|".join(map(re.escape, sorted(tokens, key=len, reverse=True))))

    @classmethod
    def of(cls, tokens: Iterable[tuple[str, AddedToken]], split_special_tokens: bool) -> "Finder | None":
        """Return a finder, or None if there are no tokens."""
        by_content = dict(tokens)
        return cls(by_content, split_special_tokens) if by_content else None

    def split(self, text: str) -> Iterator[tuple[int, int, AddedToken | None]]:
        """Split a text into spans, each with its added token, or with None if it is not one."""
        done = 0
        for match in self.pattern.finditer(text):
            token = self.tokens[match.group()]
            start, end = match.span()
            if token.special and self.split_special_tokens:
                continue
            if token.single_word and (_is_word(text[start - 1 : start]) or _is_word(text[end : end + 1])):
                continue
            if token.lstrip:
                while start > done and text[start - 1] in WHITESPACE:
                    start -= 1
                start = max(start, done)
            if token.rstrip:
                while end < len(text) and text[end] in WHITESPACE:
                    end += 1
            if done < start:
                yield done, start, None
            # The previous match may already have consumed the whitespace that a whitespace token matches.
            # The witness then returns both, overlapping, unless lstrip leaves nothing of the second.
            if start < end:
                yield start, end, token
            done = end
        if done < len(text):
            yield done, len(text), None


def _is_word(neighbour: str) -> bool:
    return neighbour != "" and neighbour in WORD
