"""Before stage 1: tokens that are recognised in the text itself, "[SEP]" typed by a user among them.

Matching is exact (the case counts, and "a[SEP]b" holds one) and takes the leftmost, then the longest.
Tokens marked `normalized` are looked for in the normalized text instead; there "Yesterday" finds the token
"yesterday".
"""

import re
from collections.abc import Iterable, Iterator

from .characters import WHITESPACE, WORD
from .normalize import AlignedText, normalize
from .settings import AddedToken, TokenizerSettings


class AddedTokens:
    """Finds added tokens: `raw` in texts as given, `normalized` in normalized ones; None where none are."""

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
    """Return what a token marked `normalized` looks like in a normalized text."""
    return normalize(AlignedText(token.content, range(len(token.content))), settings).text


class Finder:
    """Finds the tokens of one kind in a text."""

    def __init__(self, tokens: dict[str, AddedToken], split_special_tokens: bool) -> None:
        self.tokens = tokens
        self.split_special_tokens = split_special_tokens
        # The longest first: an alternation takes the first that fits. re.escape leaves literals only, for
        # which a search is linear in the text.
        self.pattern = re.compile("|".join(map(re.escape, sorted(tokens, key=len, reverse=True))))

    @classmethod
    def of(cls, tokens: Iterable[tuple[str, AddedToken]], split_special_tokens: bool) -> "Finder | None":
        """Return a finder, or None if there is nothing to find."""
        by_content = dict(tokens)
        return cls(by_content, split_special_tokens) if by_content else None

    def split(self, text: str) -> Iterator[tuple[int, int, AddedToken | None]]:
        """Cut a text into spans: those that are an added token, and those between."""
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
            # A token of whitespace can lie in what the one before it swallowed. The witness then gives both,
            # overlapping, unless lstrip leaves nothing of the second.
            if start < end:
                yield start, end, token
            done = end
        if done < len(text):
            yield done, len(text), None


def _is_word(neighbour: str) -> bool:
    return neighbour != "" and neighbour in WORD
