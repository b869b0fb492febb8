"""Which melodies are kept, whatever reader they come from; and the melody of any MIDI file as arrays for shards, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from datamodules.shared import lakh
from datamodules.shared.library import Reading
from datamodules.shared.midi_reading import extracting
from datamodules.shared.pooled_reading import read_all
from kmidi_lab.chords.chord import Key
from kmidi_lab.midi.piece import Piece
from kmidi_lab.models.melody.features import HIGHEST, LOWEST, Melody
from kmidi_lab.models.melody.finding import HOW, MAX_NOTES, MIN_NOTES, as_melody, melody_of


def keep(reading: Reading[Melody], melody: Melody, file: Path | str) -> None:
    """Adds the melody, or reports why it can't be used."""
    if len(melody) < MIN_NOTES:
        reading.skip(file, melody.title, f"fewer than {MIN_NOTES} notes", len(melody))
    elif len(melody) > MAX_NOTES:
        reading.skip(file, melody.title, f"more than {MAX_NOTES} notes", len(melody))
    elif not ((melody.pitch >= LOWEST) & (melody.pitch <= HIGHEST)).all():
        reading.skip(file, melody.title, "pitch outside octaves 1 to 8")
    elif not (np.isfinite(melody.duration) & (melody.duration > 0)).all():
        reading.skip(file, melody.title, "note of no length")
    else:
        reading.items.append(melody)


_COLUMNS = ("pitch", "duration", "position", "bar", "rest", "phrase")
MOST_FILES = 3_000
"""So many fit into memory and into the n-grams of the baselines."""


def arrays(piece: Piece) -> Mapping[str, np.ndarray]:
    """The melody of a piece for shards; raises MidiError. `melody` makes it a Melody again."""
    line = melody_of(piece)
    tune = as_melody(piece, line, "", "")
    about = np.array([[tune.key.tonic, tune.key.mode, HOW.index(line.how)]], np.int8)
    return {column: getattr(tune, column) for column in _COLUMNS} | {"about": about}


def melody(columns: Mapping[str, np.ndarray], name: str, source: str | None = None) -> Melody:
    """A Melody of what `arrays` made; unless given, its source says what it was found by."""
    tonic, mode, how = (int(v) for v in columns["about"][0])
    pitch, duration, position, bar, rest, phrase = (np.array(columns[c]) for c in _COLUMNS)
    source = source or f"lakh_{HOW[how]}"
    return Melody(f"lakh/{name}", source, name, Key(tonic, mode), pitch, duration, position, bar, rest, phrase)


def lakh_files(root: Path) -> list[Path]:
    return lakh.some(root, MOST_FILES)


def read_lakh(paths: Sequence[Path], progress: bool) -> Reading[Melody]:
    """The melody of every file, in the files' order."""
    reading: Reading[Melody] = Reading("lakh", lakh.LICENCE, note=f"at most {MOST_FILES} files, the first by MD5")
    for path, columns in read_all(reading, paths, extracting(arrays), progress=progress).items():
        keep(reading, melody(columns, path.stem, "lakh"), path)
    return reading
