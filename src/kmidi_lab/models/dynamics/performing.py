"""A score's notes as they are played, in the MIDI file that they came from."""

from __future__ import annotations

import numpy as np

from kmidi_lab.midi.channels import SUSTAIN
from kmidi_lab.midi.events import CONTROL
from kmidi_lab.midi.piece import Piece
from kmidi_lab.midi.reading import OpenFile
from kmidi_lab.midi.score import (
    ScoreNotes,
    metrical_strength,
)
from kmidi_lab.midi.writing import play, rewrite
from kmidi_lab.models.dynamics.pedal import pedal_changes
from kmidi_lab.models.dynamics.targets import Expression

_LOUDEST_BEAT, _HIGH = 10.0, 8.0
_PIANOS = range(8)
"""General MIDI's piano family, which the pedal was learnt from."""


def heuristic(notes: ScoreNotes) -> Expression:
    """Louder on strong beats and high notes, all else as written: what is played without a model."""
    score = notes.score
    height = np.clip((score.pitch - score.pitch.mean()) / 24, -1, 1)
    velocity = np.clip(np.rint(64 + _LOUDEST_BEAT * metrical_strength(score) + _HIGH * height), 1, 127)
    return Expression(velocity.astype(np.int64), np.zeros(len(score)), np.ones(len(score)), np.zeros(len(score), bool))


def perform(file: OpenFile, notes: ScoreNotes, played: Expression) -> tuple[bytes, np.ndarray, tuple[str, ...]]:
    """(MIDI file, seconds that each note moved by `[N]`, parts with a new pedal), all but pitched notes as it was.

    Pianos get a pedal where the file writes none.
    """
    start, end = _placed(file, notes, played)
    edits = play(file, notes.track, notes.index, start, end, played.velocity)
    downbeat = metrical_strength(notes.score) == 1
    pedal = pedal_changes(notes.score, start, end, played.pedal, downbeat, file.piece.ticks_per_quarter)
    pedalled: dict[tuple[int, int], str] = {}
    for track, places in zip(file.piece.tracks, file.places, strict=True):
        chunk = int(places[0, 0])
        where = file.ports[chunk], track.channel
        bare = not track.is_drum and track.program in _PIANOS and not file.pedalled  # pianists taught the pedal
        if bare and where not in pedalled and pedal:
            pedalled[where] = track.name or f"channel {track.channel + 1}"
            edits[chunk].added += [(tick, bytes([CONTROL | track.channel, SUSTAIN, value])) for tick, value in pedal]
    moved = file.piece.seconds(start) - file.piece.seconds(_written(file.piece, notes)[0])
    return rewrite(file.file, edits), moved, tuple(pedalled.values())


def _written(piece: Piece, notes: ScoreNotes) -> tuple[np.ndarray, np.ndarray]:
    """Start and end ticks of each note as the file has them."""
    written = [piece.tracks[t].notes[i] for t, i in zip(notes.track, notes.index, strict=True)]
    at = np.array([n["start"] for n in written], np.int64)
    return at, at + np.array([n["duration"] for n in written], np.int64)


def _placed(file: OpenFile, notes: ScoreNotes, played: Expression) -> tuple[np.ndarray, np.ndarray]:
    """Start and end ticks of each note; a key that is struck again was let go before."""
    piece: Piece = file.piece
    at, until = _written(piece, notes)
    seconds, length = piece.seconds(at), piece.seconds(until) - piece.seconds(at)
    earliest = np.array([file.places[t][i, 3] for t, i in zip(notes.track, notes.index, strict=True)], np.int64)
    begin = np.maximum(seconds + played.shift, piece.seconds(earliest))
    start = np.maximum(np.rint(piece.ticks(begin)).astype(np.int64), earliest)
    end = np.maximum(np.rint(piece.ticks(begin + length * played.length)).astype(np.int64), start + 1)
    for key in np.unique(notes.track * 128 + notes.score.pitch):
        same = np.flatnonzero(notes.track * 128 + notes.score.pitch == key)
        same = same[np.argsort(start[same], kind="stable")]
        following = start[same][1:]
        end[same[:-1]] = np.maximum(np.minimum(end[same[:-1]], following), start[same[:-1]] + 1)
    return start, end
