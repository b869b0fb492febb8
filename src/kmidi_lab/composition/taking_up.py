"""What a sentence asks for, put into a song intent where nothing else says it, and a line for each: taken or not, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from kmidi_lab.composition.bands import Band
from kmidi_lab.composition.form import LONGEST
from kmidi_lab.composition.wishes import ROLES, Wishes
from kmidi_lab.song import SongIntent
from kmidi_lab.wording import many

_OTHERS: Mapping[str, tuple[int, ...]] = {
    "lead": (73, 11, 66),
    "chords": (25, 4, 46),
    "pad": (48, 89),
    "bass": (32, 38),
}
"""Programs that stand in where a person doesn't want an instrument, the first of another family."""


@dataclass(frozen=True)
class Taken:
    """A line of what a text or an intent asked for: `what` and `value`, and why it is not used; empty where it is."""

    what: str
    value: str
    said: str
    unused: str = ""
    source: str = "the text"

    def __str__(self) -> str:
        said = f" ({self.said})" if self.said and self.said not in self.value.lower() else ""
        name = f"{self.what} {self.value} from {self.source}{said}".strip()
        return f"{name} is not used: {self.unused}" if self.unused else name

    def record(self) -> dict[str, str]:
        """For the song's JSON file."""
        return {"what": self.what, "value": self.value, "words": self.said, "unused": self.unused}


@dataclass(frozen=True)
class Limits:
    """What numbers a song may have: tempo and bars, each (least, most)."""

    tempo: tuple[float, float]
    bars: tuple[int, int]


def taken_up(
    wishes: Wishes, song: SongIntent, typed: Mapping[str, Any], limits: Limits
) -> tuple[SongIntent, list[Taken]]:
    """The intent with what a text says, and a line of each.

    Args:
        wishes: of the text.
        song: what the intent says before.
        typed: settings by name, None where nothing was typed.
        limits: of tempo and bars.
    """
    lines: list[Taken] = []

    def take(what: str, value: str, said: str, reasons: Iterator[str], **fields: Any) -> None:
        nonlocal song
        unused = next(reasons, "")
        lines.append(Taken(what, value, said.strip("()"), unused))
        if not unused:
            for name, part in fields.items():
                block = song.block_of(name)
                song = replace(song, **{block: replace(getattr(song, block), **{name: part})})

    wish, words = song.constraints, wishes.words
    if wishes.tempo:
        low, high = wishes.tempo
        value = _number(low) if low == high else _number((low + high) / 2)
        outside = "" if limits.tempo[0] <= low and high <= limits.tempo[1] else _range("tempos", limits.tempo)
        reasons = _reasons(
            outside, typed, ("tempo",), wish.technical_tempo_range and f"{_span(wish.technical_tempo_range)}"
        )
        take(
            "tempo",
            value,
            words["tempo"] if low != high else "",
            reasons,
            technical_tempo_range=(float(low), float(high)),
        )
    tonic, mode = wishes.key
    if tonic or mode:
        asked = " ".join(filter(None, (tonic, mode)))
        known = wish.technical_key or ("" if tonic else wish.technical_mode)
        fields = ({"technical_key": asked} if tonic else {}) | ({"technical_mode": mode} if mode else {})
        take("key" if tonic else "mode", asked, "", _reasons("", typed, ("key",), known), **fields)
    if wishes.style:
        reasons = _reasons("", typed, ("style",), wish.technical_genre)
        take("style", wishes.style, words["style"], reasons, technical_genre=wishes.style)
    if wishes.feel:
        reasons = _reasons("", typed, (), wish.technical_groove_feel)
        take("feel", wishes.feel, words["feel"], reasons, technical_groove_feel=wishes.feel)
    if wishes.chords:
        lines.append(Taken("chords", wishes.chords, "", next(_reasons("", typed, ("chords",), None), "")))
    if wishes.bars is not None:
        outside = "" if limits.bars[0] <= wishes.bars <= limits.bars[1] else _range("lengths in bars", limits.bars)
        reasons = _reasons(outside, typed, ("bars", "sections"), song.directive.output_bars)
        take("length", many(wishes.bars, "bar"), words["bars"], reasons, output_bars=wishes.bars)
    return song, lines


def length_line(wishes: Wishes, bars: int, seconds: float, typed: Mapping[str, Any], known: int | None) -> Taken | None:
    """The line of a length in seconds, which a song of `bars` bars comes nearest to; None where none was asked for.

    Args:
        wishes: of the text.
        bars: of the song.
        seconds: that these last.
        typed: settings by name, None where nothing was typed.
        known: bars that the intent says.
    """
    if wishes.seconds is None or wishes.bars is not None:
        return None
    unused = next(_reasons("", typed, ("bars", "sections"), known), "")
    words = wishes.words["seconds"]
    if unused:
        return Taken("length", words, "", unused)
    short = "but no song is longer" if bars >= LONGEST else "as near as its form comes"
    far = seconds < 0.9 * wishes.seconds
    return Taken("length", many(bars, "bar"), f"{words}, {short}" if far else words)


def band_lines(wishes: Wishes) -> list[Taken]:
    """A line of each instrument and of the parts that are left out."""
    said = {role: wishes.words.get(f"program {role}", "") for role in wishes.programs}
    by: dict[str, list[str]] = {}
    for role, name in said.items():
        by.setdefault(name, []).append(role)
    lines = [Taken(f"{name} for", _and(map(_called, roles)), "") for name, roles in by.items()]
    alone = wishes.words.get("alone", "")
    rest = [role for role in wishes.without if alone and role not in wishes.words]
    if said_out := [role for role in wishes.without if role not in rest]:
        lines.append(Taken("without", _and(map(_called, said_out)), ""))
    if rest:
        lines.append(Taken("without", _and(map(_called, rest)), f"a {alone} plays alone"))
    lines += [Taken("without", name, "") for key, name in wishes.words.items() if key.startswith("family ")]
    return lines


def with_instruments(band: Band, wishes: Wishes) -> Band:
    """The band with the instruments that were asked for, and none that was not wanted."""
    programs = dict(band.programs) | wishes.programs
    for role, program in programs.items():
        if program // 8 in wishes.no_family and role not in wishes.programs:
            programs[role] = next(
                p for p in (*_OTHERS[role], program) if p // 8 not in wishes.no_family or p == program
            )
    return replace(band, programs=programs)


def metre_line(asked: str, name: str, typed: Mapping[str, Any], source: str) -> Taken:
    """The line of a metre that the words `asked` for, one that songs have."""
    return Taken("metre", name, asked, next(_reasons("", typed, ("metre",), None), ""), source)


def bars_of(seconds: float, tempo: float, bar: float, limits: tuple[int, int]) -> int:
    """Bars of `bar` quarters that last about so long: whole groups of four."""
    return int(min(max(4 * round(seconds * tempo / 60 / (4 * bar)), limits[0]), limits[1]))


def nothing_left(wishes: Wishes) -> bool:
    """Whether every part is to be left out."""
    return set(wishes.without) >= set(ROLES)


def _reasons(outside: str, typed: Mapping[str, Any], names: tuple[str, ...], known: object) -> Iterator[str]:
    """Why something is not used, the most important first."""
    for name in names:
        if typed.get(name) is not None:
            yield f"compose.{name}={typed[name]} was typed"
    if outside:
        yield outside
    if known:
        yield f"the intent says {known}"


def _range(what: str, limits: tuple[float, float]) -> str:
    return f"{what} are {_number(limits[0])} to {_number(limits[1])}"


def _span(pair: tuple[float, float]) -> str:
    return " to ".join(dict.fromkeys(map(_number, pair)))


def _and(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _called(role: str) -> str:
    return {"lead": "melody"}.get(role, role)


_number: Callable[[float], str] = "{:g}".format
