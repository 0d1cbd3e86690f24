"""The errors that distilnp raises for what a user gave it.

    DistilnpError
    ├── ModelNotFoundError      no known model, and no folder, of that name
    │   └── DownloadError           a checkpoint is not in the cache, and cannot be fetched from the hub
    ├── CheckpointError         the files of a checkpoint cannot be used
    │   ├── ConfigError             config.json
    │   ├── TensorError             the tensors of its weights
    │   └── TokenizerFilesError     vocab.txt, tokenizer.json, tokenizer_config.json, special_tokens_map.json
    ├── InputFileError          a file of texts cannot be read, or a line of it is not what it should be
    ├── BuildError              kernels cannot be built ahead of time
    ├── ArgumentError           an argument has a value that cannot be used (also a ValueError)
    ├── TextTooLongError        a text is too long, and was to be neither cut nor parted (also a ValueError)
    └── InputTypeError          a text, or an argument, is of the wrong type (also a TypeError)

Every message says what was expected, what came, where, and what to do. An exception of any other kind that
leaves distilnp is a bug in distilnp.
"""


class DistilnpError(Exception):
    """Base class of every error that distilnp raises on purpose."""


class ModelNotFoundError(DistilnpError):
    """No known model has this name, and no folder either."""


class DownloadError(ModelNotFoundError):
    """A checkpoint is not in the cache, and cannot be fetched from the hub."""


class CheckpointError(DistilnpError):
    """The files of a checkpoint are damaged, unsupported, or belong to different models."""


class ConfigError(CheckpointError):
    """`config.json` is not a configuration that distilnp can run."""


class TensorError(CheckpointError):
    """Tensors are missing, left over, of the wrong shape or type, or not finite."""


class TokenizerFilesError(CheckpointError):
    """The tokenizer's files are missing, damaged, or ask for what distilnp does not implement."""


class InputFileError(DistilnpError):
    """A file of texts cannot be read, or a line of it is not what it should be."""


class BuildError(DistilnpError):
    """What building kernels ahead of time takes is not there, or failed."""


class ArgumentError(DistilnpError, ValueError):
    """An argument has a value that cannot be used."""


class TextTooLongError(DistilnpError, ValueError):
    """A text is longer than the model can see, and was to be neither cut nor parted."""


class InputTypeError(DistilnpError, TypeError):
    """A text or an argument is of the wrong type."""
