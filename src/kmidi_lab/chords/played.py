"""Chords that are played: those of a MIDI file, estimated half bar by half bar, and a MIDI file of given ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.chords.chord import QUALITIES, Chord, plain_chord
from kmidi_lab.midi.new_file import TICKS, new_file, tempo_event
from kmidi_lab.midi.piece import Piece
from kmidi_lab.midi.score import score_of
from kmidi_lab.midi.writing import note_events

_CANDIDATES = [plain_chord(root, quality) for root in range(12) for quality in QUALITIES]
_TEMPLATES = np.array([[tone in chord.tones for tone in range(12)] for chord in _CANDIDATES], float)
_TEMPLATES /= np.linalg.norm(_TEMPLATES, axis=1, keepdims=True)
_ROOT_IN_BASS, _LIKE = 0.1, 0.6
"""What a root in the bass is worth beside the likeness 0..1 of a template, and the likeness below which there is no chord."""
_MOST_BARS = 2000
_LOW, _VELOCITY, _TEMPO = 48, 72, 90.0


def chart_of(piece: Piece) -> str:
    """The chords of a MIDI file with `|` between bars, by the template that is most like the sounding pitch classes.

    T. Fujishima, *Realtime chord recognition of musical sound*, ICMC 1999. Without drums; `N.C.` where no template is
    like what sounds. An estimate: passing notes and thin textures mislead it.
    """
    score = score_of(piece).score
    if not len(score.onset):
        return ""
    first, last = 2 * score.bar, 2 * (score.bar + score.duration / score.bar_quarters)
    halves = min(int(np.ceil(last.max() - 1e-6)), 2 * _MOST_BARS)
    names = [
        _name(score.pitch, np.clip(np.minimum(last, h + 1) - np.maximum(first, h), 0, None)) for h in range(halves)
    ]
    bars = [names[at : at + 2] for at in range(0, halves, 2)]
    return " | ".join(bar[0] if len(set(bar)) == 1 else " ".join(bar) for bar in bars)


def _name(pitch: NDArray[np.integer], sounding: NDArray[np.floating]) -> str:
    """The symbol of the chord of pitches `[N]` that sound so long `[N]`."""
    chroma = np.bincount(pitch % 12, sounding, 12)
    if not chroma.any():
        return "N.C."
    like = _TEMPLATES @ chroma / np.linalg.norm(chroma)
    bass = int(pitch[sounding > 0].min()) % 12
    best = int(np.argmax(like + _ROOT_IN_BASS * np.array([chord.root == bass for chord in _CANDIDATES])))
    return str(_CANDIDATES[best]) if like[best] >= _LIKE else "N.C."


def midi_of(chords: Sequence[Chord], quarters: int = 2) -> bytes:
    """A MIDI file of chords, so many quarters each, the last twice as long: the bass, and each tone above it."""
    events = [(0, tempo_event(_TEMPO))]
    for number, chord in enumerate(chords):
        start, last = number * quarters * TICKS, number == len(chords) - 1
        end = start + quarters * TICKS * (2 if last else 1) - TICKS // 16
        for pitch in (_LOW - 12 + chord.bass, *(_LOW + 7 + (tone - 7) % 12 for tone in sorted(chord.tones))):
            events += note_events(0, pitch, _VELOCITY, start, end)
    return new_file([events])
