"""ASAP as it is published: the table of scores and performances, and the beats that the two have in common.

`asap/metadata.csv` lists them. F. Foscarin, A. McLeod, P. Rigaux, F. Jacquemard, M. Sakai, *ASAP: a dataset of aligned
scores and performances for piano transcription*, ISMIR 2020.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from datamodules.shared.alignment import BeatMap
from datamodules.shared.layout import Layout, MidiFile, folder_of
from kmidi_lab.midi.piece import Piece
from kmidi_lab.midi.reading import MidiError, read_piece

FILES = ("midi_score", "midi_performance", "performance_annotations", "midi_score_annotations")
"""The columns of the table that name files."""
_MIN_BEATS = 8
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


class UnusableError(Exception):
    """A performance that is left out; args are (reason, detail)."""


def files(root: Path) -> list[Path]:
    """Everything that is read, the table first; empty without ASAP."""
    listed = table(root)
    if not listed.is_file():
        return []
    suffixes = ("*.mid", "*_annotations.txt")
    return [listed, *sorted(p for pattern in suffixes for p in listed.parent.rglob(pattern))]


def read_file(path: Path, what: str) -> Piece:
    try:
        return read_piece(path)
    except MidiError as error:
        raise UnusableError(f"{what}: {error.reason}", error) from error


def beats_of(piece: Piece, score_file: Path, performance_file: Path) -> BeatMap:
    """The beats of score and performance, line by line, as quarter notes and seconds."""
    score, performance = _times(score_file), _times(performance_file)
    if len(score) != len(performance):
        raise UnusableError(
            "score and performance have different numbers of beats", f"{len(score)}, {len(performance)}"
        )
    quarters = piece.ticks(score) / piece.ticks_per_quarter
    rising = np.append(True, (np.diff(quarters) > 1e-3) & (np.diff(performance) > 1e-3))
    if rising.sum() < max(_MIN_BEATS, 0.9 * len(rising)):
        raise UnusableError("too few beats, or beats that go back", f"{int(rising.sum())} of {len(rising)}")
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
        raise UnusableError("beat annotations can't be read", error) from error
