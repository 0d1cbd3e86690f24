"""Draw the pictures of docs/inside.md.

python docs/inside/make.py [FOLDER]
"""

import sys
from pathlib import Path

import distilnp

TEXT = "Not a good film, but never dull."


def draw(folder: Path) -> None:
    """Write the pictures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    classifier = distilnp.load("sst2-mini")
    trace = classifier.trace(TEXT)
    pictures = {
        "words": classifier.explain(TEXT).to_svg(),
        "previous": trace.attention_svg(0, 2),
        "heads": trace.attention_svg(5),
        "lens": trace.logit_lens_svg(),
    }
    for name, picture in pictures.items():
        (folder / f"{name}.svg").write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    draw(Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parent)
