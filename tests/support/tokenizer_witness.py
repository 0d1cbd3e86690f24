"""The witness of the tokenizer and the texts to compare on, for the tests, goldens, sweep and benchmark.

The witness is the Rust package `tokenizers`, configured as transformers configures it. The texts are every
Unicode scalar value, edge cases of the rules, and the corpora in `DISTILNP_DATA`, which are not part of the
repository.
"""

import gzip
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import tokenizers

from distilnp.tokenizer import AddedToken, Encoding, Tokenizer, TokenizerSettings

BUNDLED = Path(__file__).parents[2] / "weights" / "sst2-mini" / "vocab.txt"
SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
BATCH = 2048

GOLDENS = Path(__file__).parents[1] / "goldens" / "tokenizer"
TEXTS_PER_BLOCK = 500


def witness(vocab_txt: Path, lowercase: bool) -> tokenizers.Tokenizer:
    """Return the Rust tokenizer that transformers builds from a vocabulary."""
    rust = tokenizers.Tokenizer(tokenizers.models.WordPiece.from_file(str(vocab_txt), unk_token="[UNK]"))
    rust.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=lowercase)
    rust.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    rust.add_special_tokens(list(SPECIAL_TOKENS))
    rust.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, rust.token_to_id(token)) for token in ("[CLS]", "[SEP]")],
    )
    return rust


def ours(vocab_txt: Path, lowercase: bool) -> Tokenizer:
    """Return our tokenizer for the same vocabulary, which needs no folder of other files."""
    lines = vocab_txt.read_text(encoding="utf-8").split("\n")
    vocab = {token: index for index, token in enumerate(lines) if token}
    settings = TokenizerSettings(
        vocab=vocab,
        cls_id=vocab["[CLS]"],
        sep_id=vocab["[SEP]"],
        strip_accents=lowercase,
        lowercase=lowercase,
        added_tokens=tuple(AddedToken(token, vocab[token], special=True) for token in SPECIAL_TOKENS),
    )
    return Tokenizer(settings)


def scalar_values(spelled: str, together: int = 1, step: int = 1) -> Iterator[str]:
    """Yield every `step`-th Unicode scalar value in place of "?", `together` of them in each text."""
    spellings = (spelled.replace("?", chr(c)) for c in range(0, 0x110000, step) if not 0xD800 <= c < 0xE000)
    while text := "".join(islice(spellings, together)):
        yield text


def edge_cases() -> Iterator[str]:
    """Yield texts at the edges of the rules."""
    yield from ("", " ", "\t\n\r ", "\u200b", "\x00", "a[SEP]b", "[sep]", "[ SEP ]", "[SEP", "[CLS] [SEP]")
    for special in SPECIAL_TOKENS:
        yield from (special, f"a{special}", f"{special}a", f"{special}{special}")
        yield f"\u00e9 {special}\u4e00{special}"
    for letter in "a\u00e9\u4e00\u0301\U0001d400\uac00":
        for length in (99, 100, 101, 102, 1000):
            word = letter * length
            yield from (word, f"{word}.", f" {word} ", f"{word}\u0301")
    # Marks that change places, a capital that becomes two characters, a character that clean_text drops.
    yield from ("a\u302e\u0323b", "\u1fef\u0345\u0f73\u05b0", "\U0001d15e\U0001d16d")
    yield from ("\u0130I\u0307\u03a3", "x\ufffdy")


def udhr(data: Path) -> Iterator[str]:
    """Yield the Universal Declaration of Human Rights, in 532 language versions."""
    with gzip.open(data / "multilingual" / "udhr.tsv.gz", "rt", encoding="utf-8", newline="\n") as file:
        for line in file:
            yield line.rstrip("\n").partition("\t")[2]


def emoji(data: Path) -> Iterator[str]:
    """Yield every emoji sequence, alone and inside a word."""
    for line in (data / "multilingual" / "emoji-test.txt").read_text(encoding="utf-8").splitlines():
        code_points = line.partition("#")[0].partition(";")[0].split()
        if code_points:
            sequence = "".join(chr(int(c, 16)) for c in code_points)
            yield from (sequence, f"a{sequence}b", f" {sequence} {sequence}")


def sst2(data: Path) -> Iterator[str]:
    """Yield the sentences of SST-2 train and dev."""
    for name in ("train.tsv", "dev.tsv"):
        with (data / "sst2" / name).open(encoding="utf-8", newline="\n") as file:
            for line in islice(file, 1, None):
                yield line.rstrip("\n").rpartition("\t")[0]


def imdb(data: Path) -> Iterator[str]:
    """Yield the reviews of IMDB train."""
    with gzip.open(data / "imdb" / "train.jsonl.gz", "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)["text"]


def parts(data: Path | None) -> dict[str, Callable[[], Iterable[str]]]:
    """Return the texts of the sweep by name; the corpora only if there is a folder of data."""
    texts: dict[str, Callable[[], Iterable[str]]] = {
        "alone": partial(scalar_values, "?"),
        "letters": partial(scalar_values, "a?b ", together=64),
        "spaces": partial(scalar_values, " ? ", together=64),
        "edges": edge_cases,
    }
    if data:
        texts |= {corpus.__name__: partial(corpus, data) for corpus in (emoji, udhr, sst2, imdb)}
    return texts


def vocabularies(data: Path | None) -> dict[str, tuple[Path, bool]]:
    """Return the path of each vocabulary, and whether it is uncased, by name."""
    if not data:
        return {"bundled, uncased": (BUNDLED, True), "bundled, cased": (BUNDLED, False)}
    return {
        "uncased": (data / "vocab" / "distilbert-base-uncased.vocab.txt", True),
        "cased": (data / "vocab" / "distilbert-base-cased.vocab.txt", False),
        "multilingual": (data / "vocab" / "distilbert-base-multilingual-cased.vocab.txt", False),
    }


def same(encoding: Encoding, expected: tokenizers.Encoding) -> bool:
    """Return whether the ids of the fast path, and all results of the stages, are those of the witness."""
    return (
        list(encoding.ids) == expected.ids
        and [token.id for token in encoding._tokens()] == expected.ids
        and list(encoding.tokens) == expected.tokens
        and list(encoding.offsets) == expected.offsets
        and list(encoding.word_ids) == expected.word_ids
        and list(encoding.sequence_ids) == expected.sequence_ids
    )


def differences(
    rust: tokenizers.Tokenizer, tokenizer: Tokenizer, texts: Iterable[str]
) -> Iterator[str | None]:
    """Yield None for each text on which the two agree, and the text for each other text."""
    iterator = iter(texts)
    while batch := list(islice(iterator, BATCH)):
        for text, expected in zip(batch, rust.encode_batch(batch), strict=True):
            yield None if same(tokenizer.encode(text), expected) else text


def digest(encodings: Iterable[Encoding | tokenizers.Encoding]) -> str:
    """Return 16 hexadecimal digits that depend on all ids, tokens and offsets."""
    sha256 = hashlib.sha256()
    for encoding in encodings:
        values = [list(encoding.ids), list(encoding.tokens), [list(span) for span in encoding.offsets]]
        sha256.update(json.dumps(values).encode())
    return sha256.hexdigest()[:16]


def code_point_blocks() -> dict[int, str]:
    """Return a text for each 256 code points, with every one of them alone and between letters."""
    return {
        start: " ".join(f"{chr(c)} a{chr(c)}b" for c in range(start, start + 256))
        for start in range(0, 0x110000, 256)
        if not 0xD800 <= start < 0xE000
    }
