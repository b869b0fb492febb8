"""Chords and phrases of a program of General MIDI: what a listener hears far more often than one note alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from datamodules.instrument.general_midi_programs import Preset
from datamodules.instrument.general_midi_takes import Take
from datamodules.shared.rendering import Note
from kmidi_lab.models.instrument.features import dynamic_range_of, energy_of, place

PHRASE_SLOT_S = 4.6
"""Of a phrase with what rings on."""
_LONGEST_S, _LAST_START_S, _SHORTEST_S = 3.2, 3.0, 0.05
_GAP_S, _ROLLED_S = (0.09, 0.6), (0.01, 0.04)
"""Between two notes of a phrase, and of a chord that is rolled or strummed."""
_RHYTHM = (0.5, 1.0, 1.0, 2.0)
_CLOSE, _SPREAD, _BASS = (3, 6), (5, 13), (12, 25)
"""Semitones between the tones of a chord, and to its bass."""
_SPREAD_SHARE, _BASS_SHARE, _ROLLED_SHARE = 0.4, 0.4, 0.3
_FEWEST, _MOST = 3, 10
_TOUCHES = {"staccato": 0.4, "detached": 0.85, "legato": 1.05}
"""Share of the time to the next note that a note lasts."""
_PEDAL = "pedal"
_ACCENT = 8
Pitches = Sequence[int]
Chosen = tuple[list[Note], str]
"""Notes and how they are touched."""


def phrase_of(
    preset: Preset, index: int, phrases: int, allowed: Callable[[int], Pitches], rng: np.random.Generator
) -> Take:
    """One of so many phrases of a program: together their first pitches cover its range evenly.

    Labels that are of one note are not there: register, attack, sustain.

    Args:
        preset: that plays. One that has `chords` plays chords, arpeggios and chords to a melody in three of four phrases.
        index: of the phrase.
        phrases: of the program.
        allowed: for a first pitch, all that the phrase may have, in order, itself among them.
    """
    lead = int(preset.low + (index + rng.random()) * (preset.high - preset.low) / phrases)
    velocity, pitches = int(rng.integers(20, 128)), allowed(lead)
    way = _WAYS[rng.integers(len(_WAYS))] if preset.chords else _phrase
    notes, touch = way(preset, lead, pitches, rng)
    accents = rng.integers(-_ACCENT, _ACCENT + 1, len(notes))
    played = [n._replace(velocity=int(np.clip(velocity + a, 1, 127))) for n, a in zip(notes, accents, strict=True)]
    energy = energy_of(velocity)
    labels = {"family": place("family", preset.family), "energy": energy, "dynamic_range": dynamic_range_of(energy)}
    if preset.instrument:
        labels["instrument"] = place("instrument", preset.instrument)
    tells = touch == "strummed" or (preset.sustains and touch in ("legato", "staccato"))
    if technique := touch if tells else preset.technique:
        labels["technique"] = place("technique", technique)
    if preset.articulation and touch != "staccato":
        labels["articulation"] = place("articulation", preset.articulation)
    if preset.still:
        labels["vibrato"] = place("vibrato", "none")
    return Take(lead, labels, _released(played))


def _chord(preset: Preset, lead: int, pitches: Pitches, rng: np.random.Generator) -> Chosen:
    """One chord, at once or rolled."""
    tones, length = chord_tones(lead, pitches, rng), float(rng.uniform(0.5, 2.0))
    rolled = rng.uniform(*_ROLLED_S) if rng.random() < _ROLLED_SHARE else 0.0
    strummed = rolled and preset.family == "guitar"
    return [Note(i * rolled, length, t, 0) for i, t in enumerate(tones)], "strummed" if strummed else "detached"


def _arpeggio(preset: Preset, lead: int, pitches: Pitches, rng: np.random.Generator) -> Chosen:
    """The tones of a chord one after the other, up and down, from `lead` on."""
    tones = chord_tones(lead, pitches, rng)
    turn = [*tones, *tones[-2:0:-1]]
    starts, first = _starts(rng, (1.0,)), turn.index(lead)
    return _touched([(start, turn[(first + i) % len(turn)]) for i, start in enumerate(starts)], preset, rng)


def _phrase(preset: Preset, lead: int, pitches: Pitches, rng: np.random.Generator) -> Chosen:
    """A melody."""
    starts = _starts(rng, _RHYTHM)
    return _touched(list(zip(starts, _walk(lead, pitches, len(starts), rng), strict=True)), preset, rng)


def _both_hands(preset: Preset, lead: int, pitches: Pitches, rng: np.random.Generator) -> Chosen:
    """A melody on its side of the middle, and chords to it on the other."""
    middle = (preset.low + preset.high) // 2
    own, other = ([p for p in pitches if (p > middle) == side] for side in (lead > middle, lead <= middle))
    notes, touch = _phrase(preset, lead, own, rng)
    if other:
        starts = [note.start for note in notes[:: int(rng.integers(2, 5))]]
        for start, end in pairwise([*starts, _LONGEST_S]):
            notes += [Note(start, end, t, 0) for t in chord_tones(int(rng.choice(other)), other, rng)]
    return notes, touch


def chord_tones(lead: int, pitches: Pitches, rng: np.random.Generator) -> list[int]:
    """Two to five pitches from low to high, close or spread, some with a bass; fewer where `pitches` has no more.

    They go up from `lead` in the lower half of `pitches` and down in the upper.
    """
    up = 1 if lead <= (pitches[0] + pitches[-1]) / 2 else -1
    tones, gaps = [lead], _SPREAD if rng.random() < _SPREAD_SHARE else _CLOSE
    wanted = [up * int(rng.integers(*gaps)) for _ in range(int(rng.integers(1, 4)))]
    for gap in wanted:
        tones += _nearest(tones[-1] + gap, [p for p in pitches if up * (p - tones[-1]) > 0])
    if rng.random() < _BASS_SHARE:
        lowest = min(tones)
        tones += _nearest(lowest - int(rng.integers(*_BASS)), [p for p in pitches if p < lowest])
    return sorted(tones)


def _nearest(pitch: int, pitches: Pitches) -> list[int]:
    return [min(pitches, key=lambda other: abs(other - pitch))] if pitches else []


def _walk(lead: int, pitches: Pitches, count: int, rng: np.random.Generator) -> list[int]:
    """From `lead` by up to three of `pitches` at a time."""
    at = [pitches.index(lead)]
    for _ in range(count - 1):
        at.append(int(np.clip(at[-1] + rng.integers(-3, 4), 0, len(pitches) - 1)))
    return [pitches[i] for i in at]


def _starts(rng: np.random.Generator, rhythm: Sequence[float]) -> list[float]:
    """Three to ten times from 0 s on, as many as begin in time."""
    gap = float(np.exp(rng.uniform(*np.log(_GAP_S))))
    count = int(rng.integers(_FEWEST, _MOST + 1))
    starts = np.concatenate([[0.0], np.cumsum(gap * rng.choice(rhythm, count - 1))])
    return [float(start) for start in starts if start < _LAST_START_S]


def _touched(heads: Sequence[tuple[float, int]], preset: Preset, rng: np.random.Generator) -> Chosen:
    """Notes from their starts and pitches on; what dies away by itself has the pedal held in two of five."""
    touch = str(rng.choice([*_TOUCHES, *([] if preset.sustains else [_PEDAL, _PEDAL])]))
    starts = [start for start, _ in heads]
    last = min(_LONGEST_S, starts[-1] + float(rng.uniform(0.2, 0.8)))
    following = [*starts[1:], last]
    notes = []
    for (start, pitch), then in zip(heads, following, strict=True):
        end = last if touch == _PEDAL else start + max(_SHORTEST_S, _TOUCHES[touch] * (then - start))
        notes.append(Note(start, end, pitch, 0))
    return notes, touch


_WAYS = (_chord, _arpeggio, _both_hands, _phrase)


def _released(notes: Sequence[Note]) -> tuple[Note, ...]:
    """By time; a pitch that is struck again while it sounds ends there."""
    ordered = sorted(notes)
    out = []
    for i, note in enumerate(ordered):
        again = (other.start for other in ordered[i + 1 :] if other.pitch == note.pitch)
        out.append(note._replace(end=min(note.end, next(again, note.end))))
    return tuple(out)
