"""Frames one after the other to a reading of each stretch: the model's mean output where something sounds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.audio.mel import FRAME_S, HOP, RATE, WINDOW

_PAUSE = round(0.5 / FRAME_S)
"""Half a second, in frames."""
Frames = NDArray[np.float32]


@dataclass
class Reading:
    """What a model says of a stretch of sound: numbers to draw, and for each question its answer and how sure it is."""

    values: dict[str, float]
    answers: dict[str, tuple[str, float]] = field(default_factory=dict)

    def line(self, seconds: float) -> str:
        """For a terminal, with the seconds from the start of the sound to the end of the stretch."""
        answers = "  ".join(f"{question} {answer} {sure:.0%}" for question, (answer, sure) in self.answers.items())
        values = "  ".join(f"{name} {value:+.2f}" for name, value in self.values.items())
        return f"{seconds:7.2f} s  {values}  {answers}".rstrip()

    def record(self) -> dict[str, Any]:
        """For a JSON file."""
        answers = {q: {"answer": answer, "probability": sure} for q, (answer, sure) in self.answers.items()}
        return {"values": self.values, "answers": answers}


Read = Callable[[Frames], Reading]
"""Reads the mean output `[M]` of a stretch."""


class Listener:
    """Readings of the frames that are pushed; a stretch without a frame that counts has none.

    Args:
        step: takes a frame `[128]` and gives the output `[M]` that is averaged.
        read: reads the mean.
        every: seconds between two readings.
        counts: whether the output of a frame enters the means; all frames go through `step`.
        onset: called before a frame that counts at the beginning or behind half a second without one.
        afresh: asked behind `counts`; where it is so, what counted before was background: it is forgotten and the frame
            is an onset. It is read all the same, the longest of it, where too little counts behind it.
        least_s: seconds that are enough to be read.
    """

    def __init__(
        self,
        step: Callable[[Frames], Frames],
        read: Read,
        every: float,
        counts: Callable[[Frames], bool] = lambda frame: True,
        onset: Callable[[], None] = lambda: None,
        afresh: Callable[[], bool] = lambda: False,
        least_s: float = 0.0,
    ) -> None:
        self._step, self._read, self._counts, self._onset, self._afresh = step, read, counts, onset, afresh
        self._a_reading = max(1, round(every / FRAME_S))
        self.readings: list[tuple[float, Reading]] = []
        self._total, self._part, self._all = np.zeros(1), np.zeros(1), np.zeros(1)
        self._frames, self._since, self._all_counted, self._counted = 0, 0, 0, 0
        self._silent = _PAUSE
        self._least = ceil((least_s * RATE - WINDOW) / HOP) + 1
        self._before: tuple[NDArray[np.float64], int] = np.zeros(1), 0

    def push(self, frame: Frames) -> tuple[float, Reading] | None:
        """Takes the next frame; (seconds from the start, reading) where a stretch ends with it and something sounded."""
        counts = self._counts(frame)
        again = self._afresh()
        if again:
            if self._all_counted > self._before[1]:
                self._before = self._total, self._all_counted
            self._total, self._part, self._all_counted, self._counted = np.zeros(1), np.zeros(1), 0, 0
        if again or (counts and self._silent >= _PAUSE):
            self._onset()
        self._silent = 0 if counts else self._silent + 1
        output = np.asarray(self._step(frame), np.float64)
        self._all = self._all + output
        if counts:
            self._total, self._part = self._total + output, self._part + output
            self._all_counted, self._counted = self._all_counted + 1, self._counted + 1
        self._frames, self._since = self._frames + 1, self._since + 1
        return self.stretch() if self._since == self._a_reading else None

    def stretch(self) -> tuple[float, Reading] | None:
        """The reading of what came since the last one, kept in `readings`; None where nothing sounded."""
        # Forgotten first: Ctrl-C while it is printed must not read the stretch again.
        part, counted, self._part, self._since, self._counted = self._part, self._counted, np.zeros(1), 0, 0
        if not counted:
            return None
        self.readings.append((self._seconds(), self._read((part / counted).astype(np.float32))))
        return self.readings[-1]

    def whole(self) -> tuple[float, Reading] | None:
        """One reading of all that counted; None where nothing did."""
        if not self.counted:
            return None
        return self._seconds(), self._read(self.mean())

    def regardless(self) -> tuple[float, Reading]:
        """One reading of all frames, for a sound in which none counts."""
        return self._seconds(), self._read((self._all / self._frames).astype(np.float32))

    def mean(self) -> Frames:
        """The mean output `[M]` of all that counted; NaN where nothing did."""
        total, counted = self._read_of
        return (total / (counted or np.nan)).astype(np.float32)

    @property
    def counted(self) -> int:
        """Frames that the reading of the whole is of."""
        return self._read_of[1]

    @property
    def _read_of(self) -> tuple[NDArray[np.float64], int]:
        """Sum and number of the outputs since the last fresh start; those of the longest time before where these are too few."""
        now, before = (self._total, self._all_counted), self._before
        return before if now[1] < self._least <= before[1] else now

    def _seconds(self) -> float:
        return ((self._frames - 1) * HOP + WINDOW) / RATE


def likeliest(logits: Frames, names: list[str]) -> tuple[str, float]:
    """The name of the largest of logits `[K]` and its softmax."""
    p = np.exp(logits - logits.max())
    return names[int(logits.argmax())], float(p.max() / p.sum())


def listen(blocks: Iterator[Frames], listener: Listener, say: Callable[[str], bool]) -> list[tuple[float, Reading]]:
    """Readings as (seconds from the start to the end of the stretch, reading), the last of them of all frames that count.

    A stretch without any such frame has no reading. Ends with the blocks, with Ctrl-C, or when `say` returns False.
    """
    try:
        for frame in chain.from_iterable(blocks):
            reading = listener.push(frame)
            if reading and not say(reading[1].line(reading[0])):
                break
    except KeyboardInterrupt:
        say("stopped")
    if last := listener.stretch():
        say(last[1].line(last[0]))
    whole = listener.whole()
    return [*listener.readings, *([whole] if whole else [])]
