"""The phrase labels of POP909: `pop909_structure/<song>/human_label1.txt`, such as `i4A4A4B8b4o3`, and `tempo.txt`.

S. Dai, H. Zhang, R. B. Dannenberg, *Automatic Analysis and Influence of Hierarchical Structure on Melody, Rhythm and
Harmony in Popular Music*, CSMC 2020. A letter names a phrase, the number its bars; `i` and `o` are intro and outro,
other small letters hold no melody. Neighbours with one letter are one section: phrases are shorter than what other sets
call a section.
"""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import Path

from datamodules.shared.library import Reading, shown
from datamodules.shared.texts import read_text
from datamodules.structure.reading import kind_of, read_forms
from kmidi_lab.models.structure.form import Form, Section, trimmed

NAME = "pop909_structure"
_LICENCE = "MIT"
_PHRASE = re.compile(r"([A-Za-z])(\d+)")
_SLOWEST, _FASTEST = 20.0, 400.0
_QUARTERS = 4.0
"""Of a bar; the files don't say, and nearly all songs are in 4/4."""


def files(root: Path) -> list[Path]:
    base = root / NAME
    return sorted([*base.glob("*/human_label1.txt"), *base.glob("*/tempo.txt")])


def read(paths: list[Path], progress: bool = False) -> Reading[Form]:
    """Every song; its bars are written in the labels."""
    labels = [p for p in paths if p.name == "human_label1.txt"]
    return read_forms(
        NAME, _LICENCE, "bars as written, 4/4 assumed; no titles", shown(labels, f"reading {NAME}", progress), _form
    )


def _form(path: Path, reading: Reading[Form]) -> Form | None:
    text, tempo = read_text(path, reading), _tempo(path, reading)
    if text is None or tempo is None:
        return None
    if _PHRASE.sub("", "".join(text.split())):
        reading.skip(path, "", "not letters with numbers", text.strip())
        return None
    sections = []
    for letter, phrases in groupby(_PHRASE.findall(text), key=lambda phrase: phrase[0]):
        bars = sum(int(number) for _, number in phrases)
        sections.append(Section(kind_of(letter, reading, path), bars * _QUARTERS * 60 / tempo, bars))
    name = path.parent.name
    return Form(f"{NAME}/{name}", NAME, "", "", trimmed(sections), _QUARTERS)


def _tempo(path: Path, reading: Reading[Form]) -> float | None:
    text = read_text(path.with_name("tempo.txt"), reading)
    try:
        tempo = float(text or "")
    except ValueError as error:
        reading.skip(path, "", "no tempo", error)
        return None
    if not _SLOWEST <= tempo <= _FASTEST:
        reading.skip(path, "", f"tempo outside {_SLOWEST:g}..{_FASTEST:g}", tempo)
        return None
    return tempo
