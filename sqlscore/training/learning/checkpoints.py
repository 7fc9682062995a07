"""A training that survives the death of its process: what an epoch leaves behind, written whole or not at all."""

from __future__ import annotations

import glob
import hashlib
import json
import pickle
from dataclasses import asdict, astuple
from pathlib import Path
from typing import Any

import torch

from sqlscore.errors import TrainingError
from sqlscore.files import in_place_of
from sqlscore.training.data.event_log import EventLog
from sqlscore.training.data.split import Periods
from sqlscore.training.options import TrainingOptions

_FORMAT = 5
_FREE = ("checkpoint", "time_limit", "loading_threads")  # options that change no weight


class Checkpoint:
    """The file of one training. It holds plain values and tensors only, and is read as such: it can run no code.

    Raises TrainingError if the file belongs to another training.
    """

    def __init__(self, path: str | Path, run: str) -> None:
        self.path = Path(path)
        self._content: dict[str, Any] = {"format": _FORMAT, "run": run, "stages": {}}
        if not self.path.exists():
            if not self.path.absolute().parent.is_dir():
                raise TrainingError(f"checkpoint {self.path}: there is no folder {self.path.absolute().parent}")
            return
        try:
            found = torch.load(self.path, map_location="cpu", weights_only=True)
        except (pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
            raise TrainingError(f"{self.path} is not a checkpoint of sqlscore: name another file") from error
        if not isinstance(found, dict) or (found.get("format"), found.get("run")) != (_FORMAT, run):
            raise TrainingError(
                f"{self.path} is the checkpoint of another training: other events, options or version; remove it to "
                "start anew, or name another file"
            )
        self._content = found

    def load(self, stage: str) -> dict[str, Any] | None:
        """What the stage saved last, None if it did not begin."""
        found: dict[str, Any] | None = self._content["stages"].get(stage)
        return found

    def save(self, stage: str, state: dict[str, Any]) -> None:
        """Write the file anew beside the old one, then put it in its place: a kill leaves one of the two."""
        self._content["stages"][stage] = state
        with in_place_of(self.path) as partial:
            torch.save(self._content, partial)

    def remove(self) -> None:
        """The training is done: the same call trains anew. What a process that was killed had half written goes too."""
        self.path.unlink(missing_ok=True)
        for partial in self.path.absolute().parent.glob(f".{glob.escape(self.path.name)}.*.partial"):
            partial.unlink(missing_ok=True)


def is_of(path: str | Path, run: str) -> bool:
    """Whether a file is the checkpoint of this training, from which it can go on."""
    try:
        Checkpoint(path, run)
    except TrainingError:
        return False
    return Path(path).exists()


def fingerprint(log: EventLog, periods: Periods, options: TrainingOptions) -> str:
    """A hash of all that the weights of a training follow from."""
    found = hashlib.blake2b(digest_size=16)
    settings = {name: value for name, value in asdict(options).items() if name not in _FREE}
    found.update(json.dumps([settings, periods.to_notes(), torch.__version__], sort_keys=True).encode())
    columns = {"": log.actions, **log.categorical}
    if log.group is not None:
        columns |= {"\0group": log.group}
    for name, column in sorted(columns.items()):
        found.update(json.dumps([name, column.values]).encode())
        found.update(column.codes.tobytes())
    for name, numbers in sorted(log.numeric.items()):
        found.update(name.encode())
        found.update(numbers.tobytes())
    others = () if log.treatments is None else astuple(log.treatments)
    for array in (log.times, log.offsets, *others):
        found.update(array.tobytes())
    return found.hexdigest()
