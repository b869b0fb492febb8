"""How a band touches notes that a model of solo pianists plays: longer without a pedal, with more accents and range."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.midi.piece import Track
from kmidi_lab.midi.reading import open_file
from kmidi_lab.midi.writing import Edit, rewrite, stroke
from kmidi_lab.song.edges import PHRASE

_SHORTER = {"Pad": 0.05, "Bass": 0.3, "Chords": 0.4, "Harmony": 0.4, "Second": 0.4}
_SUNG = 0.6
"""How much shorter than written notes of a part become, and those of a lead, as a share of what they would with a pedal:
so a lead's are held about as long as people's of POP909. Our choice."""
_WIDER = 1.7
"""Factor on how far a velocity lies from the mean of its part and phrase: what a model expects varies less than people."""
_FIRST, _BEAT = 4.0, 0.5
"""Steps of velocity of an accent on a bar's first beat, and on another one."""
_LOUDEST = 120
"""Velocity above which no accent goes."""
_NEAR = 0.06
"""Quarters by which a note may lie beside its place."""


def touched(midi: bytes, written: bytes, starts: Sequence[float], beat: float, pedalled: Collection[str]) -> bytes:
    """The MIDI file with lengths and velocities as a band plays them; drums stay.

    Args:
        midi: of a song as the model of expression plays it, on the places that are written.
        written: the same notes as they are written.
        starts: of its bars, and where the last one ends, in quarters.
        beat: in quarters.
        pedalled: tracks that have a pedal, whose lengths stay.
    """
    file, score = open_file(midi), open_file(written)
    quarter, edits = file.piece.ticks_per_quarter, dict[int, Edit]()
    for track, own, rows in zip(file.piece.tracks, score.piece.tracks, file.places, strict=True):
        if track.is_drum or not len(track.notes):
            continue
        velocities = _accented(track.notes["velocity"].astype(float), own.notes["start"] / quarter, starts, beat)
        ends = track.notes["start"] + track.notes["duration"]
        if track.name not in pedalled:
            ends = _longer(track, own.notes["duration"], _SHORTER.get(track.name, _SUNG))
        for note, (chunk, struck, ending, *_), loud, end in zip(
            track.notes, rows.tolist(), velocities, ends, strict=True
        ):
            edit = edits.setdefault(chunk, Edit())
            edit.changed[struck] = stroke(track.channel, int(note["pitch"]), int(loud))
            if ending >= 0:
                edit.moved[ending] = int(end)
    return rewrite(file.file, edits)


def _longer(track: Track, written: NDArray[np.int64], shorter: float) -> NDArray[np.int64]:
    """Ticks at which notes end: none is shorter than it was, nor longer than it was and is written."""
    length = track.notes["duration"] + np.maximum(written - track.notes["duration"], 0) * (1 - shorter)
    return np.asarray(track.notes["start"] + np.rint(length), np.int64)


def _accented(
    velocity: NDArray[np.float64], start: NDArray[np.float64], starts: Sequence[float], beat: float
) -> NDArray[np.float64]:
    """Velocities 1..127 that vary more within their phrase, with the accents of the metre."""
    bar = np.searchsorted(starts, start + _NEAR, side="right") - 1
    place = start - np.array(starts)[bar]
    on_beat = np.abs(place - beat * np.rint(place / beat)) <= _NEAR
    accent = np.select([place <= _NEAR, on_beat], [_FIRST, _BEAT], 0.0)
    phrase = bar // PHRASE
    mean = np.bincount(phrase, velocity) / np.maximum(np.bincount(phrase), 1)
    wider = mean[phrase] + _WIDER * (velocity - mean[phrase]) + accent
    return np.clip(np.rint(np.minimum(wider, np.maximum(velocity, _LOUDEST))), 1, 127)
