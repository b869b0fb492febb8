"""What a text asks for of a song."""

from __future__ import annotations

from dataclasses import dataclass, field

from kmidi_lab.composition.change import Change
from kmidi_lab.composition.languages import ENGLISH
from kmidi_lab.composition.said_ending import SaidEnding
from kmidi_lab.composition.said_form import SaidForm

ROLES = ("lead", "chords", "pad", "bass", "drums")


@dataclass(frozen=True)
class Wishes:
    """What a text asks for; None and empty are nothing. `words` are those that said each.

    Args:
        tempo: (lowest, highest), quarters a minute.
        key: tonic and mode, either may be empty.
        style: name of a style.
        bars: of the song.
        seconds: of the song, where it says no bars.
        form: the sections that it names.
        arc: KmiDi's name of how the song goes on, where its beginning and end say so.
        programs: General MIDI's number of each part's instrument, by `ROLES`.
        without: parts to leave out, of `ROLES`.
        no_family: families of General MIDI that shall not play, 0..15.
        missing: what is asked for and can't be had.
        metres: words and the metre that each asks for; written ones before dances.
        paced: whether a word such as slow says the tempo, and nothing else.
        feel: KmiDi's name of a feel.
        chords: as they are typed for `compose.chords`.
        ending: words that ask for a lower tempo at the end, a last chord that is held, or a fade.
        opening: words that ask for a fade at the beginning.
        course: of the tempo over the whole song: `faster`, `slower` or empty.
        courses: words that ask for other courses.
        changes: what these are in a song; of those that no song takes `missing` has lines.
        mood: a word for the one that it begins with, where it asks for one that changes.
        second: program of a second player of the melody's instrument, None without one.
        throughout: parts that play in all sections, also where these are soft.
        blues: bars of the rounds of a blues, 0 where none is asked for.
        asks: whether a word for a song or a wish asks for music.
        language: that the text seems to be in; of others than English little is read.
    """

    tempo: tuple[float, float] | None = None
    key: tuple[str, str] = ("", "")
    style: str = ""
    bars: int | None = None
    seconds: float | None = None
    form: SaidForm | None = None
    arc: str = ""
    programs: dict[str, int] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    no_family: tuple[int, ...] = ()
    missing: tuple[str, ...] = ()
    words: dict[str, str] = field(default_factory=dict)
    metres: tuple[tuple[str, str], ...] = ()
    paced: bool = False
    feel: str = ""
    chords: str = ""
    ending: SaidEnding = field(default_factory=SaidEnding)
    opening: str = ""
    course: str = ""
    courses: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    mood: str = ""
    second: int | None = None
    throughout: tuple[str, ...] = ()
    blues: int = 0
    asks: bool = False
    language: str = ENGLISH

    @property
    def leaves_nothing(self) -> bool:
        """Whether every part is to be left out."""
        return set(self.without) >= set(ROLES)

    @property
    def unfelt(self) -> frozenset[str]:
        """Words that say how a song begins, ends and goes on, which are no feeling."""
        moving = (self.opening, self.ending.faded, self.words.get("arc", ""), self.words.get("course", ""))
        return frozenset({*moving, *self.courses} - {""})
