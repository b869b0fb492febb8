"""Drums of a section: a pattern of the style, a crash where a loud section begins, a fill where it ends."""

from __future__ import annotations

from collections.abc import Mapping

from kmidi_lab.composition.bands import Band, fills, kit, level
from kmidi_lab.composition.tunes import BAR
from kmidi_lab.song import Note

_LOUDNESS = {"X": 112, "x": 88, "o": 48}
_STEPS = 16
_LENGTH = 0.2
_CRASH = 0.6
"""Energy from which a section begins with a crash."""


def drums(band: Band, bars: int, energy: float, leads_on: bool) -> list[Note]:
    """Strokes of a section; `leads_on` says that another one follows, so that a fill leads there."""
    which = level(energy)
    written = band.drums[which]
    out: dict[tuple[float, int], Note] = {}
    for bar in range(bars):
        last = leads_on and bar == bars - 1
        rows = _filled(written, which) if last else written
        for name, row in rows.items():
            for step, sign in enumerate(row):
                if sign in _LOUDNESS:
                    stroke = Note(bar * BAR + step * BAR / _STEPS, _LENGTH, kit()[name], _LOUDNESS[sign])
                    out[stroke.start, stroke.pitch] = stroke
    if energy >= _CRASH:
        out[0.0, kit()["crash"]] = Note(0.0, _LENGTH, kit()["crash"], _LOUDNESS["X"])
    return sorted(out.values())


def last_hit(energy: float) -> list[Note]:
    """Kick and cymbal on the first beat of the last bar, under the chord that is held there."""
    loud = _LOUDNESS["X" if level(energy) else "x"]
    return [Note(0.0, _LENGTH, kit()[name], loud) for name in ("kick", "crash")]


def _filled(written: Mapping[str, str], which: int) -> dict[str, str]:
    """The pattern's bar until the fill begins, then the fill."""
    fill = fills()[which]
    begin = min(row.index(next(s for s in row if s in _LOUDNESS)) for row in fill.values())
    rows = {name: row[:begin] + "." * (_STEPS - begin) for name, row in written.items()}
    for name, row in fill.items():
        rows[name] = rows.get(name, "." * _STEPS)[:begin] + row[begin:]
    return rows
