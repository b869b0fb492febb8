"""Performances without a score: MAESTRO's, which know no metre, and Lakh's, which stand on a grid.

What such a file can't tell is masked, not guessed: articulation and timing need the written note. Velocity, its curve
and the pedal are what was played. `maestro-v3.0.0/maestro-v3.0.0.csv` lists MAESTRO's (C. Hawthorne et al., *Enabling
Factorized Piano Music Modeling and Generation with the MAESTRO Dataset*, ICLR 2019).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from datamodules.dynamics.asap import pedalled
from datamodules.shared import dedupe, lakh
from datamodules.shared.layout import Layout, folder_of
from datamodules.shared.library import Reading
from datamodules.shared.midi_reading import extracting
from datamodules.shared.pooled_reading import read_all
from kmidi_lab.midi.piece import Piece
from kmidi_lab.midi.reading import MidiError
from kmidi_lab.midi.score import Score, make_score, pitched_notes
from kmidi_lab.models.dynamics.targets import Performance, PerformedNotes, nothing_written

_COLUMNS = ("canonical_composer", "canonical_title", "split", "year", "midi_filename", "duration")
METRE = ("beat_phase", "phrase_phase", "position", "metre", "metrical_strength", "dynamic_range", "compression")
"""What nothing is known of without bars: inputs, and outputs that are counted in phrases of bars."""
MOST_FILES = 3_000
_MIN_NOTES = 64
_CHORD_S = 0.035
_GRID, _NEAR, _ON_GRID = 12, 1 / 48, 0.8
_FEWEST_VELOCITIES, _LEAST_SPREAD = 16, 6.0
_PIANOS = range(8)


def maestro_table(root: Path) -> Path:
    return folder_of(root, "maestro-v3.0.0", "maestro") / "maestro-v3.0.0.csv"


def maestro_layout(root: Path) -> Layout:
    """Performances in the order of the table with the published split, which keeps compositions apart."""
    layout = Layout("maestro", "CC BY-NC-SA 4.0", "Magenta's page of the MAESTRO Dataset (the MIDI-only archive)")
    listed = maestro_table(root)
    base = listed.parent
    for row in layout.table(listed, _COLUMNS) if base.is_dir() else ():
        split = layout.split(row["split"], row["midi_filename"])
        layout.add(base, row["midi_filename"], f"{row['canonical_composer']}/{row['canonical_title']}", split, row)
    return layout


@dataclass(frozen=True)
class SelfScored:
    """A performance that is its own score; `key` is equal for files with the same notes."""

    score: Score
    played: PerformedNotes
    key: bytes


def maestro_files(root: Path) -> list[Path]:
    """The table and every performance that it lists and that is there."""
    layout_files = maestro_layout(root).files
    return [maestro_table(root), *(f.path for f in layout_files)] if layout_files else []


def read_maestro(root: Path, progress: bool) -> Reading[Performance]:
    """Performances in real time: a quarter note is half a second, and no input knows of beats or bars."""
    layout = maestro_layout(root)
    reading: Reading[Performance] = Reading(
        layout.source, layout.licence, note="no scores: timing, articulation, metre and phrases unknown"
    )
    reading.problems += layout.problems
    pieces = {f.path: f.group for f in layout.files}
    for path, performance in read_all(reading, list(pieces), extracting(free_performance), progress=progress).items():
        name = f"maestro/{path.relative_to(root).with_suffix('').as_posix()}"
        reading.items.append(
            Performance(
                name,
                f"maestro/{pieces[path]}",
                "maestro",
                performance.score,
                performance.played,
                nothing_written(performance.score),
                METRE,
            )
        )
    return reading


def lakh_files(root: Path) -> list[Path]:
    return lakh.some(root, MOST_FILES)


def read_lakh(files: Sequence[Path], progress: bool) -> Reading[Performance]:
    """Piano parts on the grid whose velocities vary as played ones do; whether someone played them, no file says."""
    note = f"piano parts with varied velocities of at most {MOST_FILES} files; timing and articulation unknown"
    reading: Reading[Performance] = Reading("lakh", lakh.LICENCE, note=note)
    first: dict[bytes, Path] = {}
    for path, performance in read_all(reading, files, extracting(gridded_performance), progress=progress).items():
        if performance.key in first:
            reading.skip(path, "", "same notes as another file", first[performance.key])
            continue
        first[performance.key] = path
        name = f"lakh/{path.stem}"
        reading.items.append(
            Performance(name, name, "lakh", performance.score, performance.played, nothing_written(performance.score))
        )
    return reading


def free_performance(piece: Piece) -> SelfScored:
    """Onsets within 35 ms are one chord. Raises MidiError (`fewer than 64 notes`)."""
    notes, _, _ = pitched_notes(piece)
    if len(notes) < _MIN_NOTES:
        raise MidiError(f"fewer than {_MIN_NOTES} notes", str(len(notes)))
    starts, ends = _seconds(piece, notes)
    order = np.argsort(starts, kind="stable")
    new = np.append(True, np.diff(starts[order]) > _CHORD_S)
    together = np.empty(len(starts))
    together[order] = starts[order][new][np.cumsum(new) - 1]
    score, order = make_score(2 * together, 2 * (ends - together), notes["pitch"])
    return _played(piece, score, notes[order], starts[order], ends[order])


def gridded_performance(piece: Piece) -> SelfScored:
    """The piano parts of a sequenced file. Raises MidiError when there are none, or they show no dynamics."""
    tracks = tuple(t for t in piece.tracks if not t.is_drum and t.program in _PIANOS)
    notes = np.concatenate([t.notes for t in tracks]) if tracks else piece.tracks[0].notes[:0]
    if len(notes) < _MIN_NOTES:
        raise MidiError("no piano part", f"{len(notes)} notes, at least {_MIN_NOTES}")
    loud = notes["velocity"]
    if len(np.unique(loud)) < _FEWEST_VELOCITIES or loud.std() < _LEAST_SPREAD:
        raise MidiError("velocities hardly vary", f"{len(np.unique(loud))} values, deviation {loud.std():.1f}")
    quarter = float(piece.ticks_per_quarter)
    onset = notes["start"] / quarter
    placed = np.round(onset * _GRID) / _GRID
    near = float((np.abs(onset - placed) <= _NEAR).mean())
    if near < _ON_GRID:
        raise MidiError("not on a grid", f"{near:.0%} of the notes")
    metres = [(tick / quarter, int(n), int(d)) for tick, n, d in piece.metres]
    at = np.clip(np.searchsorted(piece.tempos[:, 0], notes["start"], side="right") - 1, 0, None)
    score, order = make_score(placed, notes["duration"] / quarter, notes["pitch"], metres, piece.tempos[at, 1])
    starts, ends = _seconds(piece, notes)
    return _played(replace(piece, tracks=tracks), score, notes[order], starts[order], ends[order])


def _seconds(piece: Piece, notes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    starts = piece.seconds(notes["start"])
    return starts, np.maximum(piece.seconds(notes["start"].astype(np.int64) + notes["duration"]), starts + 1e-3)


def _played(piece: Piece, score: Score, notes: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> SelfScored:
    nothing = np.full(len(notes), np.nan)
    performed = PerformedNotes(notes["velocity"].astype(np.float64), nothing, nothing, pedalled(piece, starts, ends))
    return SelfScored(score, performed, dedupe.notes_key(piece).tobytes())
