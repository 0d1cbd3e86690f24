"""Speed on IMDB train beside the Rust package on one thread; the ids are compared before any time is shown.

    DISTILNP_DATA=... python benchmarks/tokenizer.py

Each engine runs in a process of its own, and they take turns: idle threads of one would slow the other
down. Cold is a new tokenizer, so an empty word cache, over all 25,000 reviews; warm is the same one over
them again. The Rust side is `encode_batch_fast` of a tokenizer that transformers would build.
"""

import argparse
import gzip
import hashlib
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

VOCAB = Path(__file__).parents[1] / "weights" / "sst2-mini" / "vocab.txt"
SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
ENGINES = ("distilnp", "tokenizers")


def read_texts(data: Path, every: int) -> list[str]:
    """Return the reviews, or each `every`-th."""
    with gzip.open(data / "imdb" / "train.jsonl.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line)["text"] for index, line in enumerate(file) if index % every == 0]


def digest(ids_of_texts: Iterable[Sequence[int]]) -> str:
    """Return a digest of the ids, to compare those of two processes."""
    sha256 = hashlib.sha256()
    for ids in ids_of_texts:
        sha256.update(json.dumps(list(ids)).encode())
    return sha256.hexdigest()


def run_distilnp(texts: list[str]) -> dict[str, Any]:
    """Time our tokenizer, cold and warm."""
    from distilnp.tokenizer import Tokenizer

    def seconds(tokenizer: Tokenizer) -> float:
        started = time.perf_counter()
        for text in texts:
            tokenizer.encode(text).ids  # noqa: B018  an attribute that costs something is what is timed
        return time.perf_counter() - started

    tokenizer = Tokenizer.from_folder(VOCAB.parent)
    result = {"cold": seconds(tokenizer), "warm": seconds(tokenizer)}
    return {**result, "digest": digest(tokenizer.encode(text).ids for text in texts)}


def run_tokenizers(texts: list[str]) -> dict[str, Any]:
    """Time the Rust tokenizer, which has no cache that could be cold."""
    import tokenizers

    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordPiece.from_file(str(VOCAB), unk_token="[UNK]"))
    tokenizer.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(list(SPECIAL_TOKENS))
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")],
    )
    started = time.perf_counter()
    encodings = tokenizer.encode_batch_fast(texts)
    result = {"only": time.perf_counter() - started}
    return {**result, "digest": digest(encoding.ids for encoding in encodings)}


def in_a_process(engine: str, every: int) -> dict[str, Any]:
    """Run one engine once, alone and on one thread."""
    one_thread = {**os.environ, "RAYON_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    command = [sys.executable, __file__, "--engine", engine, "--every", str(every)]
    output = subprocess.run(command, env=one_thread, check=True, capture_output=True, text=True).stdout
    return json.loads(output)  # type: ignore[no-any-return]


def cpu() -> str:
    """Return the processor's name where the system says it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.processor() or platform.machine()


def main() -> int:
    """Compare, then time, then print; exit 1 if the ids differ."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=3, help="turns of each engine (default: 3)")
    parser.add_argument(
        "--every", type=int, default=1, help="take each so-manieth review only (default: all)"
    )
    parser.add_argument("--engine", choices=ENGINES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not os.environ.get("DISTILNP_DATA"):
        parser.error(
            "DISTILNP_DATA is not set: the reviews are research data that the repository does not carry"
        )
    texts = read_texts(Path(os.environ["DISTILNP_DATA"]), arguments.every)
    if arguments.engine:
        run = run_distilnp if arguments.engine == "distilnp" else run_tokenizers
        print(json.dumps(run(texts)))
        return 0

    import tokenizers

    runs = [
        {engine: in_a_process(engine, arguments.every) for engine in ENGINES}
        for _ in range(arguments.repeats)
    ]
    if len({run[engine]["digest"] for run in runs for engine in ENGINES}) != 1:
        print("The ids differ: no timing. tests/witness/sweep_tokenizer.py says where.")
        return 1

    n_chars = sum(map(len, texts))
    print(f"{len(texts):,} reviews, {n_chars:,} characters; ids are equal")
    print(f"{cpu()}; Python {platform.python_version()}, tokenizers {tokenizers.__version__}")
    rust = statistics.median(run["tokenizers"]["only"] for run in runs)
    rows = {
        "tokenizers, one thread": rust,
        "distilnp, empty cache": statistics.median(run["distilnp"]["cold"] for run in runs),
        "distilnp, warm cache": statistics.median(run["distilnp"]["warm"] for run in runs),
    }
    print(f"{'median of ' + str(arguments.repeats):<24}{'seconds':>9}{'M chars/s':>11}{'ratio':>8}")
    for name, seconds in rows.items():
        print(f"{name:<24}{seconds:>9.2f}{n_chars / seconds / 1e6:>11.2f}{rust / seconds:>8.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
