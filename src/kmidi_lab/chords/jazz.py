"""Jazz and pop chord symbols: `Dm7b5`, `Gbmaj7`, `C7alt`, `F#m/maj7`, `Eb69`, `G13sus/D`.

Grammar: root, an optional base (`m`, `maj`, `dim`, `0`, `aug`, `ø` …), an optional number, then any
alterations, then an optional slash bass. Spellings follow the Real Book charts and Brandt & Roemer,
*Standardized Chord Symbol Notation* (1976).
"""

from __future__ import annotations

import re

from kmidi_lab.chords.chord import Chord, ChordError, parse_pitch_class, reduce_quality

_SYMBOL = re.compile(r"^([A-G][#b♯♭]?)(.*?)(?:/([A-G][#b♯♭]?))?$")
_BASES = (
    ("ø7", "halfdim"), ("ø", "halfdim"), ("dim7", "dim7"), ("dim", "dim"), ("°7", "dim7"), ("°", "dim"),
    ("o7", "dim7"), ("o", "dim"), ("07", "dim7"), ("0", "dim"), ("aug", "aug"), ("+", "aug"),
    ("major", "maj"), ("maj", "maj"), ("Maj", "maj"), ("Δ", "delta"), ("^", "delta"), ("M", "maj"),
    ("minor", "m"), ("min", "m"), ("mi", "m"), ("m", "m"), ("-", "m"),
)  # fmt: skip
_ALTERATION = re.compile(
    r"sus4sus2|sus24|sus2|sus4|sus|alt|add(?:b|#)?\d+|omit\d|no\d|/?maj7|/?Maj7|/?M7|\^7|/9"
    r"|[b#+\-♭♯](?:5|6|9|11|13)|69|6|7|9|11|13|5|2|4|\+|aug"
)
_TENSION = {"b9": 1, "9": 2, "#9": 3, "11": 5, "#11": 6, "b13": 8, "13": 9, "b6": 8, "6": 9, "2": 2, "4": 5}


def parse_jazz(symbol: str) -> Chord:
    """Reads a chord symbol. Raises ChordError naming the symbol and the part that is not understood."""
    m = _SYMBOL.match(symbol.strip())
    if not m:
        raise ChordError(f"chord symbol {symbol!r} has no root; start with A to G, such as Dm7 or Bb7b9")
    root_name, suffix, bass_name = m.groups()
    root = parse_pitch_class(root_name)
    intervals, quality = _read_suffix(symbol, suffix.replace("(", "").replace(")", "").replace(" ", ""))
    bass = parse_pitch_class(bass_name) if bass_name else root
    tones = frozenset({(root + i) % 12 for i in intervals} | {bass})
    return Chord(root, quality, bass, tones)


def _read_suffix(symbol: str, suffix: str) -> tuple[set[int], str]:
    base, rest = _split_base(suffix)
    third: int | None = {"m": 3, "dim": 3, "dim7": 3, "halfdim": 3}.get(base, 4)
    fifth: int | None = {"dim": 6, "dim7": 6, "halfdim": 6, "aug": 8}.get(base, 7)
    seventh: int | None = {"dim7": 9, "halfdim": 10, "delta": 11}.get(base)
    natural_seventh = 11 if base in ("maj", "delta") else 9 if base == "dim" and rest.startswith("7") else 10
    extra: set[int] = set()
    at = 0
    while at < len(rest):
        m = _ALTERATION.match(rest, at)
        if not m:
            raise ChordError(f"chord symbol {symbol!r}: {rest[at:]!r} is not understood")
        token, at = m.group().replace("♭", "b").replace("♯", "#"), m.end()
        if token in ("7", "9", "11", "13"):
            seventh = seventh or natural_seventh
            extra |= {_TENSION[t] for t in ("9", "11", "13") if int(t) <= int(token) and t == token}
        elif token.lstrip("/") in ("maj7", "Maj7", "M7", "^7"):
            seventh = 11
        elif token in ("6", "69"):
            extra |= {9} | ({2} if token == "69" else set())
        elif token == "/9":
            extra.add(2)
        elif token.startswith("sus"):
            third = None
            extra |= ({2} if "2" in token else set()) | ({5} if token != "sus2" else set())
        elif token == "alt":
            seventh, fifth = 10, None
            extra |= {1, 3, 6, 8}
        elif token in ("b5", "-5"):
            fifth = 6
        elif token in ("#5", "+5", "+", "aug"):
            fifth = 8
        elif token == "5":
            third = None
        elif token.startswith(("no", "omit")):
            third, fifth = (None, fifth) if token.endswith("3") else (third, None)
        else:
            name = token.removeprefix("add").replace("+", "#").replace("-", "b")
            if name not in _TENSION:
                raise ChordError(f"chord symbol {symbol!r}: {token!r} is not a known tension")
            extra.add(_TENSION[name])
    intervals = {0, *extra} | {i for i in (third, fifth, seventh) if i is not None}
    return intervals, reduce_quality(third, 7 if fifth is None else fifth, seventh)


def _split_base(suffix: str) -> tuple[str, str]:
    for text, base in _BASES:
        if suffix.startswith(text):
            rest = suffix[len(text) :]
            return base, "7" if base == "delta" and not rest else rest
    return "", suffix
