"""Pianists: the performances of ASAP, matched by their beats, and Batik's Mozart sonatas, matched note by note."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from datamodules.microtiming.drums import PublishedTake
from datamodules.microtiming.local_tempo import offsets
from datamodules.shared import asap as asap_set
from datamodules.shared.alignment import match
from datamodules.shared.asap import UnusableError, beats_of, read_file
from datamodules.shared.layout import folder_of
from datamodules.shared.library import Reading, shown
from datamodules.shared.pooled_reading import survived
from kmidi_lab.midi.piece import Piece
from kmidi_lab.midi.score import ScoreNotes, pitched_notes, score_of
from kmidi_lab.models.microtiming.features import Take
from kmidi_lab.models.microtiming.notes import WrittenNotes, keyboard_roles

ASAP, BATIK = "asap", "batik_mozart"
MIN_MATCHED = 0.8
_MIN_NOTES = 32
_MOST_TEXT = 64 * 2**20
_SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_SIGNS = {"n": 0, "#": 1, "##": 2, "x": 2, "b": -1, "bb": -2}
_NOTE = re.compile(
    r"^snote\([^,]+,\[([A-G]),([^\]]+)\],(-?\d+),(-?\d+):(\d+),([\d/]+),[\d/]+,(-?[\d.]+),(-?[\d.]+),\[[^\]]*\]\)-"
    r"note\([^,]+,(\d+),(\d+),\d+,(\d+),"
)
_METRE = re.compile(r"^scoreprop\(timeSignature,(\d+)/(\d+),(-?\d+):\d+,[\d/]+,(-?[\d.]+)\)")
_CLOCK = re.compile(r"^info\(midiClock(Units|Rate),(\d+)\)")


def read_asap(root: Path, progress: bool = False) -> Reading[PublishedTake]:
    """Every performance of which four fifths of the score's notes were found."""
    layout, base = asap_set.read_table(root), asap_set.table(root).parent
    reading: Reading[PublishedTake] = Reading(ASAP, layout.licence, problems=layout.problems)
    scores: dict[str, tuple[Piece, ScoreNotes]] = {}
    for file in shown(layout.files, "reading pianists' takes", progress):
        with survived(reading, file.path, file.about["midi_score"]):
            try:
                reading.items.append(PublishedTake(_performance(base, file.about, scores)))
            except UnusableError as error:
                reading.skip(file.path, file.about["midi_score"], *error.args)
    return reading


def _performance(base: Path, row: Mapping[str, str], scores: dict[str, tuple[Piece, ScoreNotes]]) -> Take:
    name = row["midi_score"]
    if name not in scores:
        piece = read_file(base / name, "score")
        scores[name] = piece, score_of(piece)
    piece, written = scores[name]
    score = written.score
    played = read_file(base / row["midi_performance"], "performance")
    beats = beats_of(piece, base / row["midi_score_annotations"], base / row["performance_annotations"])
    notes, _, _ = pitched_notes(played)
    starts = played.seconds(notes["start"])
    places = match(score.pitch, beats(score.onset), notes["pitch"].astype(np.int64), starts)
    there = places >= 0
    if len(score) < _MIN_NOTES or there.mean() < MIN_MATCHED:
        raise UnusableError(
            f"under {MIN_MATCHED:.0%} of the score's notes were found", f"{there.sum()} of {len(score)}"
        )
    seconds = np.where(there & beats.inside(score.onset), starts[places], np.nan)
    loud = [piece.tracks[t].notes[i]["velocity"] for t, i in zip(written.track, written.index, strict=True)]
    dynamic = np.array(loud, np.float64) / 127
    velocity = np.where(there, notes["velocity"][places] / 127, np.nan)
    work = f"{ASAP}/{Path(name).parent.as_posix()}"
    columns = (score.onset, score.duration, score.pitch, score.bar, score.bar_quarters)
    name = Path(row["midi_performance"]).with_suffix("").as_posix()
    return take(f"{ASAP}/{name}", ASAP, "", work, columns, seconds, velocity, dynamic * (dynamic.std() > 0))


def take(
    name: str,
    source: str,
    player: str,
    work: str,
    columns: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    seconds: np.ndarray,
    velocity: np.ndarray,
    dynamic: np.ndarray,
) -> Take:
    """A pianist's take; `columns` are onset, duration, pitch, bar and bar_quarters of notes, `seconds` as played."""
    onset, duration, pitch, bar, bar_quarters = columns
    late, bpm = offsets(onset, seconds)
    line, role = np.zeros(len(onset), np.int64), keyboard_roles(onset, pitch)
    notes = WrittenNotes(onset, duration, pitch, role, line, bar, bar_quarters, np.full(len(onset), bpm), dynamic)
    return Take(name, source, "piano", player, work, notes, late, velocity)


def batik_files(root: Path) -> list[Path]:
    """The match files; empty without them."""
    return sorted((folder_of(root, BATIK, "batik_plays_mozart") / "match").glob("*.match"))


def read_batik(files: list[Path], progress: bool = False) -> Reading[PublishedTake]:
    """Every movement; only notes that were played as written count."""
    reading: Reading[PublishedTake] = Reading(BATIK, "CC BY-NC-SA 4.0")
    for path in shown(files, "reading Mozart as played", progress):
        with survived(reading, path, path.stem):
            if path.stat().st_size > _MOST_TEXT:
                reading.skip(path, "", f"over {_MOST_TEXT >> 20} MiB")
                continue
            performance = read_match(path.read_text(encoding="utf-8", errors="replace"), path.stem)
            if performance is None:
                reading.skip(path, "", f"fewer than {_MIN_NOTES} notes that were played, or no metre")
            else:
                reading.items.append(PublishedTake(performance))
    return reading


def read_match(text: str, name: str) -> Take | None:
    """A performance in the match format 1.0 (Foscarin et al., *The match file format*, 2022), or None for too few notes."""
    clock = {"Units": 480.0, "Rate": 500_000.0}
    metres: list[tuple[float, int, int, float]] = []
    rows = []
    for line in text.splitlines():
        if clock_line := _CLOCK.match(line):
            clock[clock_line[1]] = float(clock_line[2])
        elif metre := _METRE.match(line):
            metres.append((float(metre[4]), int(metre[1]), int(metre[2]), 0.0))
        elif note := _NOTE.match(line):
            step, sign, octave, bar, beat, within, begin, end, pitch, on, velocity = note.groups()
            written = _SEMITONES[step] + _SIGNS.get(sign, 0) + 12 * (int(octave) + 1)
            rows.append(
                (float(begin), float(end), written, int(bar), int(beat), _fraction(within), int(on), int(velocity))
            )
    if len(rows) < _MIN_NOTES or not metres:
        return None
    table = np.array(rows)
    starts = np.array([m[0] for m in metres])
    at = np.clip(np.searchsorted(starts, table[:, 0] + 1e-6, side="right") - 1, 0, None)
    beat_quarters = np.array([4 / m[2] for m in metres])
    bar_quarters = np.array([4 * m[1] / m[2] for m in metres])
    # Onsets are counted in beats of the metre that holds there.
    begun = np.append(0.0, np.cumsum(np.diff(starts) * beat_quarters[:-1])) + starts[0] * beat_quarters[0]
    onset = np.round(begun[at] + (table[:, 0] - starts[at]) * beat_quarters[at], 6)
    duration = (table[:, 1] - table[:, 0]) * beat_quarters[at]
    within = (table[:, 4] - 1) * beat_quarters[at] + 4 * table[:, 5]
    bar = np.round(table[:, 3] - 1 + within / bar_quarters[at], 6)
    order = np.lexsort((table[:, 2], onset))
    seconds = table[order, 6] * clock["Rate"] / 1e6 / clock["Units"]
    pitch = np.clip(table[order, 2], 0, 127).astype(np.int64)
    columns = (onset[order], duration[order], pitch, bar[order], bar_quarters[at][order])
    loud = table[order, 7] / 127
    return take(f"{BATIK}/{name}", BATIK, "Batik", f"{BATIK}/{name}", columns, seconds, loud, np.zeros(len(order)))


def _fraction(text: str) -> float:
    top, _, bottom = text.partition("/")
    return int(top) / int(bottom or 1)
