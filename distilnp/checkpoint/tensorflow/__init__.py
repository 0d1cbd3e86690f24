"""TensorFlow's files, read without TensorFlow.

`variables` is a form of weights: a checkpoint, in which `table` finds records and `protobuf` their fields,
with `crc32c` for the checksums and `snappy` for blocks that are compressed. `h5` is the other form. `names`
turns the names of variables into those of PyTorch. `graph` finds the settings that no variable tells.
"""
