"""Time our tokenizer and the Rust package on IMDB train, on one thread, after comparing their ids.

    DISTILNP_DATA=... PYTHONPATH=tests python -m benchmarks.tokenizer

Each engine runs in its own process, and the two take turns, because idle threads of one would slow down the
other. "Empty cache" is a new tokenizer on all 25,000 reviews; "warm cache" is the same tokenizer on the same
reviews again. The Rust package runs `encode_batch_fast` of the tokenizer that transformers builds.
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

from .machine import cpu

VOCAB = Path(__file__).parents[1] / "weights" / "sst2-mini" / "vocab.txt"
ENGINES = ("distilnp", "tokenizers")


def read_texts(data: Path, every: int) -> list[str]:
    """Return every `every`-th review."""
    with gzip.open(data / "imdb" / "train.jsonl.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line)["text"] for index, line in enumerate(file) if index % every == 0]


def digest(ids_of_texts: Iterable[Sequence[int]]) -> str:
    """Return a digest of ids, by which those of two processes can be compared."""
    sha256 = hashlib.sha256()
    for ids in ids_of_texts:
        sha256.update(json.dumps(list(ids)).encode())
    return sha256.hexdigest()


def run_distilnp(texts: list[str]) -> dict[str, Any]:
    """Time our tokenizer with an empty cache and with a warm one."""
    from distilnp.tokenizer import Tokenizer

    def seconds(tokenizer: Tokenizer) -> float:
        started = time.perf_counter()
        for text in texts:
            tokenizer.encode(text).ids  # noqa: B018  a user reads the attribute, so its time counts
        return time.perf_counter() - started

    tokenizer = Tokenizer.from_folder(VOCAB.parent)
    result = {"cold": seconds(tokenizer), "warm": seconds(tokenizer)}
    return {**result, "digest": digest(tokenizer.encode(text).ids for text in texts)}


def run_tokenizers(texts: list[str]) -> dict[str, Any]:
    """Time the Rust tokenizer, which has no cache that could be empty."""
    # Imported here, so that the process of the other engine does not load the Rust package.
    from support.tokenizer_witness import witness

    tokenizer = witness(VOCAB, lowercase=True)
    started = time.perf_counter()
    encodings = tokenizer.encode_batch_fast(texts)
    result = {"only": time.perf_counter() - started}
    return {**result, "digest": digest(encoding.ids for encoding in encodings)}


def in_a_process(engine: str, every: int) -> dict[str, Any]:
    """Run one engine once, alone and on one thread."""
    one_thread = {**os.environ, "RAYON_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    command = [sys.executable, "-m", __spec__.name, "--engine", engine, "--every", str(every)]
    output = subprocess.run(command, env=one_thread, check=True, capture_output=True, text=True).stdout
    return json.loads(output)


def main() -> int:
    """Compare ids, then time, then print; return 1 if the ids differ."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=3, help="turns of each engine (default: 3)")
    parser.add_argument(
        "--every", type=int, default=1, metavar="N", help="use only every N-th review (default: 1, all)"
    )
    parser.add_argument("--engine", choices=ENGINES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not os.environ.get("DISTILNP_DATA"):
        parser.error(
            "DISTILNP_DATA is not set, expected the folder of the research data with imdb/train.jsonl.gz. "
            "The repository does not include this data"
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
        print("The ids differ: no timings. tests/witness/sweep_tokenizer.py shows the texts.")
        return 1

    n_chars = sum(map(len, texts))
    print(f"{len(texts):,} reviews, {n_chars:,} characters; the ids are equal")
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
