"""What is played of a program of General MIDI: takes with pitches, velocities, lengths and manners at random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from datamodules.instrument.general_midi_programs import Preset
from datamodules.shared.rendering import Note, Part
from kmidi_lab.models.instrument.features import dynamic_range_of, energy_of, place, register_of

SLOT_S, LEAD_S = 2.6, 0.05
"""Of a take, and of the silence before its first note."""
_LENGTHS_S = (0.25, 0.5, 1.0, 1.5)
_SHORT_S, _LONG_S, _HELD_S = 0.1, 1.2, 0.5
_BEND_STEP_S = 0.02
_PLAIN_SHARE = 0.65
_VIBRATO_DEPTHS = {"slight": 0.12, "moderate": 0.35, "strong": 0.8}
"""Semitones to either side."""
_VIBRATO_HZ, _TRILL_HZ, _TREMOLO_HZ = (5.0, 7.0), (7.0, 11.0), (8.0, 13.0)
_DRUMS = range(27, 88)
"""The keys of GS percussion."""
_ROLL_SHARE, _ROLL_HZ, _ROLL_S = 0.25, (6.0, 20.0), (0.4, 1.2)


@dataclass(frozen=True)
class Take:
    """What one slot plays, from 0 s on, and what is known of it."""

    pitch: int
    labels: dict[str, int]
    notes: tuple[Note, ...]
    bends: tuple[tuple[float, float], ...] = ()


def part_of(preset: Preset, takes: Sequence[Take], slot_s: float = SLOT_S) -> Part:
    """The takes one slot after the other; every slot begins unbent."""
    notes, bends = [], []
    for i, take in enumerate(takes):
        at = i * slot_s + LEAD_S
        notes += [note._replace(start=at + note.start, end=at + note.end) for note in take.notes]
        bends += [(i * slot_s, 0.0), *((at + seconds, semitones) for seconds, semitones in take.bends)]
    return Part(preset.program, notes, preset.drums, bends=bends)


def take_of(preset: Preset, index: int, takes: int, rng: np.random.Generator) -> Take:
    """One of so many takes of a program: together they cover its range evenly."""
    velocity = int(rng.integers(20, 128))
    labels = {"family": place("family", preset.family), "energy": energy_of(velocity)}
    labels["dynamic_range"] = dynamic_range_of(labels["energy"])
    if preset.instrument:
        labels["instrument"] = place("instrument", preset.instrument)
    if preset.drums:
        pitch = _DRUMS[int((index + rng.random()) * len(_DRUMS) / takes)]
        if rng.random() >= _ROLL_SHARE:
            return Take(pitch, labels, (Note(0, 0.5, pitch, velocity),))
        gap = 1 / rng.uniform(*_ROLL_HZ)
        starts = np.arange(max(2, int(rng.uniform(*_ROLL_S) / gap))) * gap
        softer = rng.uniform(0.7, 1.0, len(starts))
        softer[0] = 1.0
        return Take(
            pitch,
            labels,
            tuple(Note(s, s + gap, pitch, max(1, int(velocity * g))) for s, g in zip(starts, softer, strict=True)),
        )
    # Evenly over the range, so that few takes cover it.
    pitch = int(preset.low + (index + rng.random()) * (preset.high - preset.low) / takes)
    labels["register"] = register_of(pitch)
    manner = _manner(preset, rng)
    if manner == "plain":
        return _plain(preset, pitch, velocity, labels, rng)
    notes, bends = _play(manner, pitch, velocity, rng)
    labels["technique"] = place("technique", manner.split()[0])
    if manner.startswith("vibrato"):
        labels["vibrato"] = place("vibrato", manner.split()[1])
    return Take(pitch, labels, notes, bends)


def _manner(preset: Preset, rng: np.random.Generator) -> str:
    """`plain`, or how a take departs from a plain note; vibrato with how wide."""
    if preset.technique in ("palm_muted", "harmonics", "slapped", "tremolo") or rng.random() < _PLAIN_SHARE:
        return "plain"
    if preset.sustains:
        vibratos = [f"vibrato {width}" for width in _VIBRATO_DEPTHS]
        return str(rng.choice(["staccato", "legato", "trill", "glissando", "tremolo", rng.choice(vibratos)]))
    if preset.family == "guitar" and preset.instrument != "bass_guitar":
        return str(rng.choice(["plain", "strummed", "tremolo"]))
    return str(rng.choice(["plain", "plain", "tremolo"]))


def _plain(preset: Preset, pitch: int, velocity: int, labels: dict[str, int], rng: np.random.Generator) -> Take:
    length = float(rng.choice(_LENGTHS_S))
    if preset.technique and (preset.technique != "sustained" or length >= _HELD_S):
        labels["technique"] = place("technique", preset.technique)
    if preset.articulation:
        labels["articulation"] = place("articulation", preset.articulation)
    if preset.still:
        labels["vibrato"] = place("vibrato", "none")
    return Take(pitch, labels, (Note(0, length, pitch, velocity),))


def _play(
    manner: str, pitch: int, velocity: int, rng: np.random.Generator
) -> tuple[tuple[Note, ...], tuple[tuple[float, float], ...]]:
    """Notes and bends of a manner other than plain."""
    steps = np.arange(0, _LONG_S, _BEND_STEP_S)
    held = (Note(0, _LONG_S, pitch, velocity),)
    if manner == "staccato":
        return (Note(0, _SHORT_S, pitch, velocity),), ()
    if manner == "legato":
        way = int(rng.choice([-2, -1, 1, 2]))
        starts = (0.0, 0.45, 0.9)
        return tuple(Note(s, s + 0.48, pitch + way * i, velocity) for i, s in enumerate(starts)), ()
    if manner == "trill":
        step, gap = int(rng.integers(1, 3)), 1 / rng.uniform(*_TRILL_HZ) / 2
        count = int(_LONG_S / gap)
        return tuple(Note(i * gap, (i + 1) * gap, pitch + step * (i % 2), velocity) for i in range(count)), ()
    if manner == "tremolo":
        gap = 1 / rng.uniform(*_TREMOLO_HZ)
        return tuple(Note(i * gap, (i + 0.9) * gap, pitch, velocity) for i in range(int(_LONG_S / gap))), ()
    if manner == "strummed":
        gap = rng.uniform(0.012, 0.035)
        chord = (0, 7, 12, 16, 19)
        return tuple(Note(i * gap, 1.0, pitch + tone, velocity) for i, tone in enumerate(chord)), ()
    if manner == "glissando":
        first, last = rng.permutation([-2.0, 2.0])
        ramp = np.clip((steps - 0.15) / (_LONG_S - 0.4), 0, 1)
        return held, tuple(zip(steps, first + (last - first) * ramp, strict=True))
    depth, speed = _VIBRATO_DEPTHS[manner.split()[1]], rng.uniform(*_VIBRATO_HZ)
    return held, tuple(zip(steps, depth * np.sin(2 * np.pi * speed * steps), strict=True))
