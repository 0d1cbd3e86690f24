"""The tokenizer as the rest of the package sees it: a text in, an `Encoding` out.

`stages.py` has the stages and their order, `word_cache.py` explains why this is fast, and `files.py` explains
which file wins. Texts are never truncated here: truncation depends on the model, not on the words.
"""

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

from ..errors import InputTypeError, TokenizerFilesError
from .files import TOKENIZER_JSON, read_settings
from .normalize import AlignedText
from .settings import TokenizerSettings
from .stages import Stages, Token
from .word_cache import WordCache

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class Encoding:
    """The tokens of a text or of a pair of texts. It cannot be changed.

    The ids are computed at once. `tokens`, `offsets` and `word_ids` are computed on first use, which takes
    several times as long as the ids.
    """

    __slots__ = ("_ids", "_n_second", "_staged")

    def __init__(
        self,
        ids: tuple[int, ...],
        staged: Callable[[], Iterable[Token]] | tuple[Token, ...],
        n_second: int | None = None,
    ) -> None:
        self._ids = ids
        self._staged = staged
        self._n_second = n_second

    @property
    def ids(self) -> tuple[int, ...]:
        """The token ids, including those of [CLS] and [SEP]."""
        return self._ids

    @property
    def tokens(self) -> tuple[str, ...]:
        """The tokens in the spelling of the vocabulary; an added token has the spelling of the text."""
        return tuple(token.token for token in self._tokens())

    @property
    def offsets(self) -> tuple[tuple[int, int], ...]:
        """The span (start, end) of each token in its text, end exclusive; (0, 0) for [CLS] and [SEP]."""
        return tuple(token.offsets for token in self._tokens())

    @property
    def word_ids(self) -> tuple[int | None, ...]:
        """The index of each token's word in its text; None for [CLS] and [SEP].

        Every punctuation character and every added token is a word of its own.
        """
        return tuple(token.word for token in self._tokens())

    @property
    def lengths(self) -> tuple[int, ...]:
        """The number of tokens in each text, without [CLS] and [SEP]."""
        if self._n_second is None:
            return (len(self._ids) - 2,)
        return len(self._ids) - 3 - self._n_second, self._n_second

    @property
    def sequence_ids(self) -> tuple[int | None, ...]:
        """The index of each token's text: 0, or 1 for the second text of a pair; None for [CLS] and [SEP]."""
        return (None, *(i for text, n in enumerate(self.lengths) for i in (*[text] * n, None)))

    def __len__(self) -> int:
        return len(self._ids)

    def __repr__(self) -> str:
        return f"Encoding(ids={self.ids}, tokens={self.tokens})"

    def __reduce__(self) -> tuple[object, ...]:
        # The function in `_staged` holds the tokenizer: a pickle would contain the whole vocabulary.
        return Encoding, (self._ids, self._tokens(), self._n_second)

    def _tokens(self) -> tuple[Token, ...]:
        staged = self._staged
        if not isinstance(staged, tuple):
            # Two threads may both get here; both store the same tokens.
            staged = self._staged = tuple(staged())
        return staged


class Tokenizer:
    """BERT's WordPiece tokenizer, with the ids of the Rust package `tokenizers`.

    It never changes, except for a cache of words. Any number of threads may use it at once.

    Parameters
    ----------
    settings : TokenizerSettings
        Everything that the ids depend on. `from_folder` reads it from a checkpoint.

    Attributes
    ----------
    settings : TokenizerSettings
        The settings as given.
    vocab_size : int
        One more than the largest id that `encode` can return. A model with this many embeddings has one for
        every text.
    n_embeddings : int
        One more than the largest id of the vocabulary, without tokens that were added to it. A model needs at
        least this many embeddings; one that was not resized has none for added tokens.

    Examples
    --------
    >>> from distilnp.tokenizer import Tokenizer
    >>> tokenizer = Tokenizer.from_folder("weights/sst2-mini")
    >>> encoding = tokenizer.encode("An unaffable film.")
    >>> encoding.tokens
    ('[CLS]', 'an', 'una', '##ffa', '##ble', 'film', '.', '[SEP]')
    >>> encoding.word_ids
    (None, 0, 1, 1, 1, 2, 3, None)
    """

    def __init__(self, settings: TokenizerSettings) -> None:
        self.settings = settings
        # No text has an empty token: it is a blank line of vocab.txt.
        ids = (id_ for token, id_ in settings.vocab.items() if token)
        self.n_embeddings = 1 + max(settings.cls_id, settings.sep_id, *ids)
        self.vocab_size = max([self.n_embeddings, *(1 + token.id for token in settings.added_tokens)])
        self._stages = Stages(settings)
        self._word_cache = WordCache(self._stages)

    @classmethod
    def from_folder(cls, path: str | os.PathLike[str], *, split_special_tokens: bool = False) -> "Tokenizer":
        """Read the tokenizer of a checkpoint.

        Parameters
        ----------
        path : str or path
            A folder with `vocab.txt` or `tokenizer.json`, and optionally `tokenizer_config.json` and
            `special_tokens_map.json`.
        split_special_tokens : bool, default False
            Whether a special token that a user typed, such as "[SEP]", is plain text. The default is that of
            Hugging Face's libraries, and lets the author of a text insert a real [SEP].
            `tokenizer_config.json` can also turn this on.

        Returns
        -------
        Tokenizer

        Raises
        ------
        TokenizerFilesError
            The files are missing, damaged, or describe another kind of tokenizer.
        """
        settings = read_settings(path)
        return cls(
            replace(settings, split_special_tokens=split_special_tokens or settings.split_special_tokens)
        )

    @property
    def model_max_length(self) -> int | None:
        """The largest number of tokens in an input that `tokenizer_config.json` states, or None."""
        return self.settings.model_max_length

    @property
    def lowercase(self) -> bool:
        """Whether "Film" and "film" are the same word."""
        return self.settings.lowercase

    def encode(self, text: str, text_pair: str | None = None) -> Encoding:
        """Tokenize a text, or a pair of texts, with [CLS] and [SEP]; never truncate.

        A pair becomes [CLS] A [SEP] B [SEP].

        A lone surrogate is half of a character that some other program cut in two. It counts as U+FFFD, the
        character that a decoder puts in place of broken input; `clean_text` then drops it.

        Parameters
        ----------
        text : str
            Any text. An empty text becomes [CLS] [SEP].
        text_pair : str, optional
            The second text of a pair.

        Returns
        -------
        Encoding
            `ids`, `tokens`, `offsets`, `word_ids`, `lengths` and `sequence_ids`.

        Raises
        ------
        InputTypeError
            `text` or `text_pair` is not a str.
        TokenizerFilesError
            There is a `text_pair`, and the files of the checkpoint join two texts differently.
        """
        text = _checked("text", text)
        settings = self.settings
        ids = (settings.cls_id, *self._ids_of(text), settings.sep_id)
        if text_pair is None:
            return Encoding(ids, partial(self._stages.encode, text))
        text_pair = _checked("text_pair", text_pair)
        if not settings.joins_pairs:
            raise TokenizerFilesError(
                f"{TOKENIZER_JSON} joins two texts in its own way (post_processor), "
                f"expected {settings.cls_token} A {settings.sep_token} B {settings.sep_token}, on which "
                "DistilBERT was trained. Give this model single texts only"
            )
        second = (*self._ids_of(text_pair), settings.sep_id)
        return Encoding(ids + second, partial(self._stages.encode, text, text_pair), len(second) - 1)

    def token_beyond(self, ids: Iterable[int], n_embeddings: int) -> str | None:
        """Return the first added token of a text that a model without enough embeddings has none for.

        Parameters
        ----------
        ids : iterable of int
            The ids of a text.
        n_embeddings : int
            The number of embeddings of the model, at least that of the tokenizer.

        Returns
        -------
        str or None
            The token; None if the model has an embedding for every id.
        """
        beyond = next((id_ for id_ in ids if id_ >= n_embeddings), None)
        return next((token.content for token in self.settings.added_tokens if token.id == beyond), None)

    def _ids_of(self, text: str) -> Iterable[int]:
        """Return the ids of one text, without [CLS] and [SEP]."""
        added_tokens = self._stages.added_tokens
        if added_tokens.normalized:
            # These may span several words of the normalized text, which only the stages see.
            return [token.id for token in self._stages.tokenize(AlignedText(text, range(len(text))))]

        if not added_tokens.raw or not added_tokens.raw.pattern.search(text):
            return self._word_cache.ids(text)

        ids: list[int] = []
        for start, end, added_token in added_tokens.raw.split(text):
            if added_token:
                ids.append(added_token.id)
            else:
                ids += self._word_cache.ids(text[start:end])
        return ids

    def __repr__(self) -> str:
        case = "uncased" if self.lowercase else "cased"
        return f"<Tokenizer: {len(self.settings.vocab):,} tokens, {case}>"

    def __reduce__(self) -> tuple[object, ...]:
        return Tokenizer, (self.settings,)


def _checked(name: str, text: str) -> str:
    if not isinstance(text, str):
        raise InputTypeError(
            f"{name} is {type(text).__name__}, expected str. "
            "Decode bytes first, and encode the texts of a list one by one"
        )
    return text if text.isascii() else replace_lone_surrogates(text)


def replace_lone_surrogates(text: str) -> str:
    """Replace each lone surrogate of a text with U+FFFD; every other character keeps its position.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        A text of the same length that UTF-8 can encode.
    """
    try:
        text.encode()  # ten times as fast as a search, and almost no text has a lone surrogate
    except UnicodeEncodeError:
        return _LONE_SURROGATE.sub("\ufffd", text)
    return text
