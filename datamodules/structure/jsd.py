"""The Jazz Structure Dataset: choruses of theme and solos in jazz recordings, of the Weimar Jazz Database's tracks.

S. Balke and others, *JSD: A Dataset for Structure Analysis in Jazz Music*, TISMIR 2022. `annotations_csv/<track>.csv`
holds start, end and word behind semicolons (`solo_01_02` is the second chorus of the first solo). Nobody counted beats,
so bars stay unknown. File names hold artist and title.
"""

from __future__ import annotations

import re
from pathlib import Path

from datamodules.shared.library import Reading, shown
from datamodules.shared.texts import read_text
from datamodules.structure.reading import Mark, read_forms, sections_of
from kmidi_lab.models.structure.form import Form

NAME = "jsd"
_LICENCE = "none stated"
_CAPITALS = re.compile(r"(?<=[a-z0-9'])(?=[A-Z])")
_CHORUS = re.compile(r"^(\w+?)_(\d+)_\d+$")


def files(root: Path) -> list[Path]:
    return sorted((root / NAME).glob("annotations_csv/*.csv"))


def read(paths: list[Path], progress: bool = False) -> Reading[Form]:
    """Every track; the choruses of one soloist are one section."""
    return read_forms(
        NAME, _LICENCE, "no beats, so no bars; one section a soloist", shown(paths, f"reading {NAME}", progress), _form
    )


def _form(path: Path, reading: Reading[Form]) -> Form | None:
    text = read_text(path, reading)
    if text is None:
        return None
    marks: list[Mark] = []
    end, before = 0.0, ""
    for number, line in enumerate(text.splitlines()[1:], 2):
        cells = line.split(";")
        try:
            start, stop, word = float(cells[0]), float(cells[1]), cells[2].strip()
        except (ValueError, IndexError) as error:
            reading.skip(path, f"line {number}", "not start, end and word", error)
            continue
        chorus = _CHORUS.match(word)
        who = f"{chorus[1]}_{chorus[2]}" if chorus else word
        if not marks or who != before:
            marks.append((start, who))
        before, end = who, max(end, stop)
    artist, _, title = path.stem.removesuffix("_Orig").partition("_")
    sections = sections_of([*marks, (end, "end")], reading, path) if marks else ()
    return Form(f"{NAME}/{path.stem}", NAME, _CAPITALS.sub(" ", title), _CAPITALS.sub(" ", artist), sections)
