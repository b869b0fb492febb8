"""A song as a picture: every part on one roll, sections above with their energy, chords below them, tempo and level at the foot."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import TYPE_CHECKING

from kmidi_lab.chords.spelling import Spelling
from kmidi_lab.composition.picture_chords import DPI, SIZE, names_in_rows, width
from kmidi_lab.composition.picture_lines import draw_lines
from kmidi_lab.composition.stages import gone_to
from kmidi_lab.drawing import drawable
from kmidi_lab.song import Arrangement

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = {
    "lead": "#c0392b",
    "comp": "#1f5fa8",
    "pad": "#8fb8de",
    "bass": "#2e7d32",
    "drums": "#555555",
    "other": "#8e44ad",
}
_SECTIONS = ("#fff3c4", "#e8f1fa")
_WIDTH, _GAP = 1380, 8
"""Dots that a song is wide, at least, and that a section's name leaves free."""
_SIZES = (10.0, 8.0, 6.5)
"""Of the letters of a section's name, the largest that fits."""
_TURN = "#7a1f6a"
"""Of the line where a song goes to another mood or key, and of its words."""
_FOOT = 0.09
"""Height of the foot, as a share of the roll's."""
_DRUMS_HIGH = 14
"""Rows that drums take below the lowest pitch."""
_ROW = 0.026
"""Height of a row of chords, as a share of the roll's."""


def song_picture(song: Arrangement, title: str, spelling: Spelling) -> bytes:
    """A PNG of the song as it is written; `spelling` names its chords."""
    from matplotlib import pyplot as plt

    figure = drawn(song, title, spelling)
    out = BytesIO()
    figure.savefig(out, format="png")
    plt.close(figure)
    return out.getvalue()


def drawn(song: Arrangement, title: str, spelling: Spelling) -> Figure:
    """The figure that the picture shows, still open."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.patches import Patch

    pitched = [n.pitch for p in song.parts if not p.is_drums for n in p.notes] or [60]
    low, high = min(pitched) - 2, max(pitched) + 3
    kinds = sorted({n.pitch for p in song.parts if p.is_drums for n in p.notes})
    rows = {pitch: low - _DRUMS_HIGH + 1 + i * (_DRUMS_HIGH - 2) / max(len(kinds), 1) for i, pitch in enumerate(kinds)}
    lowest = low - _DRUMS_HIGH - 1 if kinds else low
    figure, (axis, foot) = plt.subplots(2, 1, figsize=(15, 7.5), dpi=DPI, sharex=True, height_ratios=(1, _FOOT))
    draw_lines(foot, song)
    names = names_in_rows(
        [(c.start, _spelling_at(song, c.start, spelling).chord(c.chord)) for c in song.chords], _WIDTH / song.length
    )
    row = _ROW * (high - lowest)
    above = high + max((name.row for name in names), default=0) * row
    _draw_form(axis, song, lowest, above)
    for name in names:
        axis.text(
            name.start + 0.15, high + 0.6 + name.row * row, name.text, fontsize=SIZE, va="bottom", color="#333333"
        )
    _draw_parts(axis, song, rows)
    axis.set_xlim(0, song.length)
    axis.set_ylim(lowest, above + 6.5)
    octaves = [p for p in range(low, high + 1) if p % 12 == 0]
    axis.set_yticks(octaves, [f"C{p // 12 - 1}" for p in octaves])
    axis.tick_params(bottom=False)
    for side in ("top", "right", "left"):
        axis.spines[side].set_visible(False)
    bars = range(0, len(song.metres), 4)
    foot.set_xticks([song.bar_starts[b] for b in bars], [str(b + 1) for b in bars], fontsize=8)
    foot.set_xlabel(
        "bar; the orange line above is a section's energy; below, the level of the loudest part and the tempo"
    )
    fonts, shown = drawable(title)
    axis.set_title(shown, loc="left", fontsize=12, fontfamily=fonts, parse_math=False)
    figure.legend(
        handles=[Patch(color=_COLOURS[p.role], label=p.name) for p in song.parts],
        loc="upper right",
        ncol=len(song.parts),
        frameon=False,
        fontsize=9,
    )
    figure.subplots_adjust(left=0.03, right=0.955, top=0.94, bottom=0.07, hspace=0.03)
    return figure


def _draw_form(axis: Axes, song: Arrangement, lowest: float, above: float) -> None:
    """Sections with their energy, bar lines, and the places where the song goes to another mood or key."""
    from matplotlib.patches import Rectangle

    for number, section in enumerate(song.sections):
        start, stop = song.span(section)
        axis.axvspan(start, stop, color=_SECTIONS[number % 2], lw=0, zorder=0)
        called, size = _fitting(section.name, (stop - start) / song.length * _WIDTH - _GAP)
        axis.text(start + 0.3, above + 4.4, called, fontsize=size, weight="bold", va="bottom")
        axis.add_patch(Rectangle((start, above + 2.6), (stop - start) * section.energy, 1.2, color="#d9822b", lw=0))
    for start in song.bar_starts[:-1]:
        axis.axvline(start, color="#d5d5d5", lw=0.5, zorder=1)
    for marker in song.markers:
        axis.axvline(marker.start, color=_TURN, lw=1.0, ls="--", zorder=2)
        axis.text(marker.start + 0.3, lowest + 0.6, marker.text, fontsize=8, color=_TURN, zorder=5)


def _draw_parts(axis: Axes, song: Arrangement, rows: Mapping[int, float]) -> None:
    """Every note of every part; `rows` are those of the drums, by pitch."""
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    for part in song.parts:
        boxes = [
            Rectangle(
                (n.start, rows[n.pitch] if part.is_drums else n.pitch - 0.4),
                max(n.duration, 0.15),
                0.6 if part.is_drums else 0.8,
            )
            for n in part.notes
        ]
        on_top = 4 if part.role == "lead" else 3
        axis.add_collection(PatchCollection(boxes, facecolor=_COLOURS[part.role], edgecolor="none", zorder=on_top))


def _spelling_at(song: Arrangement, place: float, first: Spelling) -> Spelling:
    """How chords are named at a place: by the key that the song has gone to, or as its first key is written."""
    key = song.key_at(place)
    return first if key == song.key else gone_to(key, first)


def _fitting(name: str, room: float) -> tuple[str, float]:
    """As much of a section's name as its width in dots has room for, and the size of its letters."""
    size = next((size for size in _SIZES if width(name, size, "bold") <= room), _SIZES[-1])
    while width(name, size, "bold") > room:
        name = name[:-1]
    return name, size
