"""Read the tokenizer files of a checkpoint as `TokenizerSettings`, and decide which file wins.

From the highest priority to the lowest:

1. A key in `tokenizer_config.json`.
2. `tokenizer.json` as the `tokenizers` package loads it, without its truncation and padding. If it exists,
   the files of item 3 are not read.
3. `vocab.txt`, with the names in `special_tokens_map.json` and the tokens in `added_tokens.json`, which older
   versions of transformers wrote beside it.
4. The defaults of a BERT tokenizer.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import TokenizerFilesError
from .added_tokens import normalized_content
from .characters import WHITESPACE
from .sections import ADVICE, MAX_ID, Key, Section, is_unicode, read_json_object, read_text, shown
from .settings import AddedToken, TokenizerSettings
from .wordpiece import longest_piece

TOKENIZER_CONFIG = "tokenizer_config.json"
TOKENIZER_JSON = "tokenizer.json"
VOCAB = "vocab.txt"
SPECIAL_TOKENS_MAP = "special_tokens_map.json"
ADDED_TOKENS = "added_tokens.json"

# Every file that can describe a tokenizer; no folder has all of them.
FILES = (TOKENIZER_CONFIG, TOKENIZER_JSON, VOCAB, SPECIAL_TOKENS_MAP, ADDED_TOKENS)

# The keys that name special tokens, in the order in which transformers adds the tokens that the vocabulary
# lacks, and BERT's names for them.
SPECIAL_TOKENS = {
    "bos_token": None,
    "eos_token": None,
    "unk_token": "[UNK]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "cls_token": "[CLS]",
    "mask_token": "[MASK]",
}
# The keys that list further special tokens.
MORE_SPECIAL_TOKENS = ("additional_special_tokens", "extra_special_tokens")

# A vocab.txt does not say how to use it. These classes use it as BERT does. Others do not (the Japanese one
# first splits words with a dictionary), and their ids would be silently wrong.
BERT_CLASSES = (
    "BertTokenizer",
    "BertTokenizerFast",
    "DistilBertTokenizer",
    "DistilBertTokenizerFast",
    "ElectraTokenizer",
    "ElectraTokenizerFast",
    "PreTrainedTokenizerFast",
    "TokenizersBackend",
)

# Lines of a vocab.txt that may be there twice, because no word is spelled with them: blank ones, which
# editors leave at the end, and the places that BERT reserved. The last line wins, as for transformers. Any
# other token that is there twice hints at a line too many, which would give every later token the id of its
# neighbour.
SPARE = re.compile(r"(\[unused\d+\])?")

# The most characters of a token that is searched for in texts. The longest ones in use have 22. Looking for
# one at a place in a text takes a look-up for each length, so that texts would take time times this.
MAX_TOKEN_CHARS = 256

# transformers writes 1e30 if it knows no limit. No real limit reaches 2**31.
NO_LIMIT = 1 << 31


def read_settings(folder: str | os.PathLike[str]) -> TokenizerSettings:
    """Read the tokenizer files of a folder, and resolve conflicts between them.

    Parameters
    ----------
    folder : str or path
        The folder of a checkpoint.

    Returns
    -------
    TokenizerSettings

    Raises
    ------
    TokenizerFilesError
        The files are missing, damaged, or describe another kind of tokenizer.
    """
    folder = Path(folder)
    config = _read_optional(folder / TOKENIZER_CONFIG)
    serialized = read_json_object(folder / TOKENIZER_JSON)
    if serialized:
        draft = _read_tokenizer_json(serialized)
        sources = [config]
    else:
        draft = _read_vocab(folder / VOCAB)
        config.supports("tokenizer_class", BERT_CLASSES, optional=True)
        sources = [config, _read_optional(folder / SPECIAL_TOKENS_MAP)]

    if config.has("added_tokens_decoder"):
        _add_decoder(draft, config)
    elif not serialized:
        _add_legacy(draft, _read_optional(folder / ADDED_TOKENS), sources)
    _name_special_tokens(draft, sources)
    if not serialized:
        _add_default_special_tokens(draft)
    _switch(draft, config)
    return draft.finish()


def _read_optional(path: Path) -> Section:
    """Return the object in a JSON file, empty if the file does not exist."""
    return read_json_object(path) or Section({}, str(path))


@dataclass
class _Draft:
    """The settings while the files are read, one after another."""

    file: str
    vocab: dict[str, int]
    names: dict[str, str] = field(default_factory=dict)
    template_ids: Mapping[str, int] = field(default_factory=dict)
    joins_pairs: bool = True
    continuing_subword_prefix: str = "##"
    max_input_chars_per_word: int = 100
    clean_text: bool = True
    handle_chinese_chars: bool = True
    strip_accents: bool | None = None
    lowercase: bool = True
    split_special_tokens: bool = False
    model_max_length: int | None = None
    added_tokens: dict[str, AddedToken] = field(default_factory=dict)
    largest_added_id: int = -1

    def add(self, content: str, *, special: bool, **flags: bool) -> None:
        """Add a token as the witness does: with its id in the vocabulary, otherwise with the next free id.

        An id that a file states for an added token therefore has no effect. A token that is added again gets
        the new flags, but a special token remains special.
        """
        if not content:
            return
        if len(content) > MAX_TOKEN_CHARS:
            raise TokenizerFilesError(
                f"{self.file}: added token {shown(content)} has {len(content)} characters, expected at most "
                f"{MAX_TOKEN_CHARS}. Every text is searched for it: take it out of the file"
            )
        token_id = self.id_of(content)
        if token_id is None:
            token_id = max(len(self.vocab), self.largest_added_id + 1)
        special = special or (content in self.added_tokens and self.added_tokens[content].special)
        self.added_tokens[content] = AddedToken(content, token_id, special=special, **flags)
        self.largest_added_id = max(self.largest_added_id, token_id)

    def id_of(self, token: str) -> int | None:
        added = self.added_tokens.get(token)
        return added.id if added else self.vocab.get(token)

    def finish(self) -> TokenizerSettings:
        """Check that the parts fit together, and return them as settings."""
        names = {key: self.names.get(key) or default for key, default in SPECIAL_TOKENS.items()}
        ids = {}
        for key in ("unk_token", "cls_token", "sep_token"):
            name = str(names[key])
            token_id = self.vocab.get(name) if key == "unk_token" else self.id_of(name)
            if token_id is None or token_id != self.template_ids.get(name, token_id):
                found = "no id" if token_id is None else f"the ids {token_id} and {self.template_ids[name]}"
                raise TokenizerFilesError(
                    f"{self.file}: {key} {shown(name)} has {found}, expected one id. "
                    f"If the model uses another token, name it as {key} in {TOKENIZER_CONFIG}"
                )
            ids[key] = token_id
        longest = longest_piece(self.vocab, self.continuing_subword_prefix, self.max_input_chars_per_word)
        if longest > MAX_TOKEN_CHARS:
            raise TokenizerFilesError(
                f"{self.file}: max_input_chars_per_word is {self.max_input_chars_per_word} and a token has "
                f"{longest} characters, expected words or tokens of at most {MAX_TOKEN_CHARS}. BERT's words "
                "have at most 100"
            )
        settings = TokenizerSettings(
            vocab=self.vocab,
            cls_id=ids["cls_token"],
            sep_id=ids["sep_token"],
            cls_token=str(names["cls_token"]),
            sep_token=str(names["sep_token"]),
            unk_token=str(names["unk_token"]),
            continuing_subword_prefix=self.continuing_subword_prefix,
            max_input_chars_per_word=self.max_input_chars_per_word,
            clean_text=self.clean_text,
            handle_chinese_chars=self.handle_chinese_chars,
            strip_accents=self.lowercase if self.strip_accents is None else self.strip_accents,
            lowercase=self.lowercase,
            added_tokens=tuple(self.added_tokens.values()),
            split_special_tokens=self.split_special_tokens,
            joins_pairs=self.joins_pairs,
            model_max_length=self.model_max_length,
        )
        for token in settings.added_tokens:
            if token.normalized and not normalized_content(token, settings):
                raise TokenizerFilesError(
                    f"{self.file}: added token {shown(token.content)} is empty after normalization, "
                    "expected one that is not. Set its normalized to false"
                )
        return settings


# --- the two vocabularies


def _read_vocab(path: Path) -> _Draft:
    text = read_text(path)
    if text is None:
        raise TokenizerFilesError(
            f"{path.parent} has neither {VOCAB} nor {TOKENIZER_JSON}, expected one of them. "
            "Give the folder of a checkpoint that was saved together with its tokenizer"
        )
    # The witness trims all whitespace at the end of a line, not only the newline.
    whitespace = "".join(WHITESPACE)
    vocab: dict[str, int] = {}
    for index, line in enumerate(text.removesuffix("\n").split("\n")):
        token = line.rstrip(whitespace)
        if token in vocab and not SPARE.fullmatch(token):
            raise TokenizerFilesError(
                f"{path}: {shown(token)} is on lines {vocab[token] + 1} and {index + 1}, "
                f"expected a different token on every line. {ADVICE}"
            )
        vocab[token] = index
    return _Draft(str(path), vocab)


def _read_tokenizer_json(file: Section) -> _Draft:
    file.supports("version", ["1.0"], optional=True)
    model = file.section("model")
    model.supports("type", ["WordPiece"], optional=True)
    vocab = model.section("vocab")
    if not is_unicode("".join(vocab.values)):
        model.reject("vocab", "tokens without lone surrogates")
    names, template_ids, joins_pairs = _read_template(file)
    draft = _Draft(
        file=file.file,
        vocab={token: vocab.integer(token) for token in vocab.values},
        names={"unk_token": model.string("unk_token"), **names},
        template_ids=template_ids,
        joins_pairs=joins_pairs,
        continuing_subword_prefix=model.string("continuing_subword_prefix"),
        max_input_chars_per_word=model.integer("max_input_chars_per_word", largest=(1 << 64) - 1),
    )

    file.section("pre_tokenizer").supports("type", ["BertPreTokenizer"])
    if file.has("normalizer"):
        normalizer = file.section("normalizer")
        normalizer.supports("type", ["BertNormalizer"])
        draft.clean_text = normalizer.boolean("clean_text")
        draft.handle_chinese_chars = normalizer.boolean("handle_chinese_chars")
        draft.strip_accents = _boolean_or_null(normalizer, "strip_accents")
        draft.lowercase = normalizer.boolean("lowercase")
    else:
        draft.clean_text = draft.handle_chinese_chars = draft.strip_accents = draft.lowercase = False

    for token in file.sections("added_tokens") if "added_tokens" in file.values else ():
        token.integer("id")
        flags = ("single_word", "lstrip", "rstrip", "normalized", "special")
        draft.add(token.string("content"), **{flag: token.boolean(flag) for flag in flags})
    return draft


def _read_template(file: Section) -> tuple[dict[str, str], dict[str, int], bool]:
    """Return the tokens before and after a text, their ids, and whether pairs are joined as BERT joins them.

    A different template for pairs is not yet an error: most models are used without pairs.

    A file without a template would add no [CLS], and the model would have no token to read its answer from.
    Texts then get BERT's tokens.
    """
    if not file.has("post_processor"):
        return {}, {}, True
    processor = file.section("post_processor")
    processor.supports("type", ["TemplateProcessing", "BertProcessing"])
    if processor.values["type"] == "BertProcessing":
        pairs = [processor.values.get("cls"), processor.values.get("sep")]
        joins_pairs = True
    else:
        single = list(processor.sections("single"))
        if [list(item.values) for item in single] != [["SpecialToken"], ["Sequence"], ["SpecialToken"]]:
            processor.reject("single", "a special token, the text, a special token")
        special_tokens = processor.section("special_tokens")
        named = [item.section("SpecialToken").string("id") for item in (single[0], single[2])]
        joins_pairs = _spelled(processor, "pair") == [named[0], "A", named[1], "B", named[1]]
        pairs = [
            [
                value
                for key in ("tokens", "ids")
                for value in special_tokens.section(name).items(key).values.values()
            ]
            for name in named
        ]
    for pair in pairs:
        if not isinstance(pair, list) or [type(value) for value in pair] != [str, int]:
            file.reject("post_processor", "one token with one id before the text and one after it")
    (cls_token, cls_id), (sep_token, sep_id) = pairs  # type: ignore[misc]
    return (
        {"cls_token": cls_token, "sep_token": sep_token},
        {cls_token: cls_id, sep_token: sep_id},
        joins_pairs,
    )


def _spelled(processor: Section, key: str) -> list[str]:
    """Return the ids that a template lists, in order; none if there is no such template."""
    items = processor.sections(key) if processor.has(key) else ()
    return [item.section(kind).string("id") for item in items for kind in item.values]


# --- the tokens that other files add


def _add_decoder(draft: _Draft, config: Section) -> None:
    """Add the tokens of `added_tokens_decoder`, in the order of the ids there."""
    decoder = config.section("added_tokens_decoder")
    for key in decoder.values:
        if not (key.isascii() and key.isdecimal() and len(key) <= len(str(MAX_ID))):
            config.reject("added_tokens_decoder", "an object with ids as keys")
    for key in sorted(decoder.values, key=int):
        _add_written(draft, decoder, key, special=False)


def _add_legacy(draft: _Draft, added_tokens: Section, sources: Sequence[Section]) -> None:
    """Add the tokens of `added_tokens.json`; a token that another file calls special is special."""
    special = {_content(section, name) for _, section, name in _written_special_tokens(sources)}
    ids = {content: added_tokens.integer(content) for content in added_tokens.values if is_unicode(content)}
    for content in sorted(ids, key=ids.__getitem__):
        draft.add(content, special=content in special, normalized=content not in special)


def _name_special_tokens(draft: _Draft, sources: Sequence[Section]) -> None:
    for key, section, name in _written_special_tokens(sources):
        if key in SPECIAL_TOKENS:
            draft.names[key] = _content(section, name)
        _add_written(draft, section, name, special=True, again=False)


def _written_special_tokens(sources: Sequence[Section]) -> Iterator[tuple[str, Section, Key]]:
    """Yield the key that names each special token, then the section and the key that hold its content.

    The first source that has the naming key wins.
    """
    for key in (*SPECIAL_TOKENS, *MORE_SPECIAL_TOKENS):
        source = next((source for source in sources if source.has(key)), None)
        if source is None:
            continue
        if key in SPECIAL_TOKENS:
            yield key, source, key
            continue
        listed = source.section(key) if isinstance(source.values[key], dict) else source.items(key)
        yield from ((key, listed, name) for name in listed.values)


def _add_default_special_tokens(draft: _Draft) -> None:
    for key, token in SPECIAL_TOKENS.items():
        # A vocabulary without "[MASK]" does not get one: its id would lie outside the model's embeddings.
        if token in draft.vocab and key not in draft.names and token not in draft.added_tokens:
            draft.add(token, special=True)


def _add_written(draft: _Draft, section: Section, key: Key, *, special: bool, again: bool = True) -> None:
    """Add a token written as a string, or as an object with flags; `again` also adds a known token."""
    content = _content(section, key)
    if content in draft.added_tokens and not again:
        return
    written = section.section(key) if isinstance(section.values[key], dict) else Section({}, section.file)
    special = special or written.boolean("special", False)
    flags = {flag: written.boolean(flag, False) for flag in ("single_word", "lstrip", "rstrip")}
    draft.add(content, special=special, normalized=written.boolean("normalized", not special), **flags)


def _content(section: Section, key: Key) -> str:
    if isinstance(section.values[key], dict):
        return section.section(key).string("content")
    return section.string(key)


# --- the switches


def _switch(draft: _Draft, config: Section) -> None:
    """Apply the switches in `tokenizer_config.json`, and the maximum length that it states."""
    draft.lowercase = config.boolean("do_lower_case", draft.lowercase)
    draft.handle_chinese_chars = config.boolean("tokenize_chinese_chars", draft.handle_chinese_chars)
    draft.split_special_tokens = config.boolean("split_special_tokens", False)
    if "strip_accents" in config.values:
        draft.strip_accents = _boolean_or_null(config, "strip_accents")
    if config.has("model_max_length"):
        limit = config.values["model_max_length"]
        if type(limit) not in (int, float) or limit < 1 or limit % 1 != 0:
            config.reject("model_max_length", "a positive whole number")
        draft.model_max_length = int(limit) if limit < NO_LIMIT else None


def _boolean_or_null(section: Section, key: str) -> bool | None:
    """Return a switch; null means that it follows `lowercase`."""
    return section.boolean(key) if section.has(key) else None
