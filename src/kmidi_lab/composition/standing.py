"""Where a section stands in a song, and what the band makes of it from bar to bar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple
from zlib import crc32

from kmidi_lab.composition.form import Stretch
from kmidi_lab.song.edges import PHRASE

Bar = Literal["plain", "answer", "turn"]
"""A bar as the pattern has it, its answer, or one that leads on."""


class Standing(NamedTuple):
    """A section's place.

    Args:
        number: of the section, from 0.
        kind: of section.
        times: how often its kind came before.
        last: whether it is the last of a chorus that came before.
        rises: whether the next section is fuller.
    """

    number: int = 0
    kind: str = ""
    times: int = 0
    last: bool = False
    rises: bool = False

    def bars(self, count: int, leads_on: bool, restless: bool = False) -> list[Bar]:
        """What each of so many bars is.

        The last bar of each phrase leads on, the section's own where something follows. Of the others every second is an
        answer where the band plays fuller: in the second half of a section, and where its kind returns.

        Args:
            count: of bars.
            leads_on: whether another section, or the song's last chord, follows.
            restless: of a style in which nobody plays two bars alike.
        """
        out: list[Bar] = []
        for bar in range(count):
            if bar % PHRASE == PHRASE - 1 or bar == count - 1:
                out.append("turn" if leads_on or bar < count - 1 else "plain")
            else:
                fuller = restless or self.times > 0 or (count > PHRASE and bar >= count / 2)
                out.append("answer" if fuller and bar % 2 else "plain")
        return out

    def chosen(self, seed: int, count: int, what: str = "") -> int:
        """Which of so many ways of playing a kind of section has, another one each time that it returns."""
        return (crc32(f"{seed} {self.kind} {what}".encode()) + self.times) % count


def standings(form: Sequence[Stretch]) -> list[Standing]:
    """Of each section."""
    kinds = [s.kind for s in form]
    return [
        Standing(
            n,
            kind,
            kinds[:n].count(kind),
            kind == "chorus" and kind in kinds[:n] and kind not in kinds[n + 1 :],
            n + 1 < len(form) and form[n + 1].energy > form[n].energy,
        )
        for n, kind in enumerate(kinds)
    ]
