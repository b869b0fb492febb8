"""How long a song is to be, and of which sections, as far as anybody says it."""

from __future__ import annotations

from kmidi_lab.composition.form import LONGEST, LONGEST_SECTION, MOST_SECTIONS, Stretch, read_form
from kmidi_lab.composition.lengths import lengths, uneven
from kmidi_lab.composition.metres import SongMetre
from kmidi_lab.composition.said_form import SaidForm

SHORTEST = 4
"""Bars of a song; `form.LONGEST` is the most."""


class Extent:
    """Bars and sections of a song.

    Args:
        sections: the form that was typed.
        bars: that were typed, or that the intent or the text says.
        seconds: that the text says.
        said: the form that the text names.

    Raises:
        ConfigError: sections that can't be read.
    """

    def __init__(self, sections: str | None, bars: int | None, seconds: float | None, said: SaidForm | None) -> None:
        self._typed = read_form(sections) if sections else None
        self._bars, self._seconds, self._said = bars, seconds, said

    @property
    def asked(self) -> int | None:
        """Bars that are asked for as such; None where nothing or only seconds are."""
        return self._bars

    def bars(self, tempo: float, metre: SongMetre) -> int | None:
        """Bars that are asked for; where only seconds are, whole groups of four bars that last about so long."""
        if self._bars or self._seconds is None:
            return self._bars
        groups = round(self._seconds * tempo / 60 / (4 * metre.bar))
        return int(min(max(4 * groups, SHORTEST), LONGEST))

    def form(self, tempo: float, metre: SongMetre) -> list[Stretch] | None:
        """The form that was typed, or the one that the text names, as long as is asked for."""
        return self._typed or self._said_form(self.bars(tempo, metre))

    def uneven(self, tempo: float, metre: SongMetre) -> str:
        """That the sections of the form that the text names are not all of whole phrases, in a line; empty where they are."""
        form = None if self._typed else self.form(tempo, metre)
        return uneven(form) if form else ""

    def _said_form(self, asked: int | None) -> list[Stretch] | None:
        """The form that the text names, of so many bars."""
        form = self._said
        if form is None or len(form.kinds) > MOST_SECTIONS:
            return None
        if form.bars and asked is None:
            return read_form(", ".join(f"{kind} {own}" for kind, own in zip(form.kinds, form.bars, strict=True)))
        asked = asked or (LONGEST if sum(lengths(form.kinds, None)) > LONGEST else None)
        count = len(form.kinds)
        bars = lengths(form.kinds, asked and min(max(asked, count), count * LONGEST_SECTION))
        return read_form(", ".join(f"{kind} {own}" for kind, own in zip(form.kinds, bars, strict=True)))
