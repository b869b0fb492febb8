"""Short pieces for an emotion node: from the node and an intensity to how music goes, and a tune played so, in any key.

How music goes is what research found where it reaches, conventions beyond.
After the reviews of P. Juslin and P. Laukka (*Communication of emotions in vocal expression and music performance*, 2003),
A. Gabrielsson and E. Lindström (*The role of structure in the musical expression of emotions*, 2010), the experiments of K. Hevner
(1937) and of T. Eerola, A. Friberg and R. Bresin (*Emotional expression in music: contribution, linearity, and additivity of
primary musical cues*, 2013):

- tempo and density rise with arousal, articulation gets shorter; sad and tender music is slow and legato
- register rises with arousal and valence
- loudness is what intensity is heard by most; since level drops out, thicker and heavier accompaniment stand for it too
- dissonance rises as valence falls; low, heavy sound goes with dominance
- wide leaps of the melody go with high arousal, level lines with low

No study tells 216 nodes apart. So base emotions have an accompaniment each; sub-emotions a rhythm within the beat, which melody
and percussion share; leaves a line of the melody from beat to beat, from the level one of the calmest leaf to the leaping one of the
most stirred, louder where it is higher ("high loud", A. Friberg, R. Bresin and J. Sundberg, *Overview of the KTH rule system*,
2006), and steps of register and tempo wider than their arousal. These are conventions of this lab, the textures
in `_accompany`, `RHYTHMS` and `LINES`, which stand for nothing that listeners were asked.
The key is free of the node: mode is left out as a cue, since a reader wants key and emotion told apart.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from datamodules.shared.rendering import Note, Part
from kmidi_lab.models.emotion_node.features import PER_SUB, Node

RHYTHMS = ((0,), (0, 6), (0, 4, 8), (0, 9), (0, 6, 9), (0, 2, 4, 6, 8, 10))
"""Twelfths of a beat on which melody and percussion sound, by sub-emotion: quarters, eighths, triplets, dotted, long-short-short, roll.
Even ones are a factor of 1.5 or more apart in their rate, and all tempos lie within a factor of 1.8."""
LINES = ((0, 0, 0, 0), (0, 2, 0, 2), (7, 5, 2, 0), (0, 4, 7, 4), (0, 2, 5, 7), (0, 7, 0, 7))
"""Scale steps of the melody on the beats of a bar, by leaf: level, swaying by thirds, falling, arch, rising, leaping by octaves."""
_SLOWEST, _FASTEST = 88.0, 140.0
_BY_LEAF = 0.06
"""Of the way from calm to stirred, that one leaf is further than the one before, beside what its arousal says."""
_CENTRE, _BY_VALENCE, _HIGHER = 71.0, 1.5, 5.0
"""Pitch of the melody, semitones for valence 0 to 1, and from leaf to leaf."""
_LEGATO, _SHORTEST = 0.98, 0.4
_SOFTEST, _LOUDER = 34, 1.29
"""The sound goes with the square of the velocity, so equal ratios are equal steps in decibels: 4.4."""
_VOICES, _DOUBLED = (1, 1, 2, 2, 3, 3), 4
SECONDS = 4.0
_MAJOR, _MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)
_PROGRESSIONS = (
    (0, 3, 4, 0), (0, 5, 3, 4), (0, 3, 0, 4), (0, 4, 5, 3), (0, 1, 4, 0), (0, 4, 0, 3), (0, 5, 1, 4), (0, 3, 1, 4),
    (0, 0, 3, 4), (0, 0, 4, 0), (0, 5, 0, 4), (0, 4, 3, 4), (0, 3, 5, 4), (0, 1, 0, 4), (0, 3, 4, 3), (0, 4, 1, 4),
    (0, 4, 3, 0), (0, 2, 3, 4), (0, 5, 4, 3), (0, 1, 3, 4),
)  # fmt: skip
"""Scale degrees of each tune's chords, two beats each; all begin on the tonic."""
TUNES = len(_PROGRESSIONS)
_LEADING, _DOMINANT = 11, 4
_WANDER = 0.06
_SIXTEENTH = 0.25
_OCTAVE = 7
_HIGH_LOUD = 0.15
_UNDER, _STRUCK = (0.5, 0.1), (0.35, 0.12)
"""Velocity of accompaniment and percussion for one of the melody at intensity 0, and how much more by step.

The level of a sound as a whole is not heard (`mel128-v2`); how parts stand to each other is."""
_STRONG = 1.3
"""Of strokes and sudden chords, times that."""
_CHORD_AT = (64, 53, 50, 79, 62, 53)
"""Pitch that the chords of each texture lie around."""
_CLASHES = (1, 6, 11)
"""Semitones above the lowest of the chord's upper notes that dissonance adds: minor second, tritone, major seventh."""


@dataclass(frozen=True)
class Music:
    """How a node sounds at one intensity.

    `tempo` bpm; `register` MIDI pitch that the melody lies around; `gate` sounding share of a note; `velocity` of the
    melody; `under`, `struck` velocity of accompaniment and percussion for 1 of it; `dissonance` 0..3 notes beside the chord; `bass` MIDI pitch that the bass lies around; `voices` of the
    accompaniment's chords; `doubled` whether the melody has an octave above; `texture`, `rhythm`, `line` are places in
    the tables of this module.
    """

    tempo: float
    register: float
    gate: float
    velocity: int
    under: float
    struck: float
    dissonance: int
    bass: float
    voices: int
    doubled: bool
    texture: int
    rhythm: int
    line: int


def music_of(node: Node, intensity: int) -> Music:
    """The music of a node at intensity 0..5."""
    leaf = node.place.leaf - (PER_SUB - 1) / 2
    stirred = (node.arousal + 1) / 2 + _BY_LEAF * leaf
    return Music(
        tempo=_SLOWEST + (_FASTEST - _SLOWEST) * stirred,
        register=_CENTRE + _BY_VALENCE * node.valence + _HIGHER * leaf,
        gate=_LEGATO - (_LEGATO - _SHORTEST) * stirred,
        velocity=round(_SOFTEST * _LOUDER**intensity),
        dissonance=round(1.5 * (1 - node.valence)),
        bass=45.0 - 5.0 * node.dominance,
        under=_UNDER[0] + _UNDER[1] * intensity,
        struck=_STRUCK[0] + _STRUCK[1] * intensity,
        voices=_VOICES[intensity],
        doubled=intensity >= _DOUBLED,
        texture=node.place.base,
        rhythm=node.place.sub,
        line=node.place.leaf,
    )


class Players(NamedTuple):
    """General MIDI programs of melody and accompaniment, and the key of the drum kit that beats the rhythm."""

    melody: int
    backing: int
    drum: int


def compose(music: Music, key: int, tune: int, players: Players, seed: int) -> list[Part]:
    """Melody, accompaniment and percussion of `SECONDS` and what is left of the bar, for rendering.

    Args:
        key: 2 * tonic + mode.
        tune: 0..TUNES-1, which chords, how high and which turns of the melody.
        seed: of timing and loudness, as no player repeats himself.
    """
    rng, shape = np.random.default_rng(seed), np.random.default_rng([tune, 77])
    tonic, scale = key // 2, _MINOR if key % 2 else _MAJOR
    chords = _PROGRESSIONS[tune]
    turns = shape.integers(-1, 2, 32) * (shape.random(32) < _WANDER)
    register = music.register + float(shape.uniform(-1, 1))
    beat = 60 / music.tempo
    melody: list[Note] = []
    under: list[Note] = []
    struck: list[Note] = []
    cell = [twelfth / 12 for twelfth in (*RHYTHMS[music.rhythm], 12)]
    steps = LINES[music.line]
    middle = (min(steps) + max(steps)) / 2
    for bar in range(int(np.ceil(SECONDS / (4 * beat)))):
        first = _anchor(chords[2 * bar % len(chords)], middle, register, tonic, scale)
        for i, step in enumerate(steps):
            pitch = _pitch(first + step + int(turns[(4 * bar + i) % len(turns)]), tonic, scale)
            loud = music.velocity * (1 + _HIGH_LOUD * (step - middle) / _OCTAVE)
            for at, following in itertools.pairwise(cell):
                start = (4 * bar + i + at) * beat
                melody += _play(start, (following - at) * beat * music.gate, pitch, loud, rng, music.doubled)
                struck += _play(start, _SIXTEENTH * beat, players.drum, music.velocity * music.struck, rng)
        for half in range(2):
            degree = chords[(2 * bar + half) % len(chords)]
            under += _accompany(music, degree, tonic, scale, (4 * bar + 2 * half) * beat, beat, rng)
    return [Part(players.melody, melody), Part(players.backing, under), Part(0, struck, drums=True)]


def _pitch(degree: int, tonic: int, scale: Sequence[int]) -> int:
    octave, step = divmod(degree, len(scale))
    return 60 + tonic + 12 * octave + scale[step]


def _anchor(chord: int, middle: float, register: float, tonic: int, scale: Sequence[int]) -> int:
    """The degree of a chord's note from which a bar's line has its middle, so many steps away, nearest to the register."""
    tones = [chord + third + _OCTAVE * octave for third in (0, 2, 4) for octave in range(-4, 5)]
    return min(tones, key=lambda degree: abs(_pitch(degree + round(middle), tonic, scale) - register))


def _play(
    start: float, length: float, pitch: int, velocity: float, rng: np.random.Generator, doubled: bool = False
) -> list[Note]:
    at = max(0.0, start + rng.normal(0, 0.006))
    loud = int(np.clip(velocity * (1 + rng.normal(0, 0.04)), 1, 127))
    note = Note(at, at + max(length, 0.05), int(np.clip(pitch, 21, 108)), loud)
    return [note, note._replace(pitch=min(note.pitch + 12, 108))] if doubled else [note]


def _accompany(
    music: Music, degree: int, tonic: int, scale: Sequence[int], start: float, beat: float, rng: np.random.Generator
) -> list[Note]:
    """Two beats of a chord in the texture of the base emotion, by its place in BASES."""
    triad = [_pitch(degree + 2 * i, tonic, scale) for i in range(3)]
    if degree == _DOMINANT and scale is _MINOR:
        triad[1] = _pitch(0, tonic, scale) + _LEADING  # the leading note makes the key heard
    root = int(triad[0] + 12 * round((music.bass - triad[0]) / 12))
    high = [int(p + 12 * round((_CHORD_AT[music.texture] - p) / 12)) for p in triad[: music.voices]]
    high += [min(high) + _CLASHES[i] for i in range(music.dissonance) if i < len(_CLASHES)]
    soft = music.velocity * music.under

    def chord(at: float, length: float, pitches: Sequence[int], velocity: float = soft) -> list[Note]:
        return [n for p in pitches for n in _play(start + at * beat, length * beat, p, velocity, rng)]

    if music.texture == 0:  # bass and off-beat
        return [
            *chord(0, 0.5, [root]), *chord(0.5, 0.4, high), *chord(1, 0.5, [root + 7]), *chord(1.5, 0.4, high),
        ]  # fmt: skip
    if music.texture == 1:  # sustained
        return chord(0, 2, [root, *high])
    if music.texture == 2:  # repeated low strokes
        return [n for i in range(4) for n in chord(i / 2, 0.3, [root, root + 7, root + 12], _STRONG * soft)]
    if music.texture == 3:  # high tremolo
        return [
            *chord(0, 2, [root]),
            *(n for i in range(8) for n in chord(i * _SIXTEENTH, 0.22, [high[i % len(high)]])),
        ]
    if music.texture == 4:  # sudden chords
        return chord(0, 0.2, [root, *high, *(p + 12 for p in high)], _STRONG * soft)
    below = [p - 1 for p in (root, *high)]  # sliding clusters
    return (
        chord(0, 0.25, below)
        + chord(0.25, 0.75, [root, *high])
        + chord(1, 0.25, below)
        + chord(1.25, 0.75, [root, *high])
    )
