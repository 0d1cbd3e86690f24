"""`model.safetensors`, one file or several shards with an index: where each tensor lies."""

import json
from pathlib import Path

from ..errors import CheckpointError
from ..foreign import read_file, shown
from .safetensors_header import read_header
from .stored import OneFile, StoredTensor, WithoutChecksums, contiguous, weights_size

# An index is a list of names: 2 MB for the 16 tensors of each of 1024 layers, the most that config.json may
# ask for.
MAX_INDEX_BYTES = 4 << 20


class SafetensorsFile(OneFile):
    """One safetensors file."""

    def tensors(self) -> dict[str, StoredTensor]:
        """Return the tensors by their names.

        Raises
        ------
        CheckpointError
            The file is not there, or is not a whole safetensors file.
        """
        weights_size(self.path)
        try:
            header = read_header(self.path)
        except (OSError, ValueError) as error:
            raise CheckpointError(
                f"{self.path} is not a whole safetensors file ({error!s:.300}). It is damaged or was not "
                "fetched to its end: fetch it again"
            ) from error
        return {
            name: StoredTensor(self.path, entry.begin, entry.dtype, entry.shape, contiguous(entry.shape))
            for name, entry in header.items()
        }


class ShardedSafetensors(WithoutChecksums):
    """Several safetensors files, and the index that says which tensor is in which file.

    The index may come from anywhere, so that a name in it may only be the name of a file in the same folder.
    A shard may be a link to another place in the folder or, if the folder is a snapshot in the hub's cache,
    to the cache's blobs, because the cache keeps files there. A link called `model.safetensors` or
    `pytorch_model.bin` may lead anywhere: no file has named it, so the user has made it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def files(self) -> list[Path]:
        """Return the index and all shards."""
        return [self.path, *sorted({self._shard(name) for name in self._weight_map().values()})]

    def tensors(self) -> dict[str, StoredTensor]:
        """Return the tensors of all shards by their names.

        Raises
        ------
        CheckpointError
            The index or a shard is missing or damaged, a shard is outside the folder, or index and shards
            disagree.
        """
        weight_map = self._weight_map()
        found: dict[str, StoredTensor] = {}
        for shard in sorted(set(weight_map.values())):
            tensors = SafetensorsFile(self._shard(shard)).tensors()
            for name in tensors:
                if name in found:
                    raise self._disagrees(f"{shown(name)} is in {found[name].path.name} and in {shard}")
                if name not in weight_map:
                    raise self._disagrees(f"{shown(name)} is in {shard} and not in the index")
            found |= tensors
        for name, shard in weight_map.items():
            if name not in found:
                raise self._disagrees(f"the index has {shown(name)} in {shard}, and it is not there")
            if (holder := found[name].path.name) != shard:
                raise self._disagrees(f"the index has {shown(name)} in {shard}, and it is in {holder}")
        return found

    def _weight_map(self) -> dict[str, str]:
        try:
            weight_map = json.loads(read_file(self.path, MAX_INDEX_BYTES))["weight_map"]
            if not weight_map or not all(isinstance(shard, str) for shard in weight_map.values()):
                raise ValueError("weight_map is not an object of tensors and files")
        except OSError as error:
            raise CheckpointError(
                f"{self.path} cannot be read ({error.strerror or error}), expected an index of shards"
            ) from error
        except (ValueError, RecursionError, TypeError, KeyError, AttributeError) as error:
            raise CheckpointError(
                f"{self.path} is not an index of shards ({shown(error)}), expected an object with a "
                "weight_map of tensors and files. It is damaged: fetch it again"
            ) from error
        return weight_map

    def _shard(self, name: str) -> Path:
        folder = self.path.parent.resolve()
        # A backslash separates folders on Windows, and a colon names a drive.
        if not name.isascii() or not name.endswith(".safetensors") or set(name) & set("/\\:\0"):
            raise CheckpointError(
                f"{self.path} names the shard {shown(name)}, expected the name of a .safetensors file in the "
                "same folder. Nothing else is opened: do not trust this checkpoint"
            )
        homes = [folder]
        if folder.parent.name == "snapshots":
            homes.append(folder.parents[1] / "blobs")
        try:
            place = (folder / name).resolve()
        except (OSError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or error
            raise CheckpointError(
                f"{self.path} names the shard {shown(name)}, which cannot be found ({reason}), expected a "
                "file in the same folder"
            ) from error
        if not any(place.is_relative_to(home) for home in homes):
            raise CheckpointError(
                f"{folder / name} is a link to {place}, expected a file in the same folder (or, in the hub's "
                "cache, among its blobs). Put the file itself there"
            )
        return folder / name

    def _disagrees(self, what: str) -> CheckpointError:
        return CheckpointError(
            f"{self.path} does not fit its shards: {what}. Take the index and all shards from one revision "
            "of one checkpoint"
        )
