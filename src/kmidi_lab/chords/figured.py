"""Figures of Roman numerals as analyses write them: `65`, `o43`, `ø7`, `d7`, `9`, `+6`, `[no3]`, `[add9]`, `Ger65`.

Figures are inversions and tones of the key. Every mark is read or refused. M. Cuthbert's music21 is the reference.
"""

from __future__ import annotations

import re

from kmidi_lab.chords.chord import MAJOR_SCALE, Chord, ChordError, Key, reduce_quality, shortened

_HARMONIC_MINOR = (0, 2, 3, 5, 7, 8, 11)
_TRIADS = {"": 0, "5": 0, "53": 0, "3": 0, "6": 1, "63": 1, "64": 2}
_SEVENTHS = {"7": 0, "75": 0, "73": 0, "753": 0, "65": 1, "653": 1, "43": 2, "643": 2, "42": 3, "2": 3, "642": 3}
_STACKS = {"9": 9, "97": 9, "975": 9, "9753": 9, "11": 11, "13": 13}
_SUSPENDED = {"4": False, "54": False, "74": True, "754": True}
_FIGURES = re.compile(r"(?P<mark>[oø+])?(?P<dominant>d)?(?P<figures>(?:[#b]?\d)*)(?P<maj7>maj7|M7)?(?P<plus>\+)?")
_BRACKET = re.compile(r"(no|omit|add)?([#b]*)(maj7|[1-9]\d?)")
_SIXTHS = {
    "It": ((6, 8, 0), {"": 1, "6": 1, "63": 1, "5": 0, "53": 0, "64": 2}),
    "Ger": ((6, 8, 0, 3), {"": 1, "6": 1} | _SEVENTHS),
    "Fr": ((2, 6, 8, 0), {"": 2, "6": 2} | _SEVENTHS),
    "Sw": ((3, 6, 8, 0), {"": 2, "6": 2} | _SEVENTHS),
}
"""Semitones above the tonic in thirds from the root that names the inversion; inversions by figure."""


def augmented_sixth(text: str, key: Key) -> Chord | None:
    """`It6`, `Ger65`, `Fr43`, `Sw43` and their inversions, as they sound; None for anything else."""
    m = re.fullmatch(r"(It|Ger|Fr|Sw)(\d{0,3})", text)
    if not m or m[2] not in _SIXTHS[m[1]][1]:
        return None
    members, inversions = _SIXTHS[m[1]]
    tones = [(key.tonic + i) % 12 for i in members]
    return Chord((key.tonic + 8) % 12, "dom7", tones[inversions[m[2]]], frozenset(tones))


def without_brackets(text: str, whole: str) -> tuple[str, list[str]]:
    """The numeral without `[…]`, and what stood in the brackets."""
    parts, brackets, at = [], [], 0
    while (start := text.find("[", at)) >= 0:
        end = text.find("]", start)
        if end < 0 or text.find("[", start + 1, end) >= 0:
            raise ChordError(f"Roman numeral {shortened(whole)}: the bracket at character {start + 1} is not closed")
        parts.append(text[at:start])
        brackets.append(text[start + 1 : end])
        at = end + 1
    return "".join([*parts, text[at:]]), brackets


def figured_chord(root: int, upper: bool, rest: str, key: Key, brackets: list[str], whole: str) -> Chord:
    """The chord on `root` with the figures `rest` and what the brackets change. Raises ChordError."""
    m = _FIGURES.match(rest)
    if m is None or m.end() < len(rest):
        at = m.end() if m else 0
        raise ChordError(f"Roman numeral {shortened(whole)}: {rest[at : at + 12]!r} is not understood as a figure")
    mark, plus = m["mark"] or "", bool(m["plus"])
    if mark and (plus or m["dominant"]):
        raise ChordError(f"Roman numeral {shortened(whole)}: {'+' if plus else 'd'!r} after {mark!r} is not understood")
    third, fifth = (3, 6) if mark in ("o", "ø") and mark else (4, 8) if mark == "+" or plus else (4 if upper else 3, 7)
    plain = re.sub(r"[#b]\d", "", m["figures"])
    changes = [(sign, int(digit)) for sign, digit in re.findall(r"([#b])(\d)", m["figures"])]
    stack = _STACKS.get(plain, 0)
    if not (plain in _TRIADS or plain in _SEVENTHS or plain in _SUSPENDED or stack) or (
        m["dominant"] and plain not in _SEVENTHS
    ):
        raise ChordError(f"Roman numeral {shortened(whole)}: figures {rest[:12]!r} are not understood")
    members: dict[int, int] = {1: 0, 3: third, 5: fifth}
    if plain in _SEVENTHS or stack or _SUSPENDED.get(plain) or mark == "ø" or m["maj7"]:
        members[7] = (
            11 if m["maj7"] else 10 if m["dominant"] else {"o": 9, "ø": 10}.get(mark) or _seventh(root, third, key)
        )
    if m["dominant"]:
        members |= {3: 4, 5: 7}
    if plain in _SUSPENDED:
        members = {n: i for n, i in members.items() if n != 3} | {4: _in_key(root, 4, key)}
    members |= {n: _in_key(root, n, key) for n in (9, 11, 13) if n <= stack}
    bass = [*members.values()][{**_TRIADS, **_SEVENTHS}.get(plain, 0)] if plain not in _SUSPENDED and not stack else 0
    left_out: set[int] = set()
    for sign, number in changes:
        _change(members, left_out, "", sign, str(number), root, key, whole)
    for text in brackets:
        marks = list(_BRACKET.finditer(text))
        if not marks or sum(len(b.group()) for b in marks) < len(text):
            raise ChordError(f"Roman numeral {shortened(whole)}: {shortened(f'[{text}]')} is not understood")
        for b in marks:
            _change(members, left_out, b[1] or "", b[2], b[3], root, key, whole)
    quality = reduce_quality(
        {3: 3, 4: 4}.get(members.get(3, 0), third if plain not in _SUSPENDED else None),
        members.get(5, fifth),
        members.get(7),
    )
    sounding = {0, bass, *(i for n, i in members.items() if n not in left_out)}
    return Chord(root, quality, (root + bass) % 12, frozenset((root + i) % 12 for i in sounding))


def _change(
    members: dict[int, int], left_out: set[int], what: str, signs: str, number: str, root: int, key: Key, whole: str
) -> None:
    """One mark such as `no3`, `add9`, `#5`. The root names the chord: `no1` leaves it."""
    n = 7 if number == "maj7" else int(number)
    shift = signs.count("#") - signs.count("b")
    if number == "maj7":
        members[7] = 11
    elif what in ("no", "omit") and not shift and n in members:
        left_out.add(n)
    elif what == "add" and 2 <= n <= 14:
        members[n] = (MAJOR_SCALE[(n - 1) % 7] + shift) % 12 if shift else _in_key(root, n, key)
    elif not what and shift > 0 and n == 7 and n not in members:
        members[n] = 11  # above a triad, as in music21 and in names of chords
    elif not what and shift and n in (3, 5, 7, 9, 11, 13):
        members[n] = (members.get(n, MAJOR_SCALE[(n - 1) % 7]) + shift) % 12
    else:
        raise ChordError(f"Roman numeral {shortened(whole)}: {what + signs + number!r} is not understood")


def _seventh(root: int, third: int, key: Key) -> int:
    """The diatonic seventh."""
    pitches = {(key.tonic + s) % 12 for s in (MAJOR_SCALE if key.mode >= 0 else _HARMONIC_MINOR)}
    if third == 3 or (root - key.tonic) % 12 == 7 or (root + 11) % 12 not in pitches:
        return 10
    return 11


def _in_key(root: int, number: int, key: Key) -> int:
    """The second, fourth, sixth … above the root that the key has, in semitones below an octave."""
    pitches = {(key.tonic + s) % 12 for s in (MAJOR_SCALE if key.mode >= 0 else _HARMONIC_MINOR)}
    large = MAJOR_SCALE[(number - 1) % 7]
    return next((i for i in (large, 6 if large == 5 else large - 1) if (root + i) % 12 in pitches), large)
