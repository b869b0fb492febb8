"""Draws docs/emotion_node_clips.png: one emotion node in two keys, as notes and as the mel frames that the classifier
hears.

python benchmarks/node_clips.py [NODE [PICTURE]]
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from PIL import Image

from datamodules.emotion_node.composing import SECONDS, Players, compose, music_of
from datamodules.shared.rendering import Part, render
from kmidi_lab.audio.mel import RATE, log_mel
from kmidi_lab.models.emotion_node.features import BASES, KEYS, SUBS, load_thesaurus

_NODE, _INTENSITY, _TUNE, _SEED = 8, 3, 1, 1
_KEYS = (0, 15)
_PLAYERS = Players(73, 0, 76)
_COLOURS = ("#b0413e", "#1f5fa8")


def draw_notes(axis: Axes, parts: list[Part]) -> None:
    """Melody and accompaniment at their pitches, percussion as strokes below."""
    for colour, part in zip(_COLOURS, parts[:2], strict=True):
        for note in part.notes:
            axis.hlines(note.pitch, note.start, note.end, color=colour, lw=3, alpha=0.3 + 0.7 * note.velocity / 127)
    lowest = min(n.pitch for part in parts[:2] for n in part.notes)
    axis.plot([n.start for n in parts[2].notes], [lowest - 4] * len(parts[2].notes), "k|", ms=7)
    axis.set_xlim(0, SECONDS)
    axis.set_ylabel("MIDI pitch")


def main() -> None:
    node = load_thesaurus()[int(sys.argv[1]) if len(sys.argv) > 1 else _NODE]
    target = Path(sys.argv[2] if len(sys.argv) > 2 else "docs/emotion_node_clips.png")
    music = music_of(node, _INTENSITY)
    figure, axes = plt.subplots(2, 2, figsize=(10, 5), dpi=80, sharex=True, sharey="row")
    for column, key in enumerate(_KEYS):
        parts = compose(music, key, _TUNE, _PLAYERS, _SEED)
        draw_notes(axes[0, column], parts)
        axes[0, column].set_title(f"{KEYS[key]}", fontsize=10)
        heard = log_mel(render(parts)[: round(SECONDS * RATE)])
        axes[1, column].imshow(
            np.asarray(heard).T, origin="lower", aspect="auto", extent=(0, SECONDS, 0, 128), cmap="magma"
        )
        axes[1, column].set_xlabel("seconds")
    axes[1, 0].set_ylabel("mel band")
    base = BASES[node.place.base]
    figure.suptitle(
        f"{base}, {SUBS[base][node.place.sub]}, {node.name}: melody red, accompaniment blue, percussion black",
        fontsize=10,
    )
    figure.tight_layout()
    figure.canvas.draw()
    # 64 colours do for this and take a third of the space.
    Image.fromarray(np.asarray(figure.canvas.buffer_rgba())).convert("RGB").quantize(64).save(target, optimize=True)


if __name__ == "__main__":
    main()
