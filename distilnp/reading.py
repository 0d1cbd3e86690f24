"""How texts are read: from a text to the token ids that the model is given."""

from dataclasses import dataclass
from typing import get_args

from .choices import LongText
from .errors import ArgumentError, CheckpointError, TextTooLongError
from .foreign import shown
from .long_text import Passage, choose_passage
from .sentences import sentence_spans
from .texts import Text, as_tuple
from .tokenizer import Encoding, Tokenizer

# [CLS], [SEP] and one token between them.
MIN_MAX_LENGTH = 3


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How texts are read.

    Parameters
    ----------
    tokenizer : Tokenizer
    vocab_size : int
        The embeddings of the model. The tokenizer may have added tokens beyond them; a text with one is
        refused.
    max_length : int
        The most tokens that the model is given at once, [CLS] and [SEP] included; at least 3.
    long_text : {"head", "tail", "head_tail", "windows", "error"}
        Which part of a longer text the model is given.
    stride : int
        The tokens that consecutive windows share.
    sentences : str or None
        The language whose rules split texts into sentences. None: texts are not split.

    Raises
    ------
    ArgumentError
        A value cannot be used.
    """

    tokenizer: Tokenizer
    vocab_size: int
    max_length: int
    long_text: LongText
    stride: int
    sentences: str | None

    def __post_init__(self) -> None:
        if type(self.max_length) is not int or self.max_length < MIN_MAX_LENGTH:
            raise ArgumentError(
                f"max_length is {shown(self.max_length)}, expected an integer of at least {MIN_MAX_LENGTH}: "
                "[CLS], [SEP] and one token between them"
            )
        if self.long_text not in get_args(LongText):
            expected = ", ".join(map(repr, get_args(LongText)))
            raise ArgumentError(f"long_text is {shown(self.long_text)}, expected one of {expected}")
        room = self.max_length - MIN_MAX_LENGTH
        if self.long_text == "windows" and (type(self.stride) is not int or not 0 <= self.stride <= room):
            raise ArgumentError(
                f"stride is {shown(self.stride)}, expected an integer from 0 to {room}. Consecutive windows "
                f"of {self.max_length} tokens share that many, and each has [CLS], [SEP] and a new token"
            )

    def passages(self, text: Text, name: str) -> list[Passage]:
        """Return what the model is given of a text: one passage, or one for each sentence.

        Parameters
        ----------
        text : str or mapping
        name : str
            What messages call the text.

        Raises
        ------
        InputTypeError
            It is not a text.
        ArgumentError
            It is a pair, and this way of reading is for single texts.
        TextTooLongError
            It has too many tokens, and `long_text` is "error".
        CheckpointError
            It has an added token that the model has no embedding for.
        """
        whole, *pair = as_tuple(text, name)
        if pair and (self.sentences is not None or self.long_text != "head"):
            given = f"long_text is {self.long_text!r}" if self.sentences is None else "sentences is set"
            raise ArgumentError(
                f"{name} is a pair of texts and {given}, expected a single text. Pairs can only be cut, the "
                "longer text first: leave the option out for them"
            )
        if self.sentences is None:
            return [self._passage(whole, *pair, start=0, name=name)]
        return [
            self._passage(whole[start:end], start=start, name=name)
            for start, end in sentence_spans(whole, self.sentences)
        ]

    def _passage(self, *texts: str, start: int, name: str) -> Passage:
        encoding = self.tokenizer.encode(*texts)
        n_tokens = len(encoding)
        if self.tokenizer.vocab_size > self.vocab_size:
            self._check_embeddings(encoding, name)
        if self.long_text == "error" and n_tokens > self.max_length:
            where = name if self.sentences is None else f"the sentence at character {start} of {name}"
            raise TextTooLongError(
                f"{where} has {n_tokens} tokens, expected at most {self.max_length}, because long_text is "
                "'error'. Shorten the text, or choose what is read of long texts: 'head', 'tail', "
                "'head_tail', or all of it in 'windows'"
            )
        end = start + len(texts[0])
        return choose_passage(encoding, start, end, self.max_length, self.long_text, self.stride)

    def _check_embeddings(self, encoding: Encoding, name: str) -> None:
        token = self.tokenizer.token_beyond(encoding.ids, self.vocab_size)
        if token is not None:
            raise CheckpointError(
                f"{name} has the token {shown(token)}, which was added to the tokenizer and has no "
                f"embedding, expected one of the {self.vocab_size} tokens of the model. Resize the "
                "checkpoint's embeddings, or remove the token"
            )
