"""Frames one after the other to a reading of each stretch (the model's mean output where something sounds), and its picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from itertools import pairwise
from math import ceil, inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.audio.mel import FRAME_S, HOP, RATE, WINDOW
from kmidi_lab.drawing import drawable

_PAUSE = round(0.5 / FRAME_S)
"""Half a second, in frames."""
Frames = NDArray[np.float32]
_COLOURS = ("#1f5fa8", "#d9822b", "#3a8f5c", "#b0413e", "#7b5aa6", "#5f6b7a", "#c2a500", "#2aa1b3")


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


def timeline_png(readings: Sequence[tuple[float, Reading]], title: str, every: float = inf) -> bytes:
    """A PNG with a row for the numbers and one for each question.

    Args:
        readings: (seconds at the end of a stretch, reading).
        every: the longest stretch, in seconds.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    ends = [seconds for seconds, _ in readings]
    starts = [max(before, end - every) for before, end in pairwise([0.0, *ends])]
    first = readings[0][1]
    rows = [*(["values"] if first.values else []), *first.answers]
    heights = [3.0 if row == "values" else 0.8 for row in rows]
    figure, axes = plt.subplots(
        len(rows), 1, figsize=(11, 1 + sum(heights)), sharex=True, squeeze=False, dpi=110,
        gridspec_kw={"height_ratios": heights, "hspace": 0.35},
    )  # fmt: skip
    for row, axis in zip(rows, axes[:, 0], strict=True):
        axis.spines[["top", "right"]].set_visible(False)
        if row == "values":
            for colour, name in zip(_COLOURS, first.values, strict=False):
                levels = [reading.values[name] for _, reading in readings]
                axis.step([*starts, ends[-1]], [*levels, levels[-1]], where="post", color=colour, label=name)
            axis.axhline(0, color="#cccccc", lw=0.8, zorder=0)
            axis.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False, fontsize=9)
            continue
        names: list[str] = []
        for start, (end, reading) in zip(starts, readings, strict=True):
            answer, sure = reading.answers[row]
            if answer not in names:
                names.append(answer)
            colour = _COLOURS[names.index(answer) % len(_COLOURS)]
            axis.axvspan(start, end, color=colour, alpha=0.25 + 0.7 * min(1.0, sure), lw=0)
        _name_spells(axis, row, starts, readings)
        axis.set_yticks([])
        axis.set_ylabel(row, rotation=0, ha="right", va="center", fontsize=9)
    axes[-1, 0].set_xlim(0, ends[-1])
    axes[-1, 0].set_xlabel("seconds")
    fonts, shown = drawable(title)
    axes[0, 0].set_title(shown, loc="left", fontsize=10, fontfamily=fonts, parse_math=False)
    out = BytesIO()
    figure.savefig(out, format="png", bbox_inches="tight")
    plt.close(figure)
    return out.getvalue()


def _name_spells(axis: object, row: str, starts: Sequence[float], readings: Sequence[tuple[float, Reading]]) -> None:
    """Writes each answer once, in the middle of the stretch where it stays the same."""
    from matplotlib.patheffects import withStroke

    at = 0
    while at < len(readings):
        last = at
        while last + 1 < len(readings) and readings[last + 1][1].answers[row][0] == readings[at][1].answers[row][0]:
            last += 1
        middle, whole = (starts[at] + readings[last][0]) / 2, readings[-1][0]
        name = readings[at][1].answers[row][0]
        if (readings[last][0] - starts[at]) / whole > 0.012 * len(name):
            axis.text(  # type: ignore[attr-defined]
                middle, 0.5, name, ha="center", va="center", fontsize=9, transform=axis.get_xaxis_transform(),  # type: ignore[attr-defined]
                path_effects=[withStroke(linewidth=2.5, foreground="white")],  # to be read on dark colours, too
            )  # fmt: skip
        at = last + 1
