"""Drums of a section: a pattern of the style that varies, a crash where a loud section begins, a fill where it ends."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import chain

from kmidi_lab.composition.bands import Band, added, drum_rows, fills, kit, level
from kmidi_lab.composition.metres import COMMON, SongMetre
from kmidi_lab.composition.standing import Standing
from kmidi_lab.song import Note
from kmidi_lab.song.edges import PHRASE

_LOUDNESS = {"X": 112, "x": 88, "o": 48}
_LENGTH = 0.2
_CRASH = 0.6
"""Energy from which a section, and every eighth bar of it, begins with a crash."""
_OPEN, _CLOSED = "open", "hat"
_BEATS = ("kick", "snare", "stick", "clap", "tom", "pedal")
"""Voices that tell how fast a bar feels."""

Rows = Mapping[str, str]
"""Strokes of a bar, a row for each voice."""


def drums(
    band: Band,
    bars: int,
    energy: float,
    leads_on: bool,
    metre: SongMetre,
    standing: Standing,
    seed: int,
    filled: Collection[int] = (),
    halved: bool = False,
) -> list[Note]:
    """Strokes of a section.

    `leads_on` says that another one follows, so that a fill leads there, a smaller one where that is softer; so small are
    those in `filled` bars. `halved` says that it feels half as fast.
    """
    which = level(energy)
    written = drum_rows(band.name, metre.name)[which]
    filling = fills(metre.name)[which if standing.rises or which == 0 else which - 1]
    out: dict[tuple[float, int], Note] = {}
    for bar, way in enumerate(standing.bars(bars, leads_on, band.improvised)):
        rows = _crowned(half_time(written) if halved else written, band, standing, metre, bar >= bars / 2)
        if way != "plain":
            ways = added(metre.name, f"{way}s")
            rows = _with(rows, ways[standing.chosen(seed, len(ways), way)])
        if leads_on and bar == bars - 1:
            rows = _filled(rows, filling[(seed + standing.number) % len(filling)])
        elif bar in filled:
            small = fills(metre.name)[max(which - 1, 0)]
            rows = _filled(rows, small[(seed + standing.number + bar) % len(small)])
        for name, row in rows.items():
            for step, sign in enumerate(row):
                if sign in _LOUDNESS:
                    stroke = Note(bar * metre.bar + step * metre.bar / len(row), _LENGTH, kit()[name], _LOUDNESS[sign])
                    out[stroke.start, stroke.pitch] = stroke
    if energy >= _CRASH:
        for bar in range(0, bars, 2 * PHRASE):
            at = bar * metre.bar
            out[at, kit()["crash"]] = Note(at, _LENGTH, kit()["crash"], _LOUDNESS["X"])
    return sorted(out.values())


def last_hit(energy: float) -> list[Note]:
    """Kick and cymbal on the first beat of the last bar, under the chord that is held there."""
    loud = _LOUDNESS["X" if level(energy) else "x"]
    return [Note(0.0, _LENGTH, kit()[name], loud) for name in ("kick", "crash")]


def half_time(rows: Rows) -> Rows:
    """A bar that feels half as fast: kick, snare and the like as in half a bar, twice as slow, so the backbeat comes on three."""
    slower = {name: "".join(sign + "." for sign in row[: len(row) // 2]) for name, row in rows.items()}
    return {name: slower[name] if name in _BEATS else row for name, row in rows.items()}


def _crowned(written: Rows, band: Band, standing: Standing, metre: SongMetre, late: bool) -> Rows:
    """The pattern as a chorus has it: on another cymbal in its second half and all through the last, which has more voices."""
    if standing.kind != "chorus":
        return written
    rows = {band.opened.get(name, name) if late or standing.last else name: row for name, row in written.items()}
    return _with(rows, {}, band.crown) if standing.last and metre is COMMON else rows


def _with(rows: Rows, more: Rows, always: Rows | None = None) -> Rows:
    """Rows with strokes that are added: of voices that are there (an open hi-hat is a hi-hat's), and `always` of any."""
    out = dict(rows)
    known = {name: row for name, row in more.items() if name in rows or (name == _OPEN and _CLOSED in rows)}
    for name, row in chain(known.items(), (always or {}).items()):
        before = out.get(name, "." * len(row))
        out[name] = "".join(new if new in _LOUDNESS else old for old, new in zip(before, row, strict=True))
        if name == _OPEN and _CLOSED in out:
            out[_CLOSED] = "".join("." if new in _LOUDNESS else old for old, new in zip(out[_CLOSED], row, strict=True))
    return out


def _filled(written: Rows, fill: Rows) -> Rows:
    """The pattern's bar until the fill begins, then the fill."""
    begin = min(row.index(next(s for s in row if s in _LOUDNESS)) for row in fill.values())
    rows = {name: row[:begin] + "." * (len(row) - begin) for name, row in written.items()}
    for name, row in fill.items():
        rows[name] = rows.get(name, "." * len(row))[:begin] + row[begin:]
    return rows
