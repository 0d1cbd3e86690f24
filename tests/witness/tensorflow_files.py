"""Write goldens of TensorFlow's files with TensorFlow and transformers.

The versions are those of the manifest. transformers 5 has no TensorFlow any more, so that this needs an
environment of its own:

    pip install tensorflow-cpu==2.16.2 tf_keras==2.16.0 transformers==4.44.2 h5py==3.16.0
    python tests/witness/tensorflow_files.py

With --spark-nlp FOLDER, it writes instead what the package of Spark NLP in tests/goldens/spark_nlp holds.
FOLDER has the same model as transformers wrote it, with safetensors.
"""

import argparse
import hashlib
import json
import os
import shutil
import tempfile
import zipfile
from pathlib import Path

import numpy as np

GOLDENS = Path(__file__).parents[1] / "goldens"

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"w{i}" for i in range(45))]
IDS = [[2, 5, 6, 7, 3], [2, 49, 1, 12, 12, 30, 3], [2, 3]]
LABELS = ["bad", "fair", "good"]

# What a folder of transformers has beside these is not read.
KEPT = (".index", ".data-00000-of-00001", "saved_model.pb", ".h5", ".json", ".txt")


def digest(array: np.ndarray) -> str:
    """Return the SHA-256 of the bytes of an array."""
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def write_models() -> None:
    """Write models of several settings, and a manifest of what TensorFlow says about them."""
    os.environ |= {"TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    import h5py
    import tensorflow as tf
    import transformers

    about = {
        "tensorflow": tf.__version__,
        "transformers": transformers.__version__,
        "h5py": h5py.__version__,
        "ids": IDS,
        "models": {},
    }
    for name, settings in {
        "gelu": {"n_heads": 4},
        "relu": {"n_heads": 2, "activation": "relu"},
        "gelu_new": {"n_heads": 4, "activation": "gelu_new"},
    }.items():
        about["models"][name] = write_model(tf, transformers, name, settings)
    (GOLDENS / "tensorflow" / "manifest.json").write_text(json.dumps(about, indent=1) + "\n")


def write_model(tf, transformers, name: str, settings: dict[str, object]) -> dict[str, object]:
    """Write one model in every form; return its variables and its logits."""
    config = transformers.DistilBertConfig(
        vocab_size=len(WORDS),
        max_position_embeddings=24,
        dim=16,
        hidden_dim=24,
        n_layers=2,
        id2label=dict(enumerate(LABELS)),
        label2id={label: i for i, label in enumerate(LABELS)},
        **settings,
    )
    model = transformers.TFDistilBertForSequenceClassification(config)
    model(tf.constant(IDS[:1]))
    random = np.random.RandomState(7)
    for variable in model.variables:
        values = 0.3 * random.standard_normal(variable.shape)
        variable.assign(1 + values if "gamma" in variable.name else values)
    logits = [model(tf.constant([ids])).logits[0].numpy().tolist() for ids in IDS]
    values = {variable.name: variable.numpy() for variable in model.variables}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        model.save_pretrained(folder, saved_model=True)
        (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
        assets = folder / "saved_model" / "1" / "assets"
        assets.mkdir(exist_ok=True)
        shutil.copy(folder / "vocab.txt", assets)
        (assets / "labels.txt").write_text("\n".join(LABELS) + "\n")
        # As TensorFlow 1 wrote a checkpoint: the keys are the names, and there is no object graph.
        names = {variable.name.removesuffix(":0"): variable for variable in model.variables}
        save_with_names(tf, folder / "tensorflow1" / "variables", names)
        with zipfile.ZipFile(
            GOLDENS / "tensorflow" / f"{name}.zip", "w", zipfile.ZIP_DEFLATED, True, 9
        ) as file:
            for path in sorted(folder.rglob("*")):
                if path.is_file() and path.name.endswith(KEPT) and path.name != "keras_metadata.pb":
                    file.writestr(zipfile.ZipInfo(str(path.relative_to(folder))), path.read_bytes(), 8, 9)
    return {"variables": {key: digest(value) for key, value in values.items()}, "logits": logits}


def save_with_names(tf, prefix: Path, variables: dict[str, object]) -> None:
    """Write a checkpoint whose keys are the names of the variables."""
    prefix.parent.mkdir()
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=list(variables),
        shape_and_slices=[""] * len(variables),
        tensors=[variable.value() for variable in variables.values()],
    )


def write_spark_nlp(folder: Path) -> None:
    """Write the digests of the parameters of a package, its configuration and its vocabulary."""
    from safetensors.numpy import load_file

    about = {
        "written_by": "Spark NLP 5.5.3, Spark 3.5.9, and transformers 4.30.2 for the digests",
        "tensors": {key: digest(value) for key, value in load_file(folder / "model.safetensors").items()},
        "config": json.loads((folder / "config.json").read_text()),
        "vocab": (folder / "vocab.txt").read_text(encoding="utf-8").splitlines(),
    }
    path = GOLDENS / "spark_nlp" / "manifest.json"
    path.write_text(json.dumps(about, indent=1) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--spark-nlp", type=Path)
    folder = parser.parse_args().spark_nlp
    write_models() if folder is None else write_spark_nlp(folder)
