"""Notes as German names them: H is B, B is Bb, Fis is F#, Es is Eb; of chords in a row, and of a key without its mode."""

from __future__ import annotations

import re

_NOTE = r"[A-H](?:is|es|s)?"
_TAIL = r"(?:[- ](?:Moll|Dur|moll|dur)\b|(?:maj|min|dim|aug|sus|m)?\d{0,2}(?:sus\d)?(?:/[A-H](?:is|es|s)?)?)"
_CHORD = rf"(?<![\w#-])(?:{_NOTE}|[a-h](?:is|es|s)?(?=[- ][Mm]oll)){_TAIL}(?![\w#'’-])"
_BETWEEN = r"(?:\s*[,|/–-]\s*(?:und )?|\s+(?:und )?)"
_ROW = re.compile(rf"(?<![Ii]n ){_CHORD}(?:{_BETWEEN}{_CHORD})+")
_ONE = re.compile(rf"(?P<note>{_NOTE}|[a-h](?:is|es|s)?(?=[- ][Mm]oll))(?P<tail>{_TAIL})(?![\w#'’-])")
_KEY = re.compile(
    rf"\b(?:[Ii]n|Tonart:?) (?P<note>{_NOTE})(?=\s*(?:$|[,.;!?]|(?:mit|und|für|ohne|bei|im|geschrieben|bitte)\b))"
)
_BASS = re.compile(rf"/({_NOTE})")
_SIGNS = {"is": "#", "es": "b", "s": "b", "": ""}


def english_note(name: str) -> str:
    """The English name of a note: `B` of `H`, `Bb` of `B`, `F#` of `Fis`, `Eb` of `Es`."""
    letter, sign = name[0].upper(), _SIGNS[name[1:]]
    if letter == "B" and not sign:
        return "Bb"
    return ("B" if letter == "H" else letter) + sign


def with_notes(text: str) -> str:
    """A German text with its rows of chords, and a key that no mode follows, named as in English.

    A row beside which a sharp or a flat stands is in English already: `Bb F Gm`.
    """
    text = _ROW.sub(lambda row: row[0] if _english(text, row) else _ONE.sub(_chord, row[0]), text)
    return _KEY.sub(lambda match: f"key of {english_note(match['note'])}", text)


def _english(text: str, row: re.Match[str]) -> bool:
    """Whether English names stand right beside a row."""
    return bool(re.search(r"\b[A-G][#b]", text[max(0, row.start() - 12) : row.end() + 12]))


def _chord(match: re.Match[str]) -> str:
    tail = re.sub(r"^[- ]moll", "m", re.sub(r"^[- ]dur", "", match["tail"], flags=re.I), flags=re.I)
    return english_note(match["note"]) + _BASS.sub(lambda bass: f"/{english_note(bass[1])}", tail)
