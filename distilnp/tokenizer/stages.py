"""The tokenizer to read: one stage after another, from the added tokens to [CLS] and [SEP].

It gives the tokens, ids, offsets and word ids of any text, slowly, one character at a time. `word_cache.py`
is the tokenizer to run: it gives only ids, and tests prove that both give the same ones.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .added_tokens import AddedTokens, Finder
from .normalize import AlignedText, normalize
from .pre_tokenize import pre_tokenize
from .settings import AddedToken, TokenizerSettings
from .wordpiece import WordPiece


class Token(NamedTuple):
    """A token, its id, the span of the given text that it stands for, and the index of its word."""

    token: str
    id: int
    offsets: tuple[int, int]
    word: int | None


class Stages:
    """The stages of one tokenizer."""

    def __init__(self, settings: TokenizerSettings) -> None:
        self.settings = settings
        self.added_tokens = AddedTokens(settings)
        self.wordpiece = WordPiece(settings)

    def encode(self, *texts: str) -> list[Token]:
        """Tokenize one text or two; `tokenizer.py` has already replaced their lone surrogates."""
        return self.add_special_tokens(self.tokenize(AlignedText(text, range(len(text)))) for text in texts)

    def tokenize(self, given: AlignedText) -> Iterator[Token]:
        """Yield the tokens of every word of a text; an added token counts as a word."""
        for index, (word, added_token) in enumerate(self._words(given)):
            if added_token:
                yield Token(word.text, added_token.id, word.offsets, index)
                continue
            for token, token_id, start, end in self.wordpiece.tokenize(word.text):
                yield Token(token, token_id, word.slice(start, end).offsets, index)

    def add_special_tokens(self, texts: Iterable[Iterable[Token]]) -> list[Token]:
        """Put [CLS] before the first text and [SEP] after each text; they belong to no word."""
        cls = Token(self.settings.cls_token, self.settings.cls_id, (0, 0), None)
        sep = Token(self.settings.sep_token, self.settings.sep_id, (0, 0), None)
        return [cls, *(token for tokens in texts for token in (*tokens, sep))]

    def _words(self, given: AlignedText) -> Iterator[tuple[AlignedText, AddedToken | None]]:
        """Yield the words and added tokens of a text in order; for a word, the second value is None."""
        for part, added_token in _split(given, self.added_tokens.raw):
            if added_token:
                yield part, added_token
                continue
            normalized = normalize(part, self.settings)
            for part_of_normalized, added_token in _split(normalized, self.added_tokens.normalized):
                if added_token:
                    yield part_of_normalized, added_token
                else:
                    yield from ((word, None) for word in pre_tokenize(part_of_normalized))


def _split(aligned: AlignedText, finder: Finder | None) -> Iterator[tuple[AlignedText, AddedToken | None]]:
    if finder is None:
        yield aligned, None
        return
    for start, end, added_token in finder.split(aligned.text):
        yield aligned.slice(start, end), added_token
