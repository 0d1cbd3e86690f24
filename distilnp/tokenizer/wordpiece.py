"""Stage 3, wordpiece: split a word into pieces of the vocabulary, taking the longest piece at every step.

"unaffable" becomes "un" "##aff" "##able" if each of these is the longest piece of the vocabulary that fits.
If some part of a word cannot be spelled, the whole word becomes a single unknown token.
"""

from collections.abc import Iterable
from typing import NamedTuple

from .settings import TokenizerSettings


class Piece(NamedTuple):
    """A token of the vocabulary, and the span of the word that it stands for."""

    token: str
    id: int
    start: int
    end: int


def longest_piece(vocab: Iterable[str], prefix: str, max_chars: int) -> int:
    """Return the number of characters of the longest token that can be a piece of a word."""
    return max((len(token) for token in vocab if len(token) <= len(prefix) + max_chars), default=0)


class WordPiece:
    """Splits words into tokens; Hugging Face calls this stage the model."""

    def __init__(self, settings: TokenizerSettings) -> None:
        self.vocab = settings.vocab
        self.unk_token = settings.unk_token
        self.prefix = settings.continuing_subword_prefix
        self.max_chars = settings.max_input_chars_per_word
        # No piece is longer than the longest token that fits in a word. Without this bound, a word of n
        # characters that the vocabulary cannot spell would cost n * n / 2 look-ups. `files` bounds it, too.
        self.longest = longest_piece(settings.vocab, self.prefix, self.max_chars)
        self._continuations = {
            token.removeprefix(self.prefix): token_id
            for token, token_id in settings.vocab.items()
            if token.startswith(self.prefix)
        }
        self._longest_continuation = min(self.longest, max(map(len, self._continuations), default=0))
        self._unknown = [settings.vocab[self.unk_token]]

    def tokenize(self, word: str) -> list[Piece]:
        """Split a word greedily from its beginning.

        A greedy split can fail although another split would succeed. This is nevertheless the published
        rule, and the models were trained on its results.
        """
        unknown = Piece(self.unk_token, self.vocab[self.unk_token], 0, len(word))
        if len(word) > self.max_chars:
            return [unknown]

        pieces: list[Piece] = []
        start = 0
        while start < len(word):
            prefix = self.prefix if start else ""
            for end in range(min(len(word), start + self.longest), start, -1):
                token = prefix + word[start:end]
                if token in self.vocab:
                    pieces.append(Piece(token, self.vocab[token], start, end))
                    start = end
                    break
            else:
                return [unknown]
        return pieces

    def ids(self, word: str) -> list[int]:
        """Return the ids of `tokenize(word)`, in half the time."""
        if len(word) > self.max_chars:
            return self._unknown
        whole = self.vocab.get(word)
        if whole is not None:
            return [whole]

        ids: list[int] = []
        start, tokens, longest = 0, self.vocab, self.longest
        while start < len(word):
            for end in range(min(len(word), start + longest), start, -1):
                token_id = tokens.get(word[start:end])
                if token_id is not None:
                    break
            else:
                return self._unknown
            ids.append(token_id)
            start, tokens, longest = end, self._continuations, self._longest_continuation
        return ids
