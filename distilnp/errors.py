"""The errors that distilnp raises on purpose.

    DistilnpError
    ├── ModelNotFoundError      there is no known model and no folder of that name
    │   └── DownloadError           a checkpoint is not in the cache and cannot be fetched from the hub
    ├── CheckpointError         the files of a checkpoint cannot be used
    │   ├── ConfigError             config.json
    │   ├── TensorError             the tensors of its weights
    │   └── TokenizerFilesError     vocab.txt, tokenizer.json, tokenizer_config.json, special_tokens_map.json
    ├── InputFileError          a file of texts cannot be read, or has a bad line
    ├── BuildError              kernels cannot be built ahead of time
    ├── ArgumentError           an argument has a value that cannot be used (also a ValueError)
    ├── TextTooLongError        a text is too long and may be neither cut nor split (also a ValueError)
    └── InputTypeError          a text or an argument has the wrong type (also a TypeError)

Every message says what was expected, what came, where, and what to do. If distilnp raises any other
exception, that is a bug in distilnp.
"""


class DistilnpError(Exception):
    """Base class of every error that distilnp raises on purpose."""


class ModelNotFoundError(DistilnpError):
    """There is no known model and no folder of this name."""


class DownloadError(ModelNotFoundError):
    """A checkpoint is not in the cache and cannot be fetched from the hub."""


class CheckpointError(DistilnpError):
    """The files of a checkpoint are damaged, unsupported, or belong to different models."""


class ConfigError(CheckpointError):
    """`config.json` is not a configuration that distilnp can run."""


class TensorError(CheckpointError):
    """Tensors are missing, unknown, not finite, or have the wrong shape or type."""


class TokenizerFilesError(CheckpointError):
    """The tokenizer's files are missing, damaged, or ask for something that distilnp does not implement."""


class InputFileError(DistilnpError):
    """A file of texts cannot be read, or has a bad line."""


class BuildError(DistilnpError):
    """Building kernels ahead of time failed, or something that it needs is missing."""


class ArgumentError(DistilnpError, ValueError):
    """An argument has a value that cannot be used."""


class TextTooLongError(DistilnpError, ValueError):
    """A text is longer than the model can see, and may be neither cut nor split."""


class InputTypeError(DistilnpError, TypeError):
    """A text or an argument has the wrong type."""
