"""Groove MIDI: `groove/info.csv` and the performances it lists.

J. Gillick et al., *Learning to Groove with Inverse Sequence Transformations*, ICML 2019.
"""

from __future__ import annotations

from pathlib import Path

from datamodules.shared.layout import Layout, folder_of

_COLUMNS = ("drummer", "session", "id", "style", "bpm", "beat_type", "time_signature", "midi_filename", "split")


def read(root: Path) -> Layout:
    """Performances in the order of the table, grouped by session, with the published split.

    The published split keeps neither drummers nor sessions apart; `about["drummer"]` is there for those who want to.
    """
    layout = Layout("groove", "CC BY 4.0", "Magenta's page of the Groove MIDI Dataset (the MIDI-only archive)")
    base = folder_of(root, "groove")
    if base.is_dir():
        for row in layout.table(base / "info.csv", _COLUMNS):
            split = layout.split(row["split"], row["midi_filename"])
            layout.add(base, row["midi_filename"], row["session"], split, row)
    return layout
