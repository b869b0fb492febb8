"""What each field of a song's intent may hold: a check a field, which returns the value as it is kept."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from kmidi_lab.chords.chord import ChordError, parse_key
from kmidi_lab.errors import one_line, one_of, show
from kmidi_lab.song import vocabularies as words
from kmidi_lab.song.elements import FASTEST, MAX_BARS, SLOWEST
from kmidi_lab.song.intent import FIELDS

LONGEST_TEXT = 4000
"""Characters of one text."""
_LAYOUT = "\n\t\r"


class WrongError(ValueError):
    """A value that is not allowed; the text says what is, without the field's name."""


def text_faults(text: str) -> Iterable[str]:
    if len(text) > LONGEST_TEXT:
        yield f"has {len(text)} characters, at most {LONGEST_TEXT}"
    if any(unicodedata.category(c) in ("Cc", "Cs") and c not in _LAYOUT for c in text):
        yield "holds control characters; write text"


def text_of(value: Any) -> str:
    if not isinstance(value, str):
        raise WrongError(f"is {show(value)}; write a text of at most {LONGEST_TEXT} characters")
    for fault in text_faults(value):
        raise WrongError(fault)
    return value


def _choice(allowed: Iterable[str]) -> Callable[[Any], str]:
    names = {name.lower(): name for name in allowed}

    def check(value: Any) -> str:
        text = text_of(value)
        if text and text.strip().lower() not in names:
            raise _not_among(text, names.values())
        return names.get(text.strip().lower(), "")

    return check


def _not_among(text: str, allowed: Iterable[str], hint: str = "") -> WrongError:
    return WrongError(one_of("", one_line(text, 80), allowed, hint).removeprefix(": "))


def _stakes(value: Any) -> str:
    text = text_of(value)
    if text.strip() and not any(text.strip().lower().startswith(stakes.lower()) for stakes in words.STAKES):
        raise _not_among(text, words.STAKES, "Say more behind it, such as 'Personal (my future)'.")
    return text


def _rule(value: Any) -> str:
    """By its full name, or without its family: KmiDi's own examples have PRODUCTION_BuriedVocals."""
    text = text_of(value)
    plain = re.sub("[^a-z]", "", text.rpartition("_")[2].lower())
    named = {rule.partition("_")[2].lower(): rule for rule in (*words.RULE_BREAKS, *words.LATER_RULE_BREAKS)}
    if plain and plain not in named:
        raise _not_among(text, words.RULE_BREAKS)
    return named.get(plain, "")


def _number(value: Any, low: float, high: float, example: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise WrongError(f"is {show(value)}; write a number from {low:g} to {high:g}, such as {example}")
    return float(value)


def _tension(value: Any) -> float:
    return _number(value, 0, 1, "0.5")


def _tempos(value: Any) -> tuple[float, float]:
    pair = list(value) if isinstance(value, list | tuple) else [value, value]
    if len(pair) != 2:
        raise WrongError(f"is {show(value)}; write the lowest and the highest tempo, such as [80, 110]")
    low, high = (_number(tempo, SLOWEST, FASTEST, "[80, 110]") for tempo in pair)
    if low > high:
        raise WrongError(f"goes from {low:g} to {high:g}; write the lower tempo first")
    return low, high


def _key(value: Any) -> str:
    text = text_of(value)
    try:
        if text.strip():
            parse_key(text)
    except ChordError:
        raise WrongError(f"is {show(text)}; write it as C, F#m, Bb major or Eb minor") from None
    return text


def _bars(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_BARS:
        raise WrongError(f"is {show(value)}; write a whole number of bars from 1 to {MAX_BARS}")
    return value


def declined(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) and name in FIELDS for name in value):
        raise WrongError(f"is {show(value)}; write a list of fields, such as [technical_key]")
    return tuple(dict.fromkeys(value))


CHECKS: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(FIELDS, text_of),
    "core_stakes": _stakes,
    "mood_secondary_tension": _tension,
    "vulnerability_scale": _choice(words.VULNERABILITY),
    "narrative_arc": _choice(words.ARCS),
    "technical_tempo_range": _tempos,
    "technical_key": _key,
    "technical_groove_feel": _choice(words.FEELS),
    "technical_rule_to_break": _rule,
    "output_bars": _bars,
}
