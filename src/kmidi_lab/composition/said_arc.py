"""The arc of a song as people write it in a sentence: `grows louder`, `starts quiet, ends huge`, `builds up and fades out`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from kmidi_lab.composition.languages import ENGLISH
from kmidi_lab.composition.said_feel import of_a_song
from kmidi_lab.composition.said_where import Free, denied, elsewhere, of_the_song, with_place
from kmidi_lab.own_yaml import table

_RISES, _FALLS, _BOTH, _FLAT = "Climb-to-Climax", "Descent", "Rise and Fall", "Static Reflection"
_EVERYWHERE = {"sure_rise": r"crescendos?", "sure_fall": r"(?:diminuendo|decrescendo)s?"}
"""Words that every language has."""
_TOKEN = re.compile(r"\{([a-z]+)\}")
_SLOWLY = r"(?:slowly|gradually|gently|steadily|finally|just)"
_HOW = rf"(?: {_SLOWLY})?(?: (?:in)?to(?:wards?)? (?:an?|the|its) (?:\w+ )?(?:climax|peak|finale|chorus|roar))?"
_ENDS = rf"(?:{_SLOWLY} )?(?:fad|slow|end|close|closing|finish|hold|rit|rall)"
_ON = rf"(?:\s*,\s*|\s+(?=and|then|before))(?:(?:and|then|before)\s+)*(?:it\s+)?(?={_ENDS})"
"""What joins an arc to an ending behind it."""


class SaidArc(NamedTuple):
    """KmiDi's name of an arc, the words that ask for it, in lower case, and where they stand in the text; all empty for none."""

    name: str = ""
    words: str = ""
    span: tuple[int, int] = (0, 0)


def take_joined_arc(text: str) -> tuple[SaidArc, str]:
    """The arc that a song goes through before it ends, as in `builds up and fades out`, and the text without it."""
    for arc, cue in _joined():
        for match in cue.finditer(text):
            if of_a_song(text, match) and not denied(text, match):
                return SaidArc(arc, match["said"].lower()), f"{text[: match.start()]}{text[match.end() :]}"
    return SaidArc(), text


def take_arc(text: str, language: str = ENGLISH) -> SaidArc:
    """The arc that a text asks for. Of several the last counts: a song ends so."""
    for arc, cue, sure in _cues(language):
        for match in reversed([*cue.finditer(text)]):
            if not elsewhere(text, match, language) and _said(text, match, sure, language):
                return SaidArc(arc, match[0].lower(), match.span())
    return SaidArc()


def other_arcs(text: str, taken: tuple[int, int], language: str = ENGLISH) -> list[tuple[str, str]]:
    """(arc, words) of each rise and fall that a text asks for beside where one is taken, in its order, with their places."""
    free = Free(text)
    free.take(*taken)
    found = []
    for arc, cue, sure in _cues(language):
        for match in cue.finditer(text):
            start, end = match.span()
            if free.is_free(start, end) and _said(text, match, sure, language):
                free.take(start, end)
                found.append((start, arc, with_place(text, match, language)))
    return [(arc, words) for _, arc, words in sorted(found)]


def _said(text: str, match: re.Match[str], sure: bool, language: str) -> bool:
    """Whether a match is meant, and of the song."""
    return not denied(text, match) and (sure or of_the_song(text, match, language))


@cache
def _cues(language: str) -> tuple[tuple[str, re.Pattern[str], bool], ...]:
    """(arc, pattern, whether it stands for a song wherever it is) of a language; what is surest first."""
    words = table(__name__, "said_arc.yaml").get(language, {})
    sure = [
        (arc, _pattern("|".join(filter(None, (_filled(words, key), _EVERYWHERE[key])))), True)
        for arc, key in ((_RISES, "sure_rise"), (_FALLS, "sure_fall"))
    ]
    both = rf"(?:{_EVERYWHERE['sure_rise']})\W+(?:\w+ ){{0,2}}(?:{_EVERYWHERE['sure_fall']})"
    out = [(_BOTH, _pattern(both), True), *sure]
    if not words:
        return tuple(out)
    rise, fall = _filled(words, "rise"), _filled(words, "fall")
    then = "|".join(filter(None, (_filled(words, "then"), fall)))
    link = rf"(?:\s*,)?(?:\s+{words['link']})*\s+"
    both = "|".join(filter(None, (_filled(words, "both"), rf"(?:{rise}){link}(?:{then})")))
    flat = [(_FLAT, _pattern(words["flat"]), False)] if "flat" in words else []
    rest = ((_RISES, _pattern(rise), False), (_FALLS, _pattern(fall), False))
    return ((_BOTH, _pattern(both), False), *out, *rest, *flat)


@cache
def _joined() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """(arc, pattern) of those that stand before an ending in one clause, with what joins the two."""
    words = table(__name__, "said_arc.yaml")[ENGLISH]
    rise, fall = _filled(words, "rise"), _filled(words, "fall")
    then = rf"{_filled(words, 'then')}|{fall}"
    start = rf"(?:{_filled(words, 'begins')}) (?:{_filled(words, 'soft')})\W+(?:(?:and|then) )*"
    arcs = {
        _BOTH: rf"(?:{rise})(?:\s+{words['link']})*\s+(?:{then})",
        _RISES: rf"(?:{start})?(?:{_SLOWLY} )?(?:{rise})",
        _FALLS: rf"(?:{_SLOWLY} )?(?:{fall})",
    }
    return tuple((arc, re.compile(rf"\b(?P<said>(?:{cue}){_HOW}){_ON}", re.I)) for arc, cue in arcs.items())


def _filled(words: Mapping[str, Any], key: str) -> str:
    """What stands under a name, with other names filled in; empty where nothing does."""
    said = words.get(key, "")
    whole = said if isinstance(said, str) else "|".join(said)
    return _TOKEN.sub(lambda name: f"(?:{_filled(words, name[1])})", whole)


def _pattern(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w'’-])(?:{words})(?![\w'’-])", re.I)
