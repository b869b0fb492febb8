"""What is measured of leads: their chord tones, what resolves those that are none, their intervals and their rhythm."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

MAJOR, MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10, 11)
_BAR, _CHUNK = 4, 2
_SIXTEENTHS = 4
_PAUSE = 2.0
"""Quarters from an onset to the next at which a phrase ends."""
_HELD = 0.25
"""Quarters that a note sounds behind a bar line at least to be held over it."""
_SOON, _STEP = 4.0, 2
"""Quarters within which a note is resolved, and semitones of a step."""


class Line(NamedTuple):
    """A lead: `onset` and `duration` in quarters, from a bar line on, `pitch`, `[T]`; `tones` `[T, 12]` True where the
    chord has the tone.
    """

    onset: np.ndarray
    duration: np.ndarray
    pitch: np.ndarray
    tones: np.ndarray
    tonic: int
    mode: int


def measures(line: Line) -> dict[str, float]:
    strong = (line.onset % 2 == 0) & line.tones.any(1)
    inside = line.tones[np.arange(len(line.pitch)), line.pitch % 12]
    scale = np.isin((line.pitch - line.tonic) % 12, MINOR if line.mode < 0 else MAJOR)
    steps = np.abs(np.diff(line.pitch))
    near = np.array([t[(p + 1) % 12] or t[(p - 1) % 12] for t, p in zip(line.tones, line.pitch, strict=True)])
    loose = ~inside & ~resolved(line)
    return {
        "chord tone on strong beats": float(inside[strong].mean()),
        "notes of the key": float(scale.mean()),
        "mean interval, semitones": float(steps.mean()),
        "steps of one or two semitones": float(((steps > 0) & (steps <= _STEP)).mean()),
        "leaps over 7 semitones": float((steps > 7).mean()),
        "the same note again": float((steps == 0).mean()),
        "range, semitones": float(np.ptp(line.pitch)),
        "two bars heard before": _returning(line),
        "clash (a semitone from a chord tone) on strong beats": float((near & ~inside)[strong].mean()),
        "no chord tone on strong beats, and nothing resolves it": float(loose[strong].mean()),
        "clash on strong beats that nothing resolves": float((near & loose)[strong].mean()),
        **rhythm(line),
    }


def resolved(line: Line) -> np.ndarray:
    """Of each note `[T]` whether a step to the next pitch follows soon, or a chord that has the pitch as it comes
    again.
    """
    out = np.zeros(len(line.pitch), bool)
    for at, (onset, pitch) in enumerate(zip(line.onset, line.pitch, strict=True)):
        for after in range(at + 1, len(line.pitch)):
            if line.onset[after] - onset > _SOON:
                break
            if line.pitch[after] != pitch:
                out[at] = abs(int(line.pitch[after]) - int(pitch)) <= _STEP
                break
            if line.tones[after][pitch % 12]:
                out[at] = True
                break
    return out


def rhythm(line: Line) -> dict[str, float]:
    """Notes a bar that has some, their places, whether a bar's rhythm was there before, and phrases between longer
    pauses.
    """
    bar, place = np.divmod(line.onset, _BAR)
    heard: set[tuple[int, ...]] = set()
    over = np.floor(line.onset / _BAR + 1) * _BAR + _HELD <= line.onset + line.duration
    again, count = [], []
    for number in np.unique(bar):
        here = tuple(np.rint(place[bar == number] * _SIXTEENTHS).astype(int).tolist())
        again.append(here in heard)
        count.append(len(here))
        heard.add(here)
    ends = np.flatnonzero(np.append(np.diff(line.onset) >= _PAUSE, True))
    phrases = [line.onset[b] - line.onset[a + 1] for a, b in pairwise([-1, *ends])]
    return {
        "notes held over a bar line": float(over.mean()),
        "notes a bar": float(np.mean(count)),
        "notes off the beat": float((line.onset % 1 != 0).mean()),
        "notes a quarter after the last": float((np.diff(line.onset) == 1).mean()),
        "bars with a rhythm heard before": float(np.mean(again)),
        "phrase, from first to last onset, quarters": float(np.mean(phrases)),
    }


def _returning(line: Line) -> float:
    """Share of stretches of two bars whose rhythm and intervals were there before."""
    seen: set[tuple[tuple[float, int], ...]] = set()
    again = []
    for start in range(0, int(line.onset[-1]) + 1, _BAR * _CHUNK):
        at = (line.onset >= start) & (line.onset < start + _BAR * _CHUNK)
        if not at.any():
            continue
        what = tuple(zip((line.onset[at] - start).tolist(), (line.pitch[at] - line.pitch[at][0]).tolist(), strict=True))
        again.append(what in seen)
        seen.add(what)
    return float(np.mean(again))
