"""Who accompanies a section, and what they play in it: chords, pad, bass and drums in the patterns of the style."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from zlib import crc32

import numpy as np

from kmidi_lab.chords.chord import Chord, Key
from kmidi_lab.composition import themes
from kmidi_lab.composition.accompaniment import ceilings, comping, pad, swung
from kmidi_lab.composition.bands import Stroke, bands, level, pattern, varied
from kmidi_lab.composition.bar_chords import placed
from kmidi_lab.composition.bass_line import bass
from kmidi_lab.composition.brief import Brief
from kmidi_lab.composition.drumming import Drummer, last_hit
from kmidi_lab.composition.form import Stretch
from kmidi_lab.composition.material import Material
from kmidi_lab.composition.metres import COMMON
from kmidi_lab.composition.replies import ECHO, FILL, Reply, replies, thinned
from kmidi_lab.composition.standing import Bar, Standing
from kmidi_lab.composition.vocabulary import vocabulary
from kmidi_lab.song import Note

_PLAYS_FROM = {"pad": 0.55, "bass": 0.35, "drums": 0.35}
"""Energy of a section from which a part plays."""
_LATER = 0.12
"""How much less of it a part needs where a kind of section returns: a second verse is fuller than the first."""
_LIVELY, _LIVELIEST = 0.6, 0.2
"""How much less of it bass and drums need, times the mood's arousal, at most: an upbeat song has a beat from its first
verse on."""
_APART = ("intro", "breakdown", "outro")
"""Sections that are thinner whatever the mood."""
_TINY = 1e-6
"""Quarters by which a rest that ends on a bar line is of the bar before it."""


class Backing:
    """The band of a song without its lead."""

    def __init__(self, brief: Brief) -> None:
        self._brief, self._bar = brief, brief.metre.bar
        player = themes.player(brief.band.programs, brief.band.theme, brief.without)
        self._drummer = Drummer(brief.band, brief.metre, brief.seed)
        self._theme = {"chords": "comp"}.get(player, player)

    def plays(self, part: str, stretch: Stretch, standing: Standing) -> bool:
        """Whether a part plays in a section: in all that sound, where it is not there to fill up others."""
        always = "chords" in self._brief.without or part in self._brief.throughout or part in stretch.playing
        fuller = _LATER if standing.times else 0.0
        beats = part != "pad" and stretch.kind not in _APART
        lively = min(_LIVELY * max(self._brief.mood.arousal, 0.0), _LIVELIEST) if beats else 0.0
        return stretch.kind != "silence" and stretch.energy + fuller >= (0.0 if always else _PLAYS_FROM[part] - lively)

    def section(
        self,
        stretch: Stretch,
        material: Material,
        after: Chord | None,
        standing: Standing,
        key: Key | None = None,
    ) -> Iterator[tuple[str, Note]]:
        """(role, note) of a section, from its own start on.

        Args:
            stretch: the section.
            material: what is sung over which chords.
            after: the first chord of the next section, None at the end.
            standing: its place in the song.
            key: that sounds in it; None is the song's.
        """
        if stretch.kind == "silence":
            return
        yield from ((self._theme, n) for n in material.theme if self._theme)
        band, metre, which = self._brief.band, self._brief.metre, level(stretch.energy)
        chords, count = placed(material.chords, self._bar), len(material.chords)
        # The song ends on a held chord, so its last bar is not played through.
        ends = after is None and count > 1
        through = placed(material.chords[:-1], self._bar) if ends else chords
        late = self._brief.late
        leads_on = ends or after is not None
        bars = standing.bars(count - ends, leads_on, band.improvised)
        tops = ceilings(chords, material.tune if "lead" not in self._brief.without else ())
        patterns = self._patterns("chords", self._comp(which), standing, bars)
        struck = comping(through, patterns, self._bar, tops[: len(through)])
        answers = self._replies(stretch, material, standing)
        own = [reply for who, reply in answers if who == "comp"]
        struck = thinned(struck, own, {c.start for c in chords} | {count * self._bar})
        yield from (("comp", n) for n in swung(struck, late))
        yield from ((who, n) for who, reply in answers for n in swung(reply.notes, late))
        if self.plays("pad", stretch, standing):
            yield from (("pad", n) for n in pad(chords, tops))
        if self.plays("bass", stretch, standing):
            patterns = self._patterns("basses", band.bass[which], standing, bars)
            line = bass(through, patterns, self._bar, after or chords[-1].chord, key or self._brief.key)
            yield from (("bass", n) for n in swung(line, late))
        if self.plays("drums", stretch, standing):
            filled = {int((reply.rest[1] - _TINY) / self._bar) for who, reply in answers if who == "drums"}
            played = stretch._replace(bars=len(bars))
            strokes = self._drummer.strokes(played, standing, leads_on, filled)
            # Drums in 4/4 are swung by who humanises them.
            yield from (("drums", n) for n in (strokes if metre is COMMON else swung(strokes, late)))

    def lead_in(self, stretch: Stretch) -> Iterator[tuple[str, Note]]:
        """(role, note) of drums that do not play in a section, and lead from its end into the next."""
        if stretch.kind != "silence":
            yield from (("drums", n) for n in self._drummer.lead_in(stretch.bars))

    def end(self, stretch: Stretch, material: Material, drummed: bool) -> Iterator[tuple[str, Note]]:
        """(role, note) of the last bar, from the section's start on: a held chord, and a last hit of drums that played."""
        if stretch.kind == "silence" or len(material.chords) == 1:
            return
        chord, at = placed(material.chords[-1:], self._bar), (len(material.chords) - 1) * self._bar
        ends = [("comp", n) for n in comping(chord, [self._pattern("chords", "whole")], self._bar)]
        ends += [("bass", n) for n in bass(chord, [self._pattern("basses", "roots")], self._bar)]
        ends += [("drums", n) for n in last_hit(stretch.energy)] if drummed else []
        yield from ((role, n._replace(start=at + n.start)) for role, n in ends)

    def _replies(self, stretch: Stretch, material: Material, standing: Standing) -> list[tuple[str, Reply]]:
        """Who answers in the rests of a section's tune, and what: an echo who plays themes, a fill the drums, else the chords."""
        if stretch.kind in _APART or not self._theme:
            return []
        rng = np.random.default_rng([self._brief.seed, 6, crc32(stretch.kind.encode()), standing.times])
        shares = self._brief.band.replies
        if standing.last:  # it leaves no rest of the tune empty
            shares = {kind: share / sum(shares.values()) for kind, share in shares.items()}
        made = replies(material.tune, material.chords, self._brief.metre, shares, rng)
        chordal = "comp" if "chords" not in self._brief.without else self._theme
        echoes = self._theme if self._theme == "comp" or self.plays("pad", stretch, standing) else chordal
        return [({ECHO: echoes, FILL: "drums"}.get(reply.kind, chordal), reply) for reply in made]

    def _pattern(self, kind: str, name: str) -> tuple[Stroke, ...]:
        return pattern(kind, name, self._brief.metre.name)

    def _patterns(self, kind: str, name: str, standing: Standing, bars: Sequence[Bar]) -> list[tuple[Stroke, ...]]:
        """The pattern of each bar."""
        plain, metre = self._pattern(kind, name), self._brief.metre.name
        ways = {way: varied(kind, name, metre, f"{way}s") or (plain,) for way in ("answer", "turn")}
        ways["plain"] = (plain,)
        chosen = {way: some[standing.chosen(self._brief.seed, len(some), way)] for way, some in ways.items()}
        return [chosen[bar] for bar in bars]

    def _comp(self, which: int) -> str:
        """The style's pattern of chords; one of held chords is broken for an instrument in its place that only plucks."""
        band = self._brief.band
        name, program = band.comp[which], band.programs["chords"]
        usual = bands()[band.name].programs["chords"] if band.name in bands() else program
        return "arpeggio" if name == "whole" and program != usual and program in vocabulary()["plucked"] else name
