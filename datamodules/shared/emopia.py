"""EMOPIA (Hung et al., ISMIR 2021): piano clips that listeners put in one of the four quadrants of valence and arousal."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from datamodules.shared.library import Reading
from datamodules.shared.pooled_reading import survived
from datamodules.shared.rendering import Part, parts_of
from kmidi_lab.midi.reading import read_piece

NAME = "emopia"
LICENCE = "CC BY-NC-SA 4.0"
QUADRANTS = 4
"""Q1 happy, Q2 angry, Q3 sad, Q4 calm."""
_SHORTEST_S = 8.0
_LISTS = ("train", "val")


@dataclass(frozen=True)
class PianoClip:
    """One clip.

    Args:
        name: of its file.
        song: the recording that it was cut from.
        quadrant: 0..3 for Q1..Q4.
        piano: its notes.
        published: `train` or `val` of the published split; None in neither list.
    """

    name: str
    song: str
    quadrant: int
    piano: Part
    published: str | None


def files(root: Path) -> list[Path]:
    """The clips by name, and the published lists; empty where the set is not there."""
    clips = sorted(p for p in (root / NAME / "midis").glob("Q?_*.mid") if p.stem[1] in "1234")
    lists = [root / NAME / "split" / f"{name}.csv" for name in _LISTS]
    return [*clips, *(path for path in lists if clips and path.is_file())]


def read(paths: list[Path]) -> Reading[PianoClip]:
    """Every clip of eight seconds or more."""
    reading: Reading[PianoClip] = Reading(NAME, LICENCE)
    places: dict[str, str] = {}
    for path in paths:
        if path.suffix == ".csv":
            with survived(reading, path, path.stem):
                rows = csv.DictReader(path.read_text(encoding="utf-8").splitlines())
                places |= {str(row.get("fname")): path.stem for row in rows}
    for path in paths:
        if path.suffix != ".mid":
            continue
        with survived(reading, path, path.stem):
            notes = sorted(note for part in parts_of(read_piece(path)) for note in part.notes)
            if not notes or notes[-1].start < _SHORTEST_S:
                reading.skip(path, path.stem, f"shorter than {_SHORTEST_S:g} s")
                continue
            song = path.stem.split("_", 1)[1].rsplit("_", 1)[0]
            quadrant, piano = int(path.stem[1]) - 1, Part(0, notes)
            reading.items.append(PianoClip(path.stem, song, quadrant, piano, places.get(path.stem)))
    return reading
