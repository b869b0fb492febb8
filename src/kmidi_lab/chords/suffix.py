"""What follows the root of a chord symbol: `m7b5`, `maj9(#11)`, `7sus4`, `6/9`, `add9`, `°7`, `^7`.

Grammar: an optional base (`m`, `maj`, `dim`, `+`, `ø`, `dom` …), an optional number, then any tensions, alterations,
added and left-out tones, bare, in brackets or with commas between. Spellings follow the Real Book, iReal Pro and Brandt
& Roemer, *Standardized Chord Symbol Notation* (1976). A 9th, 11th or 13th brings the tones below it (as in music21,
pychord and harte-library). What isn't understood is an error that names it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from kmidi_lab.chords.chord import ChordError, reduce_quality, shortened

_SIGNS = str.maketrans({
    "♭": "b", "♯": "#", "𝄫": "bb", "𝄪": "##", "∆": "Δ", "△": "Δ", "▵": "Δ", "º": "°", "˚": "°", "Ø": "ø", "⌀": "ø", "∅": "ø",
    "−": "-", "–": "-", "‑": "-", "—": "-", "⁺": "+", "⁻": "-", "⁽": "(", "⁾": ")",
    **dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉", "01234567890123456789", strict=True)),
})  # fmt: skip
_MAJ7 = r"(?:maj|Maj|MAJ|ma|Ma|MA|mj|Mj|M|j)"
_BASE = re.compile(
    r"(?P<halfdim>half-?dim(?:inished)?|hdim|ø|h(?=\d|$))"
    r"|(?P<dim>(?:[Dd]im|DIM)(?:inished)?|°|o(?!mit)|0)"
    r"|(?P<aug>(?:[Aa]ug|AUG)(?:mented)?|\+(?!5))"
    r"|(?P<dom>[Dd]om(?:inant)?(?=\d))"
    r"|(?P<m>(?:[Mm]in|MIN)(?:or)?|[Mm]i|MI|m(?!aj|j|a(?!dd|ug|lt))|-(?!5))"
    r"|(?P<delta>Δ|\^)"
    r"|(?P<maj>(?:[Mm]aj|MAJ)(?:or)?|[Mm]a(?!dd|ug|lt)|MA|[Mm]j|M|j)"
)
_TOKEN = re.compile(
    r"(?P<separator>[\s,/]+)|(?P<open>\()|(?P<close>\))"
    r"|(?P<sus>sus(?:2sus4|4sus2|24|42|[b#]?[24])?)"
    r"|(?P<alt>[Aa]lt|ALT)"
    r"|add(?P<add>maj7|[b#+-]?\d{1,2})"
    r"|(?:omit|no)(?P<omit>[357])(?:rd|th)?"
    rf"|(?P<maj7>{_MAJ7}(?:7|9|11|13)|[Δ^](?:7|9|11|13)?|#7(?!\d))"
    r"|(?P<alteration>[b#+-](?:11|13|[24569])(?!\d))"
    r"|(?P<sharp5>\+|aug5?)|(?P<flat5>dim5)"
    r"|(?P<number>[1-9]\d*)"
)
_TENSIONS = {
    "b9": 1, "b2": 1, "9": 2, "2": 2, "#9": 3, "#2": 3, "3": 4, "11": 5, "4": 5, "#11": 6, "#4": 6, "5": 7,
    "b13": 8, "b6": 8, "13": 9, "6": 9, "#13": 10, "#6": 10, "maj7": 11,
}  # fmt: skip
_LONGEST = 12
_THIRDS = {"m": 3, "dim": 3, "halfdim": 3}
_FIFTHS = {"dim": 6, "halfdim": 6, "aug": 8}


def plain_signs(text: str) -> str:
    """The text with `♭ ♯ ∆ º Ø −` and raised figures as `b # Δ ° ø -` and plain ones."""
    return text.translate(_SIGNS)


@dataclass
class _Reading:
    """What has been read; sizes are semitones above the root."""

    base: str
    third: int | None
    fifths: list[int]
    seventh: int | None = None
    number: int = 0
    extra: set[int] = field(default_factory=set)
    below: set[int] = field(default_factory=set)
    """What a number brings below itself; an altered tone takes its place."""
    omitted: set[str] = field(default_factory=set)
    left_out: int = 0
    """Fifths that stand before `no5`: one that comes after sounds."""

    def result(self) -> tuple[frozenset[int], str]:
        below = self.below - ({2} if self.extra & {1, 3} else set()) - ({5} if 6 in self.extra else set())
        fifths = set(self.fifths) or {7}
        tones = {0} | self.extra | below
        tones |= {self.third} if self.third is not None and "3" not in self.omitted else set()
        tones |= fifths if "5" not in self.omitted else {*self.fifths[self.left_out :]}
        tones |= {self.seventh} if self.seventh is not None and "7" not in self.omitted else set()
        one = len(fifths) == 1 or self.base in _FIFTHS
        return frozenset(tones), reduce_quality(self.third, [*self.fifths, 7][0] if one else 7, self.seventh)

    def take(self, kind: str, value: str, after: str) -> str | None:
        """Adds a mark; a sentence where it makes no sense there. `after` is the separator before it, or nothing."""
        if kind == "sus":
            self.third = None
            place = value[3:] or "4"
            self.extra |= {_TENSIONS[place]} if place in _TENSIONS else {2, 5}
        elif kind == "alt":
            if self.base not in ("", "dom") or self.number > 7 or self.seventh == 11:
                return "is for a dominant seventh, such as C7alt"
            self.seventh, self.extra, self.omitted = 10, self.extra | {1, 3, 6, 8}, self.omitted | {"5"}
        elif kind == "omit":
            self.omitted.add(value)
            self.left_out = len(self.fifths) if value == "5" else self.left_out
        elif kind in ("add", "alteration"):
            name = value.replace("+", "#").replace("-", "b")
            if name == "b7" and self.seventh is None:
                self.seventh = 10
            elif name in ("b5", "#5"):
                self.fifths.append(6 if name == "b5" else 8)
            elif name not in _TENSIONS:
                return f"is no tone to add; write one of {', '.join('add' + t for t in _TENSIONS)}"
            else:
                self.extra.add(_TENSIONS[name])
        elif kind in ("sharp5", "flat5"):
            self.fifths.append(8 if kind == "sharp5" else 6)
        elif kind == "maj7":
            return self._major_seventh(int(value.lstrip("majMAJΔ^#") or 7))
        else:
            return self._number(int(value), after)
        return None

    def _major_seventh(self, number: int) -> str | None:
        if self.base == "dim" and self.seventh == 9 and number == 7:
            self.extra.add(11)
        elif self.number == 7 or (self.seventh is not None and self.number == 0) or (self.number and number > 7):
            return "is a second seventh"
        elif self.number:
            self.seventh = 11
        else:
            self._stack(number, 11)
        return None

    def _number(self, number: int, after: str) -> str | None:
        sixth = 9 in self.extra
        if number in (69, 67):
            self.extra |= {9, 2} if number == 69 else {9}
            return self._number(7, after) if number == 67 else None
        if number in (2, 4, 6) and not (number == 6 and self.number and not after):
            self.extra.add(_TENSIONS[str(number)])
        elif number == 5 and (self.base in _FIFTHS or not (self.base or self.number or self.extra or after)):
            self.third = self.third if self.base else None
        elif number not in (7, 9, 11, 13):
            return "is not understood"
        elif number > 7 and (after == "/" or (after and self.number) or (number == 9 and sixth and after)):
            self.extra.add(_TENSIONS[str(number)])
        elif self.number:
            return "is a second number; write it in brackets or after add"
        else:
            natural = {"maj": 11, "delta": 11, "dim": 9}.get(self.base, 10)
            self._stack(number, natural if self.seventh is None else self.seventh)
        return None

    def _stack(self, number: int, seventh: int) -> None:
        self.number, self.seventh = number, seventh
        self.extra |= {_TENSIONS[str(number)]} if number > 7 else set()
        self.below |= {2} if number > 9 else set()
        self.below |= {5} if number == 13 else set()


def read_suffix(suffix: str, symbol: str, offset: int = 0, minor: bool = False) -> tuple[frozenset[int], str]:
    """Intervals above the root in semitones, 0 among them, and the quality.

    Args:
        suffix: with plain signs (`plain_signs`).
        symbol: the whole symbol, for the message.
        offset: characters of the symbol before the suffix.
        minor: the third is minor where nothing says otherwise (a lower-case numeral).

    Raises:
        ChordError: names the mark that isn't understood, and where it stands.
    """

    def refuse(at: int, why: str = "is not understood") -> ChordError:
        mark = re.match(r"[\w#+^-]{1,12}|.?", suffix[at:], re.DOTALL)
        name = mark.group() if mark else ""
        return ChordError(f"chord symbol {shortened(symbol)}: {name!r} at character {offset + at + 1} {why}")

    m = _BASE.match(suffix)
    base, at = (m.lastgroup or "", m.end()) if m else ("", 0)
    third = 3 if minor and base in ("", "maj", "delta") else _THIRDS.get(base, 4)
    reading = _Reading(base, third, [_FIFTHS[base]] if base in _FIFTHS else [], 10 if base == "halfdim" else None)
    if base == "delta" and not re.match(r"(?:7|9|11|13)(?!\d)", suffix[at : at + 3]):
        reading.seventh = 11
    opened, after = -1, ""
    while at < len(suffix):
        m = _TOKEN.match(suffix, at)
        if m is None or len(m.group()) > _LONGEST:
            raise refuse(at)
        kind, value = str(m.lastgroup), m.group(str(m.lastgroup))
        if kind == "open" and (opened >= 0 or suffix[m.end() : m.end() + 1] in ("", ")")):
            raise refuse(at, "opens a bracket inside another" if opened >= 0 else "opens a bracket with nothing in it")
        if kind == "close" and (opened < 0 or after in (",", "/")):
            raise refuse(at, "closes a bracket that is not open" if opened < 0 else "follows a comma or stroke")
        if kind == "separator" and (
            (opened < 0 and "," in value) or m.end() == len(suffix) or (after in (",", "/") and value.strip())
        ):
            raise refuse(at)
        opened = at if kind == "open" else -1 if kind == "close" else opened
        if kind == "separator":
            after = value.strip() or after or " "
        elif kind in ("open", "close"):
            after = "(" if kind == "open" else ""
        else:
            why = reading.take(kind, value, after)
            if why is not None:
                raise refuse(at, why)
            after = ""
        at = m.end()
    if opened >= 0:
        raise refuse(opened, "opens a bracket that is not closed")
    if base == "dom" and not reading.number:
        raise refuse(0, "names no seventh; write C7 or Cdom7")
    return reading.result()
