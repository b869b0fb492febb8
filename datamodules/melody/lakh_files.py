"""Some of Lakh's melodies beside those of the other sources; `data=lakh` takes all of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from datamodules.melody import extract
from datamodules.melody.reading import Reading
from datamodules.shared import lakh
from datamodules.shared.midi_reading import read_many

MOST_FILES = 3_000
"""So many fit into memory and into the n-grams of the baselines."""


def files(root: Path) -> list[Path]:
    return lakh.some(root, MOST_FILES)


def read(paths: Sequence[Path], progress: bool) -> Reading:
    """The melody of every file, in the files' order."""
    reading = Reading("lakh", lakh.LICENCE, note=f"at most {MOST_FILES} files, the first by MD5")
    done = {r.file: r for r in read_many(paths, extract.arrays, progress=progress, text="reading lakh")}
    for path in paths:
        if (made := done[path].value) is None:
            reading.skip(path, "", done[path].reason, done[path].detail)
        else:
            reading.keep(extract.melody(made, path.stem, "lakh"), path)
    return reading
