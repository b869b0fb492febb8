"""The Harmonix set: sections, beats and downbeats of pop, rock, dance and hip-hop songs.

O. Nieto and others, *The Harmonix Set: Beats, Downbeats, and Functional Segment Annotations of Western Popular Music*,
ISMIR 2019. `segments/<name>.txt` holds times and words, `beats_and_downbeats/<name>.txt` time, place in the bar and
bar, `metadata.csv` title, artist and metre.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from datamodules.shared.library import Reading, shown
from datamodules.shared.texts import read_text
from datamodules.structure.reading import Mark, read_forms, sections_of
from kmidi_lab.models.structure.form import Form

NAME = "harmonix"
_LICENCE = "MIT"
_EARLY_S = 0.15
"""A downbeat this much before a boundary belongs behind it."""


def files(root: Path) -> list[Path]:
    base = root / NAME
    return sorted([*base.glob("segments/*.txt"), *base.glob("beats_and_downbeats/*.txt"), *base.glob("metadata.csv")])


def read(paths: list[Path], progress: bool = False) -> Reading[Form]:
    """Every song; its bars are the downbeats between two boundaries."""
    reading: Reading[Form] = Reading(NAME, _LICENCE)
    about = {row["File"]: row for p in paths if p.name == "metadata.csv" for row in _rows(p, reading)}
    beats = {p.stem: p for p in paths if p.parent.name == "beats_and_downbeats"}
    segments = [p for p in paths if p.parent.name == "segments"]
    read_all = read_forms(
        NAME,
        _LICENCE,
        "bars counted by downbeats",
        shown(segments, f"reading {NAME}", progress),
        partial(_form, about, beats),
    )
    read_all.problems[:0] = reading.problems
    return read_all


def _rows(path: Path, reading: Reading[Form]) -> list[dict[str, str]]:
    text = read_text(path, reading)
    rows = list(csv.DictReader(io.StringIO(text or "")))
    return [row for row in rows if row.get("File")]


def _form(
    about: Mapping[str, Mapping[str, str]], beats: Mapping[str, Path], path: Path, reading: Reading[Form]
) -> Form | None:
    text = read_text(path, reading)
    if text is None:
        return None
    marks = list(_marks(text, path, reading))
    downbeats = _downbeats(beats.get(path.stem), reading)
    sections = sections_of(marks, reading, path, partial(_counted, downbeats))
    row = about.get(path.stem, {})
    top, _, bottom = (row.get("Time Signature") or "").partition("|")
    quarters = 4 * int(top) / int(bottom) if top.isdigit() and bottom.isdigit() and int(bottom) else None
    title, artist = row.get("Title") or path.stem, row.get("Artist") or ""
    return Form(f"{NAME}/{path.stem}", NAME, title, artist, sections, quarters or None)


def _marks(text: str, path: Path, reading: Reading[Form]) -> list[Mark]:
    marks: list[Mark] = []
    for number, line in enumerate(text.splitlines(), 1):
        time, _, word = line.strip().partition(" ")
        try:
            if line.strip():
                marks.append((float(time), word.strip()))
        except ValueError as error:
            reading.skip(path, f"line {number}", "not a time and a word", error)
    return sorted(marks, key=lambda mark: mark[0])


def _downbeats(path: Path | None, reading: Reading[Form]) -> np.ndarray:
    """`[D]` seconds; none where the file is missing or can't be read."""
    text = read_text(path, reading) if path else None
    rows = [line.split() for line in (text or "").splitlines()]
    try:
        return np.array([float(row[0]) for row in rows if len(row) > 1 and row[1] == "1"])
    except ValueError as error:
        reading.remark(path or "", "beats that can't be read, so that no bars are known", error)
        return np.zeros(0)


def _counted(downbeats: np.ndarray, start: float, stop: float) -> int | None:
    """Bars between two times; None without any."""
    return int(((downbeats > start - _EARLY_S) & (downbeats <= stop - _EARLY_S)).sum()) or None
