"""Which language a text seems to be in, so that one that is not English is not read as if it were."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import cache

from kmidi_lab.composition.evidence import telling
from kmidi_lab.composition.glossary import plain_letters
from kmidi_lab.composition.vocabulary import kinds, vocabulary
from kmidi_lab.own_yaml import table

ENGLISH = "English"
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_FEWEST = 2
"""Small words of a language that tell it; one where all other words but one are its own or of music."""
SIGN = r"[#♯b♭]| ?(?:dièse|sostenido|sustenido|diesis|bémol|bemol|bemolle)\b"
"""How a sharp or a flat is written behind a syllable."""
_MODE = "majeur|mineur|mayor|menor|maggiore|minore|maior"
_KEY = re.compile(
    r"(?:\b(?:in|en|em|im) )?\b(?P<tonic>[A-Ha-h](?:is|es|s|[#♯b♭])?)[- ](?P<german>Dur|Moll)\b"
    rf"|(?:\b(?P<named>in|en|em) )?\b(?P<solfa>d[oó]|ut|r[ée]|mi|f[aá]|sol|l[aá]|si)(?P<sign>{SIGN})?[- ](?P<mode>{_MODE})\b"
    rf"|(?:\b(?:in|en|em) )?\b(?P<letter>(?:(?-i:[A-G])|(?<=\bin )[a-g])(?:is|es|s|[#♯b♭])?)[- ](?P<lettered>{_MODE})\b"
    r"|\bin (?P<dutch>[a-g](?:is|es|s|[#♯b♭])?)[- ](?P<size>(?:grote|kleine) terts\b|(?:groot|klein)(?=\s*(?:$|[^\w\s]|\d)|\s+(?:op|met|zonder|en|voor|van|maar|die|dat)\b))",
    re.I,
)
_SYLLABLES = re.compile(
    r"\b(?:in|is|tonality|key(?: of)?:?) (?P<solfa>do|re|mi|fa|sol|la|si) (?P<mode>major|minor)\b", re.I
)
"""Syllables with an English word for the mode."""
_END = re.compile(r"\s*(?:$|[^\w\s]|\d|(?:con|sin|a|para|y)\b)")
_SAYINGS = re.compile(r"(?:la|mi) (?:mayor|menor)", re.I)
"""Keys in Spanish that begin other things, too, as in `en la mayor parte`."""
_SCRIPTS = dict.fromkeys(("cjk", "hiragana", "katakana"), "Chinese or Japanese") | {
    "hangul": "Korean",
    "greek": "Greek",
}
SOLFA = {
    "do": "C",
    "ut": "C",
    "dó": "C",
    "ré": "D",
    "re": "D",
    "mi": "E",
    "fa": "F",
    "fá": "F",
    "sol": "G",
    "la": "A",
    "lá": "A",
    "si": "B",
}
_GERMAN = {"h": "B", "b": "Bb", "as": "Ab", "es": "Eb"}
_MODES = {
    "dur": ("German", "major"), "moll": ("German", "minor"), "majeur": ("French", "major"), "mineur": ("French", "minor"),
    "mayor": ("Spanish", "major"), "menor": ("Spanish", "minor"), "maggiore": ("Italian", "major"),
    "minore": ("Italian", "minor"), "maior": ("Portuguese", "major"),
}  # fmt: skip
"""What a key's mode is called, and in which language."""
MODES_ELSEWHERE = {said: mode for said, (_, mode) in _MODES.items()}


def language_of(text: str) -> str:
    """The language that a text seems to be in: a name of `languages.yaml`, or what its letters tell; English if in doubt."""
    keys = [_mode(match)[0] for match in _KEY.finditer(text) if _is_key(match)]
    # A capital alone is the name of a note, as in `jazz in E`; tempos in Italian stand in each language.
    text = _tempos().sub(" ", _keys_as(lambda match: " ", text))
    said = [word for word in _WORD.findall(text) if len(word) > 1 or word.islower()]
    words = [word.lower().replace("’", "'") for word in said]
    letters = [letter for word in words for letter in word]
    other = [letter for letter in letters if not unicodedata.name(letter, "").startswith("LATIN")]
    if len(other) > len(letters) / 2:
        script = unicodedata.name(other[0], "other").split()[0].lower()
        return _SCRIPTS.get(script, f"a language in {script.capitalize()} letters")
    small = dict(_small())
    own = small.pop(ENGLISH)
    # Words that both languages have tell neither.
    counts = {name: sum(word in its - own for word in words) + keys.count(name) for name, its in small.items()}
    for name, its in small.items():
        known = {plain_letters(word, name) for word in its | own}
        counts[name] += sum(word not in known for word in telling(text, name))
    homes = vocabulary()["homes"]  # a samba tells nothing alone, and Portuguese beside words that are Spanish, too
    shared = {name: sum(word in its or word in homes.get(name, ()) for word in words) for name, its in small.items()}
    name = max(counts, key=lambda n: (counts[n], shared[n]))
    english = sum(word in own - small[name] for word in words)
    others = sum(word not in small[name] and word not in kinds() for word in words)
    sure = counts[name] >= _FEWEST or (counts[name] == 1 and not english and others < _FEWEST)
    return name if sure and counts[name] > english else ENGLISH


def with_keys(text: str) -> str:
    """The text with keys as they are written in English: `d-Moll`, `ré mineur` and `la menor` become `in D minor`."""
    text = _SYLLABLES.sub(lambda match: f"in {SOLFA[match['solfa'].lower()]} {match['mode']}", text)
    return _keys_as(_english_key, text)


def _keys_as(written: Callable[[re.Match[str]], str], text: str) -> str:
    """The text with its keys written otherwise, and what only looks like a key as it is."""
    return _KEY.sub(lambda match: written(match) if _is_key(match) else match[0], text)


def _is_key(match: re.Match[str]) -> bool:
    """Whether a key is one: `la mayor` needs an end behind it, since more may follow; others a preposition or an end."""
    if match["german"] or match["sign"] or match["letter"] or match["dutch"] or _END.match(match.string, match.end()):
        return True
    return bool(match["named"]) and not _SAYINGS.search(match[0])


def _mode(match: re.Match[str]) -> tuple[str, str]:
    if match["dutch"]:
        return "Dutch", "major" if match["size"].lower().startswith("gro") else "minor"
    if match["letter"]:  # such as the Dutch `C majeur`, whose words are French
        return "", _MODES[match["lettered"].lower()][1]
    language, mode = _MODES[(match["german"] or match["mode"]).lower()]
    portuguese = match["solfa"] and ((match["named"] or "").lower() == "em" or match["solfa"][-1].lower() in "óá")
    return "Portuguese" if portuguese else language, mode


def _english_key(match: re.Match[str]) -> str:
    if match["german"]:
        low = match["tonic"].lower()
        tonic = _GERMAN.get(low) or _lettered(f"b{low[1:]}" if low[0] == "h" else low)
    elif match["solfa"]:
        tonic = SOLFA[match["solfa"].lower()] + english_sign(match["sign"])
    else:
        tonic = _lettered((match["letter"] or match["dutch"]).lower())
    return f"in {tonic} {_mode(match)[1]}"


def _lettered(name: str) -> str:
    """A note of a letter in its English name: `F#` of `fis`, `Eb` of `es` and of `eb`."""
    return name[0].upper() + {"is": "#", "es": "b", "s": "b"}.get(name[1:], name[1:])


def english_sign(said: str | None) -> str:
    """`#` or `b` of a sign behind a syllable, empty of none."""
    sign = (said or "").strip().lower()
    return "" if not sign else "b" if sign[0] in "b♭" else "#"


@cache
def _tempos() -> re.Pattern[str]:
    several = [tempo for tempo in vocabulary()["italian"] if " " in tempo]
    return re.compile(rf"\b(?:{'|'.join(several)})\b", re.I)


@cache
def _small() -> Mapping[str, frozenset[str]]:
    small = table(__name__, "languages.yaml")
    if wrong := [word for words in small.values() for word in words if not isinstance(word, str)]:
        raise TypeError(f"languages.yaml: quote its words on and no, which YAML reads as {wrong}")
    return {name: frozenset(words) for name, words in small.items()}
