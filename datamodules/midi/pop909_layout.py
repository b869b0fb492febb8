"""POP909: `pop909/<song>/<song>.mid` with its `versions/*.mid`.

Z. Wang et al., *POP909: A Pop-song Dataset for Music Arrangement Generation*, ISMIR 2020.
"""

from __future__ import annotations

from pathlib import Path

from datamodules.midi.layout import Layout, MidiFile, folder_of


def read(root: Path) -> Layout:
    """Songs in order of number; all versions of a song are one group. No split is published."""
    layout = Layout(
        "pop909", "MIT", "the POP909-Dataset repository of Music X Lab; put its folder POP909 here as pop909"
    )
    base = folder_of(root, "pop909", "POP909")
    for song in sorted(p for p in base.glob("*") if p.is_dir() and p.name.isdigit()):
        main = song / f"{song.name}.mid"
        versions = sorted((song / "versions").glob("*.mid"))
        if not main.is_file():
            layout.skip(main, "", "listed but not there")
        kinds = [(main, "arrangement"), *((path, "version") for path in versions)]
        layout.files += [MidiFile(p, song.name, None, {"kind": kind}) for p, kind in kinds if p.is_file()]
    return layout
