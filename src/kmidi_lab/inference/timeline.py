"""The readings of a sound over time as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from itertools import pairwise
from math import inf

from kmidi_lab.drawing import drawable
from kmidi_lab.inference.listener import Reading

_COLOURS = ("#1f5fa8", "#d9822b", "#3a8f5c", "#b0413e", "#7b5aa6", "#5f6b7a", "#c2a500", "#2aa1b3")


def timeline_png(readings: Sequence[tuple[float, Reading]], title: str, every: float = inf) -> bytes:
    """A PNG with a row for the numbers and one for each question.

    Args:
        readings: (seconds at the end of a stretch, reading).
        every: the longest stretch, in seconds.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    ends = [seconds for seconds, _ in readings]
    starts = [max(before, end - every) for before, end in pairwise([0.0, *ends])]
    first = readings[0][1]
    rows = [*(["values"] if first.values else []), *first.answers]
    heights = [3.0 if row == "values" else 0.8 for row in rows]
    figure, axes = plt.subplots(
        len(rows), 1, figsize=(11, 1 + sum(heights)), sharex=True, squeeze=False, dpi=110,
        gridspec_kw={"height_ratios": heights, "hspace": 0.35},
    )  # fmt: skip
    for row, axis in zip(rows, axes[:, 0], strict=True):
        axis.spines[["top", "right"]].set_visible(False)
        if row == "values":
            for colour, name in zip(_COLOURS, first.values, strict=False):
                levels = [reading.values[name] for _, reading in readings]
                axis.step([*starts, ends[-1]], [*levels, levels[-1]], where="post", color=colour, label=name)
            axis.axhline(0, color="#cccccc", lw=0.8, zorder=0)
            axis.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False, fontsize=9)
            continue
        names: list[str] = []
        for start, (end, reading) in zip(starts, readings, strict=True):
            answer, sure = reading.answers[row]
            if answer not in names:
                names.append(answer)
            colour = _COLOURS[names.index(answer) % len(_COLOURS)]
            axis.axvspan(start, end, color=colour, alpha=0.25 + 0.7 * min(1.0, sure), lw=0)
        _name_spells(axis, row, starts, readings)
        axis.set_yticks([])
        axis.set_ylabel(row, rotation=0, ha="right", va="center", fontsize=9)
    axes[-1, 0].set_xlim(0, ends[-1])
    axes[-1, 0].set_xlabel("seconds")
    fonts, shown = drawable(title)
    axes[0, 0].set_title(shown, loc="left", fontsize=10, fontfamily=fonts, parse_math=False)
    out = BytesIO()
    figure.savefig(out, format="png", bbox_inches="tight")
    plt.close(figure)
    return out.getvalue()


def _name_spells(axis: object, row: str, starts: Sequence[float], readings: Sequence[tuple[float, Reading]]) -> None:
    """Writes each answer once, in the middle of the stretch where it stays the same."""
    from matplotlib.patheffects import withStroke

    at = 0
    while at < len(readings):
        last = at
        while last + 1 < len(readings) and readings[last + 1][1].answers[row][0] == readings[at][1].answers[row][0]:
            last += 1
        middle, whole = (starts[at] + readings[last][0]) / 2, readings[-1][0]
        name = readings[at][1].answers[row][0]
        if (readings[last][0] - starts[at]) / whole > 0.012 * len(name):
            axis.text(  # type: ignore[attr-defined]
                middle, 0.5, name, ha="center", va="center", fontsize=9, transform=axis.get_xaxis_transform(),  # type: ignore[attr-defined]
                path_effects=[withStroke(linewidth=2.5, foreground="white")],  # to be read on dark colours, too
            )  # fmt: skip
        at = last + 1
