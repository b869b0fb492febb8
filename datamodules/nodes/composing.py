"""Short pieces for an emotion node: a tune's harmony and melody, played as the mapping says, in any key."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from datamodules.audio.rendering import Note, Part
from datamodules.nodes.mapping import RHYTHMS, Music

SECONDS = 4.0
_MAJOR, _MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)
_PROGRESSIONS = (
    (0, 3, 4, 0), (0, 5, 3, 4), (0, 3, 0, 4), (0, 4, 5, 3), (0, 1, 4, 0), (0, 4, 0, 3), (0, 5, 1, 4), (0, 3, 1, 4),
    (0, 4, 3, 0), (0, 2, 3, 4), (0, 5, 4, 3), (0, 1, 3, 4),
)  # fmt: skip
"""Scale degrees of each tune's chords, two beats each; all begin on the tonic."""
TUNES = len(_PROGRESSIONS)
_LEADING, _DOMINANT = 11, 4
_WANDER = 0.2
_SIXTEENTH = 0.25
_CLASHES = (1, 6, 11)
"""Semitones above the lowest of the chord's upper notes that dissonance adds: minor second, tritone, major seventh."""


def compose(music: Music, key: int, tune: int, program: int, backing: int, seed: int) -> list[Part]:
    """Melody and accompaniment of `SECONDS` and what is left of the bar, for rendering.

    Args:
        key: 2 * tonic + mode. tune: 0..TUNES-1, which chords and which turns of the melody. program, backing: General MIDI
            programs of melody and accompaniment. seed: of timing and loudness, as no player repeats himself.
    """
    rng, shape = np.random.default_rng(seed), np.random.default_rng([tune, 77])
    tonic, scale = key // 2, _MINOR if key % 2 else _MAJOR
    chords = _PROGRESSIONS[tune]
    turns = shape.integers(-1, 2, 64) * (shape.random(64) < _WANDER)
    offset = int(shape.integers(0, 3)) * 2
    beat = 60 / music.tempo
    bars = int(np.ceil(SECONDS / (4 * beat)))
    melody: list[Note] = []
    under: list[Note] = []
    count = 0
    for bar in range(bars):
        onsets = [*RHYTHMS[music.rhythm], 8]
        steps = contour(music.contour, len(onsets) - 1)
        for i, (eighth, following) in enumerate(zip(onsets[:-1], onsets[1:], strict=True)):
            degree = (
                chords[(2 * bar + eighth // 4) % len(chords)] * (i == 0) + offset + steps[i] + int(turns[count % 64])
            )
            count += 1
            pitch = _near(_pitch(degree, tonic, scale), music.register, i == 0, melody)
            start = (4 * bar + eighth / 2) * beat
            melody += _play(
                start, (following - eighth) / 2 * beat * music.gate, pitch, music.velocity, rng, music.doubled
            )
        for half in range(2):
            degree = chords[(2 * bar + half) % len(chords)]
            under += _accompany(music, degree, tonic, scale, (4 * bar + 2 * half) * beat, beat, rng)
    return [Part(program, melody), Part(backing, under)]


def contour(kind: int, notes: int) -> Sequence[int]:
    """Scale steps of a bar's notes from its first: rising, falling, arch, valley, zigzag or level."""
    t = np.linspace(0, 1, notes)
    shapes = (6 * t, -6 * t, 6 * np.sin(np.pi * t), -6 * np.sin(np.pi * t), 4.0 * (np.arange(notes) % 2), 0 * t)
    return [round(float(v)) for v in shapes[kind]]


def _pitch(degree: int, tonic: int, scale: Sequence[int]) -> int:
    octave, step = divmod(degree, len(scale))
    return 60 + tonic + 12 * octave + scale[step]


def _near(pitch: int, centre: float, first: bool, before: Sequence[Note]) -> int:
    """The octave nearest to the register at a bar's first note, nearest to the line so far elsewhere."""
    goal = centre if first or not before else pitch + 12 * round((centre - pitch) / 12)
    return int(pitch + 12 * round((goal - pitch) / 12))


def _play(
    start: float, length: float, pitch: int, velocity: int, rng: np.random.Generator, doubled: bool = False
) -> list[Note]:
    at = max(0.0, start + rng.normal(0, 0.006))
    loud = int(np.clip(velocity + rng.normal(0, 4), 1, 127))
    note = Note(at, at + max(length, 0.05), int(np.clip(pitch, 21, 108)), loud)
    return [note, note._replace(pitch=min(note.pitch + 12, 108))] if doubled else [note]


def _accompany(
    music: Music, degree: int, tonic: int, scale: Sequence[int], start: float, beat: float, rng: np.random.Generator
) -> list[Note]:
    """Two beats of a chord in the texture of the base emotion."""
    triad = [_pitch(degree + 2 * i, tonic, scale) for i in range(3)]
    if degree == _DOMINANT and scale is _MINOR:
        triad[1] = _pitch(0, tonic, scale) + _LEADING  # the leading note makes the key heard
    root = int(triad[0] + 12 * round((music.bass - triad[0]) / 12))
    high = [int(p + 12 * round((57 - p) / 12)) for p in triad[: music.voices]]
    high += [min(high) + _CLASHES[i] for i in range(music.dissonance) if i < len(_CLASHES)]
    soft = int(music.velocity * 0.75)

    def chord(at: float, length: float, pitches: Sequence[int], velocity: int = soft) -> list[Note]:
        return [n for p in pitches for n in _play(start + at * beat, length * beat, p, velocity, rng)]

    if music.texture == 0:
        return [
            *chord(0, 0.5, [root]), *chord(0.5, 0.4, high), *chord(1, 0.5, [root + 7]), *chord(1.5, 0.4, high),
        ]  # fmt: skip
    if music.texture == 1:
        return chord(0, 2, [root, *high])
    if music.texture == 2:
        return [n for i in range(4) for n in chord(i / 2, 0.3, [root, root + 12, *high[-1:]], music.velocity)]
    if music.texture == 3:
        return [
            *chord(0, 2, [root]),
            *(n for i in range(8) for n in chord(i * _SIXTEENTH, 0.22, [high[i % len(high)] + 12])),
        ]
    if music.texture == 4:
        return chord(0, 0.25, [root, *high], min(127, music.velocity + 15)) + chord(1.5, 0.25, [p + 12 for p in high])
    below = [p - 1 for p in (root, *high)]
    return (
        chord(0, 0.25, below)
        + chord(0.25, 0.75, [root, *high])
        + chord(1, 0.25, below)
        + chord(1.25, 0.75, [root, *high])
    )
