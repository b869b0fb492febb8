"""The arc of a song as people write it in a sentence: `grows louder`, `starts quiet, ends huge`, `builds up and fades out`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from kmidi_lab.composition.languages import ENGLISH
from kmidi_lab.composition.said_feel import behind, items_of, of_a_song
from kmidi_lab.composition.words import parts_of
from kmidi_lab.own_yaml import table

_RISES, _FALLS, _BOTH = "Climb-to-Climax", "Descent", "Rise and Fall"
_EVERYWHERE = {"sure_rise": r"crescendos?", "sure_fall": r"(?:diminuendo|decrescendo)s?"}
"""Words that every language has."""
_TOKEN = re.compile(r"\{([a-z]+)\}")
_SLOWLY = r"(?:slowly|gradually|gently|steadily|finally|just)"
_HOW = rf"(?: {_SLOWLY})?(?: (?:in)?to(?:wards?)? (?:an?|the|its) (?:\w+ )?(?:climax|peak|finale|chorus|roar))?"
_ON = rf"(?:\s*,\s*|\s+(?=and|then|before))(?:(?:and|then|before)\s+)*(?:it\s+)?(?=(?:{_SLOWLY} )?(?:fad|slow|end|close|closing|finish|hold|rit|rall))"
"""What joins an arc to an ending behind it."""
_SUBJECT = re.compile(r"\b(?:that|which|and|then|it|to|should|will|slowly|gradually)\s*$|^\s*$", re.I)
_ABOUT = re.compile(r"\b(?:about|of|for|how)\b", re.I)
_LOUDNESS = re.compile(r"loud|quiet|soft|intens|volume|whisper|silen", re.I)
"""Words that are of sound: a song about rain that `gets louder` does, one about a man who `dies away` may not."""
_ELSEWHERE = re.compile(
    r"\W*(?:only |just )?(?:in|during|before|at|for|around) (?:the|each|every|its) (?:\w+ )?"
    r"(?:middle|bridge|intro|verses?|chorus|choruses|solo|start|beginning|breakdown)\b",
    re.I,
)
"""What stands behind words that are not of the whole song, as in `calms down in the middle`."""
_TELLS = ("head", "genre", "instrument", "ensemble", "part", "metre", "wish", "weak wish")


def take_joined_arc(text: str) -> tuple[tuple[str, str], str]:
    """The arc that a song goes through before it ends, as in `builds up and fades out`, its words, and the text without it."""
    for arc, cue in _joined():
        for match in cue.finditer(text):
            if of_a_song(text, match) and not _denied(text, match):
                return (arc, match["said"].lower()), f"{text[: match.start()]}{text[match.end() :]}"
    return ("", ""), text


def take_arc(text: str, language: str = ENGLISH) -> tuple[str, str]:
    """The arc that a text asks for, and the words that do; empty where none do. Of several the last counts: a song ends so."""
    for arc, cue, sure in _cues(language):
        for match in reversed([*cue.finditer(text)]):
            elsewhere = _denied(text, match) or _ELSEWHERE.match(text, match.end())
            if not elsewhere and (sure or _of_the_song(text, match, language)):
                return arc, match[0].lower()
    return "", ""


def _of_the_song(text: str, match: re.Match[str], language: str) -> bool:
    """Whether it is the song that a match tells of."""
    if language != ENGLISH:
        return bool(_music(language).search(behind(text, match.start())))
    before = parts_of(behind(text, match.start()))[-1]
    if not before.strip():
        return bool(_LOUDNESS.search(match[0])) or any(i.kind in _TELLS for i in items_of(text))
    items = items_of(before)
    if of_a_song(text, match):
        named = any(i.kind in _TELLS or i.text in ("it", "that", "which", "this") for i in items)
        owned = any(i.kind == "owner" for i in items)  # such as `the fear builds up`
        return named or (not owned and any(i.kind in _TELLS for i in items_of(text)))
    people = any(i.text in ("i", "we", "you", "me") for i in items)
    named = any(i.kind in ("head", "genre") for i in items)
    goes_on = _SUBJECT.search(before) or match[0].split()[0].endswith("ing")
    return bool(named and not people and goes_on and (_LOUDNESS.search(match[0]) or not _ABOUT.search(before)))


def _denied(text: str, match: re.Match[str]) -> bool:
    """Whether one of the two words before a match denies it, as in `never gets louder`."""
    before = re.findall(r"[\w'’]+", parts_of(behind(text, match.start()))[-1].lower())[-2:]
    return any(word.replace("’", "'") in table(__name__, "said_arc.yaml")["denials"] for word in before)


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
    return (
        (_BOTH, _pattern(rf"(?:{rise}){link}(?:{then})"), False),
        *out,
        (_RISES, _pattern(rise), False),
        (_FALLS, _pattern(fall), False),
    )


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


@cache
def _music(language: str) -> re.Pattern[str]:
    return _pattern(table(__name__, "said_arc.yaml")[language]["music"])


def _filled(words: Mapping[str, Any], key: str) -> str:
    """What stands under a name, with other names filled in; empty where nothing does."""
    said = words.get(key, "")
    whole = said if isinstance(said, str) else "|".join(said)
    return _TOKEN.sub(lambda name: f"(?:{_filled(words, name[1])})", whole)


def _pattern(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w'’-])(?:{words})(?![\w'’-])", re.I)
