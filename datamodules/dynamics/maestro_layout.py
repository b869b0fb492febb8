"""MAESTRO: `maestro-v3.0.0/maestro-v3.0.0.csv` and the performances it lists.

C. Hawthorne et al., *Enabling Factorized Piano Music Modeling and Generation with the MAESTRO Dataset*, ICLR 2019.
"""

from __future__ import annotations

from pathlib import Path

from datamodules.shared.layout import Layout, folder_of

_COLUMNS = ("canonical_composer", "canonical_title", "split", "year", "midi_filename", "duration")


def table(root: Path) -> Path:
    return folder_of(root, "maestro-v3.0.0", "maestro") / "maestro-v3.0.0.csv"


def read(root: Path) -> Layout:
    """Performances in the order of the table with the published split, which keeps compositions apart."""
    layout = Layout("maestro", "CC BY-NC-SA 4.0", "Magenta's page of the MAESTRO Dataset (the MIDI-only archive)")
    listed = table(root)
    base = listed.parent
    for row in layout.table(listed, _COLUMNS) if base.is_dir() else ():
        split = layout.split(row["split"], row["midi_filename"])
        layout.add(base, row["midi_filename"], f"{row['canonical_composer']}/{row['canonical_title']}", split, row)
    return layout
