"""Drums of a section: a pattern of the style that varies, a crash where a loud section begins, a fill where it ends."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import chain

from kmidi_lab.composition.bands import Band, added, drum_rows, fills, kit, level
from kmidi_lab.composition.form import Stretch
from kmidi_lab.composition.metres import COMMON, SongMetre
from kmidi_lab.composition.standing import Standing
from kmidi_lab.song import Note
from kmidi_lab.song.edges import PHRASE

_LOUDNESS = {"X": 112, "x": 88, "o": 48}
_LENGTH = 0.2
_CRASH = 0.6
"""Energy from which a section, and every eighth bar of it, begins with a crash."""
_OPEN, _CLOSED = "open", "hat"
_COMPOUND = 2
"""Beats of a bar of which two are one in half time."""
_BEATS = ("kick", "snare", "stick", "clap", "tom", "pedal")
"""Voices that tell how fast a bar feels."""

Rows = Mapping[str, str]
"""Strokes of a bar, a row for each voice."""


class Drummer:
    """Plays a song's sections.

    Args:
        band: of the song.
        metre: of the song.
        seed: chooses fills and variations.
    """

    def __init__(self, band: Band, metre: SongMetre, seed: int) -> None:
        self._band, self._metre, self._seed = band, metre, seed

    def strokes(self, stretch: Stretch, standing: Standing, leads_on: bool, filled: Collection[int] = ()) -> list[Note]:
        """Strokes of a section.

        Args:
            stretch: the section, as long as it is played through.
            standing: its place in the song.
            leads_on: whether another one follows, so that a fill leads there, a smaller one where that is softer.
            filled: bars that have a small fill, too.
        """
        band, metre, bars = self._band, self._metre, stretch.bars
        which = level(stretch.energy)
        written = drum_rows(band.name, metre.name)[which]
        filling = fills(metre.name)[which if standing.rises or which == 0 else which - 1]
        out: dict[tuple[float, int], Note] = {}
        for bar, way in enumerate(standing.bars(bars, leads_on, band.improvised)):
            rows = half_time(written, metre, bar) if stretch.halved else written
            rows = _crowned(rows, band, standing, metre, bar >= bars / 2)
            if way != "plain":
                ways = added(metre.name, f"{way}s")
                rows = _with(rows, ways[standing.chosen(self._seed, len(ways), way)])
            if leads_on and bar == bars - 1:
                rows = _filled(rows, filling[(self._seed + standing.number) % len(filling)])
            elif bar in filled:
                small = fills(metre.name)[max(which - 1, 0)]
                rows = _filled(rows, small[(self._seed + standing.number + bar) % len(small)])
            out |= {(n.start, n.pitch): n for n in _strokes(rows, bar * metre.bar, metre.bar)}
        if stretch.energy >= _CRASH:
            for bar in range(0, bars, 2 * PHRASE):
                at = bar * metre.bar
                out[at, kit()["crash"]] = Note(at, _LENGTH, kit()["crash"], _LOUDNESS["X"])
        return sorted(out.values())

    def lead_in(self, bars: int) -> list[Note]:
        """The softest fill, alone, in the last of so many bars: drums that rest there begin with what follows."""
        soft = fills(self._metre.name)[0]
        return sorted(_strokes(soft[self._seed % len(soft)], (bars - 1) * self._metre.bar, self._metre.bar))


def _strokes(rows: Rows, start: float, length: float) -> Iterator[Note]:
    """The notes of a bar of so many quarters."""
    for name, row in rows.items():
        for step, sign in enumerate(row):
            if sign in _LOUDNESS:
                yield Note(start + step * length / len(row), _LENGTH, kit()[name], _LOUDNESS[sign])


def last_hit(energy: float) -> list[Note]:
    """Kick and cymbal on the first beat of the last bar, under the chord that is held there."""
    loud = _LOUDNESS["X" if level(energy) else "x"]
    return [Note(0.0, _LENGTH, kit()[name], loud) for name in ("kick", "crash")]


def half_time(rows: Rows, metre: SongMetre = COMMON, bar: int = 0) -> Rows:
    """A bar that feels half as fast: kick, snare and the like twice as slow, so that the backbeat comes on three.

    A bar of two beats has no three: of two bars the second has the backbeat on its first beat.
    """
    late = metre.beats == _COMPOUND and bar % 2 == 1
    slower = {}
    for name, row in rows.items():
        half = row[len(row) // 2 :] if late else row[: len(row) // 2]
        slower[name] = "".join(sign + "." for sign in half)
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
