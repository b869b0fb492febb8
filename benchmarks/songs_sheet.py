"""The piano rolls of several songs on one sheet, as a small PNG."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.collections import LineCollection
from PIL import Image

from kmidi_lab.composition.song import Song

_COLOURS = {"lead": "#c0392b", "comp": "#1f5fa8", "pad": "#8fb8de", "bass": "#2e7d32", "other": "#8e44ad"}
_GROUND = ("#fff3c4", "#e8f1fa")
_LOW, _HIGH = 26, 96
_COLOURS_OF_PNG = 32


def sheet(songs: Sequence[Song], path: Path) -> None:
    """Writes two columns of rolls: lead red, chords blue, pad light blue, bass green; no drums, `pre` is a pre-chorus."""
    figure, axes = plt.subplots((len(songs) + 1) // 2, 2, figsize=(13, 1.9 * ((len(songs) + 1) // 2)), dpi=140)
    for number, (axis, song) in enumerate(zip(axes.flat, songs, strict=False), 1):
        written = song.arrangement
        for place, section in enumerate(written.sections):
            start, stop = written.span(section)
            axis.axvspan(start, stop, color=_GROUND[place % 2], lw=0)
            axis.text(start + 1, _HIGH - 1, section.name.removesuffix("-chorus"), fontsize=6, va="top", clip_on=True)
        for part in sorted(written.parts, key=lambda p: p.role == "lead"):
            if not part.is_drums:
                lines = [[(n.start, n.pitch), (n.start + n.duration, n.pitch)] for n in part.notes]
                axis.add_collection(LineCollection(lines, colors=_COLOURS[part.role], linewidths=1.3))
        axis.set(xlim=(0, written.length), ylim=(_LOW, _HIGH), yticks=(36, 48, 60, 72, 84))
        axis.set_yticklabels([f"C{octave}" for octave in range(2, 7)], fontsize=6)
        axis.set_xticks(
            written.bar_starts[:-1:8], [str(bar + 1) for bar in range(0, len(written.metres), 8)], fontsize=6
        )
        axis.set_title(f"{number}. {song.brief.headline}", fontsize=8, loc="left", parse_math=False)
    figure.tight_layout()
    drawn = BytesIO()
    figure.savefig(drawn, format="png")
    plt.close(figure)
    Image.open(drawn).convert("RGB").quantize(_COLOURS_OF_PNG).save(path, optimize=True)
