"""Composes a song's sections: chords and tune for each kind, made once, so that what returns is known again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from kmidi_lab.composition import summaries
from kmidi_lab.composition.brief import Brief
from kmidi_lab.composition.form import Stretch
from kmidi_lab.composition.homecoming import Homecoming
from kmidi_lab.composition.kind_chords import KindChords
from kmidi_lab.composition.kind_tunes import KindTunes
from kmidi_lab.composition.material import Material, beginning, top_of
from kmidi_lab.composition.own_chords import lender
from kmidi_lab.composition.players import Players


class Composer:
    """Asks the models for chords and tunes of a song's sections."""

    def __init__(self, brief: Brief, players: Players, room: int = 0, home: Collection[str] = ()) -> None:
        """`room` are semitones that are left free above the tune, where it is heard higher later; `home` are kinds of sections to
        which a dominant leads, as `lender` names them: their chords begin on the tonic.
        """
        self._players, self._bar = players, brief.metre.bar
        self._chords = KindChords(brief, players, home)
        self._tunes = KindTunes(brief, players, self._chords.asked, room)
        self._end = Homecoming(brief, self._chords.rhythm.divides, self._otherwise)
        self._whole: dict[str, Material] = {}

    def written(self, form: Sequence[Stretch], closes: bool = True) -> list[Material]:
        """The material of each section: the beginning of what its kind plays where that is longest; the last one may close."""
        self._chords.halved = {lender(stretch.kind) for stretch in form if stretch.halved}
        longest: dict[str, int] = {}
        for stretch in form:
            longest[stretch.kind] = max(longest.get(stretch.kind, 0), stretch.bars)
        made: list[Material] = []
        for n, stretch in enumerate(form):
            material = beginning(self._of_kind(stretch.kind, longest[stretch.kind]), stretch.bars, self._bar)
            times = sum(s.kind == stretch.kind for s in form[:n])
            last = all(s.kind != stretch.kind for s in form[n + 1 :])
            made.append(self._again(stretch.kind, material, times, last) if times else material)
        if not closes:
            return made
        made[-1] = self._end.closed(form[-1].kind, made[-1], top_of(made[:-1]))
        lands = max((n for n, material in enumerate(made, 1) if material.tune), default=len(made))
        if lands < len(made) and form[lands].kind != "silence":
            made[lands] = self._end.landed(made[lands - 1].tune[-1], made[lands].chords, top_of(made))
        return made

    def ending_on(self, kind: str, material: Material, chord: str) -> Material:
        """A section with another chord in its last bar, and another end of its tune over it."""
        return self._otherwise(kind, Material((*material.chords[:-1], chord), material.tune))

    def drawn(self) -> list[tuple[str, dict[str, Any], str]]:
        """For each chord that a model drew: the model, what it was asked, and the chord as the song plays it."""
        return self._chords.drawn()

    def _of_kind(self, kind: str, bars: int) -> Material:
        if kind not in self._whole:
            chords = self._chords.of(kind, bars)
            tune = self._tunes.of(kind, chords)
            if tune:
                self._players.note("melody", {kind: summaries.of_tune(tune, bars)})
            self._whole[kind] = Material(tuple(chords), tuple(tune))
        return self._whole[kind]

    def _again(self, kind: str, material: Material, times: int, last: bool) -> Material:
        """What returns, as people sing it."""
        tune = self._tunes.again(kind, material.tune, material.chords, times, last)
        return Material(material.chords, tuple(tune))

    def _otherwise(self, kind: str, material: Material) -> Material:
        """What returns with another end of its tune."""
        return Material(material.chords, tuple(self._tunes.with_other_end(kind, material.tune, material.chords)))
