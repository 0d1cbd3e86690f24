"""Speed of the forward pass beside ONNX Runtime, PyTorch and OpenVINO; no time is shown for other logits.

    DISTILNP_DATA=... PYTHONPATH=tests python -m benchmarks.forward

| module | what |
| --- | --- |
| `__main__` | the command: who measures what, in which turn |
| `models` | the checkpoints, in the form that each engine loads; exported once, then cached |
| `workloads` | the token ids that are computed, and what is aimed at |
| `engines` | the four engines, each as its makers advise to run it |
| `worker` | a process for each engine, asleep unless it is its turn |
| `limits` | what the machine can do: multiply-adds and bytes a second |
| `operations` | what a forward pass costs: operations that we execute, bytes that must be read |
| `report`, `plot` | tables and curves out of `results.json` |

Nothing here is part of the package.
"""
