"""The tokenizer as the rest of the package sees it: a text in, an `Encoding` out.

Which stages there are and in which order is in `stages.py`; why it is fast in `word_ids.py`; which file
says what in `files.py`. Texts are never cut here: that is a decision about the model's input, not about
words.
"""

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

from ..errors import InputTypeError, TokenizerFilesError
from .files import read_settings
from .normalize import AlignedText
from .settings import TokenizerSettings
from .stages import Stages, Token
from .word_ids import WordIds

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class Encoding:
    """What a text, or a pair of texts, became. It cannot be changed.

    Tokens and offsets are computed when they are first asked for, which costs several times what the ids
    cost.
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
        """The token ids, with those of [CLS] and [SEP]."""
        return self._ids

    @property
    def tokens(self) -> tuple[str, ...]:
        """The tokens as the vocabulary spells them; an added token as the text does."""
        return tuple(token.token for token in self._tokens())

    @property
    def offsets(self) -> tuple[tuple[int, int], ...]:
        """For each token its span of its text, end exclusive; (0, 0) for [CLS] and [SEP]."""
        return tuple(token.offsets for token in self._tokens())

    @property
    def lengths(self) -> tuple[int, ...]:
        """The number of tokens of the text, or of each of two, without [CLS] and [SEP]."""
        if self._n_second is None:
            return (len(self._ids) - 2,)
        return len(self._ids) - 3 - self._n_second, self._n_second

    @property
    def sequence_ids(self) -> tuple[int | None, ...]:
        """For each token which text it is of: 0 or, the second of a pair, 1; None for [CLS] and [SEP]."""
        return (None, *(i for text, n in enumerate(self.lengths) for i in (*[text] * n, None)))

    def __len__(self) -> int:
        return len(self._ids)

    def __repr__(self) -> str:
        return f"Encoding(ids={self.ids}, tokens={self.tokens})"

    def __reduce__(self) -> tuple[object, ...]:
        # Without this a pickle would carry the whole vocabulary.
        return Encoding, (self._ids, self._tokens(), self._n_second)

    def _tokens(self) -> tuple[Token, ...]:
        staged = self._staged
        if not isinstance(staged, tuple):
            # Two threads may both come here; both store the same.
            staged = self._staged = tuple(staged())
        return staged


class Tokenizer:
    """BERT's WordPiece tokenizer, with the ids of the Rust package `tokenizers`.

    Immutable but for a cache of words; any number of threads may use one at once.

    Attributes
    ----------
    settings
        Everything the ids depend on.
    vocab_size
        One more than the largest id that `encode` can give: a model needs at least that many embeddings.

    Examples
    --------
    >>> from distilnp.tokenizer import Tokenizer
    >>> tokenizer = Tokenizer.from_folder("weights/sst2-mini")
    >>> tokenizer.encode("An unaffable film.").tokens
    ('[CLS]', 'an', 'una', '##ffa', '##ble', 'film', '.', '[SEP]')
    """

    def __init__(self, settings: TokenizerSettings) -> None:
        self.settings = settings
        self.vocab_size = 1 + max(
            settings.cls_id,
            settings.sep_id,
            *settings.vocab.values(),
            *(token.id for token in settings.added_tokens),
        )
        self._stages = Stages(settings)
        self._word_ids = WordIds(self._stages)

    @classmethod
    def from_folder(cls, path: str | os.PathLike[str], *, split_special_tokens: bool = False) -> "Tokenizer":
        """Read the tokenizer of a checkpoint.

        Parameters
        ----------
        path
            A folder with `vocab.txt` or `tokenizer.json`, and perhaps `tokenizer_config.json` and
            `special_tokens_map.json`.
        split_special_tokens
            Whether a special token typed in a text, "[SEP]", is plain text. Off, as in Hugging Face's
            libraries: who can write the text can then end it. `tokenizer_config.json` may switch it on as
            well.

        Raises
        ------
        TokenizerFilesError
            If the files are missing, damaged, or describe another kind of tokenizer.
        """
        settings = read_settings(path)
        return cls(
            replace(settings, split_special_tokens=split_special_tokens or settings.split_special_tokens)
        )

    @property
    def model_max_length(self) -> int | None:
        """The longest input, in tokens, that `tokenizer_config.json` states, or None."""
        return self.settings.model_max_length

    @property
    def lowercase(self) -> bool:
        """Whether "Film" and "film" are the same word."""
        return self.settings.lowercase

    def encode(self, text: str, text_pair: str | None = None) -> Encoding:
        """Tokenize one text, with [CLS] and [SEP], or two that belong together, and never truncate them.

        Two become [CLS] A [SEP] B [SEP].

        A lone surrogate, half of a character that some other program cut, counts as U+FFFD, which is what a
        decoder puts in place of broken input; `clean_text` then drops it.

        Parameters
        ----------
        text
            Any str; an empty one gives [CLS] [SEP].
        text_pair
            The second text, if there is one.

        Returns
        -------
        Encoding
            `ids`, `tokens`, `offsets`, `lengths` and `sequence_ids`.

        Raises
        ------
        InputTypeError
            If `text` or `text_pair` is not a str.
        TokenizerFilesError
            If the files say that two texts are joined otherwise.
        """
        text = _checked(text)
        settings = self.settings
        ids = (settings.cls_id, *self._ids_of(text), settings.sep_id)
        if text_pair is None:
            return Encoding(ids, partial(self._stages.encode, text))
        text_pair = _checked(text_pair)
        if not settings.joins_pairs:
            raise TokenizerFilesError(
                "the post_processor of this model's tokenizer.json joins two texts in a way of its own, "
                f"expected {settings.cls_token} A {settings.sep_token} B {settings.sep_token}, on which "
                "DistilBERT was trained. This model takes single texts only"
            )
        second = (*self._ids_of(text_pair), settings.sep_id)
        return Encoding(ids + second, partial(self._stages.encode, text, text_pair), len(second) - 1)

    def _ids_of(self, text: str) -> Iterable[int]:
        """Return the ids of a text alone, without [CLS] and [SEP]."""
        added_tokens = self._stages.added_tokens
        if added_tokens.normalized:
            # They may span words of the normalized text: only the stages see these.
            return [token.id for token in self._stages.tokenize(AlignedText(text, range(len(text))))]

        if not added_tokens.raw or not added_tokens.raw.pattern.search(text):
            return self._word_ids.of(text)

        ids: list[int] = []
        for start, end, added_token in added_tokens.raw.split(text):
            if added_token:
                ids.append(added_token.id)
            else:
                ids += self._word_ids.of(text[start:end])
        return ids

    def __repr__(self) -> str:
        case = "uncased" if self.lowercase else "cased"
        return f"<Tokenizer: {len(self.settings.vocab):,} tokens, {case}>"

    def __reduce__(self) -> tuple[object, ...]:
        return Tokenizer, (self.settings,)


def _checked(text: str) -> str:
    if not isinstance(text, str):
        raise InputTypeError(
            f"Tokenizer.encode expected one text (a str), got {type(text).__name__}. "
            "Decode bytes first; encode the texts of a list one by one."
        )
    return text if text.isascii() else replace_lone_surrogates(text)


def replace_lone_surrogates(text: str) -> str:
    """Return a text with U+FFFD for each half of a surrogate pair, and all else where it was."""
    try:
        text.encode()  # ten times as fast as a search, and nearly no text holds one
    except UnicodeEncodeError:
        return _LONE_SURROGATE.sub("\ufffd", text)
    return text
