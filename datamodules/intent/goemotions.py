"""GoEmotions (D. Demszky et al., ACL 2020; Apache-2.0): Reddit comments with 28 labels, and Ekman's six with neutral."""

from __future__ import annotations

from pathlib import Path

from datamodules.shared.library import Reading
from kmidi_lab.models.intent.features import FINE, LABELS, Sentence

NAME, LICENCE = "goemotions", "Apache-2.0"
_EKMAN = {
    "anger": "angry", "disgust": "disgust", "fear": "fear", "joy": "happy", "neutral": "neutral", "sadness": "sad",
    "surprise": "surprise",
}  # fmt: skip
_PARTS = ("train", "dev")
_COLUMNS = 3


def files(root: Path) -> list[Path]:
    """Both views of the two parts, where all four are there."""
    names = [root / NAME / view / f"{part}.tsv" for part in _PARTS for view in ("ekman", "original")]
    return names if all(name.is_file() for name in names) else []


def read(root: Path) -> Reading[Sentence]:
    """Every comment; a line without a text or with another label is reported."""
    reading: Reading[Sentence] = Reading(NAME, LICENCE)
    ekman = _names(root / NAME / "ekman" / "labels.txt", tuple(_EKMAN))
    for part in _PARTS:
        paths = [root / NAME / view / f"{part}.tsv" for view in ("ekman", "original")]
        lines = [path.read_text(encoding="utf-8", errors="replace").split("\n") for path in paths]
        fine = {row[2]: row[1] for row in (line.rstrip("\r").split("\t") for line in lines[1]) if len(row) == _COLUMNS}
        for number, line in enumerate(lines[0], 1):
            row = line.rstrip("\r").split("\t")
            if not line.strip():
                continue
            try:
                labels = tuple(sorted({_EKMAN[ekman[int(n)]] for n in row[1].split(",")}, key=LABELS.index))
                own = tuple(FINE[int(n)] for n in fine[row[2]].split(","))
            except (IndexError, ValueError, KeyError):
                reading.skip(paths[0], f"line {number}", "no labels", line)
                continue
            reading.items.append(Sentence(f"{NAME}/{part}/{number}", NAME, part, row[0], labels, own))
    return reading


def _names(path: Path, usual: tuple[str, ...]) -> tuple[str, ...]:
    """The order of labels that a file beside the data says; the published one without it."""
    names = tuple(path.read_text(encoding="utf-8").split()) if path.is_file() else usual
    return names if set(names) == set(usual) else usual
