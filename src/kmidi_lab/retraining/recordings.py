"""Labelled recordings, found by the SHA-256 that their labels name, and heard as task=predict hears them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.audio.clips import content_key
from kmidi_lab.audio.io import read_recording
from kmidi_lab.audio.mel import RATE
from kmidi_lab.errors import DataError, UserError, named, reason
from kmidi_lab.feedback.event import Event
from kmidi_lab.feedback.material import inside
from kmidi_lab.files import sha256_file
from kmidi_lab.inference.questions import SOUNDS
from kmidi_lab.retraining.lessons import Array, LeftOutError


@dataclass(frozen=True)
class Recordings:
    """What was heard of recordings, by SHA-256.

    Attributes:
        inputs: of lessons, `[N]` each; None where one can't be heard.
        keys: `Sound.key` of those that can.
    """

    inputs: Mapping[str, Array | None]
    keys: Mapping[str, str]

    def input_of(self, event: Event) -> Array:
        """Of the recording that an event labels. Raises LeftOutError: it was not found, or can't be heard."""
        if event.item is None or event.item not in self.inputs:
            raise LeftOutError("of a recording that is not in retrain.recordings")
        x = self.inputs[event.item]
        if x is None:
            raise LeftOutError("of a recording that can't be heard")
        return x

    def among(self, keys: Collection[str], x: Array) -> NDArray[np.bool_]:
        """`[E]`: which inputs of lessons `[E, N]` are of a recording with one of some keys, in whatever file it lies."""
        own = {self._bytes(item) for item, key in self.keys.items() if key in keys}
        return np.array([row.tobytes() in own for row in x], bool)

    def _bytes(self, item: str) -> bytes:
        return np.asarray(self.inputs[item], np.float32).tobytes()

    @property
    def heard(self) -> list[str]:
        """SHA-256 of those that can be learnt from, in order."""
        return sorted(item for item, x in self.inputs.items() if x is not None)


def hear(
    folder: Path,
    wanted: Collection[str],
    listen: Callable[[Path], Array],
    refuse: Callable[[str], object],
) -> Recordings:
    """The labelled recordings of a folder and below it, each once, wherever they lie there and whatever they are called.

    Args:
        folder: is read through; a link to a file elsewhere is not followed.
        wanted: SHA-256 of what is labelled.
        listen: hears a recording: what is learnt from of it `[N]`, as `SoundTraining.heard`.
        refuse: is given a line for what can't be read or heard.

    Raises:
        DataError: no such folder.
    """
    if not folder.is_dir():
        raise DataError(
            f"retrain.recordings={folder}: no such folder; name the one that the labelled recordings lie in"
        )
    inputs: dict[str, Array | None] = {}
    keys: dict[str, str] = {}
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in SOUNDS and p.is_file()):
        item = ""
        try:
            if not inside(folder, path):
                raise DataError("it leads out of the folder")
            item = sha256_file(path)
            if item not in wanted or item in inputs:
                continue
            inputs[item] = None
            x = np.asarray(listen(path), np.float32)
            if not np.isfinite(x).all():
                raise DataError("nothing to hear in it")
            inputs[item], keys[item] = x, content_key(read_recording(path, RATE).samples)
        except (UserError, OSError) as error:
            refuse(named(path, reason(error)))
    return Recordings(inputs, keys)
