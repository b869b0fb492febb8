"""What every reader of performances returns, and a MIDI file as a score."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from datamodules.midi.piece import Notes, Piece
from datamodules.problems import Report
from kmidi_lab.features.dynamics import Performed, Score, make_score


@dataclass(frozen=True)
class Performance:
    """One performance of one piece. `piece` names the piece over all its performances; `id` is unique; `unknown` names
    the contract's slices that the source says nothing of."""

    id: str
    piece: str
    source: str
    score: Score
    played: Performed
    unknown: tuple[str, ...] = ()

    @property
    def known(self) -> int:
        """Notes whose velocity is known."""
        return int(np.isfinite(self.played.velocity).sum())


@dataclass
class Reading(Report):
    """Performances of one source with a whole-file report of what could not be used."""

    performances: list[Performance] = field(default_factory=list)
    facts: dict[str, float] = field(default_factory=dict)
    """Figures about the source as a whole, for the card."""


@dataclass(frozen=True)
class ScoreNotes:
    """The pitched notes of a MIDI file as a Score, and where each came from: `track` and `index` `[N]`."""

    score: Score
    track: np.ndarray
    index: np.ndarray


def pitched_notes(piece: Piece) -> tuple[Notes, np.ndarray, np.ndarray]:
    """(notes of all tracks but drums, their track, their index in it)."""
    chosen = [(number, track.notes) for number, track in enumerate(piece.tracks) if not track.is_drum]
    if not chosen:
        return piece.tracks[0].notes[:0], np.zeros(0, np.int64), np.zeros(0, np.int64)
    return (
        np.concatenate([notes for _, notes in chosen]),
        np.concatenate([np.full(len(notes), number) for number, notes in chosen]),
        np.concatenate([np.arange(len(notes)) for _, notes in chosen]),
    )


def score_of(piece: Piece) -> ScoreNotes:
    """A MIDI score as the network sees it; the tempo is that of the file, note by note."""
    notes, track, index = pitched_notes(piece)
    quarter = float(piece.ticks_per_quarter)
    metres = [(tick / quarter, int(n), int(d)) for tick, n, d in piece.metres]
    starts = notes["start"].astype(np.float64)
    segment = np.clip(np.searchsorted(piece.tempos[:, 0], starts, side="right") - 1, 0, None)
    score, order = make_score(
        starts / quarter, notes["duration"] / quarter, notes["pitch"], metres, piece.tempos[segment, 1]
    )
    return ScoreNotes(score, track[order], index[order])


def at_tempo(score: Score, tempo: float) -> Score:
    """The same notes at one tempo, as a host plays them."""
    return replace(score, tempo=np.full(len(score), tempo))
