"""Compare the tokenizer with the `tokenizers` package on all available texts; exit 1 on any difference.

    export DISTILNP_DATA=... PYTHONPATH=tests
    python tests/witness/sweep_tokenizer.py                       all texts, about half an hour
    python tests/witness/sweep_tokenizer.py --parts emoji udhr    some of them

The ids of the fast path and all results of the stages must be those of the witness. Without `DISTILNP_DATA`,
the sweep covers the scalar values and the edge cases, with the bundled vocabulary.
"""

import argparse
import os
import sys
from pathlib import Path

import tokenizers
from support.tokenizer_witness import differences, ours, parts, vocabularies, witness
from tqdm import tqdm


def main() -> int:
    """Run the chosen parts; return the exit status."""
    data = Path(os.environ["DISTILNP_DATA"]) if os.environ.get("DISTILNP_DATA") else None
    every_part, every_vocabulary = parts(data), vocabularies(data)
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--parts", nargs="+", choices=every_part, default=list(every_part))
    parser.add_argument("--vocabularies", nargs="+", choices=every_vocabulary, default=list(every_vocabulary))
    arguments = parser.parse_args()

    python = ".".join(map(str, sys.version_info[:3]))
    print(f"Python {python}, tokenizers {tokenizers.__version__}")
    n_different = 0
    for name in arguments.vocabularies:
        rust, tokenizer = witness(*every_vocabulary[name]), ours(*every_vocabulary[name])
        for part in arguments.parts:
            n_texts = n_here = 0
            for text in tqdm(
                differences(rust, tokenizer, every_part[part]()),
                desc=f"{name}, {part}",
                unit=" texts",
                unit_scale=True,
                leave=False,
                disable=None,
            ):
                n_texts += 1
                if text is not None:
                    n_here += 1
                    if n_here <= 5:
                        print(f"  differs: {text[:200]!a}")
            n_different += n_here
            print(f"{name}, {part}: {n_texts:,} texts, {n_here:,} differences", flush=True)
    print(f"{n_different:,} differences in total")
    return 1 if n_different else 0


if __name__ == "__main__":
    sys.exit(main())
