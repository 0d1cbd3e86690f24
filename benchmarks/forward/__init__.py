"""Time the forward pass beside ONNX Runtime, PyTorch and OpenVINO; show no times if the logits differ.

    DISTILNP_DATA=... PYTHONPATH=tests python -m benchmarks.forward

| module | content |
| --- | --- |
| `__main__` | the command: which engines measure which workloads, and in which order |
| `models` | the checkpoints in the form that each engine loads, exported once and then cached |
| `workloads` | the inputs of the engines, and our targets |
| `engines` | the four engines, each run as its authors recommend |
| `products` | the matrix products of a model on their own |
| `steps` | a command of its own: each kind of step of our pass, beside the limits |
| `worker` | a process for each engine, stopped except during its turn |
| `limits` | the limits of the machine: multiply-adds and bytes per second |
| `operations` | the cost of a pass, by kinds of step: operations that we execute, bytes that it must read |
| `report`, `plot` | tables and curves made from `results.json` |

None of this is part of the package.
"""
