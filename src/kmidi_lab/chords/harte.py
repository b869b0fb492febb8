"""Harte chord syntax: `F#:maj7/5`, `C:min(9)`, `Bb:sus4(b7)`, `A`, `N`.

Source: C. Harte, M. Sandler, S. Abdallah, E. Gómez, *Symbolic representation of musical chords*, ISMIR 2005.
"""

from __future__ import annotations

import re

from kmidi_lab.chords.chord import (
    MAJOR_SCALE,
    Chord,
    ChordError,
    parse_pitch_class,
    plain_symbol,
    reduce_quality,
    shortened,
)

NO_CHORD = frozenset({"N", "X", ""})
_SHORTHAND = {
    "": "1 3 5", "maj": "1 3 5", "min": "1 b3 5", "dim": "1 b3 b5", "aug": "1 3 #5", "maj7": "1 3 5 7",
    "min7": "1 b3 5 b7", "7": "1 3 5 b7", "dim7": "1 b3 b5 bb7", "hdim7": "1 b3 b5 b7", "minmaj7": "1 b3 5 7",
    "maj6": "1 3 5 6", "min6": "1 b3 5 6", "9": "1 3 5 b7 9", "maj9": "1 3 5 7 9", "min9": "1 b3 5 b7 9",
    "11": "1 3 5 b7 9 11", "maj11": "1 3 5 7 9 11", "min11": "1 b3 5 b7 9 11", "13": "1 3 5 b7 9 11 13",
    "maj13": "1 3 5 7 9 11 13", "min13": "1 b3 5 b7 9 11 13", "sus4": "1 4 5", "sus2": "1 2 5", "5": "1 5", "1": "1",
    # What harte-library and Chordify's annotations add to the published list.
    "6": "1 3 5 6", "7sus4": "1 4 5 b7", "hdim": "1 b3 b5 b7", "aug7": "1 3 #5 b7", "augmaj7": "1 3 #5 7", "power": "1 5",
    "aug9": "1 3 #5 b7 9", "augmaj9": "1 3 #5 7 9", "minmaj9": "1 b3 5 7 9", "dim9": "1 b3 b5 bb7 9", "pedal": "1",
    "hdim9": "1 b3 b5 b7 9", "hdimmin9": "1 b3 b5 b7 b9", "dimmin9": "1 b3 b5 bb7 b9", "dom7dim5": "1 3 b5 b7",
    "aug11": "1 3 #5 b7 9 11", "augmaj11": "1 3 #5 7 9 11", "minmaj11": "1 b3 5 7 9 11", "hdim11": "1 b3 b5 b7 b9 11",
    "dim11": "1 b3 b5 bb7 b9 b11", "augmaj13": "1 3 #5 7 9 11 13", "minmaj13": "1 b3 5 7 9 11 13",
    "hdim13": "1 b3 b5 b7 9 11 13",
}  # fmt: skip
_NAMES = ", ".join(name for name in _SHORTHAND if name)
_SYMBOL = re.compile(r"([A-G][#b]*)(?::([a-z0-9]*)(?:\(([^()]*)\))?)?(?:/([#b]*[1-9]\d?))?")


def degree_semitones(degree: str) -> int:
    """Semitones above the root of a degree such as `b7`, `#11`, `5`; raises ChordError."""
    m = re.fullmatch(r"([#b]*)([1-9]\d?)", degree)
    if not m or not 1 <= int(m.group(2)) <= 14:
        raise ChordError(f"degree {shortened(degree)} is not readable; write 1 to 14 with # or b in front")
    number = int(m.group(2))
    return (MAJOR_SCALE[(number - 1) % 7] + m.group(1).count("#") - m.group(1).count("b")) % 12


def parse_harte(symbol: str) -> Chord | None:
    """Reads a Harte symbol; None for no chord (`N`, `X`). Raises ChordError."""
    text = plain_symbol(symbol)
    if text in NO_CHORD:
        return None
    m = _SYMBOL.match(text)
    if not m or m.end() < len(text):
        at = m.end() if m else 0
        raise ChordError(
            f"Harte chord {shortened(symbol)}: {text[at : at + 12]!r} at character {at + 1} is not understood; "
            "write root:shorthand(degrees)/bass, as F#:maj7/5"
        )
    if text.endswith(":"):
        raise ChordError(f"Harte chord {shortened(symbol)}: ':' at character {len(text)} has nothing after it")
    if (m.group(2) or "") not in _SHORTHAND:
        raise ChordError(f"Harte chord {shortened(symbol)}: {shortened(m.group(2))} is no shorthand; write {_NAMES}")
    root_name, shorthand, degrees, bass_degree = m.groups()
    root = parse_pitch_class(root_name)
    parts = {d: degree_semitones(d) for d in _SHORTHAND[shorthand or ""].split()}
    if degrees and not shorthand and any(not degree.strip().startswith("*") for degree in degrees.split(",")):
        parts = {"1": 0}
    for degree in (d.strip() for d in degrees.split(",")) if degrees is not None else ():
        if degree.startswith("*"):
            degree_semitones(degree[1:])
            if parts.pop(degree[1:], None) is None:
                raise ChordError(
                    f"Harte chord {shortened(symbol)}: {degree!r} leaves out a degree that is not in the chord"
                )
        else:
            parts[degree] = degree_semitones(degree)
    bass = (root + degree_semitones(bass_degree)) % 12 if bass_degree else root
    tones = frozenset({(root + i) % 12 for i in parts.values()} | {root, bass})
    third = 3 if "b3" in parts else 4 if "3" in parts else None
    fifth = 6 if "b5" in parts else 8 if "#5" in parts else 7
    seventh = next((s for name, s in (("bb7", 9), ("b7", 10), ("7", 11)) if name in parts), None)
    return Chord(root, reduce_quality(third, fifth, seventh), bass, tones)
