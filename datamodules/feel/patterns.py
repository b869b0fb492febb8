"""A stand-in: drum patterns, basses and chords by rule, at any tempo, even or swung, in three or four.

They stand for no music that anybody played. Beside real music they widen what is trained on: tempos and mixes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from datamodules.feel.scores import Score
from datamodules.shared.library import Reading
from datamodules.shared.rendering import Note, Part

T = TypeVar("T")
NAME = "rules"
VERSION = "1"
STAND_IN = "Drum patterns, basses and chords by rule stand in for music: this measures how well the rule is read back."
SECONDS = 16.0
_SLOWEST, _FASTEST = 54.0, 205.0
_KICK, _SNARE, _HAT, _OPEN, _RIDE, _SHAKER = 36, 38, 42, 46, 51, 70
_FOUR = (
    ("x.......x.......", "....x.......x..."), ("x.....x.x.......", "....x.......x..."), ("x...x...x...x...", "....x.......x..."),
    ("x..x..x...x.....", "....x.......x..."), ("x.......x.x.....", "....x..x.x..x..."), ("x.........x.....", "........x......."),
    ("x..x....x..x....", "....x.......x.x."), ("x...............", "....x.......x..."),
)  # fmt: skip
_THREE = (("x...........", "....x...x..."), ("x.......x...", "....x......."), ("x.....x.....", "........x..."))
"""Sixteenths of kick and snare, a bar each."""
_HATS = (
    "x...x...x...x...",
    "x.x.x.x.x.x.x.x.",
    "xxxxxxxxxxxxxxxx",
    "..x...x...x...x.",
    "x..xx..xx..xx..x",
    "................",
)
_CHORDS = ((0, 4, 7), (2, 5, 9), (4, 7, 11), (5, 9, 12), (7, 11, 14), (9, 12, 16))
_BY_BAR = ((0, 5, 3, 4), (0, 4, 5, 3), (5, 3, 0, 4), (0, 3, 0, 4), (1, 4, 0, 0))
_DRUMS_ALONE, _WITH_DRUMS = 0.3, 0.8
_JITTER_S = 0.006


def read(count: int, seed: int) -> Reading[Score]:
    """`count` scores; the first are the same whatever the count. Of ten one is of the test and one of validation."""
    scores = [_score(i, np.random.default_rng([seed, i])) for i in range(count)]
    return Reading(NAME, "made by rule", scores, note=STAND_IN)


def _score(number: int, rng: np.random.Generator) -> Score:
    tempo = float(np.exp(rng.uniform(np.log(_SLOWEST), np.log(_FASTEST))))
    metre = 3 if rng.random() < 0.15 else 4
    swing = float(rng.choice([0.0, rng.uniform(0.3, 1.0)]))
    beat, lead = 60 / tempo, float(rng.uniform(0, 60 / tempo))
    beats = np.asarray(lead + beat * np.arange(int((SECONDS + 4 * beat) / beat)), np.float64)
    parts = [] if rng.random() < _DRUMS_ALONE else band(beats, metre, swing, rng)
    if not parts or rng.random() < _WITH_DRUMS:
        parts.append(drums(beats, metre, swing, rng))
    split = {0: "test", 1: "val"}.get(number % 10, "train")
    name = f"{NAME}/{number:05}"
    return Score(name, NAME, name, tuple(parts), beats, beats[::metre], split=split)


def drums(beats: np.ndarray, metre: int, swing: float, rng: np.random.Generator) -> Part:
    """A pattern on beats, from the first on, which begins a bar; `swing` 1 makes triplets of eighths."""
    kick, snare = _pick(_THREE if metre == 3 else _FOUR, rng)
    rows = [(_KICK, kick, 100), (_SNARE, snare, 96), (int(rng.choice([_HAT, _RIDE, _SHAKER])), _pick(_HATS, rng), 72)]
    notes = []
    for at, (start, step) in enumerate(_steps(beats, swing)):
        for pitch, row, velocity in rows:
            if row[at % (4 * metre) % len(row)] == "x" and rng.random() > 0.03:
                accent = 1.1 if at % 4 == 0 else 0.85
                notes.append(_note(start, step, pitch, velocity * accent, rng))
    return Part(0, notes or [_note(float(beats[0]), 0.1, _KICK, 100, rng)], drums=True)


def band(beats: np.ndarray, metre: int, swing: float, rng: np.random.Generator) -> list[Part]:
    """A bass and chords on beats, a chord a bar, in a key of its own."""
    key, bars = int(rng.integers(12)), _pick(_BY_BAR, rng)
    rhythm, bass_rhythm = (
        _pick(_HATS[:5], rng),
        _pick(("x...............", "x...x...x...x...", "x.....x.x.....x."), rng),
    )
    centre, loud = int(rng.choice([48, 60, 72])), float(rng.uniform(55, 100))
    chords, bass = [], []
    for at, (start, step) in enumerate(_steps(beats, swing)):
        chord = _CHORDS[bars[at // (4 * metre) % len(bars)]]
        if bass_rhythm[at % (4 * metre) % 16] == "x":
            bass.append(_note(start, 3 * step, 36 + (key + chord[0]) % 12, loud, rng))
        if rhythm[at % (4 * metre) % 16] == "x":
            chords += [_note(start, 2 * step, centre + (key + tone) % 12, loud * 0.8, rng) for tone in chord]
    return [Part(0, chords), Part(33, bass)]


def _steps(beats: np.ndarray, swing: float) -> list[tuple[float, float]]:
    """Seconds and length of each sixteenth; the second eighth of a beat is late by up to a sixth of it."""
    half = 0.5 + swing / 6
    places = np.array([0, half / 2, half, half + (1 - half) / 2])
    return [
        (float(a + p * (b - a)), float((b - a) / 4)) for a, b in zip(beats[:-1], beats[1:], strict=True) for p in places
    ]


def _note(start: float, length: float, pitch: int, velocity: float, rng: np.random.Generator) -> Note:
    at = max(0.0, start + rng.normal(0, _JITTER_S))
    return Note(at, at + length, pitch, int(np.clip(velocity * (1 + rng.normal(0, 0.08)), 1, 127)))


def _pick(choices: Sequence[T], rng: np.random.Generator) -> T:
    return choices[int(rng.integers(len(choices)))]
