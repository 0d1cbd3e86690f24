"""Check with torch the writer of `pytorch_model.bin` in the tests, and write goldens with torch itself.

python tests/witness/torch_files.py          # check the tests' writer
python tests/witness/torch_files.py --write  # also write tests/goldens/pytorch again
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.torch_files import write_torch

GOLDENS = Path(__file__).parents[1] / "goldens" / "pytorch"


def tensors() -> dict[str, torch.Tensor]:
    """Return tensors of every type and layout that a checkpoint can contain."""

    def count(*shape: int) -> torch.Tensor:
        return torch.arange(np.prod(shape), dtype=torch.float32).reshape(shape) / 8

    wide = count(5, 12)
    return {
        "float32": count(4, 3),
        "float16": count(4, 3).half(),
        "bfloat16": count(4, 3).bfloat16(),
        "float64": count(4, 3).double(),
        "vector": count(7),
        "by columns": count(3, 4).T,
        "a part of a wider one": wide[1:, 4:8],
        "shares its storage": wide[0, 2:9],
        "parameter": torch.nn.Parameter(count(2, 2)),
        "position_ids": torch.arange(5)[None],
    }


def additions() -> dict[str, object]:
    """Return what a checkpoint may have beside its parameters: tensors of other types, and other values."""
    return {
        "weight": torch.arange(6, dtype=torch.float32).reshape(2, 3),
        "uint16": torch.ones(3, dtype=torch.uint16),
        "uint64": torch.ones(3, dtype=torch.uint64),
        "float8": torch.ones(4).to(torch.float8_e4m3fn),
        "complex": torch.ones(2, dtype=torch.complex64),
        "bool": torch.ones(2, dtype=torch.bool),
        "scalar": torch.tensor(3),
        "empty": torch.empty(0),
        "loss._extra_state": {"alpha": 1.5, "step": None, "seen": [1, 2.5, (True, "a")]},
    }


def write() -> None:
    """Write the goldens, and a manifest of their tensors."""
    GOLDENS.mkdir(parents=True, exist_ok=True)
    state = torch.nn.Linear(1, 1).state_dict()  # an OrderedDict with _metadata, as every module has
    state.clear()
    state.update(tensors())
    torch.save(state, GOLDENS / "archive.bin")
    torch.save(state, GOLDENS / "legacy.bin", _use_new_zipfile_serialization=False)
    torch.save(state, GOLDENS / "protocol4.bin", pickle_protocol=4)
    torch.save(additions(), GOLDENS / "additions.bin")
    torch.save(additions(), GOLDENS / "additions-legacy.bin", _use_new_zipfile_serialization=False)
    torch.save(additions(), GOLDENS / "additions-protocol4.bin", pickle_protocol=4)
    values = {name: tensor.detach().double().tolist() for name, tensor in state.items()}
    about = {"torch": torch.__version__, "tensors": values}
    (GOLDENS / "manifest.json").write_text(json.dumps(about, indent=1) + "\n")


def check() -> None:
    """Read the files of the tests' writer with torch."""
    arrays = {
        name: tensor.detach().numpy() for name, tensor in tensors().items() if tensor.dtype != torch.bfloat16
    }
    arrays["a part of a wider one"] = arrays["a part of a wider one"].copy()
    for legacy in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "pytorch_model.bin")
            write_torch(path, arrays, legacy=legacy)
            for weights_only in (True, False):
                loaded = torch.load(path, weights_only=weights_only)
                assert loaded.keys() == arrays.keys()
                for name, array in arrays.items():
                    np.testing.assert_array_equal(loaded[name].numpy(), array)
                    assert loaded[name].stride() == tuple(n // array.itemsize for n in array.strides)
    print("torch reads both formats of tests/support/torch_files.py")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true")
    if parser.parse_args().write:
        write()
    check()
