"""Some of Lakh's melodies beside those of the other sources; `data=lakh` takes all of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from datamodules.melody import extract
from datamodules.melody.reading import keep
from datamodules.shared import lakh
from datamodules.shared.library import Reading
from datamodules.shared.midi_reading import extracting
from datamodules.shared.pool import read_all
from kmidi_lab.models.melody.features import Melody

MOST_FILES = 3_000
"""So many fit into memory and into the n-grams of the baselines."""


def files(root: Path) -> list[Path]:
    return lakh.some(root, MOST_FILES)


def read(paths: Sequence[Path], progress: bool) -> Reading[Melody]:
    """The melody of every file, in the files' order."""
    reading: Reading[Melody] = Reading("lakh", lakh.LICENCE, note=f"at most {MOST_FILES} files, the first by MD5")
    for path, made in read_all(reading, paths, extracting(extract.arrays), progress=progress).items():
        keep(reading, extract.melody(made, path.stem, "lakh"), path)
    return reading
