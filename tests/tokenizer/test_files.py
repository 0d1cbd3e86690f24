"""The tokenizer files: which keys count, which file wins, and which content is refused by name.

The combinations of files are those of published DistilBERT repositories. If `tokenizers` can load a file by
itself, it is the witness.
"""

import json
import random
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tokenizers
from support.tokenizer_witness import BUNDLED, same

from distilnp.errors import TokenizerFilesError
from distilnp.tokenizer import AddedToken, Tokenizer

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "film",
    "Film",
    "é",
    "e",
    "中",
    "文",
    "##文",
    "a",
    "##b",
    "!",
]
TEXT = "Film é 中文 ab! [MASK]"

# The 48 bytes of this file in the published SST-2 repository, which has no tokenizer.json.
SST2_CONFIG = '{"model_max_length": 512, "do_lower_case": true}'


def added(content: str, token_id: int, **flags: bool) -> dict[str, Any]:
    default = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {"id": token_id, "content": content, **default, **flags}


def serialized(**changes: Any) -> dict[str, Any]:
    """Return an uncased tokenizer.json for WORDS."""
    file: dict[str, Any] = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [added(token, token_id) for token_id, token in enumerate(WORDS[:5])],
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": None,
            "lowercase": True,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [
                {"SpecialToken": {"id": "[CLS]", "type_id": 0}},
                {"Sequence": {"id": "A", "type_id": 0}},
                {"SpecialToken": {"id": "[SEP]", "type_id": 0}},
            ],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
            "special_tokens": {
                name: {"id": name, "ids": [WORDS.index(name)], "tokens": [name]}
                for name in ("[CLS]", "[SEP]")
            },
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": {token: token_id for token_id, token in enumerate(WORDS)},
        },
    }
    return file | changes


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a folder from `vocab=` (a list or text) and JSON files by name."""

    def write(vocab: list[str] | str | bytes | None = None, **files: Any) -> Path:
        if vocab is not None:
            text = vocab if isinstance(vocab, str | bytes) else "".join(f"{token}\n" for token in vocab)
            (tmp_path / "vocab.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
        for name, content in files.items():
            text = content if isinstance(content, str | bytes) else json.dumps(content)
            (tmp_path / f"{name}.json").write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path

    return write


def spelled(tokenizer: Tokenizer, text: str = TEXT) -> str:
    return " ".join(tokenizer.encode(text).tokens)


# --- combinations of published files


def test_a_vocabulary_alone_gets_the_defaults(folder: Callable[..., Path]) -> None:
    tokenizer = Tokenizer.from_folder(folder(vocab=WORDS))

    assert spelled(tokenizer) == "[CLS] film e 中 文 a ##b ! [MASK] [SEP]"
    assert tokenizer.model_max_length is None
    assert tokenizer.vocab_size == len(WORDS)


def test_a_vocabulary_and_the_48_bytes_of_sst2_make_an_uncased_tokenizer(folder: Callable[..., Path]) -> None:
    tokenizer = Tokenizer.from_folder(folder(vocab=WORDS, tokenizer_config=SST2_CONFIG))

    assert len(SST2_CONFIG) == 48
    assert spelled(tokenizer) == "[CLS] film e 中 文 a ##b ! [MASK] [SEP]"
    assert tokenizer.model_max_length == 512


def test_a_cased_vocabulary_keeps_case_and_accents(folder: Callable[..., Path]) -> None:
    tokenizer = Tokenizer.from_folder(folder(vocab=WORDS, tokenizer_config={"do_lower_case": False}))

    assert spelled(tokenizer) == "[CLS] Film é 中 文 a ##b ! [MASK] [SEP]"
    assert not tokenizer.lowercase


def test_tokenizer_json_alone_gives_the_results_of_the_witness(folder: Callable[..., Path]) -> None:
    tokenizer = Tokenizer.from_folder(folder(tokenizer=serialized()))

    assert same(tokenizer.encode(TEXT), tokenizers.Tokenizer.from_str(json.dumps(serialized())).encode(TEXT))


def test_tokenizer_json_wins_over_vocab_txt(folder: Callable[..., Path]) -> None:
    tokenizer = Tokenizer.from_folder(folder(vocab=WORDS[::-1], tokenizer=serialized()))

    assert tokenizer.encode("film").ids == (2, 5, 3)


def test_the_published_files_give_the_results_of_the_witness(data: Path) -> None:
    published = data / "tokenizer" / "distilbert-base-uncased-finetuned-sst-2-english"
    rust = tokenizers.Tokenizer.from_file(str(published / "tokenizer.json"))
    tokenizer = Tokenizer.from_folder(published)

    assert same(tokenizer.encode(TEXT), rust.encode(TEXT))
    assert (tokenizer.vocab_size, tokenizer.model_max_length, tokenizer.lowercase) == (30_522, 512, True)
    assert Tokenizer.from_folder(data / "tiny-random-distilbert").encode(TEXT).ids[0] == 2


def test_the_bundled_vocabulary_works_alone(tmp_path: Path) -> None:
    shutil.copy(BUNDLED, tmp_path / "vocab.txt")

    assert spelled(Tokenizer.from_folder(tmp_path), "An unaffable film.") == (
        "[CLS] an una ##ffa ##ble film . [SEP]"
    )


# --- a key in tokenizer_config.json wins


@pytest.mark.parametrize(
    ("config", "tokens"),
    [
        ({}, "film e 中 文"),
        ({"do_lower_case": False}, "Film é 中 文"),
        ({"do_lower_case": False, "strip_accents": True}, "Film e 中 文"),
        ({"strip_accents": False}, "film é 中 文"),
        ({"tokenize_chinese_chars": False}, "film e 中 ##文"),
    ],
)
@pytest.mark.parametrize("has_tokenizer_json", [False, True])
def test_a_switch_in_tokenizer_config_json_wins(
    folder: Callable[..., Path], has_tokenizer_json: bool, config: dict[str, bool], tokens: str
) -> None:
    files = {"tokenizer": serialized()} if has_tokenizer_json else {"vocab": WORDS}

    assert spelled(Tokenizer.from_folder(folder(**files, tokenizer_config=config)), "Film é 中文") == (
        f"[CLS] {tokens} [SEP]"
    )


@pytest.mark.parametrize("switch", ["clean_text", "handle_chinese_chars", "strip_accents", "lowercase"])
def test_a_switch_that_only_tokenizer_json_has_takes_effect(folder: Callable[..., Path], switch: str) -> None:
    """transformers 5 rebuilds the normalizer from its own defaults instead, and lowercases a cased model."""
    file = serialized()
    file["normalizer"][switch] = False
    tokenizer = Tokenizer.from_folder(folder(tokenizer=file, tokenizer_config={"model_max_length": 512}))
    rust = tokenizers.Tokenizer.from_str(json.dumps(file))

    for text in (TEXT, "fi\x00lm", "é中文", "Film"):
        assert same(tokenizer.encode(text), rust.encode(text))


def test_a_null_strip_accents_in_tokenizer_config_json_follows_the_case(folder: Callable[..., Path]) -> None:
    file = serialized()
    file["normalizer"]["strip_accents"] = False

    assert "é" in Tokenizer.from_folder(folder(tokenizer=file)).encode("é").tokens
    written = folder(tokenizer=file, tokenizer_config={"strip_accents": None})
    assert "e" in Tokenizer.from_folder(written).encode("é").tokens


def test_a_tokenizer_json_without_a_normalizer_does_not_normalize(folder: Callable[..., Path]) -> None:
    file = serialized(normalizer=None)
    rust = tokenizers.Tokenizer.from_str(json.dumps(file))

    assert same(Tokenizer.from_folder(folder(tokenizer=file)).encode(TEXT), rust.encode(TEXT))


def test_a_tokenizer_json_without_a_post_processor_still_adds_cls_and_sep(
    folder: Callable[..., Path],
) -> None:
    tokenizer = Tokenizer.from_folder(folder(tokenizer=serialized(post_processor=None)))

    assert spelled(tokenizer, "film") == "[CLS] film [SEP]"


def test_truncation_and_padding_in_tokenizer_json_are_ignored(folder: Callable[..., Path]) -> None:
    file = serialized(
        truncation={"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0},
        padding={
            "strategy": {"Fixed": 128},
            "direction": "Right",
            "pad_to_multiple_of": None,
            "pad_id": 0,
            "pad_type_id": 0,
            "pad_token": "[PAD]",
        },
    )

    assert len(Tokenizer.from_folder(folder(tokenizer=file)).encode("film " * 1000)) == 1002


@pytest.mark.parametrize(
    ("written", "limit"),
    [
        (512, 512),
        (512.0, 512),
        (1e30, None),
        (1000000000000000019884624838656, None),
        (None, None),
    ],
)
def test_model_max_length_is_read_and_a_huge_one_means_none(
    folder: Callable[..., Path], written: object, limit: int | None
) -> None:
    config = {"model_max_length": written}

    assert Tokenizer.from_folder(folder(vocab=WORDS, tokenizer_config=config)).model_max_length == limit


# --- names and added tokens

OTHER_NAMES = ["<pad>", "<unk>", "<s>", "</s>", "<mask>", "film"]
NAMES = {
    "cls_token": "<s>",
    "sep_token": "</s>",
    "unk_token": "<unk>",
    "pad_token": "<pad>",
    "mask_token": "<mask>",
}


@pytest.mark.parametrize("file", ["tokenizer_config", "special_tokens_map"])
@pytest.mark.parametrize("as_object", [False, True])
def test_special_tokens_can_have_other_names(folder: Callable[..., Path], file: str, as_object: bool) -> None:
    names = {key: {"content": name, "lstrip": False} if as_object else name for key, name in NAMES.items()}
    tokenizer = Tokenizer.from_folder(folder(vocab=OTHER_NAMES, **{file: names}))

    assert spelled(tokenizer, "film <mask> x") == "<s> film <mask> <unk> </s>"


def test_a_name_in_tokenizer_config_json_wins_over_the_special_tokens_map(
    folder: Callable[..., Path],
) -> None:
    files = {"tokenizer_config": NAMES, "special_tokens_map": {"cls_token": "film"}}

    assert spelled(Tokenizer.from_folder(folder(vocab=OTHER_NAMES, **files)), "") == "<s> </s>"


def test_a_special_tokens_map_beside_tokenizer_json_is_ignored(folder: Callable[..., Path]) -> None:
    files = {"tokenizer": serialized(), "special_tokens_map": {"cls_token": "film"}}

    assert spelled(Tokenizer.from_folder(folder(**files)), "") == "[CLS] [SEP]"


def test_a_typed_sep_is_plain_text_if_tokenizer_json_does_not_list_it(folder: Callable[..., Path]) -> None:
    file = serialized(added_tokens=[])
    rust = tokenizers.Tokenizer.from_str(json.dumps(file))
    tokenizer = Tokenizer.from_folder(folder(tokenizer=file))

    assert same(tokenizer.encode("film[SEP]"), rust.encode("film[SEP]"))
    assert 3 not in tokenizer.encode("film[SEP]").ids[:-1]


def test_added_tokens_decoder_adds_tokens_in_the_order_of_its_ids(folder: Callable[..., Path]) -> None:
    decoder = {
        "16": {"content": "<b>", "lstrip": True, "normalized": False, "rstrip": False, "single_word": False},
        "15": {"content": "<A>", "special": True},
        "4": {"content": "[MASK]", "lstrip": True, "special": True},
    }
    tokenizer = Tokenizer.from_folder(folder(vocab=WORDS, tokenizer_config={"added_tokens_decoder": decoder}))

    assert tokenizer.encode("film <b><A> [MASK]").ids == (2, 5, 16, 15, 4, 3)
    assert tokenizer.vocab_size == 17
    assert AddedToken("<b>", 16, lstrip=True) in tokenizer.settings.added_tokens


def test_added_tokens_json_of_older_transformers_adds_tokens(folder: Callable[..., Path]) -> None:
    files = {
        "added_tokens": {"<b>": 16, "<A>": 15},
        "special_tokens_map": {"additional_special_tokens": ["<A>"]},
    }
    tokenizer = Tokenizer.from_folder(folder(vocab=WORDS, **files))

    assert tokenizer.encode("film<B><A>").ids == (2, 5, 16, 15, 3)
    assert {token.content for token in tokenizer.settings.added_tokens if not token.special} == {"<b>"}


def test_split_special_tokens_can_be_set_by_argument_and_by_file(folder: Callable[..., Path]) -> None:
    files = folder(vocab=WORDS)
    assert 3 in Tokenizer.from_folder(files).encode("[SEP]").ids[:-1]
    assert 3 not in Tokenizer.from_folder(files, split_special_tokens=True).encode("[SEP]").ids[:-1]

    files = folder(tokenizer_config={"split_special_tokens": True})
    assert 3 not in Tokenizer.from_folder(files).encode("[SEP]").ids[:-1]


def test_vocab_txt_is_read_as_the_witness_reads_it(folder: Callable[..., Path]) -> None:
    """Include Windows line ends, whitespace after a token, an empty line and no newline at the end."""
    path = folder(vocab="[UNK]\r\n[CLS] \t\r\n[SEP]\u3000\n\nfilm\u00a0\n##s")
    rust = tokenizers.models.WordPiece.read_file(str(path / "vocab.txt"))

    assert dict(Tokenizer.from_folder(path).settings.vocab) == rust


def test_a_vocabulary_without_the_default_mask_does_not_get_one(folder: Callable[..., Path]) -> None:
    tokenizer = Tokenizer.from_folder(folder(vocab=["[UNK]", "[CLS]", "[SEP]"]))

    assert tokenizer.vocab_size == 3
    assert {token.content for token in tokenizer.settings.added_tokens} == {"[UNK]", "[CLS]", "[SEP]"}


# --- files that are refused


def model(**changes: Any) -> dict[str, Any]:
    return serialized(model=serialized()["model"] | changes)


def ids_of(*tokens: str) -> dict[str, int]:
    return {token: token_id for token_id, token in enumerate(tokens)}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({}, r"has neither vocab.txt nor tokenizer.json, expected one.*saved together"),
    "no unk": ({"vocab": ["[CLS]", "[SEP]"]}, r"unk_token '\[UNK\]' has no id, expected one id"),
    "no cls": ({"vocab": ["[UNK]", "[SEP]"]}, r"'\[CLS\]'.*name it as cls_token in tokenizer_config.json$"),
    "no sep": ({"vocab": ["[UNK]", "[CLS]"]}, r"'\[SEP\]'"),
    "empty": ({"vocab": ""}, r"'\[UNK\]'"),
    "long added token": (
        {"vocab": WORDS, "added_tokens": {"x" * 257: 15}},
        r"added token 'x+\.\.\. has 257 characters, expected at most 256",
    ),
    "long words of long tokens": (
        {
            "tokenizer": model(
                max_input_chars_per_word=2**60, vocab={t: i for i, t in enumerate([*WORDS, "x" * 300])}
            )
        },
        r"max_input_chars_per_word is 1152921504606846976 and a token has 300 characters, expected .* 256",
    ),
    "blank lines do not hide": (
        {"vocab": [*WORDS, "", "film", ""]},
        r"'film' is on lines 6 and 17",
    ),
    "twice": (
        {"vocab": [*WORDS, "film"]},
        r"'film' is on lines 6 and 16, expected a different token on every",
    ),
    "not UTF-8": ({"vocab": b"[PAD]\n\xff"}, r"vocab.txt: byte 6 is 0xFF, expected UTF-8"),
    "UTF-16": ({"vocab": "[PAD]".encode("utf-16")}, r"expected UTF-8"),
    "config not JSON": ({"vocab": WORDS, "tokenizer_config": "{"}, r"tokenizer_config.json is not JSON"),
    "config is a list": ({"vocab": WORDS, "tokenizer_config": []}, r"is \[\], expected a JSON object"),
    "NaN": ({"vocab": WORDS, "tokenizer_config": '{"model_max_length": NaN}'}, r"NaN is not a JSON value"),
    "deep": ({"vocab": WORDS, "tokenizer_config": '{"a":' + "[" * 100_000}, r"too many nested brackets"),
    "long number": ({"vocab": WORDS, "tokenizer_config": '{"a":' + "9" * 5000 + "}"}, r"is not JSON"),
    "BOM": ({"vocab": WORDS, "tokenizer_config": b"\xef\xbb\xbf{}"}, r"is not JSON"),
    "switch is a string": (
        {"vocab": WORDS, "tokenizer_config": {"do_lower_case": "no"}},
        r"tokenizer_config.json: do_lower_case is 'no', expected true or false",
    ),
    "switch is null": ({"vocab": WORDS, "tokenizer_config": {"do_lower_case": None}}, r"is None"),
    "limit is negative": (
        {"vocab": WORDS, "tokenizer_config": {"model_max_length": -1}},
        r"is -1, expected a positive whole number",
    ),
    "limit is true": ({"vocab": WORDS, "tokenizer_config": {"model_max_length": True}}, r"is True"),
    "limit overflows": ({"vocab": WORDS, "tokenizer_config": '{"model_max_length": 1e999}'}, r"is inf"),
    "class": (
        {"vocab": WORDS, "tokenizer_config": {"tokenizer_class": "BertJapaneseTokenizer"}},
        r"tokenizer_class is 'BertJapaneseTokenizer', expected .*\. Only BERT's WordPiece",
    ),
    "decoder key": (
        {"vocab": WORDS, "tokenizer_config": {"added_tokens_decoder": {"x": {}}}},
        r"added_tokens_decoder is \{'x': \{\}\}, expected an object with ids as keys",
    ),
    "decoder content": (
        {"vocab": WORDS, "tokenizer_config": {"added_tokens_decoder": {"4": {}}}},
        r"added_tokens_decoder\['4'\]\.content is missing, expected a string",
    ),
    "decoder is a list": ({"vocab": WORDS, "tokenizer_config": {"added_tokens_decoder": [1]}}, r"an object"),
    "name is a number": ({"vocab": WORDS, "tokenizer_config": {"cls_token": 3}}, r"cls_token.*a string"),
    "name is half a character": (
        {"vocab": WORDS, "tokenizer_config": r'{"cls_token": "\ud800"}'},
        r"a string of Unicode",
    ),
    "names is a string": (
        {"vocab": WORDS, "special_tokens_map": {"additional_special_tokens": "a"}},
        r"a list",
    ),
    "version": ({"tokenizer": serialized(version="2.0")}, r"version is '2.0', expected '1.0'"),
    "BPE": ({"tokenizer": model(type="BPE")}, r"model.type is 'BPE', expected 'WordPiece'"),
    "no model": ({"tokenizer": serialized(model=None)}, r"model is None, expected an object"),
    "vocab is a list": ({"tokenizer": model(vocab=WORDS)}, r"model.vocab is \[.*, expected an object"),
    "id is a string": (
        {"tokenizer": model(vocab={"[UNK]": "0"})},
        r"model.vocab\['\[UNK\]'\] is '0', expected an integer",
    ),
    "id is negative": ({"tokenizer": model(vocab={"[UNK]": -1})}, r"an integer from 0"),
    "id is huge": ({"tokenizer": model(vocab={"[UNK]": 1 << 32})}, r"an integer from 0 to 4294967295"),
    "empty vocab": ({"tokenizer": model(vocab={})}, r"'\[UNK\]'"),
    "token is half a character": (
        {"tokenizer": json.dumps(serialized()).replace('"film"', r'"\ud83d"')},
        r"without lone surrogates",
    ),
    "unk not there": ({"tokenizer": model(unk_token="<unk>")}, r"unk_token '<unk>' has no id"),
    "chars": ({"tokenizer": model(max_input_chars_per_word=-1)}, r"max_input_chars_per_word"),
    "normalizer": (
        {"tokenizer": serialized(normalizer={"type": "Lowercase"})},
        r"normalizer.type is 'Lowercase', expected 'BertNormalizer'",
    ),
    "normalizer half": (
        {"tokenizer": serialized(normalizer={"type": "BertNormalizer"})},
        r"clean_text is missing",
    ),
    "pre_tokenizer": ({"tokenizer": serialized(pre_tokenizer={"type": "Whitespace"})}, r"'BertPreTokenizer'"),
    "no pre_tokenizer": ({"tokenizer": serialized(pre_tokenizer=None)}, r"pre_tokenizer.*an object"),
    "post_processor": (
        {"tokenizer": serialized(post_processor={"type": "ByteLevel"})},
        r"'TemplateProcessing'",
    ),
    "template": (
        {
            "tokenizer": serialized(
                post_processor={"type": "TemplateProcessing", "single": [{"Sequence": {}}]}
            )
        },
        r"a special token, the text, a special token",
    ),
    "template id": (
        {
            "tokenizer": serialized(
                post_processor={"type": "BertProcessing", "sep": ["[SEP]", 7], "cls": ["[CLS]", 2]}
            )
        },
        r"sep_token '\[SEP\]' has the ids 3 and 7, expected one id",
    ),
    "template pair": (
        {"tokenizer": serialized(post_processor={"type": "BertProcessing", "sep": "[SEP]", "cls": None})},
        r"one token with one id",
    ),
    "added is an object": ({"tokenizer": serialized(added_tokens={})}, r"a list"),
    "added flag": (
        {"tokenizer": serialized(added_tokens=[{"id": 1, "content": "x"}])},
        r"added_tokens\[0\].single_word is missing, expected true or false",
    ),
    "added becomes nothing": (
        {"tokenizer": serialized(added_tokens=[added("\u0301", 20, normalized=True)])},
        r"added token '.u0301' is empty after normalization",
    ),
}


SINGLE = serialized()["post_processor"]["single"]
SEP = SINGLE[2]
BERT_PAIR = [*SINGLE, {"Sequence": {"id": "B", "type_id": 1}}, SEP]


@pytest.mark.parametrize(
    "pair",
    [
        serialized()["post_processor"]["pair"],
        [],
        [*SINGLE, SEP, {"Sequence": {"id": "B", "type_id": 1}}, SEP],  # as RoBERTa does
        [
            SINGLE[0],
            {"Sequence": {"id": "B", "type_id": 0}},
            SEP,
            {"Sequence": {"id": "A", "type_id": 0}},
            SEP,
        ],
    ],
)
def test_a_file_that_joins_pairs_differently_takes_single_texts(
    folder: Callable[..., Path], pair: list[object]
) -> None:
    template = serialized()["post_processor"] | {"pair": pair}
    tokenizer = Tokenizer.from_folder(folder(tokenizer=serialized(post_processor=template)))

    assert len(tokenizer.encode("")) == 2
    with pytest.raises(TokenizerFilesError, match=r"expected \[CLS\] A \[SEP\] B \[SEP\].*single texts only"):
        tokenizer.encode("", "")


@pytest.mark.parametrize(
    "processor",
    [
        serialized()["post_processor"] | {"pair": BERT_PAIR},
        {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]},
        None,
    ],
)
def test_pairs_are_joined_as_bert_joins_them(
    folder: Callable[..., Path], processor: dict[str, object] | None
) -> None:
    tokenizer = Tokenizer.from_folder(folder(tokenizer=serialized(post_processor=processor)))

    assert tokenizer.encode("", "").tokens == ("[CLS]", "[SEP]", "[SEP]")


@pytest.mark.parametrize("case", REFUSED)
def test_other_content_is_refused_by_name(folder: Callable[..., Path], case: str) -> None:
    files, message = REFUSED[case]

    with pytest.raises(TokenizerFilesError, match=f"(?s){message}") as error:
        Tokenizer.from_folder(folder(**files))
    assert not str(error.value).endswith(".")


def test_a_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").mkdir()

    with pytest.raises(
        TokenizerFilesError, match=r"vocab.txt cannot be read \(it is not a file\), expected a readable file"
    ):
        Tokenizer.from_folder(tmp_path)


def test_a_giant_file_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "vocab.txt").open("wb") as file:
        file.truncate(1 << 30)  # sparse, so it takes no space

    with pytest.raises(
        TokenizerFilesError, match=r"vocab.txt cannot be read \(it has more than 67108864 bytes\), expected"
    ):
        Tokenizer.from_folder(tmp_path)


def test_a_damaged_file_raises_no_other_error(folder: Callable[..., Path]) -> None:
    """Replace each value of both JSON files in turn."""
    config = {"cls_token": "[CLS]", "added_tokens_decoder": {"4": {"content": "[MASK]", "special": True}}}
    replacements = [None, True, -1, 1 << 70, 0.5, "", "\u0301", [], {}, [[]], {"type": "x"}]
    random.Random(0).shuffle(replacements)

    def damage(value: Any) -> Any:
        """Yield copies of a JSON value with one part replaced, dropped or doubled."""
        yield from replacements
        if isinstance(value, dict):
            for key in value:
                yield {k: v for k, v in value.items() if k != key}
                for damaged in damage(value[key]):
                    yield value | {key: damaged}
        elif isinstance(value, list):
            yield value + value
            for index in range(len(value)):
                for damaged in damage(value[index]):
                    yield [*value[:index], damaged, *value[index + 1 :]]

    small = serialized(added_tokens=[added("[SEP]", 3)], decoder=None)
    small["model"]["vocab"] = {"[UNK]": 1, "[CLS]": 2, "[SEP]": 3}
    n_refused = 0
    for files in (
        *({"tokenizer": damaged} for damaged in damage(small)),
        *({"tokenizer": small, "tokenizer_config": damaged} for damaged in damage(config)),
    ):
        try:
            Tokenizer.from_folder(folder(**files)).encode(TEXT)
        except TokenizerFilesError as error:
            n_refused += 1
            assert len(str(error)) < 600
    assert n_refused > 300


# --- files that transformers reads, and their ids


def witness_of(vocab_txt: Path) -> tokenizers.Tokenizer:
    rust = tokenizers.Tokenizer(tokenizers.models.WordPiece.from_file(str(vocab_txt), unk_token="[UNK]"))
    rust.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=True)
    rust.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    rust.add_special_tokens(WORDS[:5])
    return rust


@pytest.mark.parametrize("end", ["", "\n", "\n\n", "\n\n\n\n", "\n \n\t\n", "\r\n\r\n", "\n\u3000\n\n"])
def test_blank_lines_at_the_end_of_a_vocabulary_are_no_tokens(folder: Callable[..., Path], end: str) -> None:
    path = folder(vocab="\n".join(WORDS) + end)
    tokenizer = Tokenizer.from_folder(path)

    assert tokenizer.vocab_size == tokenizer.n_embeddings == len(WORDS)
    assert list(tokenizer.encode(TEXT).ids[1:-1]) == witness_of(path / "vocab.txt").encode(TEXT).ids


@pytest.mark.parametrize("spare", ["", "[unused1]", "[unused993]"])
def test_a_spare_line_may_be_there_twice(folder: Callable[..., Path], spare: str) -> None:
    path = folder(vocab=[*WORDS[:5], spare, spare, *WORDS[5:], spare])
    rust = witness_of(path / "vocab.txt")
    tokenizer = Tokenizer.from_folder(path)

    for text in (TEXT, f"a {spare} b"):
        assert list(tokenizer.encode(text).ids[1:-1]) == rust.encode(text).ids


def test_a_token_that_is_added_behind_blank_lines_has_the_id_that_the_witness_gives_it(
    folder: Callable[..., Path],
) -> None:
    path = folder(vocab="\n".join(WORDS) + "\n\n\n", added_tokens={"[USER]": 15})
    rust = witness_of(path / "vocab.txt")
    rust.add_tokens(["[USER]"])

    assert list(Tokenizer.from_folder(path).encode("a [USER]").ids[1:-1]) == rust.encode("a [USER]").ids


def test_tokens_that_were_added_to_a_vocabulary_may_be_more_than_the_embeddings(
    folder: Callable[..., Path],
) -> None:
    tokenizer = Tokenizer.from_folder(folder(vocab=WORDS, added_tokens={"[USER]": 15, "[URL]": 16}))
    n = len(WORDS)

    assert (tokenizer.n_embeddings, tokenizer.vocab_size) == (n, n + 2)
    assert tokenizer.token_beyond(tokenizer.encode(TEXT).ids, n) is None
    assert tokenizer.token_beyond(tokenizer.encode("a [URL] [USER]").ids, n) == "[URL]"
    assert tokenizer.token_beyond(tokenizer.encode("a [URL] [USER]").ids, n + 1) == "[URL]"
    assert tokenizer.token_beyond(tokenizer.encode("a [URL] [USER]").ids, n + 2) is None


def test_a_model_needs_embeddings_for_cls_and_sep_that_were_added(
    folder: Callable[..., Path],
) -> None:
    path = folder(vocab=["[UNK]", "a"], added_tokens={"[CLS]": 2, "[SEP]": 3, "[USER]": 4})

    assert Tokenizer.from_folder(path).n_embeddings == 4


def test_a_limit_of_characters_without_effect_costs_nothing(folder: Callable[..., Path]) -> None:
    """Words of any length are split, because the longest token bounds the work at each character."""
    file = serialized(model=serialized()["model"] | {"max_input_chars_per_word": 2**60})
    tokenizer = Tokenizer.from_folder(folder(tokenizer=file))
    rust = tokenizers.Tokenizer.from_str(json.dumps(file))

    for text in ("a" + "b" * 500, "a" + "b" * 500 + "c"):
        assert list(tokenizer.encode(text).ids) == rust.encode(text).ids


@pytest.mark.parametrize("limit", [3, 100])
def test_a_token_longer_than_any_word_is_never_looked_for(folder: Callable[..., Path], limit: int) -> None:
    vocab = ids_of(*WORDS, "y" * 300, "##" + "b" * limit, "aaaa")
    file = serialized(model=serialized()["model"] | {"max_input_chars_per_word": limit, "vocab": vocab})
    tokenizer = Tokenizer.from_folder(folder(tokenizer=file))
    rust = tokenizers.Tokenizer.from_str(json.dumps(file))

    for text in ("y" * 300, "a" + "b" * (limit - 1), "a" + "b" * limit, "aaaa", "b" * limit):
        assert list(tokenizer.encode(text).ids) == rust.encode(text).ids


@pytest.mark.parametrize("key", ["cls_token", "tokenizer_class", "model_max_length", "added_tokens_decoder"])
def test_brackets_nested_as_deeply_as_json_allows_are_one_clear_error(
    folder: Callable[..., Path], key: str
) -> None:
    # From some depth on, Python can parse the file, but not print its value.
    for depth in range(900, sys.getrecursionlimit() + 1):
        nested = "[" * depth + "]" * depth
        with pytest.raises(TokenizerFilesError, match=rf"{key} is|is not JSON"):
            Tokenizer.from_folder(folder(vocab=WORDS, tokenizer_config=f'{{"{key}": {nested}}}'))
