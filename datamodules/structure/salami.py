"""SALAMI: the functions of sections in popular, jazz, classical and world music and live recordings.

J. B. L. Smith and others, *Design and Creation of a Large-Scale Database of Structural Annotations*, ISMIR 2011.
`annotations/<song>/parsed/textfile<n>_functions.txt` holds times and words, `n` the annotator; the first who is there
is read. `metadata/metadata.csv` holds titles and artists, with underscores. Nobody counted beats, so bars stay unknown.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from datamodules.shared.library import Reading, shown
from datamodules.shared.texts import read_text
from datamodules.structure.reading import Mark, read_forms, sections_of
from kmidi_lab.models.structure.form import Form

NAME = "salami"
_LICENCE = "CC0"


def files(root: Path) -> list[Path]:
    base = root / NAME
    songs: dict[Path, Path] = {}
    for path in sorted(base.glob("annotations/*/parsed/textfile[12]_functions.txt")):
        songs.setdefault(path.parent, path)
    return [*songs.values(), *sorted(base.glob("metadata/metadata.csv"))]


def read(paths: list[Path], progress: bool = False) -> Reading[Form]:
    """Every song that has functions."""
    tables: Reading[Form] = Reading(NAME, _LICENCE)
    about: dict[str, dict[str, str]] = {}
    for path in paths:
        if path.suffix == ".csv":
            rows = csv.DictReader(io.StringIO(read_text(path, tables) or ""))
            about |= {row["SONG_ID"]: row for row in rows if row.get("SONG_ID")}
    songs = [path for path in paths if path.suffix == ".txt"]
    reading = read_forms(
        NAME,
        _LICENCE,
        "no beats, so no bars; the first annotator",
        shown(songs, f"reading {NAME}", progress),
        partial(_form, about),
    )
    reading.problems[:0] = tables.problems
    return reading


def _form(about: Mapping[str, Mapping[str, str]], path: Path, reading: Reading[Form]) -> Form | None:
    text = read_text(path, reading)
    if text is None:
        return None
    marks: list[Mark] = []
    for number, line in enumerate(text.splitlines(), 1):
        time, _, word = line.partition("\t")
        try:
            if line.strip():
                marks.append((float(time), word.strip()))
        except ValueError as error:
            reading.skip(path, f"line {number}", "not a time and a word", error)
    name = path.parents[1].name
    row = about.get(name, {})
    title, artist = (str(row.get(column) or "").replace("_", " ").strip() for column in ("SONG_TITLE", "ARTIST"))
    sections = sections_of(sorted(marks, key=lambda mark: mark[0]), reading, path)
    return Form(f"{NAME}/{name}", NAME, title or name, artist, sections)
