"""A model that listens to sound as it comes in, block by block."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kmidi_lab.audio.mel import MelStream
from kmidi_lab.inference.listener import Frames, Listener, Reading
from kmidi_lab.inference.published import Published

if TYPE_CHECKING:
    from kmidi_lab.inference.listening import Listening


class LiveListening:
    """Asks the published model what a request asks it of a whole recording."""

    def __init__(self, request: Listening, published: Published) -> None:
        self._request, self._published = request, published
        self.reset()

    def reset(self) -> None:
        """What comes next is the beginning of another sound."""
        request = self._request
        hear, step, onset = request.hearing(self._published)
        read = request.reader(self._published)
        self._mel = MelStream(request.rate)
        self._listener = Listener(step, read, request.every, hear, onset, lambda: hear.afresh, request.least_s)

    def push(self, samples: Frames) -> list[tuple[float, Reading]]:
        """(seconds since the beginning, reading) of each stretch that ends within `samples` `[S]`, float32 in -1..1."""
        readings = (self._listener.push(frame) for frame in self._mel.push(samples))
        return [reading for reading in readings if reading]
