"""The notes of a MIDI file as lines that one player plays each: the drums together, every other part by itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kmidi_lab.midi.piece import Piece
from kmidi_lab.midi.score import make_score
from kmidi_lab.models.microtiming.notes import ROLES, WrittenNotes, drum_voices, keyboard_roles

_BASSES = range(32, 40)
"""General MIDI's basses."""
_CHORDS = 0.3
"""A part with more than this share of its onsets as chords accompanies."""
_KEYBOARDS = range(8)


@dataclass(frozen=True)
class Line:
    """What one player plays: written notes by onset and pitch, and of each `[N]` its part of the piece and index there.

    `velocity` 1..127.
    """

    name: str
    drums: bool
    notes: WrittenNotes
    part: np.ndarray
    index: np.ndarray
    velocity: np.ndarray


def lines_of(piece: Piece) -> list[Line]:
    """All lines of a piece that hold notes, the drums last."""
    pitched = [n for n, t in enumerate(piece.tracks) if not t.is_drum and len(t.notes)]
    struck = [n for n, t in enumerate(piece.tracks) if t.is_drum and len(t.notes)]
    alone = len(pitched) == 1
    lines = [_line(piece, [n], False, alone) for n in pitched]
    return [*lines, _line(piece, struck, True, False)] if struck else lines


def _line(piece: Piece, tracks: list[int], drums: bool, alone: bool) -> Line:
    notes = np.concatenate([piece.tracks[n].notes for n in tracks])
    part = np.repeat(tracks, [len(piece.tracks[n].notes) for n in tracks])
    index = np.concatenate([np.arange(len(piece.tracks[n].notes)) for n in tracks])
    quarter = float(piece.ticks_per_quarter)
    starts = notes["start"].astype(np.float64)
    at = np.clip(np.searchsorted(piece.tempos[:, 0], starts, side="right") - 1, 0, None)
    metres = [(tick / quarter, int(n), int(d)) for tick, n, d in piece.metres]
    pitch = notes["pitch"].astype(np.int64)
    sorted_by, role = pitch, np.zeros(len(pitch), np.int64)
    if drums:
        sorted_by, role = drum_voices(pitch)
    score, order = make_score(starts / quarter, notes["duration"] / quarter, sorted_by, metres, piece.tempos[at, 1])
    role = role[order] if drums else _roles(piece.tracks[tracks[0]].program, score.onset, score.pitch, alone)
    velocity = notes["velocity"].astype(np.int64)[order]
    has_dynamics = not drums and velocity.std() > 0
    written = WrittenNotes(
        score.onset, np.zeros(len(order)) if drums else score.duration, score.pitch, role,
        role if drums else np.zeros(len(order), np.int64), score.bar, score.bar_quarters, score.tempo,
        velocity / 127 * has_dynamics,
    )  # fmt: skip
    name = "the drums" if drums else piece.tracks[tracks[0]].name or f"channel {piece.tracks[tracks[0]].channel + 1}"
    return Line(name, drums, written, part[order], index[order], velocity)


def _roles(program: int, onset: np.ndarray, pitch: np.ndarray, alone: bool) -> np.ndarray:
    """Of a pitched part: a bass, a keyboard player's two hands, chords that accompany, or a line that leads."""
    if program in _BASSES:
        return np.full(len(onset), ROLES.index("bass"))
    chords = 1 - len(np.unique(onset)) / max(1, len(onset))
    if alone and (program in _KEYBOARDS or chords > 0):
        return keyboard_roles(onset, pitch)
    return np.full(len(onset), ROLES.index("comp" if chords > _CHORDS else "lead"))
