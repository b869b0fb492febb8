"""ASAP: what pianists did with each note of a score."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from datamodules.shared.alignment import BeatMap, match
from datamodules.shared.asap import UnusableError, beats_of, read_file
from datamodules.shared.layout import Layout
from datamodules.shared.library import Reading
from datamodules.shared.pooled_reading import survived
from kmidi_lab.midi.piece import Piece
from kmidi_lab.midi.score import Floats, Score, pitched_notes, score_of
from kmidi_lab.models.dynamics.targets import Performance, PerformedNotes, at_tempo
from kmidi_lab.models.dynamics.written import written_dynamics

MIN_MATCHED = 0.8
_MIN_NOTES = 32
_FAR_OFF_GRID = 0.25


def read(base: Path, layout: Layout) -> Reading[Performance]:
    """Every performance of a layout read from `base` whose notes could be matched to the score."""
    reading: Reading[Performance] = Reading("asap", layout.licence, problems=layout.problems)
    scores: dict[str, tuple[Piece, Score, Floats] | UnusableError] = {}
    rates: list[float] = []
    for file in layout.files:
        with survived(reading, file.path, file.about["midi_score"]):
            try:
                reading.items.append(_performance(base, file.about, scores, rates, reading))
            except UnusableError as error:
                reading.skip(file.path, file.about["midi_score"], *error.args)
    if rates:
        reading.facts = {"match_rate": float(np.mean(rates)), "match_rate_min": float(np.min(rates))}
    return reading


def _performance(
    base: Path,
    row: Mapping[str, str],
    scores: dict[str, tuple[Piece, Score, Floats] | UnusableError],
    rates: list[float],
    reading: Reading[Performance],
) -> Performance:
    name = row["midi_score"]
    if name not in scores:
        try:
            piece = read_file(base / name, "score")
            notes = score_of(piece)
            scores[name] = piece, notes.score, written_dynamics(piece, notes)
        except UnusableError as error:
            scores[name] = error
    piece_score = scores[name]
    if isinstance(piece_score, UnusableError):
        raise piece_score
    piece, score, written = piece_score
    if len(score) < _MIN_NOTES:
        raise UnusableError(f"a score of fewer than {_MIN_NOTES} notes", len(score))
    played = read_file(base / row["midi_performance"], "performance")
    beats = beats_of(piece, base / row["midi_score_annotations"], base / row["performance_annotations"])
    performed = perform(score, played, beats)
    rate = float(np.isfinite(performed.velocity).mean())
    if rate < MIN_MATCHED:
        raise UnusableError(f"under {MIN_MATCHED:.0%} of the score's notes were found", f"{rate:.0%}")
    rates.append(rate)
    if played.flaws:
        reading.remark(row["midi_performance"], *played.worst_flaw)
    return Performance(
        f"asap/{row['midi_performance'].removesuffix('.mid')}",
        f"asap/{Path(name).parent.as_posix()}",
        "asap",
        at_tempo(score, beats.tempo),
        performed,
        written,
    )


def perform(score: Score, played: Piece, beats: BeatMap) -> PerformedNotes:
    """What `played` did with each note of `score`; NaN for notes that were not found."""
    notes, _, _ = pitched_notes(played)
    starts = played.seconds(notes["start"])
    ends = played.seconds(notes["start"].astype(np.int64) + notes["duration"])
    expected, until = beats(score.onset), beats(score.onset + score.duration)
    places = match(score.pitch, expected, notes["pitch"].astype(np.int64), starts)
    there = places >= 0
    start, end = starts[places], np.maximum(ends[places], starts[places] + 1e-3)
    timing = start - expected
    gridded = there & beats.inside(score.onset) & (np.abs(timing) <= _FAR_OFF_GRID)
    return PerformedNotes(
        velocity=np.where(there, notes["velocity"][places].astype(np.float64), np.nan),
        timing=np.where(gridded, timing, np.nan),
        articulation=np.where(there, (end - start) / np.maximum(until - expected, 1e-3), np.nan),
        pedal=np.where(there, pedalled(played, start, end), np.nan),
    )


def pedalled(played: Piece, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Share of each stretch of time, in seconds, under the sustain pedal; NaN for a file that never uses it.

    Some recordings hold no pedal at all, which is no evidence that the pianist used none.
    """
    spans = np.concatenate([t.pedals for t in played.tracks])
    if not len(spans):
        return np.full(len(start), np.nan)
    down, up = played.seconds(spans[np.argsort(spans[:, 0], kind="stable")]).T
    up = np.minimum(up, np.append(down[1:], np.inf))
    times = np.stack([down, up], 1).ravel()
    total = np.stack([np.cumsum(up - down) - (up - down), np.cumsum(up - down)], 1).ravel()
    return np.asarray((np.interp(end, times, total) - np.interp(start, times, total)) / (end - start))
