"""Sentences with other labels, which only training looks at.

ISEAR (K. Scherer, H. Wallbott, 1994): people tell of events by the feeling they had. XED (E. Öhman et al., COLING 2020;
CC BY 4.0): lines of film subtitles with Plutchik's eight emotions, and neutral ones.
"""

from __future__ import annotations

from pathlib import Path

from datamodules.shared.library import Reading
from kmidi_lab.models.intent.features import SIDE, Sentence

_PLUTCHIK = ("anger", "anticipation", "disgust", "fear", "joy", "sadness", "surprise", "trust", "neutral")
_SHORTEST = 4
_LABEL, _TEXT = "Field1", "SIT"


def isear_files(root: Path) -> list[Path]:
    """The table."""
    return [path for path in (root / "isear" / "isear.csv",) if path.is_file()]


def read_isear(paths: list[Path]) -> Reading[Sentence]:
    """Every event; those that nobody told (`[ No response.]`) are reported."""
    reading: Reading[Sentence] = Reading("isear", "research")
    for path in paths:
        first, *lines = path.read_text(encoding="latin-1").split("\n")
        columns = first.rstrip("\r").split("|")
        if not {_LABEL, _TEXT} <= set(columns):
            reading.skip(path, "line 1", f"no columns {_LABEL} and {_TEXT}", first)
            continue
        label, text = columns.index(_LABEL), columns.index(_TEXT)
        for number, line in enumerate(lines, 2):
            row = line.rstrip("\r").split("|")
            if len(row) <= text:
                continue
            # The published table marks breaks of its lines by this letter between spaces.
            sentence = " ".join(row[text].replace("\u00c3\u00a1", " ").replace("\u00e1", " ").split())
            if f"isear/{row[label]}" not in SIDE or sentence.startswith("[") or len(sentence) < _SHORTEST:
                reading.skip(path, f"line {number}", "no event or no label", row[text])
                continue
            reading.items.append(Sentence(f"isear/{number}", "isear", "train", sentence, side=(f"isear/{row[label]}",)))
    return reading


def xed_files(root: Path) -> list[Path]:
    """The labelled lines and the neutral ones."""
    return [path for name in ("en-annotated.tsv", "neu_en.txt") if (path := root / "xed" / name).is_file()]


def read_xed(paths: list[Path]) -> Reading[Sentence]:
    """Every line with a label."""
    reading: Reading[Sentence] = Reading("xed", "CC BY 4.0")
    for path in paths:
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").split("\n"), 1):
            if not line.strip():
                continue
            ends = line.rstrip("\r").split("\t")
            # The neutral file has its label in front.
            text, numbers = (ends[-1], ends[0]) if path.name.startswith("neu") else (ends[0], ends[-1])
            try:
                side = tuple(f"xed/{_PLUTCHIK[int(n) - 1]}" for n in numbers.split(",") if int(n) > 0)
            except (ValueError, IndexError):
                side = ()
            if not side or len(ends) == 1:
                reading.skip(path, f"line {number}", "no label", line)
                continue
            reading.items.append(Sentence(f"xed/{path.stem}/{number}", "xed", "train", text, side=side))
    return reading
