"""Roman numerals, in two dialects.

`functional` is what jazz and pop write: a plain 7 on an upper-case numeral is a dominant seventh, and
accidentals count from the major scale in both modes (`i bVII bVI V7`). `classical` is what figured-bass
analyses (RomanText, Tymoczko et al., ISMIR 2019) write: sevenths are diatonic, figures are inversions,
and in minor VI, VII and III are those of the natural scale while vi and vii are raised.

An augmented sixth chord is read as it sounds: a dominant seventh on the flat sixth degree.
"""

from __future__ import annotations

import re
from typing import Literal

from kmidi_lab.chords.chord import Chord, ChordError, Key, reduce_quality

Dialect = Literal["functional", "classical"]
_MAJOR = (0, 2, 4, 5, 7, 9, 11)
_HARMONIC_MINOR = (0, 2, 3, 5, 7, 8, 11)
_NUMERALS = {"I": 0, "II": 1, "III": 2, "IV": 3, "V": 4, "VI": 5, "VII": 6}
_HEAD = re.compile(r"^([#b♯♭]*)(VII|VI|V|IV|III|II|I|vii|vi|v|iv|iii|ii|i)(.*)$")
_INVERSIONS = {"6": 1, "63": 1, "64": 2, "65": 1, "43": 2, "42": 3, "2": 3, "643": 2, "653": 1, "642": 3}
_AUGMENTED_SIXTHS = {"It": (0, 4, 10), "Ger": (0, 4, 7, 10), "Fr": (0, 4, 6, 10)}
_SUFFIX = re.compile(r"maj7|maj9|M7|7sus4|9sus4|sus2|sus4|add9|add6|add2|add4|69|13|11|9|7|[b#](?:5|9|11|13)")


def parse_roman(numeral: str, key: Key, dialect: Dialect = "functional") -> Chord:
    """Reads one numeral in `key`. Raises ChordError naming the numeral and the part not understood."""
    text = numeral.strip().replace("°", "o").replace("/o", "ø").replace("♭", "b").replace("♯", "#")
    if dialect == "classical":
        text = re.sub(r"\[[^\]]*\]", "", text).rstrip("/")
        text = re.sub(r"(?<=\d)/(?=\d)", "", text)
    head, *applied = text.split("/")
    bass_degree = applied.pop() if applied and applied[-1].strip("#b").isdigit() else None
    local = key
    for target in reversed(applied):
        chord = _parse_plain(target, local, dialect, numeral)
        local = Key(chord.root, -1 if 3 in {(t - chord.root) % 12 for t in chord.tones} else 1)
    chord = _parse_plain(head, local, dialect, numeral)
    if bass_degree:
        bass = (key.tonic + _degree(bass_degree)) % 12
        chord = Chord(chord.root, chord.quality, bass, chord.tones | {bass})
    return chord


def _degree(text: str) -> int:
    number = int(text.strip("#b"))
    if not 1 <= number <= 7:
        raise ChordError(f"bass degree {text!r} is not readable; write 1 to 7 with # or b in front")
    return _MAJOR[number - 1] + text.count("#") - text.count("b")


def _parse_plain(text: str, key: Key, dialect: Dialect, whole: str) -> Chord:
    if dialect == "classical":
        text = text.replace("Cad", "I" if key.mode >= 0 else "i").replace("N", "bII")
        for name, intervals in _AUGMENTED_SIXTHS.items():
            if text.startswith(name):
                root = (key.tonic + 8) % 12
                return Chord(root, "dom7", root, frozenset((root + i) % 12 for i in intervals))
    m = _HEAD.match(text)
    if not m:
        raise ChordError(f"Roman numeral {whole!r} is not readable: {text!r} has no numeral I to VII")
    accidentals, name, suffix = m.groups()
    upper = name.isupper()
    root = (key.tonic + _scale_degree(accidentals, name, key, dialect)) % 12
    if dialect == "classical":
        return _classical(root, upper, suffix, key, whole)
    return _functional(root, upper, suffix, whole)


def _scale_degree(accidentals: str, name: str, key: Key, dialect: Dialect) -> int:
    step = _NUMERALS[name.upper()]
    shift = accidentals.count("#") - accidentals.count("b")
    if dialect == "functional" or key.mode >= 0 or step not in (2, 5, 6):
        return _MAJOR[step] + shift
    if shift < 0 or step == 2:
        # A flat in minor is cautionary (bVI is VI), and III is always the natural third.
        return _MAJOR[step] - 1 + (shift if shift > 0 else 0) - (1 if shift < -1 else 0)
    raised = name.islower() or shift > 0
    return _MAJOR[step] - (0 if raised else 1)


def _triad(upper: bool, suffix: str) -> tuple[int, int, str]:
    """(third, fifth, rest) from the case and the triad mark in front of the figures."""
    if suffix.startswith(("o", "ø")):
        return 3, 6, suffix
    if suffix.startswith("+"):
        return 4, 8, suffix[1:]
    return (4 if upper else 3), 7, suffix


def _classical(root: int, upper: bool, suffix: str, key: Key, whole: str) -> Chord:
    third, fifth, rest = _triad(upper, suffix)
    mark = rest[:1] if rest[:1] in ("o", "ø") else ""
    figures = re.sub(r"[^0-9]", "", rest[len(mark) :])
    if figures not in ("", "5", "53", "7", "9", "54", "4", "11", "13", "97") and figures not in _INVERSIONS:
        raise ChordError(f"Roman numeral {whole!r}: figures {figures!r} are not understood")
    seventh: int | None = None
    if figures in ("7", "65", "43", "42", "2", "9", "11", "13", "97", "643", "653", "642") or mark == "ø":
        seventh = {"o": 9, "ø": 10}.get(mark) or _diatonic_seventh(root, third, key)
    members = [0, third, fifth] + ([seventh] if seventh is not None else [])
    position = _INVERSIONS.get(figures, 0)
    bass = (root + members[min(position, len(members) - 1)]) % 12
    return Chord(root, reduce_quality(third, fifth, seventh), bass, frozenset((root + i) % 12 for i in members))


def _diatonic_seventh(root: int, third: int, key: Key) -> int:
    scale = _MAJOR if key.mode >= 0 else _HARMONIC_MINOR
    pitches = {(key.tonic + s) % 12 for s in scale}
    degree = (root - key.tonic) % 12
    if third == 3:
        return 10
    if degree == 7 or (root + 11) % 12 not in pitches:
        return 10
    return 11


def _functional(root: int, upper: bool, suffix: str, whole: str) -> Chord:
    third: int | None
    third, fifth, rest = _triad(upper, suffix)
    mark, rest = (rest[0], rest[1:]) if rest[:1] in ("o", "ø") else ("", rest)
    seventh: int | None = 10 if mark == "ø" else None
    extra: set[int] = set()
    rest, at = rest.replace("(", "").replace(")", ""), 0
    while at < len(rest):
        m = _SUFFIX.match(rest, at)
        if not m:
            raise ChordError(f"Roman numeral {whole!r}: {rest[at:]!r} is not understood")
        token, at = m.group(), m.end()
        if token in ("maj7", "maj9", "M7"):
            seventh = 11
        elif token in ("7", "9", "11", "13"):
            seventh = seventh or (9 if mark == "o" else 10)
        elif token in ("b5", "#5"):
            fifth = 6 if token == "b5" else 8
        if "sus" in token:
            third, seventh = None, 10 if token[0] in "79" else seventh
            extra.add(2 if token == "sus2" else 5)
        extra |= {
            s for t, s in (("9", 2), ("2", 2), ("4", 5), ("6", 9), ("11", 5), ("13", 9)) if token in (t, "add" + t)
        }
        extra |= {s for t, s in (("b9", 1), ("#9", 3), ("#11", 6), ("b13", 8)) if token == t}
        extra |= {2, 9} if token == "69" else {2} if token in ("maj9", "9sus4") else set()
    members = {0, fifth, *extra} | {i for i in (third, seventh) if i is not None}
    return Chord(root, reduce_quality(third, fifth, seventh), root, frozenset((root + i) % 12 for i in members))
