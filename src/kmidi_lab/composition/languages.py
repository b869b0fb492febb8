"""Which language a text seems to be in, so that one that is not English is not read as if it were."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import yaml

ENGLISH = "English"
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_FEWEST = 2
"""Small words of a language that tell it; one where it is all the text's words but one."""
_KEY = re.compile(
    r"(?:\b(?:in|en|em|im) )?\b(?P<tonic>[A-Ha-h](?:is|es|s)?)[- ](?P<german>Dur|Moll)\b"
    r"|(?:\b(?:in|en|em) )?\b(?P<solfa>do|ré|re|mi|fa|sol|la|si)(?P<sign> (?:dièse|sostenido|diesis|bémol|bemol|bemolle))? (?P<mode>majeur|mineur|mayor|menor|maggiore|minore|maior)\b",
    re.I,
)
_SCRIPTS = dict.fromkeys(("cjk", "hiragana", "katakana"), "Chinese or Japanese") | {
    "hangul": "Korean",
    "greek": "Greek",
}
_SOLFA = {"do": "C", "ré": "D", "re": "D", "mi": "E", "fa": "F", "sol": "G", "la": "A", "si": "B"}
_GERMAN = {"h": "B", "b": "Bb", "as": "Ab", "es": "Eb"}
_MAJOR = ("dur", "majeur", "mayor", "maggiore", "maior")


def language_of(text: str) -> str:
    """The language that a text seems to be in: a name of `languages.yaml`, or what its letters tell; English if in doubt."""
    words = [word.lower().replace("’", "'") for word in _WORD.findall(_KEY.sub(" ", text))]
    letters = [letter for word in words for letter in word]
    other = [letter for letter in letters if not unicodedata.name(letter, "").startswith("LATIN")]
    if len(other) > len(letters) / 2:
        script = unicodedata.name(other[0], "other").split()[0].lower()
        return _SCRIPTS.get(script, f"a language in {script.capitalize()} letters")
    counts = {name: sum(word in small for word in words) for name, small in _small().items()}
    english = counts.pop(ENGLISH)
    name = max(counts, key=lambda n: counts[n])
    sure = counts[name] >= _FEWEST or (counts[name] == 1 and not english and len(words) <= _FEWEST)
    return name if sure and counts[name] > english else ENGLISH


def with_keys(text: str) -> str:
    """The text with keys as they are written in English: `d-Moll`, `ré mineur` and `la menor` become `in D minor`."""
    return _KEY.sub(_english_key, text)


def _english_key(match: re.Match[str]) -> str:
    mode = "major" if (match["german"] or match["mode"]).lower() in _MAJOR else "minor"
    if match["german"]:
        low = match["tonic"].lower()
        tonic = _GERMAN.get(low) or low[0].upper() + {"is": "#", "es": "b", "s": "b"}.get(low[1:], "")
        tonic = tonic if low[0] != "h" else "B" + tonic[1:]
    else:
        sign = (match["sign"] or "").strip().lower()
        tonic = _SOLFA[match["solfa"].lower()] + ("" if not sign else "b" if sign.startswith("b") else "#")
    return f"in {tonic} {mode}"


@cache
def _small() -> Mapping[str, frozenset[str]]:
    text = files("kmidi_lab.composition").joinpath("languages.yaml").read_text(encoding="utf-8")
    return {name: frozenset(map(str, words)) for name, words in yaml.safe_load(text).items()}
