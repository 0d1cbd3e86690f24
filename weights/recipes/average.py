"""Step 3: average the weights of fine-tunes that differ only in their seed.

They start from one checkpoint and end in one valley, whose middle generalizes better than its edges (Wortsman
et al. 2022, "Model soups", arXiv:2203.05482). The average is scored on the texts that all of them held out.

    python weights/recipes/average.py --task sst2 --data DATA/sst2 --out RUN/averaged RUN/seed-0 RUN/seed-1
"""

import argparse
import shutil
from pathlib import Path

import torch
from finetune import encode, scores
from safetensors.torch import load_file, save_file
from tasks import TASKS
from transformers import DistilBertForSequenceClassification


def main() -> None:
    """Write the average; print the held-out scores of each part and of the whole."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", choices=TASKS, required=True)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the task's train file")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("runs", type=Path, nargs="+")
    args = parser.parse_args()

    args.out.mkdir(parents=True, exist_ok=True)
    parts = [load_file(run / "model.safetensors") for run in args.runs]
    mean = {name: torch.stack([part[name] for part in parts]).mean(0) for name in parts[0]}
    save_file(mean, args.out / "model.safetensors", metadata={"format": "pt"})
    for name in ("config.json", "vocab.txt", "tokenizer_config.json"):
        shutil.copyfile(args.runs[0] / name, args.out / name)

    task = TASKS[args.task]
    _, held_out = task.load(args.data)
    texts = encode(args.out / "vocab.txt", [example.text for example in held_out])
    ids = [task.judged(text) for text in texts]
    for folder in (*args.runs, args.out):
        model = DistilBertForSequenceClassification.from_pretrained(folder)
        print(folder.name, scores(model, ids, [example.label for example in held_out]))


if __name__ == "__main__":
    main()
