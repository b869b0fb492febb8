"""From an emotion node and an intensity to how music goes: what research found where it reaches, conventions beyond.

After the reviews of P. Juslin and P. Laukka (*Communication of emotions in vocal expression and music performance*, 2003),
A. Gabrielsson and E. Lindström (*The role of structure in the musical expression of emotions*, 2010), the experiments of K. Hevner
(1937) and of T. Eerola, A. Friberg and R. Bresin (*Emotional expression in music: contribution, linearity, and additivity of
primary musical cues*, 2013):

- tempo and density rise with arousal, articulation gets shorter; sad and tender music is slow and legato
- register rises with valence and arousal
- loudness is what intensity is heard by most
- dissonance rises as valence falls; low, heavy sound goes with dominance

No study tells 216 nodes apart. So base emotions have an accompaniment each, sub-emotions a rhythm, leaves a contour:
conventions of this lab, `TEXTURES`, `RHYTHMS` and `CONTOURS`, which stand for nothing that listeners were asked.
The key is free of the node: mode is left out as a cue, since a reader wants key and emotion told apart.
"""

from __future__ import annotations

from dataclasses import dataclass

from datamodules.nodes.thesaurus import Node

TEXTURES = ("bass and off-beat", "sustained", "repeated strokes", "tremolo", "sudden chords", "sliding clusters")
"""Accompaniment by base emotion, in the order of BASES."""
RHYTHMS = (
    (0, 2, 4, 6),
    (0, 1, 2, 4, 5, 6),
    (0, 1, 2, 3, 4, 5, 6, 7),
    (0, 3, 4, 7),
    (0, 3, 6),
    (0, 2, 3, 5, 6),
)
"""Eighths of a 4/4 bar on which the melody's notes begin, by sub-emotion."""
CONTOURS = ("rising", "falling", "arch", "valley", "zigzag", "level")
"""Shape of each bar's melody, by leaf."""
_SLOWEST, _FASTEST = 76.0, 150.0
_CENTRE, _BY_VALENCE, _BY_AROUSAL = 67.0, 5.0, 4.0
_LEGATO, _SHORTEST = 0.98, 0.4
_SOFTEST, _STEP = 38, 16
_THICK, _DOUBLED = 2, 4


@dataclass(frozen=True)
class Music:
    """How a node sounds at one intensity.

    `tempo` bpm; `register` MIDI pitch that the melody lies around; `gate` sounding share of a note; `velocity` of the
    melody; `dissonance` 0..3 notes beside the chord; `bass` MIDI pitch that the bass lies around; `voices` of the
    accompaniment's chords; `doubled` whether the melody has an octave above; `texture`, `rhythm`, `contour` are places in
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
    contour: int


def music_of(node: Node, intensity: int) -> Music:
    """The music of a node at intensity 0..5."""
    stirred = (node.arousal + 1) / 2
    return Music(
        tempo=_SLOWEST + (_FASTEST - _SLOWEST) * stirred,
        register=_CENTRE + _BY_VALENCE * node.valence + _BY_AROUSAL * node.arousal,
        gate=_LEGATO - (_LEGATO - _SHORTEST) * stirred,
        velocity=_SOFTEST + _STEP * intensity,
        dissonance=round(1.5 * (1 - node.valence)),
        bass=45.0 - 5.0 * node.dominance,
        voices=2 + (intensity >= _THICK),
        doubled=intensity >= _DOUBLED,
        texture=node.place.base,
        rhythm=node.place.sub,
        contour=node.place.leaf,
    )
