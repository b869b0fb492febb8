"""The Groove MIDI set as it is published: its table, and what the names of its styles stand for.

Gillick, Roberts, Engel, Eck and Bamman, *Learning to groove with inverse sequence transformations* (ICML 2019).

A style annotation (`primary/secondary`) becomes one of eight styles. Hip-hop, soul and reggae are laid back and punk
pushes by reputation, not by measurement of these takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from datamodules.shared.layout import Layout, MidiFile, folder_of
from datamodules.shared.library import Reading
from kmidi_lab.midi.piece import Piece
from kmidi_lab.midi.reading import MidiError, read_piece
from kmidi_lab.midi.styles import SWING

FOLDER = "groove"
MOST_BARS = 2000
"""A longer take is a broken file; the longest published one has under 700."""
_PRIMARY = {
    "rock": "straight",
    "pop": "straight",
    "country": "straight",
    "dance": "straight",
    "gospel": "straight",
    "middleeastern": "straight",
    "blues": "shuffle",
    "hiphop": "laid_back",
    "soul": "laid_back",
    "reggae": "laid_back",
    "punk": "pushed",
    "funk": "funk",
    "neworleans": "funk",
    "jazz": "jazz",
    "latin": "latin",
    "afrocuban": "latin",
    "afrobeat": "latin",
    "highlife": "latin",
}
_SECONDARY = {
    "blues/shuffle": "shuffle",
    "rock/shuffle": "shuffle",
    "neworleans/shuffle": "shuffle",
    "funk/purdieshuffle": "shuffle",
    "rock/rockabilly": "swing",
    "jazz/swing": "swing",
    "jazz/funk": "funk",
    "jazz/fusion": "funk",
    "funk/latin": "latin",
}
_EVEN = ("jazz/linear", "jazz/march", "jazz/klezmer", "soul/motown")
"""Styles whose family swings but which are played in even eighths."""
_COLUMNS = ("drummer", "session", "id", "style", "bpm", "beat_type", "time_signature", "midi_filename", "split")


def style_of(annotation: str) -> tuple[str, float] | None:
    """The contract's style and the swing of an annotation such as `jazz/funk`, or None for an unknown family."""
    style = _SECONDARY.get(annotation) or _PRIMARY.get(annotation.split("/")[0])
    return None if style is None else (style, 0.0 if annotation in _EVEN else SWING[style])


@dataclass(frozen=True)
class PlayedTake:
    """A take in 4/4: its row of the table, its style with its swing, the click, and the strokes of all its drum tracks."""

    row: Mapping[str, str]
    style: str
    swing: float
    bpm: float
    piece: Piece
    strokes: np.ndarray


def played(file: MidiFile, tempi: tuple[float, float], reading: Reading[Any]) -> PlayedTake | None:
    """The take of a row, or None where it is of no use; `reading` is told why.

    Args:
        file: of `read_table`.
        tempi: the slowest and the fastest click.
        reading: counts what is left out.
    """
    row, path = file.about, file.path
    if row["time_signature"] != "4-4":
        reading.skip(path, row["id"], "not in 4/4", row["time_signature"])
        return None
    named = style_of(row["style"])
    if named is None:
        reading.skip(path, row["id"], "style with no counterpart in the contract", row["style"])
        return None
    if not file.split:
        return None
    try:
        bpm = float(row["bpm"])
    except ValueError:
        bpm = float("nan")
    slowest, fastest = tempi
    if not slowest <= bpm <= fastest:
        reading.skip(path, row["id"], f"tempo not between {slowest:g} and {fastest:g}", row["bpm"])
        return None
    try:
        piece = read_piece(path)
    except MidiError as error:
        reading.skip(path, row["id"], error.reason, error.detail)
        return None
    if any((metre[1], metre[2]) != (4, 4) for metre in piece.metres):
        reading.skip(path, row["id"], "not in 4/4", f"the file has {piece.metres[:, 1:].tolist()}")
        return None
    drums = [track.notes for track in piece.tracks if track.is_drum]
    if not drums:
        reading.skip(path, row["id"], "no drum track")
        return None
    strokes = np.concatenate(drums)
    if strokes["start"].max() > MOST_BARS * 4 * piece.ticks_per_quarter:
        reading.skip(path, row["id"], f"more than {MOST_BARS} bars")
        return None
    return PlayedTake(row, *named, bpm, piece, strokes)


def read_table(root: Path) -> Layout:
    """Performances in the order of the table, grouped by session, with the published split.

    The published split keeps neither drummers nor sessions apart; `about["drummer"]` is there for those who want to.
    """
    layout = Layout(FOLDER, "CC BY 4.0", "Magenta's page of the Groove MIDI Dataset (the MIDI-only archive)")
    base = folder_of(root, FOLDER)
    if base.is_dir():
        for row in layout.table(base / "info.csv", _COLUMNS):
            split = layout.split(row["split"], row["midi_filename"])
            layout.add(base, row["midi_filename"], row["session"], split, row)
    return layout


def files(root: Path) -> list[Path]:
    """`info.csv` and every MIDI file beside it, or nothing."""
    folder = root / FOLDER
    return [folder / "info.csv", *sorted(folder.rglob("*.mid"))] if (folder / "info.csv").is_file() else []
