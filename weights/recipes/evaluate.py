"""Step 5: measure the stored checkpoint, and hold it against transformers.

distilnp classifies the sentences of SST-2 dev, or the held-out reviews of IMDB; transformers, with
compressed-tensors, reads the same files and runs the same token ids. The script fails if any logit differs by
more than rounding explains.

    python weights/recipes/evaluate.py --task sst2 --data DATA/sst2 --model weights/sst2-mini
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from measures import interval, logits_of, reliability
from numpy.typing import NDArray
from tasks import TASKS
from tqdm import tqdm
from transformers import AutoModelForSequenceClassification

import distilnp

# Two float32 passes over 6 layers, summed in different orders, with logits up to 6.
TOLERANCE = 1e-4


def logits_of_transformers(folder: Path, texts: list[list[int]]) -> NDArray[np.float32]:
    """Return the logits of token ids, [n_texts, n_labels]."""
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.no_grad():
        return np.stack([model(torch.tensor([ids])).logits[0].numpy() for ids in tqdm(texts)])


def main() -> None:
    """Print accuracy, calibration, the confusion matrix and the worst difference of a logit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", choices=TASKS, required=True)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the task's files")
    parser.add_argument("--model", type=Path, required=True, help="the folder of the checkpoint")
    parser.add_argument("--compare", metavar="N", type=int, help="the first N texts only with transformers")
    args = parser.parse_args()

    task = TASKS[args.task]
    examples = task.measured(args.data)
    classifier = distilnp.load(args.model)
    truth = np.array([classifier.labels.index(task.LABELS[example.label]) for example in examples])
    logits = logits_of(classifier, [example.text for example in examples])
    predicted = logits.argmax(axis=1)

    n_right, n_texts = int((predicted == truth).sum()), len(truth)
    print(f"accuracy {n_right}/{n_texts} = {n_right / n_texts:.4f} (95 %: {interval(n_right, n_texts)})")
    print(reliability(logits, truth))
    if temperature := classifier.config.calibration_temperature:
        print(f"over the temperature {temperature}: {reliability(logits / temperature, truth)}")
    print(f"confusion matrix, rows true, columns predicted, {classifier.labels}:")
    print([[int(((truth == i) & (predicted == j)).sum()) for j in range(2)] for i in range(2)])

    compared = examples[: args.compare]
    ids = [task.judged(list(classifier.tokenizer.encode(example.text).ids)) for example in compared]
    difference = np.abs(logits[: len(ids)] - logits_of_transformers(args.model, ids))
    print(f"largest difference of a logit from transformers, {len(ids)} texts: {difference.max():.1e}")
    if difference.max() > TOLERANCE:
        raise SystemExit("the logits are not those of transformers")


if __name__ == "__main__":
    main()
