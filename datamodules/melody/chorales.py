"""Sopranos of the JSB chorales on a sixteenth grid, with the published split.

N. Boulanger-Lewandowski et al., *Modeling temporal dependencies in high-dimensional sequences*, ICML 2012. The grid does
not say where a repeated note is struck again, so neighbours of the same pitch are one note; bars are counted from the
first sixteenth in 4/4; keys are estimated from all four voices.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import numpy as np
import orjson

from datamodules.melody.reading import keep
from datamodules.shared.library import Reading
from kmidi_lab.models.melody.features import Melody
from kmidi_lab.models.melody.voice import key_of_chroma

_SPLITS = {"train": "train", "valid": "val", "test": "test"}
_BAR = 4.0


def files(root: Path) -> list[Path]:
    return [p for p in [root / "jsb_chorales" / "jsb-chorales-16th.json"] if p.is_file()]


def read(root: Path) -> Reading[Melody]:
    reading: Reading[Melody] = Reading(
        "jsb_chorales", "scores in the public domain", note="repeated notes are one; keys estimated"
    )
    for path in files(root):
        try:
            splits = orjson.loads(path.read_bytes())
            chosen = {ours: splits[theirs] for theirs, ours in _SPLITS.items()}
        except (OSError, ValueError, KeyError, TypeError) as error:
            reading.skip(path, "", "not the published JSON of chorales", error)
            continue
        for split, chorales in chosen.items():
            for number, chorale in enumerate(chorales if isinstance(chorales, list) else [chorales]):
                name = f"jsb_chorales/{split}/{number:03}"
                try:
                    keep(reading, _soprano([[float(p) for p in row] for row in chorale], name, split), path)
                except (ValueError, TypeError, OverflowError) as error:
                    reading.skip(path, name, "not rows of pitches", error)
    return reading


def _soprano(grid: list[list[float]], name: str, split: str) -> Melody:
    """`grid` holds the pitches of each sixteenth, soprano first; no pitch or one below 1 is a rest."""
    starts, lengths, pitches, rests, at, rested = [], [], [], [], 0, False
    for pitch, run in groupby(row[0] if row else 0.0 for row in grid):
        length = len(list(run))
        if pitch >= 1:
            starts.append(at / 4)
            lengths.append(length / 4)
            pitches.append(int(pitch))
            rests.append(rested)
        rested = pitch < 1
        at += length
    sounding = np.array([int(p) for row in grid for p in row if p >= 1], int)
    count = len(pitches)
    phrase = np.array(rests, bool)
    phrase[:1] = True
    return Melody(
        name, "jsb_chorales", name, key_of_chroma(np.bincount(sounding % 12, minlength=12)), np.array(pitches, np.uint8),
        np.array(lengths, np.float32), np.array(starts, np.float32) % _BAR, np.full(count, _BAR, np.float32),
        np.array(rests, bool), phrase, given=split,
    )  # fmt: skip
