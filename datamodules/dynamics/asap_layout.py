"""ASAP: `asap/metadata.csv`, the scores, performances and beat annotations it lists.

F. Foscarin et al., *ASAP: a dataset of aligned scores and performances for piano transcription*, ISMIR 2020.
"""

from __future__ import annotations

from pathlib import Path

from datamodules.shared.layout import Layout, MidiFile, folder_of

FILES = ("midi_score", "midi_performance", "performance_annotations", "midi_score_annotations")
"""The columns of the table that name files."""


def table(root: Path) -> Path:
    return folder_of(root, "asap", "asap-dataset") / "metadata.csv"


def looked_at(root: Path) -> list[Path]:
    """Every file of the rows that have all of theirs."""
    base = table(root).parent
    return [base / file.about[column] for file in read(root).files for column in FILES]


def read(root: Path) -> Layout:
    """Performances in the order of the table that have all their files, whose names are in `about`; a score is a group.

    No split is published; many performances are MAESTRO's, too.
    """
    layout = Layout("asap", "CC BY-NC-SA 4.0", "the asap-dataset repository of F. Foscarin")
    listed = table(root)
    base = listed.parent
    for row in layout.table(listed, FILES) if base.is_dir() else ():
        if not all(row.values()):
            layout.skip(listed, row["midi_performance"], "a row without all its files")
        elif all(layout.listed(base, name) for name in row.values()):
            score = Path(row["midi_score"]).parent.as_posix()
            layout.files.append(MidiFile(base / row["midi_performance"], score, None, row))
    return layout
