"""What is decided before the first note: mood, key, tempo, length and style, from what a person said."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import numpy as np

from kmidi_lab.chords.chord import Key
from kmidi_lab.chords.spelling import Spelling
from kmidi_lab.composition.bands import Band, band_for, bands
from kmidi_lab.composition.blues import blues_round
from kmidi_lab.composition.chord_rows import NO_ROWS, OwnRows
from kmidi_lab.composition.metres import COMMON, METRES, SongMetre
from kmidi_lab.errors import ConfigError, one_of
from kmidi_lab.song.vocabularies import nearest_moods

SLOWEST, FASTEST = 30, 300
"""Quarters a minute of a song."""
_TONICS = {1: (0, 7, 2, 9, 5, 10, 3), -1: (9, 4, 2, 11, 7, 0, 5)}
"""Keys with few signs, which singers and guitars like."""
BRIGHT = 0.05
"""Valence above which a song is in major."""
_PLAIN = ("pop", "folk", "lofi")
"""Styles of songs of which nothing says a feeling."""
_MAJOR = 2 / 3
"""Share of these that are in major: about that of popular songs."""
NEUTRAL = "Neutral"


@dataclass(frozen=True)
class Mood:
    """Valence, arousal, dominance in -1..1, complexity in 0..1; `words` say where they come from."""

    valence: float
    arousal: float
    dominance: float = 0.0
    complexity: float = 0.4
    words: str = ""

    @property
    def plain(self) -> bool:
        """Whether nothing says a feeling."""
        return self.valence == self.arousal == 0.0

    def __str__(self) -> str:
        """As the models' requests take it."""
        return f"{self.valence:.3f},{self.arousal:.3f}"


@dataclass(frozen=True)
class Brief:
    """A song before it is made. `energy` is the sections' mean, None what their kinds have; `own` are the user's chords; `blues_bars` those of the rounds of a blues, 0 of none, and `blues_jazz` whether they are as jazz plays them; `arc_asked` says that a person asks for the arc; `fullness` is a factor on how full sections are; `rules_broken` names of `kmidi_lab.song`'s rules; `without` are parts that don't play: lead, chords, pad, bass, drums; `second` is the program of who plays a line below the lead; `throughout` are parts that play in soft sections, too; `turn` is a number of the words where nothing says a feeling, so that their songs differ."""

    title: str
    mood: Mood
    spelling: Spelling
    tempo: float
    bars: int
    band: Band
    seed: int
    own: OwnRows = NO_ROWS
    blues_bars: int = 0
    blues_jazz: bool = False
    arc: str = ""
    arc_asked: bool = False
    fullness: float = 1.0
    rules_broken: tuple[str, ...] = ()
    energy: float | None = None
    without: tuple[str, ...] = ()
    metre: SongMetre = COMMON
    second: int | None = None
    throughout: tuple[str, ...] = ()
    turn: int = 0

    @property
    def headline(self) -> str:
        """Title, key, tempo, style, and the metre where it is not the usual one."""
        metre = "" if self.metre is COMMON else f" in {self.metre.name}"
        return f"{self.title}: {self.spelling}, {self.tempo:g} bpm, {self.band.name}{metre}"

    @property
    def key(self) -> Key:
        return self.spelling.key

    @property
    def blues(self) -> tuple[str, ...]:
        """The round of a blues by bars, in the song's key; empty where it is none."""
        if not self.blues_bars:
            return ()
        return blues_round(self.blues_bars, self.spelling, self.blues_jazz, self.metre.beats, self.seed)

    @property
    def jig(self) -> bool:
        """Whether it is a folk tune in two beats of three eighths, which has chords and a form of its own."""
        return self.band.name == "folk" and self.metre is METRES["6/8"] and not self.blues_bars

    @property
    def late(self) -> float:
        """Quarters that eighths off the beat are late, where style and metre swing."""
        return self.band.swing if self.metre.swings else 0.0


def closest_mood(mood: Mood) -> str:
    """KmiDi's word for a mood; `Neutral` where nothing says one."""
    return NEUTRAL if mood.plain else nearest_moods((mood.valence, mood.arousal))[0]


def style_named(name: str) -> Band:
    """Raises ConfigError: no such style."""
    if name not in bands():
        raise ConfigError(one_of("compose.style", name, bands()))
    return bands()[name]


def chosen(
    title: str,
    mood: Mood,
    bars: int,
    seed: int,
    spelling: Spelling | None = None,
    tempo: float | None = None,
    band: Band | None = None,
    mode: int = 0,
    metre: SongMetre = COMMON,
    **more: object,
) -> Brief:
    """A brief with what was left open chosen by the mood, and by the seed where the mood leaves it open.

    A sad mood is in minor, a happy one in major; the style is the one whose mood is the nearest; the tempo is the
    style's for that arousal. Where nothing says a feeling, mode, tonic and style follow from the seed and the title.
    Seven seeds one after another give seven keys.
    """
    rng = np.random.default_rng([seed, 1])
    titled = crc32(title.encode())
    open_rng = np.random.default_rng([seed, titled])
    style, glad = str(open_rng.choice(_PLAIN)), open_rng.random() < _MAJOR
    band = band or (bands()[style] if mood.plain else band_for(mood.valence, mood.arousal))
    if spelling is None:
        if not mode:
            mode = 1 if (glad if mood.valence == 0.0 else mood.valence > BRIGHT) else -1
        tonics = _TONICS[mode]
        turn = titled if mood.plain else round(9 * mood.arousal)
        spelling = Spelling.of(Key(tonics[(seed + turn) % len(tonics)], mode))
    pace = tempo if tempo is not None else round((band.at(mood.arousal) + rng.uniform(-3, 3)) * metre.pace)
    return Brief(title, mood, spelling, float(pace), bars, band, seed, metre=metre, **more)  # type: ignore[arg-type]
