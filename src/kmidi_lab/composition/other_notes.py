"""Chords in a row as other languages name them: in German H is B, B is Bb, Fis is F#; in Romance languages Lam is Am, Sol is G."""

from __future__ import annotations

import re

from kmidi_lab.composition.languages import SIGN, SOLFA, english_sign
from kmidi_lab.composition.said_feel import items_of
from kmidi_lab.composition.said_where import names_music

_NOTE = r"[A-H](?:is|es|s|[#b])?"
_TAIL = r"(?:[- ](?:Moll|Dur|moll|dur)\b|(?:maj|min|dim|aug|sus|m)?\d{0,2}(?:sus\d)?(?:/[A-H](?:is|es|s|[#b])?)?)"
_CHORD = rf"(?<![\w#-])(?:{_NOTE}|[a-h](?:is|es|s)?(?=[- ][Mm]oll)){_TAIL}(?![\w#'’-])"
_BETWEEN = r"(?:\s*[,|/–-]\s*(?:und )?|\s+(?:und )?)"
_ROW = re.compile(rf"(?<![Ii]n ){_CHORD}(?:{_BETWEEN}{_CHORD})+")
_ONE = re.compile(rf"(?P<note>{_NOTE}|[a-h](?:is|es|s)?(?=[- ][Mm]oll))(?P<tail>{_TAIL})(?![\w#'’-])")
_KEY = re.compile(
    rf"\b(?:[Ii]n|Tonart:?) (?P<note>{_NOTE})(?=\s*(?:$|[,.;!?]|(?:mit|und|für|ohne|bei|im|geschrieben|bitte)\b))"
)
_BASS = re.compile(rf"/({_NOTE})")
_SIGNS = {"is": "#", "es": "b", "s": "b"}
_NAMED = re.compile(r"\b(?:H|[A-G]is|[CDFGH]es|[AE]s)")
"""Names of notes that are German alone."""


_OF_MUSIC = ("head", "genre", "other_genre", "metre", "tempo", "pace", "instrument")
_ROMANCE = ("French", "Spanish", "Italian", "Portuguese")
_SOLFA_NOTE = "D[oó]|R[ée]|Mi|F[aá]|Sol|L[aá]|Si"
_SYLLABLE = (
    rf"(?<![\w-])(?P<note{{n}}>{_SOLFA_NOTE})(?P<sign{{n}}>{SIGN})?"
    r"(?P<tail{n}>-(?!\w)|(?:maj|m)?7?)(?P<mode{n}> (?:menor|mayor|mineur|majeur|minore|maggiore|maior)\b)?(?![\w#'’])"
)
_SOLFA = re.compile(_SYLLABLE.replace("{n}", ""))
_UNNAMED = re.sub(r"\?P<\w+\{n\}>", "?:", _SYLLABLE)
_SOLFA_KEY = re.compile(
    rf"\b(?:in|en|em) (?P<note>(?i:{_SOLFA_NOTE}))(?P<sign>{SIGN})?(?=\s*(?:$|[,.;!?]|(?:avec|con|com|sans|sin|sem|senza|à|a \d)\b))"
)
_SOLFA_BETWEEN = r"(?:\s*[,|/–]\s*(?:(?:y|et|e) )?|\s+-\s+|\s+(?:(?:y|et|e) )?)"
_SOLFA_ROW = re.compile(rf"(?<!\b[ei]n )(?<!\bem ){_UNNAMED}(?:{_SOLFA_BETWEEN}{_UNNAMED}){{2,}}")


def english_note(name: str) -> str:
    """The English name of a note: `B` of `H`, `Bb` of `B`, `F#` of `Fis`, `Eb` of `Es`."""
    letter, sign = name[0].upper(), _SIGNS.get(name[1:], name[1:])
    if letter == "B" and not sign:
        return "Bb"
    return ("B" if letter == "H" else letter) + sign


def with_notes(text: str, language: str) -> str:
    """A text with its rows of chords named as in English, where its language has other names."""
    if language == "German":
        return _from_german(text)
    if language not in _ROMANCE:
        return text
    text = _SOLFA_ROW.sub(lambda row: _SOLFA.sub(_solfa_chord, row[0]), text)
    music = _is_of_music(text, language)
    return _SOLFA_KEY.sub(lambda key: _solfa_key(key) if key["note"][0].isupper() or music else key[0], text)


def _solfa_key(key: re.Match[str]) -> str:
    """A key that a syllable names; not the last word of `una canción para creer en mi`."""
    if key["note"] == "mi" and not key.string[key.end() :].strip():
        return key[0]
    return f"key of {SOLFA[key['note'].lower()]}{english_sign(key['sign'])}"


def _is_of_music(text: str, language: str) -> bool:
    """Whether a text names music, as `ich war in H` does not."""
    return names_music(text, language) or any(i.kind in _OF_MUSIC for i in items_of(text))


def _from_german(text: str) -> str:
    """A German text with its rows of chords, and a key that no mode follows, named as in English.

    A row in or beside which a sharp or a flat stands is in English already, as `Bb F Gm`, unless a name in it is German: `Hm F#m G`.
    """
    text = _ROW.sub(lambda row: row[0] if _english(text, row) else _ONE.sub(_chord, row[0]), text)
    if not _is_of_music(text, "German"):
        return text
    return _KEY.sub(lambda match: f"key of {english_note(match['note'])}", text)


def _english(text: str, row: re.Match[str]) -> bool:
    """Whether the names of a row are English: some stand in it or right beside it, and none in it is German."""
    return not _NAMED.search(row[0]) and bool(
        re.search(r"\b[A-G][#b]", text[max(0, row.start() - 12) : row.end() + 12])
    )


def _solfa_chord(match: re.Match[str]) -> str:
    mode = (match["mode"] or "").strip().lower()
    minor = mode in ("menor", "mineur", "minore") or match["tail"] == "-"
    tail = "" if match["tail"] == "-" else match["tail"]
    return SOLFA[match["note"].lower()] + english_sign(match["sign"]) + "m" * minor + tail


def _chord(match: re.Match[str]) -> str:
    tail = re.sub(r"^[- ]moll", "m", re.sub(r"^[- ]dur", "", match["tail"], flags=re.I), flags=re.I)
    return english_note(match["note"]) + _BASS.sub(lambda bass: f"/{english_note(bass[1])}", tail)
