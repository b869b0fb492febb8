"""Chords of the music21 corpus, which is installed with muspy: RomanText analyses and Bach chorales.

The analyses are read by `rntxt`; the chorales (exactly four parts, MusicXML read by muspy) are labelled beat
by beat with the chord template that fits the sounding notes best. Their keys are estimated.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from datamodules.harmony import rntxt
from datamodules.harmony.reading import keep
from datamodules.shared.library import Reading
from kmidi_lab.chords.chord import QUALITIES, Chord, Event, Song, merge_repeats, plain_chord
from kmidi_lab.chords.key_finding import estimate_key

_PARTS = 4
_OUTSIDE, _ROOT_IN_BASS = 1.5, 0.6
_CANDIDATES = [plain_chord(root, quality) for root in range(12) for quality in QUALITIES]
_TEMPLATES = np.array([[pc in c.tones for pc in range(12)] for c in _CANDIDATES], float)


def read_analyses(progress: Iterable[Path]) -> Reading[Song]:
    """Human Roman-numeral analyses of whole pieces."""
    reading: Reading[Song] = Reading("rntxt", rntxt.LICENCE)
    for path in progress:
        song = rntxt.read_piece(path, reading)
        if song is not None:
            keep(reading, song, path)
    return reading


def read_chorales(progress: Iterable[Path]) -> Reading[Song]:
    """Four-part chorales, chords by template: labels are estimates, not human analysis."""
    reading: Reading[Song] = Reading(
        "chorales", "scores in the public domain, encodings per piece", note="chords by template fit, keys estimated"
    )
    for path in progress:
        song = _chorale(path, reading)
        if song is not None:
            keep(reading, song, path)
    return reading


def _chorale(path: Path, reading: Reading[Song]) -> Song | None:
    import muspy

    try:
        music = muspy.read_musicxml(path)
    except Exception as error:  # muspy raises whatever its XML parsing meets
        reading.skip(path, path.stem, "muspy can't read it", repr(error))
        return None
    if len(music.tracks) != _PARTS:
        reading.skip(path, path.stem, "not in exactly four parts", len(music.tracks))
        return None
    step = int(music.resolution)
    end = max((n.time + n.duration for t in music.tracks for n in t.notes), default=0)
    beats_per_bar = music.time_signatures[0].numerator if music.time_signatures else 4
    placed: list[tuple[float, Chord]] = []
    for beat in range(int(end // step)):
        pitches = [n.pitch for t in music.tracks for n in t.notes if n.time < (beat + 0.5) * step < n.time + n.duration]
        chord = best_template(pitches)
        if chord is not None:
            placed.append((beat / beats_per_bar, chord))
    if not placed:
        reading.skip(path, path.stem, "no chords")
        return None
    key = estimate_key([c for _, c in placed], [1.0] * len(placed))
    events = merge_repeats(Event(chord, key, start, 1.0 / beats_per_bar) for start, chord in placed)
    return Song(f"music21/bach/{path.stem}", "chorales", path.stem, events)


def best_template(pitches: list[int]) -> Chord | None:
    """The chord whose template covers the sounding MIDI pitches best; None below three pitch classes."""
    classes = {p % 12 for p in pitches}
    if len(classes) < 3:
        return None
    sounding = np.array([pc in classes for pc in range(12)], float)
    inside = _TEMPLATES @ sounding
    missing = _TEMPLATES.sum(1) - inside
    bass = min(pitches) % 12
    bonus = np.array([_ROOT_IN_BASS * (c.root == bass) for c in _CANDIDATES])
    chord = _CANDIDATES[int(np.argmax(inside - missing - _OUTSIDE * (sounding.sum() - inside) + bonus))]
    return Chord(chord.root, chord.quality, bass, frozenset(chord.tones | {bass}))
