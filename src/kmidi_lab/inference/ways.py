"""How the page of `task=serve` asks a model. Each room says so for its own, in `Request.ways`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Way:
    """One thing that a person may send.

    Args:
        key: the key of `predict` that takes it: a MIDI file's bytes, a recording's samples, or what is typed.
        does: what the model does with it, in a few words.
        example: what may be typed; empty where a file is sent. Where it is a number, a number must be typed.
    """

    key: Literal["midi", "audio", "text", "chords", "bars"]
    does: str
    example: str = ""

    @property
    def takes(self) -> str:
        """What the page asks a person for."""
        return {"midi": "MIDI file", "audio": "sound file"}.get(self.key, self.key)
