"""Step 4: fit the temperature of a stored checkpoint and write it into its config.json.

The temperature divides the logits, so that scores come nearer to how often they are right; no label changes
(Guo et al. 2017, arXiv:1706.04599). It is the one with the least log loss on the texts that were held out of
training. What it is worth on texts that it was not fitted on is told beside it: each half of them, over the
temperature that was fitted on the other half.

    python weights/recipes/calibrate.py --task sst2 --data DATA/sst2 --model weights/sst2-mini
"""

import argparse
import json
from pathlib import Path

import numpy as np
from measures import logits_of, reliability
from tasks import TASKS

import distilnp
from distilnp.calibration import fit_temperature, over_the_other_half


def main() -> None:
    """Write `calibration_temperature`; print log loss and calibration error without and with it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", choices=TASKS, required=True)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the task's train file")
    parser.add_argument("--model", type=Path, required=True, help="the folder of the checkpoint")
    args = parser.parse_args()

    task = TASKS[args.task]
    _, held_out = task.load(args.data)
    classifier = distilnp.load(args.model)
    truth = np.array([classifier.labels.index(task.LABELS[example.label]) for example in held_out])
    logits = logits_of(classifier, [example.text for example in held_out])

    temperature = round(fit_temperature(logits, truth), 4)  # the chance in the texts moves the second digit
    print(f"{len(truth)} held-out texts, as they are: {reliability(logits, truth)}")
    print(f"over {temperature}, fitted on them: {reliability(logits / temperature, truth)}")
    scaled, halves = over_the_other_half(logits, truth)
    print(f"each half over the other's, {halves[0]:.4f} and {halves[1]:.4f}: {reliability(scaled, truth)}")

    path = args.model / "config.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    values["calibration_temperature"] = temperature
    path.write_text(json.dumps(values, indent=2, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
