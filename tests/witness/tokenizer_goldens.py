"""Write `tests/goldens/tokenizer`: digests of the results of the `tokenizers` package on very many texts.

    DISTILNP_DATA=... make goldens

The goldens are digests because the research texts must not be redistributed, and because one line for each
code point would take megabytes.
"""

import argparse
import json
import os
import platform
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import tokenizers
from support.tokenizer_witness import (
    BUNDLED,
    GOLDENS,
    TEXTS_PER_BLOCK,
    code_point_blocks,
    digest,
    edge_cases,
    emoji,
    imdb,
    sst2,
    udhr,
    vocabularies,
    witness,
)
from tqdm import tqdm


def code_points(rust: tokenizers.Tokenizer) -> dict[str, str]:
    """Return the digest of each block of 256 code points, if it differs from that of the previous block."""
    digests: dict[str, str] = {}
    last = ""
    for start, text in tqdm(code_point_blocks().items(), desc="code points", leave=False, disable=None):
        here = digest([rust.encode(text)])
        if here != last:
            digests[f"{start:X}"] = last = here
    return digests


def blocks(rust: tokenizers.Tokenizer, texts: Iterable[str]) -> list[str]:
    """Return the digest of each block of texts."""
    iterator = iter(texts)
    digests = []
    while block := list(islice(iterator, TEXTS_PER_BLOCK)):
        digests.append(digest(rust.encode_batch(block)))
    return digests


def write(name: str, content: object) -> None:
    """Write a golden file with one value on each line, so that a diff is readable."""
    (GOLDENS / name).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Write every golden file."""
    argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0]).parse_args()
    data = Path(os.environ["DISTILNP_DATA"])
    GOLDENS.mkdir(parents=True, exist_ok=True)
    bundled = {"uncased": witness(BUNDLED, True), "cased": witness(BUNDLED, False)}
    write("code_points.json", {case: code_points(rust) for case, rust in bundled.items()})
    write("edge_cases.json", {case: blocks(rust, edge_cases()) for case, rust in bundled.items()})
    write(
        "corpora.json",
        {
            name: {
                corpus.__name__: blocks(witness(*vocabulary), corpus(data))
                for corpus in tqdm((emoji, udhr, sst2, imdb), desc=name, leave=False, disable=None)
            }
            for name, vocabulary in vocabularies(data).items()
        },
    )
    write(
        "manifest.json",
        {
            "command": "DISTILNP_DATA=... make goldens",
            "witness": f"tokenizers {tokenizers.__version__}",
            "python": platform.python_version(),
            "digest": "first 16 hexadecimal digits of the SHA-256 of ids, tokens and offsets",
            "texts_per_block": TEXTS_PER_BLOCK,
        },
    )


if __name__ == "__main__":
    main()
