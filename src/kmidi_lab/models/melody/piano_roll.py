"""A melody as a picture: pitches by letter, bars, chords above, phrases; what a musician reads at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from kmidi_lab.chords.chord import KEY_SCALES, Chord, parse_pitch_class
from kmidi_lab.chords.spelling import Spelling
from kmidi_lab.models.melody.writing import TimedChord

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_STEPS = {**KEY_SCALES, 0: tuple(range(12))}
"""Minor with both sevenths."""
_IN_CHORD, _IN_KEY, _OUTSIDE, _PHRASE = "#1f5fa8", "#7fb2e5", "#d9822b", "#a03030"
_BARS_A_ROW = 8
_LABEL_POINTS = 1300
"""Width of the row, over the width of a bold letter of one point: a name is as large as its place allows."""


def note_name(pitch: int, spelling: Spelling, chord: Chord | None = None, root: str = "") -> str:
    """`F♯4`, `B♭3` as the key and the chord, whose root is named `root`, spell it; middle C is C4."""
    name = spelling.note(pitch, chord, root)
    # The octave is that of the letter: B♯3 sounds as C4, C♭5 as B4.
    octave = (pitch - name.count("#") + name.count("b") - parse_pitch_class(name[0])) // 12 - 1
    return f"{_signs(name)}{octave}"


def _signs(name: str) -> str:
    """A chord's or note's name with ♯ and ♭ for # and b."""
    return name.replace("#", "♯").replace("b", "♭")


def piano_roll(
    onset: np.ndarray,
    duration: np.ndarray,
    pitch: np.ndarray,
    chords: Sequence[TimedChord],
    phrases: Sequence[float],
    spelling: Spelling,
    bar: float,
    title: str,
    first_bar: int = 1,
) -> bytes:
    """A PNG. Times in quarters; `phrases` are their starts; `first_bar` is the number of the first bar."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    bars = int(np.ceil(float((onset + duration).max()) / bar - 1e-6))
    across = min(bars, _BARS_A_ROW)
    rows = -(-bars // across)
    low, high = int(pitch.min()) - 2, int(pitch.max()) + 2
    height = max(2.0, 0.135 * (high - low))
    figure, axes = plt.subplots(rows, 1, figsize=(13, 0.5 + rows * (height + 0.6)), squeeze=False, dpi=110)
    for row, axis in enumerate(axes[:, 0]):
        first, last = row * across * bar, (row + 1) * across * bar
        place = _Row(axis, first, min(last, bars * bar), last - first, low, high, bar, spelling)
        place.draw_ground()
        place.draw_chords([over for over in chords if first <= over.start < last])
        for start in phrases:
            if first <= start < last:
                axis.plot([start], [high + 0.5], marker="v", ms=6, color=_PHRASE, clip_on=False, zorder=5)
        for start, length, p in zip(onset, duration, pitch, strict=True):
            if first <= start < last:
                place.draw_note(start, length, p, chords)
        place.label(first_bar)
    figure.text(0.01, 0.99, title.replace(spelling.tonic, _signs(spelling.tonic), 1), ha="left", va="top", fontsize=12)
    _legend(figure, bool(chords))
    figure.tight_layout(rect=(0, 0, 1, 1 - 0.25 / figure.get_figheight()))
    out = BytesIO()
    figure.savefig(out, format="png")
    plt.close(figure)
    return out.getvalue()


@dataclass(frozen=True)
class _Row:
    """A row of bars: `first` to `end` quarters of music on `width` quarters, between two pitches."""

    axis: Axes
    first: float
    end: float
    width: float
    low: int
    high: int
    bar: float
    spelling: Spelling

    @property
    def scale(self) -> set[int]:
        """Pitch classes of the key."""
        return {(self.spelling.key.tonic + s) % 12 for s in _STEPS[self.spelling.key.mode]}

    def draw_ground(self) -> None:
        """A stripe for each pitch, a line for each quarter and each bar."""
        tonic, scale = self.spelling.key.tonic, self.scale
        for p in range(self.low, self.high + 1):
            colour = "#fff3c4" if p % 12 == tonic else "#ffffff" if p % 12 in scale else "#f0f0f0"
            self.axis.fill_between([self.first, self.end], p - 0.5, p + 0.5, color=colour, lw=0)
        for quarter in np.arange(self.first, self.end + 0.5):
            whole = abs(quarter % self.bar) < 1e-6
            self.axis.plot(
                [quarter] * 2,
                [self.low - 0.5, self.high + 0.5],
                color="#8a8a8a" if whole else "#e2e2e2",
                lw=1.0 if whole else 0.6,
                zorder=1,
            )

    def draw_chords(self, chords: Sequence[TimedChord]) -> None:
        """The names of those that begin here, as large as their place allows."""
        for over in chords:
            label, room = _signs(over.name), min(over.length, self.bar) / self.width
            size = min(11.0, max(5.0, _LABEL_POINTS * room / max(len(label), 1)))
            self.axis.text(
                over.start + 0.08, self.high + 0.75, label, fontsize=size, weight="bold", va="bottom", color="#333333"
            )

    def draw_note(self, start: float, length: float, pitch: int, chords: Sequence[TimedChord]) -> None:
        """In the colour of what it is to the chord that sounds, and to the key."""
        from matplotlib.patches import FancyBboxPatch

        under = next((c.chord for c in chords if c.start <= start + 1e-6 < c.start + c.length), None)
        inside = under is not None and pitch % 12 in under.tones
        colour = _IN_CHORD if inside else _IN_KEY if pitch % 12 in self.scale else _OUTSIDE
        self.axis.add_patch(
            FancyBboxPatch(
                (start + 0.03, pitch - 0.4), max(length - 0.08, 0.1), 0.8, boxstyle="round,pad=0,rounding_size=0.12",
                facecolor=colour, edgecolor="#16324f", lw=0.6, zorder=3,
            )
        )  # fmt: skip

    def label(self, first_bar: int) -> None:
        """Names of the key's notes, and numbers of the bars, the first of which is `first_bar` of the whole."""
        axis, scale = self.axis, self.scale
        axis.set_xlim(self.first - 0.05, self.first + self.width + 0.05)
        axis.set_ylim(self.low - 0.5, self.high + 0.5)
        in_scale = [p for p in range(self.low, self.high + 1) if p % 12 in scale]
        axis.set_yticks(in_scale, [note_name(p, self.spelling) for p in in_scale], fontsize=7)
        places = np.arange(self.first, self.end, self.bar)
        axis.set_xticks(places, [str(int(p / self.bar) + first_bar) for p in places], fontsize=8, ha="left")
        axis.tick_params(length=0)
        for side in axis.spines.values():
            side.set_visible(False)


def _legend(figure: Figure, has_chords: bool) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    chord_legend = [(_IN_CHORD, "chord tone")] if has_chords else []
    legend: list[Patch | Line2D] = [
        Patch(facecolor=c, label=text)
        for c, text in [*chord_legend, (_IN_KEY, "in the key"), (_OUTSIDE, "outside the key")]
    ]
    legend.append(Line2D([], [], marker="v", ms=6, color=_PHRASE, lw=0, label="a phrase begins"))
    figure.legend(handles=legend, loc="upper right", ncol=len(legend), frameon=False, fontsize=8)
