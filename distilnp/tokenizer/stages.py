"""The tokenizer to read: one stage after another, from the added tokens to [CLS] and [SEP].

Gives tokens, ids and offsets for any text, a character at a time and without haste. `word_ids.py` is the
tokenizer to run: ids only, the same ones; tests hold the two equal.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .added_tokens import AddedTokens, Finder
from .normalize import AlignedText, normalize
from .pre_tokenize import pre_tokenize
from .settings import TokenizerSettings
from .wordpiece import WordPiece


class Token(NamedTuple):
    """A token, its id, and the span of the given text that it stands for."""

    token: str
    id: int
    offsets: tuple[int, int]


class Stages:
    """The stages of one tokenizer."""

    def __init__(self, settings: TokenizerSettings) -> None:
        self.settings = settings
        self.added_tokens = AddedTokens(settings)
        self.wordpiece = WordPiece(settings)

    def encode(self, *texts: str) -> list[Token]:
        """Tokenize one text, or two, without lone surrogates (`tokenizer.py` has replaced them)."""
        return self.add_special_tokens(self.tokenize(AlignedText(text, range(len(text)))) for text in texts)

    def tokenize(self, given: AlignedText) -> Iterator[Token]:
        """Yield the added tokens of a text, and between them the tokens of its words."""
        for part, added_token in self._split(given, self.added_tokens.raw):
            if added_token:
                yield added_token
                continue
            normalized = normalize(part, self.settings)
            for part_of_normalized, added_token in self._split(normalized, self.added_tokens.normalized):
                if added_token:
                    yield added_token
                    continue
                for word in pre_tokenize(part_of_normalized):
                    for token, token_id, start, end in self.wordpiece.tokenize(word.text):
                        yield Token(token, token_id, word.slice(start, end).offsets)

    def add_special_tokens(self, texts: Iterable[Iterable[Token]]) -> list[Token]:
        """Put [CLS] before the first text and [SEP] after each; they stand for no part of them."""
        cls = Token(self.settings.cls_token, self.settings.cls_id, (0, 0))
        sep = Token(self.settings.sep_token, self.settings.sep_id, (0, 0))
        return [cls, *(token for tokens in texts for token in (*tokens, sep))]

    @staticmethod
    def _split(aligned: AlignedText, finder: Finder | None) -> Iterator[tuple[AlignedText, Token | None]]:
        if finder is None:
            yield aligned, None
            return
        for start, end, added_token in finder.split(aligned.text):
            part = aligned.slice(start, end)
            yield part, Token(part.text, added_token.id, part.offsets) if added_token else None
