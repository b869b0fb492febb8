"""ASAP: `asap/metadata.csv`, the scores and the performances it lists.

F. Foscarin et al., *ASAP: a dataset of aligned scores and performances for piano transcription*, ISMIR 2020.
"""

from __future__ import annotations

from pathlib import Path

from datamodules.midi.layout import Layout, folder_of

_COLUMNS = ("composer", "title", "folder", "midi_score", "midi_performance", "performance_annotations",
            "midi_score_annotations", "maestro_midi_performance")  # fmt: skip


def read(root: Path) -> Layout:
    """Performances in the order of the table, each score once before its first performance; a piece is a group.

    `about["kind"]` is score or performance. No split is published; many performances are MAESTRO's, too.
    """
    layout = Layout("asap", "CC BY-NC-SA 4.0", "the asap-dataset repository of F. Foscarin")
    base = folder_of(root, "asap", "asap-dataset")
    scores: set[str] = set()
    for row in layout.table(base / "metadata.csv", _COLUMNS) if base.is_dir() else ():
        piece = f"{row['composer']}/{row['title']}"
        if row["midi_score"] and row["midi_score"] not in scores:
            scores.add(row["midi_score"])
            layout.add(base, row["midi_score"], piece, None, {**row, "kind": "score"})
        layout.add(base, row["midi_performance"], piece, None, {**row, "kind": "performance"})
    return layout
