"""The Groove MIDI set as it is published: its table, and what the names of its styles stand for.

Gillick, Roberts, Engel, Eck and Bamman, *Learning to groove with inverse sequence transformations* (ICML 2019).

A style annotation (`primary/secondary`) becomes one of eight styles. Hip-hop, soul and reggae are laid back and punk
pushes by reputation, not by measurement of these takes.
"""

from __future__ import annotations

from pathlib import Path

from datamodules.shared.layout import Layout, folder_of

FOLDER = "groove"
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


def style_of(annotation: str) -> tuple[str, bool] | None:
    """The style of an annotation such as `jazz/funk`, and whether it is played in even eighths though the style swings.

    None for an unknown family.
    """
    style = _SECONDARY.get(annotation) or _PRIMARY.get(annotation.split("/")[0])
    return None if style is None else (style, annotation in _EVEN)


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
