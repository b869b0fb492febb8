"""ASAP: piano scores, expressive performances of them and the beats of both, in the published layout.

`asap/metadata.csv` lists them. F. Foscarin, A. McLeod, P. Rigaux, F. Jacquemard, M. Sakai, *ASAP: a dataset of aligned
scores and performances for piano transcription*, ISMIR 2020.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from datamodules.dynamics.alignment import BeatMap, match
from datamodules.shared.layout import Layout, MidiFile, folder_of
from datamodules.shared.library import Reading
from datamodules.shared.pool import survived
from kmidi_lab.midi.piece import Piece
from kmidi_lab.midi.reading import MidiError, read_piece
from kmidi_lab.midi.score import Floats, Score, pitched_notes, score_of
from kmidi_lab.models.dynamics.targets import Performance, Performed, at_tempo
from kmidi_lab.models.dynamics.written import written_dynamics

FILES = ("midi_score", "midi_performance", "performance_annotations", "midi_score_annotations")
"""The columns of the table that name files."""
MIN_MATCHED = 0.8
_MIN_NOTES, _MIN_BEATS = 32, 8
_FAR_OFF_GRID = 0.25
_MAX_TEXT = 16 * 2**20


def table(root: Path) -> Path:
    return folder_of(root, "asap", "asap-dataset") / "metadata.csv"


def looked_at(root: Path) -> list[Path]:
    """Every file of the rows that have all of theirs."""
    base = table(root).parent
    return [base / file.about[column] for file in read_table(root).files for column in FILES]


def read_table(root: Path) -> Layout:
    """Performances in the order of the table that have all their files, whose names are in `about`; a score is a group.

    No split is published; many performances are MAESTRO's, too.
    """
    layout = Layout("asap", "CC BY-NC-SA 4.0", "the asap-dataset repository of F. Foscarin")
    listed = table(root)
    base = listed.parent
    for row in layout.table(listed, FILES) if base.is_dir() else ():
        if not all(row.values()):
            layout.skip(listed, row["midi_performance"], "a row without all its files")
        elif all(layout.listed(base, name) for name in row.values()):
            score = Path(row["midi_score"]).parent.as_posix()
            layout.files.append(MidiFile(base / row["midi_performance"], score, None, row))
    return layout


class _UnusableError(Exception):
    """A performance that is left out; args are (reason, detail)."""


def files(root: Path) -> list[Path]:
    """Everything that is read, the table first; empty without ASAP."""
    listed = table(root)
    if not listed.is_file():
        return []
    suffixes = ("*.mid", "*_annotations.txt")
    return [listed, *sorted(p for pattern in suffixes for p in listed.parent.rglob(pattern))]


def read(base: Path, layout: Layout) -> Reading[Performance]:
    """Every performance of a layout read from `base` whose notes could be matched to the score."""
    reading: Reading[Performance] = Reading("asap", layout.licence, problems=layout.problems)
    scores: dict[str, tuple[Piece, Score, Floats] | _UnusableError] = {}
    rates: list[float] = []
    for file in layout.files:
        with survived(reading, file.path, file.about["midi_score"]):
            try:
                reading.items.append(_performance(base, file.about, scores, rates, reading))
            except _UnusableError as error:
                reading.skip(file.path, file.about["midi_score"], *error.args)
    if rates:
        reading.facts = {"match_rate": float(np.mean(rates)), "match_rate_min": float(np.min(rates))}
    return reading


def _performance(
    base: Path,
    row: Mapping[str, str],
    scores: dict[str, tuple[Piece, Score, Floats] | _UnusableError],
    rates: list[float],
    reading: Reading[Performance],
) -> Performance:
    name = row["midi_score"]
    if name not in scores:
        try:
            piece = _read(base / name, "score")
            notes = score_of(piece)
            scores[name] = piece, notes.score, written_dynamics(piece, notes)
        except _UnusableError as error:
            scores[name] = error
    piece_score = scores[name]
    if isinstance(piece_score, _UnusableError):
        raise piece_score
    piece, score, written = piece_score
    if len(score) < _MIN_NOTES:
        raise _UnusableError(f"a score of fewer than {_MIN_NOTES} notes", len(score))
    played = _read(base / row["midi_performance"], "performance")
    beats = _beats(piece, base / row["midi_score_annotations"], base / row["performance_annotations"])
    performed = perform(score, played, beats)
    rate = float(np.isfinite(performed.velocity).mean())
    if rate < MIN_MATCHED:
        raise _UnusableError(f"under {MIN_MATCHED:.0%} of the score's notes were found", f"{rate:.0%}")
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


def perform(score: Score, played: Piece, beats: BeatMap) -> Performed:
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
    return Performed(
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


def _read(path: Path, what: str) -> Piece:
    try:
        return read_piece(path)
    except MidiError as error:
        raise _UnusableError(f"{what}: {error.reason}", error) from error


def _beats(piece: Piece, score_file: Path, performance_file: Path) -> BeatMap:
    """The beats of score and performance, line by line, as quarter notes and seconds."""
    score, performance = _times(score_file), _times(performance_file)
    if len(score) != len(performance):
        raise _UnusableError(
            "score and performance have different numbers of beats", f"{len(score)}, {len(performance)}"
        )
    quarters = piece.ticks(score) / piece.ticks_per_quarter
    rising = np.append(True, (np.diff(quarters) > 1e-3) & (np.diff(performance) > 1e-3))
    if rising.sum() < max(_MIN_BEATS, 0.9 * len(rising)):
        raise _UnusableError("too few beats, or beats that go back", f"{int(rising.sum())} of {len(rising)}")
    while not rising.all():
        quarters, performance = quarters[rising], performance[rising]
        rising = np.append(True, (np.diff(quarters) > 1e-3) & (np.diff(performance) > 1e-3))
    return BeatMap(quarters, performance)


def _times(path: Path) -> np.ndarray:
    try:
        if path.stat().st_size > _MAX_TEXT:
            raise ValueError(f"over {_MAX_TEXT >> 20} MiB")
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        return np.array([float(line.split("\t")[0]) for line in lines if line.strip()])
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise _UnusableError("beat annotations can't be read", error) from error
