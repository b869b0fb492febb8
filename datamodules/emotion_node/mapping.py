"""From an emotion node and an intensity to how music goes: what research found where it reaches, conventions beyond.

After the reviews of P. Juslin and P. Laukka (*Communication of emotions in vocal expression and music performance*, 2003),
A. Gabrielsson and E. Lindström (*The role of structure in the musical expression of emotions*, 2010), the experiments of K. Hevner
(1937) and of T. Eerola, A. Friberg and R. Bresin (*Emotional expression in music: contribution, linearity, and additivity of
primary musical cues*, 2013):

- tempo and density rise with arousal, articulation gets shorter; sad and tender music is slow and legato
- register rises with arousal and valence
- loudness is what intensity is heard by most
- dissonance rises as valence falls; low, heavy sound goes with dominance
- wide leaps of the melody go with high arousal, level lines with low

No study tells 216 nodes apart. So base emotions have an accompaniment each; sub-emotions a rhythm within the beat, which melody
and percussion share; leaves a line of the melody from beat to beat, from the level one of the calmest leaf to the leaping one of the
most stirred, louder where it is higher ("high loud", A. Friberg, R. Bresin and J. Sundberg, *Overview of the KTH rule system*,
2006), and steps of register and tempo wider than their arousal. These are conventions of this lab, `TEXTURES`, `RHYTHMS` and
`LINES`, which stand for nothing that listeners were asked.
The key is free of the node: mode is left out as a cue, since a reader wants key and emotion told apart.
"""

from __future__ import annotations

from dataclasses import dataclass

from kmidi_lab.models.emotion_node.features import PER_SUB
from kmidi_lab.models.emotion_node.thesaurus import Node

TEXTURES = (
    "bass and off-beat",
    "sustained",
    "repeated low strokes",
    "high tremolo",
    "sudden chords",
    "sliding clusters",
)
"""Accompaniment by base emotion, in the order of BASES."""
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
_THICK, _DOUBLED = 2, 4


@dataclass(frozen=True)
class Music:
    """How a node sounds at one intensity.

    `tempo` bpm; `register` MIDI pitch that the melody lies around; `gate` sounding share of a note; `velocity` of the
    melody; `dissonance` 0..3 notes beside the chord; `bass` MIDI pitch that the bass lies around; `voices` of the
    accompaniment's chords; `doubled` whether the melody has an octave above; `texture`, `rhythm`, `line` are places in
    the tables of this module.
    """

    tempo: float
    register: float
    gate: float
    velocity: int
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
        voices=2 + (intensity >= _THICK),
        doubled=intensity >= _DOUBLED,
        texture=node.place.base,
        rhythm=node.place.sub,
        line=node.place.leaf,
    )
