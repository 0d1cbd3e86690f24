"""Step 10: the new weights beside the earlier ones and the teacher, on the sentences of SST-2 dev.

The exact test of McNemar asks whether the sentences that only one of two sets of weights gets right are split
as evenly as chance splits them.

    python weights/recipes/compare.py --data DATA/sst2 --old RUN/old --teacher RUN/teacher --model MODEL
"""

import argparse
from pathlib import Path

import numpy as np
import sst2
from finetune import logits_of_ids
from measures import by_length, interval, logits_of, mcnemar
from teacher import encode
from transformers import MPNetForSequenceClassification

import distilnp


def main() -> None:
    """Print accuracies, agreement with the teacher, McNemar's test, and accuracy by length."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of dev.tsv")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--old", type=Path, required=True, help="the folder of the earlier weights")
    parser.add_argument("--teacher", type=Path, required=True)
    args = parser.parse_args()

    examples = sst2.measured(args.data)
    texts, truth = [example.text for example in examples], np.array([example.label for example in examples])
    answers = {
        name: logits_of(distilnp.load(folder), texts).argmax(1)
        for name, folder in (("this", args.model), ("earlier", args.old))
    }
    teacher = MPNetForSequenceClassification.from_pretrained(args.teacher)
    answers["teacher"] = logits_of_ids(teacher, encode(args.teacher, texts)).argmax(1).numpy()

    right = {name: predicted == truth for name, predicted in answers.items()}
    for name, correct in right.items():
        n_right = int(correct.sum())
        agree = int((answers[name] == answers["teacher"]).sum())
        print(
            f"{name}: {n_right}/{len(truth)} = {n_right / len(truth):.4f} ({interval(n_right, len(truth))});"
        )
        print(f"    the teacher says the same of {agree}/{len(truth)} = {agree / len(truth):.4f}")
    gained, lost, p = mcnemar(right["this"], right["earlier"])
    print(f"only this right: {gained}, only the earlier right: {lost}, McNemar p = {p:.4f}")
    print(f"| words | {' | '.join(right)} |", "| --- | --- | --- | --- |", sep="\n")
    print(*by_length(texts, right), sep="\n")


if __name__ == "__main__":
    main()
