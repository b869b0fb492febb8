"""Drums of a section: a pattern of the style, a crash where a loud section begins, a fill where it ends."""

from __future__ import annotations

from collections.abc import Mapping

from kmidi_lab.composition.bands import drum_rows, fills, kit, level
from kmidi_lab.composition.metres import SongMetre
from kmidi_lab.song import Note

_LOUDNESS = {"X": 112, "x": 88, "o": 48}
_LENGTH = 0.2
_CRASH = 0.6
"""Energy from which a section begins with a crash."""


def drums(style: str, bars: int, energy: float, leads_on: bool, metre: SongMetre) -> list[Note]:
    """Strokes of a section; `leads_on` says that another one follows, so that a fill leads there."""
    which = level(energy)
    written = drum_rows(style, metre.name)[which]
    out: dict[tuple[float, int], Note] = {}
    for bar in range(bars):
        last = leads_on and bar == bars - 1
        rows = _filled(written, fills(metre.name)[which]) if last else written
        for name, row in rows.items():
            for step, sign in enumerate(row):
                if sign in _LOUDNESS:
                    stroke = Note(bar * metre.bar + step * metre.bar / len(row), _LENGTH, kit()[name], _LOUDNESS[sign])
                    out[stroke.start, stroke.pitch] = stroke
    if energy >= _CRASH:
        out[0.0, kit()["crash"]] = Note(0.0, _LENGTH, kit()["crash"], _LOUDNESS["X"])
    return sorted(out.values())


def last_hit(energy: float) -> list[Note]:
    """Kick and cymbal on the first beat of the last bar, under the chord that is held there."""
    loud = _LOUDNESS["X" if level(energy) else "x"]
    return [Note(0.0, _LENGTH, kit()[name], loud) for name in ("kick", "crash")]


def _filled(written: Mapping[str, str], fill: Mapping[str, str]) -> dict[str, str]:
    """The pattern's bar until the fill begins, then the fill."""
    begin = min(row.index(next(s for s in row if s in _LOUDNESS)) for row in fill.values())
    rows = {name: row[:begin] + "." * (len(row) - begin) for name, row in written.items()}
    for name, row in fill.items():
        rows[name] = rows.get(name, "." * len(row))[:begin] + row[begin:]
    return rows
