"""Stage 3, wordpiece: one word as pieces of the vocabulary, the longest first.

"unaffable" is "un" "##aff" "##able", if the vocabulary holds these three and no longer beginnings.
A word that cannot be spelled to its end is one unknown token, whole: there are no half-known words.
"""

from typing import NamedTuple

from .settings import TokenizerSettings


class Piece(NamedTuple):
    """A token of the vocabulary, and which characters of the word it stands for."""

    token: str
    id: int
    start: int
    end: int


class WordPiece:
    """The model in Hugging Face's sense of the word: what makes tokens of a word."""

    def __init__(self, settings: TokenizerSettings) -> None:
        self.vocab = settings.vocab
        self.unk_token = settings.unk_token
        self.prefix = settings.continuing_subword_prefix
        self.max_chars = settings.max_input_chars_per_word
        # No piece is longer than the longest token. Without this bound, a word of n characters of which the
        # vocabulary knows nothing would cost n * n / 2 look-ups.
        self.longest = max(map(len, settings.vocab))
        self._continuations = {
            token.removeprefix(self.prefix): token_id
            for token, token_id in settings.vocab.items()
            if token.startswith(self.prefix)
        }
        self._longest_continuation = max(map(len, self._continuations), default=0)
        self._unknown = [settings.vocab[self.unk_token]]

    def tokenize(self, word: str) -> list[Piece]:
        """Split a word, greedily from its beginning.

        Taking the longest piece at every step may miss a spelling that exists. It is the published rule all
        the same, and the models were trained on what it gives.
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
