"""What a musician types as chords: names, Harte, Roman numerals or iReal's signs, with bars or without, to one chart.

The notation is recognised from all the symbols of the text (`notation`). `|` divides bars; without it the places are
unknown. `%` (or iReal's `x`) repeats the bar before, `/` and `.` hold the chord, `N.C.` is no chord. What can't be read is an
error that names the symbol, the mark in it, and its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kmidi_lab.chords.chord import Chord, ChordError, Event, Key, merge_repeats, shortened
from kmidi_lab.chords.key_finding import key_probabilities
from kmidi_lab.chords.notation import CHORDS, bars_of, mode_of_numerals, read_name, recognise, steps, symbols_of
from kmidi_lab.chords.roman import Dialect, letters_up, parse_roman
from kmidi_lab.chords.spelling import Spelling, typed_spelling
from kmidi_lab.errors import ConfigError

SURE = 0.6
"""An estimated key of this probability is right for 8 of 10 beginnings of songs (`key_finding`)."""
_WORTH_NAMING = 0.1


@dataclass(frozen=True)
class ChartChord:
    """A chord where it stands, with its name and its root's; None is no chord.

    `start` and `bars` are in bars, None where the text has no bars.
    """

    chord: Chord | None
    name: str
    root: str
    start: float | None
    bars: float | None


@dataclass(frozen=True)
class Chart:
    """Chords as they were typed, and the key: `given`, `estimated` from the chords, or `assumed` without any.

    `likely` are the likeliest keys with their probabilities where the key is estimated, the chosen one first.
    """

    placed: tuple[ChartChord, ...]
    spelling: Spelling
    key_from: str
    likely: tuple[tuple[Spelling, float], ...] = ()

    @property
    def events(self) -> tuple[Event, ...]:
        """As the harmony model knows songs: neighbours of the same root and quality joined, no chord left out."""
        key = self.spelling.key
        return merge_repeats(Event(p.chord, key, p.start, p.bars) for p in self.placed if p.chord is not None)

    def __str__(self) -> str:
        """The chords as they are understood, with `|` between bars where these are known."""
        if not self.placed or self.placed[0].start is None:
            return " ".join(p.name for p in self.placed) or "nothing"
        bars: dict[int, list[str]] = {}
        for p in self.placed:
            bars.setdefault(int(p.start or 0), []).append(p.name)
        return " | ".join(" ".join(names) for names in bars.values())

    @property
    def sure(self) -> bool:
        """Whether the key is given, or no other comes near."""
        return self.key_from == "given" or (bool(self.likely) and self.likely[0][1] >= SURE)

    @property
    def key_words(self) -> str:
        """The key, and where it comes from, in words."""
        return self._key_and("", "")

    @property
    def key_told(self) -> str:
        """The same with what to type for another key."""
        return self._key_and("; type predict.key=… for another", "; type predict.key=… if you know it")

    def _key_and(self, instead: str, known: str) -> str:
        if self.key_from == "given":
            return str(self.spelling)
        if self.key_from == "assumed":
            return f"{self.spelling} (assumed{instead})"
        among = ", ".join(f"{s} {p:.0%}" for s, p in self.likely)
        return f"{self.spelling} ({'estimated' if self.sure else 'unsure'}: {among}{known})"

    @property
    def key_record(self) -> dict[str, Any]:
        """The same for a JSON file."""
        likely = [{"key": str(s), "probability": round(p, 4)} for s, p in self.likely]
        return {"key": str(self.spelling), "key_from": self.key_from, "key_sure": self.sure, "likely_keys": likely}


def read_chart(
    text: str,
    key: str | None = None,
    bar_each: bool = False,
    known: Key | None = None,
    name: str = CHORDS,
    key_name: str = "predict.key",
) -> Chart:
    """Reads chords as they are typed.

    Args:
        text: the chords.
        key: such as C, F# or Am; None estimates it, and assumes C for numerals and for no chords.
        bar_each: without `|` each chord is a bar.
        known: the key where none is typed, such as that of a tune which goes on.
        name: of the setting or the place that the chords are from, for errors.
        key_name: of the setting that the key is from.

    Raises:
        ConfigError: a chord or the key can't be read.
    """
    bars, timed = bars_of(text, name), "|" in text or bar_each
    if "|" not in text and bar_each:
        bars = [[symbol] for bar in bars for symbol in bar]
    try:
        given = typed_spelling(key) if key is not None and key.strip() else None
    except ChordError as error:
        raise ConfigError(f"{key_name}: {error}") from None
    given = given or (Spelling.of(known) if known is not None else None)
    dialect = recognise(bars, name)
    symbols = symbols_of(bars)
    spelling = given or Spelling(Key(0, 1), "C")
    if dialect is not None and len((key or "").strip()) < 3 and mode_of_numerals(symbols) < 0:
        spelling = Spelling(Key(spelling.key.tonic, -1), spelling.tonic)  # key=A and `i iv V` is A minor
    if dialect is None:
        chords = {symbol: read_name(symbol) for symbol in symbols}
    else:
        chords = {symbol: _numeral(symbol, spelling, dialect) for symbol in symbols}
    played = list(steps(bars, name))
    if text.strip() and not played:
        raise ConfigError(f'{name}={shortened(text.strip())} holds no chord; write chords, such as "Dm7 | G7"')
    sounding = [(chords[symbol], length) for symbol, _, length in played if symbol in chords]
    key_from = "given" if given else "assumed"
    likely: tuple[tuple[Spelling, float], ...] = ()
    if given is None and dialect is None and sounding:
        key_from, likely = "estimated", _likely_keys(sounding)
        spelling = likely[0][0]
    placed = []
    for symbol, start, length in played:
        chord, root, bass = chords.get(symbol, (None, "", ""))
        name = spelling.chord(chord, root, bass) if chord else "N.C."
        root = root or (spelling.root(chord) if chord else "")
        placed.append(ChartChord(chord, name, root, start if timed else None, length if timed else None))
    return Chart(tuple(placed), spelling, key_from, likely)


def _likely_keys(sounding: list[tuple[tuple[Chord, str, str], float]]) -> tuple[tuple[Spelling, float], ...]:
    ranked = key_probabilities([chord for (chord, _, _), _ in sounding], [length for _, length in sounding])
    roots = [root for (_, root, _), _ in sounding]
    return tuple((Spelling.of(k, roots), p) for i, (k, p) in enumerate(ranked[:3]) if p >= _WORTH_NAMING or i == 0)


def _numeral(symbol: str, spelling: Spelling, dialect: Dialect) -> tuple[Chord, str, str]:
    try:
        chord = parse_roman(symbol, spelling.key, dialect)
    except ChordError:
        chord = parse_roman(symbol, spelling.key, "chart")
    letters = letters_up(symbol)
    return chord, "" if letters is None else spelling.letters_up(chord, letters), ""
