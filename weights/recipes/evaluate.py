"""Step 4: measure the stored checkpoint on SST-2 dev, and hold it against transformers.

distilnp classifies every sentence of dev; transformers, with compressed-tensors, reads the same files and
runs the same token ids. The script fails if any logit differs by more than rounding explains.

    python weights/recipes/evaluate.py --data DATA/sst2 --model weights/sst2-mini
"""

import argparse
from pathlib import Path

import numpy as np
import sst2
import torch
from tqdm import tqdm
from transformers import AutoModelForSequenceClassification

import distilnp

# Two float32 passes over 6 layers, summed in different orders, with logits up to 6.
TOLERANCE = 1e-4


def main() -> None:
    """Print accuracy, loss, the confusion matrix and the worst difference of a logit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder with dev.tsv")
    parser.add_argument("--model", type=Path, required=True)
    args = parser.parse_args()

    examples = sst2.read(args.data / "dev.tsv")
    truth = np.array([example.label for example in examples])
    classifier = distilnp.load(args.model)
    witness = AutoModelForSequenceClassification.from_pretrained(args.model, dtype=torch.float32).eval()

    logits, expected = [], []
    for example in tqdm(examples):
        ids = classifier.tokenizer.encode(example.text).ids
        logits.append(classifier.classify(example.text).logits)
        with torch.no_grad():
            expected.append(witness(torch.tensor([ids])).logits[0].numpy())
    ours, theirs = np.stack(logits), np.stack(expected)
    predicted = ours.argmax(axis=1)
    shares = np.exp(ours - np.logaddexp.reduce(ours, axis=1, keepdims=True))

    n_right = int((predicted == truth).sum())
    loss = -np.log(shares[np.arange(len(truth)), truth]).mean()
    print(f"accuracy {n_right}/{len(truth)} = {n_right / len(truth):.4f}, loss {loss:.4f}")
    print(f"confusion matrix, rows true, columns predicted, {classifier.labels}:")
    matrix = [[int(((truth == i) & (predicted == j)).sum()) for j in range(2)] for i in range(2)]
    print(matrix)
    worst = np.abs(ours - theirs).max()
    print(f"largest difference of a logit from transformers: {worst:.1e}")
    if worst > TOLERANCE or (theirs.argmax(axis=1) != predicted).any():
        raise SystemExit("the logits are not those of transformers")


if __name__ == "__main__":
    main()
