"""A stand-in for players: drum patterns and piano pieces made by rule. No result on it says anything of music.

The rules: laid-back drummers delay the snare most (Camara et al., JASA 2020), bass drum and snare need not be together
with the hat (Butterfield, Music Perception 2010), fluctuations go on from stroke to stroke (Raesaenen et al., PLoS ONE
2015), and a pianist's melody leads by about 20 ms, as it is struck harder (Goebl, JASA 2001). All numbers are ours.
"""

from __future__ import annotations

import numpy as np

from datamodules.microtiming.drums import PublishedTake, strokes
from datamodules.microtiming.piano import take
from datamodules.shared.library import Reading
from kmidi_lab.midi.styles import STYLES, SWING
from kmidi_lab.models.microtiming.features import Take

NAME = "rules"
VERSION = "1"
"""Raised when the rules change: part of the data's version."""
NOTE = "drum patterns and piano pieces made by rule stand in for players; set DATA_ROOT to the folder of real ones"
_TAKES, _PIECES = 160, 80
_SNARE_LATE = {"laid_back": 18.0, "funk": 10.0, "pushed": -8.0}
_KICK, _SNARE, _HAT = 36, 38, 42
_TOP_LEADS = 20.0


def read() -> Reading[PublishedTake]:
    """The same takes whenever it is read."""
    reading: Reading[PublishedTake] = Reading(NAME, "made here by rule", note=NOTE)
    reading.items = [
        *(PublishedTake(_drums(number)) for number in range(_TAKES)),
        *(PublishedTake(_piano(number)) for number in range(_PIECES)),
    ]
    return reading


def _drums(number: int) -> Take:
    rng = np.random.default_rng([number, 1])
    style = STYLES[number % len(STYLES)]
    bpm, bars = float(rng.integers(80, 160)), int(rng.integers(4, 13))
    kick = np.flatnonzero(rng.random(16) < np.where(np.arange(16) % 8 == 0, 1.0, 0.15))
    pattern = [(0.25 * k, _KICK) for k in kick] + [(1.0, _SNARE), (3.0, _SNARE)] + [(0.5 * k, _HAT) for k in range(8)]
    quarter, pitch = (np.array(column) for column in zip(*sorted(pattern), strict=True))
    quarters = (np.arange(bars)[:, None] * 4 + quarter).ravel()
    pitches = np.tile(pitch, bars)
    off_beat = np.isclose(quarters % 1, 0.5)
    lead = rng.normal(0, 8)
    late = lead + _wander(len(quarters), rng) + np.where(pitches == _SNARE, _SNARE_LATE.get(style, 3.0), 0.0)
    played = quarters + off_beat * SWING[style] / 6 + late * bpm / 60_000
    loud = np.select([pitches == _KICK, pitches == _SNARE], [96, 100], np.where(off_beat, 60, 76))
    velocity = np.clip(loud + rng.normal(0, 8, len(loud)), 1, 127).astype(np.int64)
    notes, offset, hard = strokes(np.maximum(played, 0), pitches, velocity, bpm)
    return Take(f"{NAME}/drums{number:03}", NAME, "drums", f"drummer by rule {number}", "", notes, offset, hard, style)


def _piano(number: int) -> Take:
    rng = np.random.default_rng([number, 2])
    beat, bars = 60 / float(rng.integers(60, 130)), int(rng.integers(8, 17))
    tune = 72 + np.cumsum(rng.integers(-2, 3, bars * 4)) % 12
    onset = np.concatenate([np.arange(bars * 4), np.arange(bars * 4), np.arange(bars * 2) * 2]).astype(np.float64)
    pitch = np.concatenate([tune, tune - 16, 36 + np.repeat(rng.integers(0, 12, bars), 2)])
    order = np.lexsort((pitch, onset))
    onset, pitch = onset[order], pitch[order]
    top = pitch >= 66
    tempo = beat * (1 + 0.05 * np.sin(2 * np.pi * np.arange(bars * 4) / 16))
    when = np.append(0.0, np.cumsum(tempo))[onset.astype(int)]
    seconds = when + (_wander(len(onset), rng) - _TOP_LEADS * top) / 1000
    velocity = np.clip(0.45 + 0.15 * top + rng.normal(0, 0.05, len(onset)), 0.01, 1)
    columns = (onset, np.ones(len(onset)), pitch, onset / 4, np.full(len(onset), 4.0))
    name = f"{NAME}/piano{number:03}"
    return take(name, NAME, "pianist by rule", name, columns, seconds, velocity, np.zeros(len(onset)))


def _wander(size: int, rng: np.random.Generator) -> np.ndarray:
    """Milliseconds `[size]`, each a half of the one before and noise."""
    out = rng.normal(0, 6, size)
    for i in range(1, size):
        out[i] += 0.5 * out[i - 1]
    return np.asarray(out)
