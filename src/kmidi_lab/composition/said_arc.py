"""The arc of a song as people write it in a sentence: `starts quiet, ends huge`, `builds up and fades out`."""

from __future__ import annotations

import re

from kmidi_lab.composition.said_feel import of_a_song

_BEGINS = r"\b(?:starts?|begins?|starting|beginning)(?: off| out)?(?: very| really)?"
_ENDS = r"(?:ends?|gets?|becomes?|turns?|finish(?:es)?|ending|getting|becoming)(?: up| very| really)?"
_SOFT = r"(?:quiet|soft|small|calm|gentle|sparse|with a whisper)(?:ly)?\b"
_LOUD = r"(?:loud|huge|big|epic|wild|full|enormous|massive|with a bang)(?:ly|er|ger)?\b"
_ARCS = {
    "Climb-to-Climax": re.compile(rf"\bcrescendo\b(?! of\b)|{_BEGINS} {_SOFT}\W+(?:\w+ ){{0,3}}{_ENDS} {_LOUD}", re.I),
    "Descent": re.compile(rf"\b(?:diminuendo|decrescendo)\b|{_BEGINS} {_LOUD}\W+(?:\w+ ){{0,3}}{_ENDS} {_SOFT}", re.I),
}
"""Ways to ask for an arc, besides those that the intent model's head file lists."""

_GETS = r"(?:gets?|getting|grows?|growing|becomes?|becoming)"
_MORE = r"(?:louder|bigger|stronger|fuller|wilder)"
_LESS = r"(?:softer|quieter|calmer|darker|smaller)"
_SLOWLY = r"(?:slowly|gradually|gently|steadily|finally|just)"
_BEFORE_ENDINGS = {
    "Rise and Fall": r"(?:rises?|rising|swells?|swelling) and (?:falls?|falling|subsides?|subsiding)",
    "Climb-to-Climax": rf"(?:{_BEGINS} {_SOFT}\W+(?:(?:and|then) )*)?(?:{_SLOWLY} )?"
    rf"(?:(?:builds?|building)(?: up)?|climbs?|climbing|rises?|rising|swells?|swelling|{_GETS} {_MORE}(?: and {_MORE})?)",
    "Descent": rf"(?:{_SLOWLY} )?(?:sinks?|sinking|descends?|descending|{_GETS} {_LESS}(?: and {_LESS})?)",
}
_HOW = rf"(?: {_SLOWLY})?(?: (?:in)?to(?:wards?)? (?:an?|the|its) (?:\w+ )?(?:climax|peak|finale|chorus|roar))?"
_ON = rf"(?:\s*,\s*|\s+(?=and|then|before))(?:(?:and|then|before)\s+)*(?:it\s+)?(?=(?:{_SLOWLY} )?(?:fad|slow|end|close|closing|finish|hold|rit|rall))"
_JOINED = tuple((arc, re.compile(rf"\b(?P<said>(?:{cue}){_HOW}){_ON}", re.I)) for arc, cue in _BEFORE_ENDINGS.items())
"""Arcs that stand before an ending in one clause, with what joins the two."""


def take_joined_arc(text: str) -> tuple[tuple[str, str], str]:
    """The arc that a song goes through before it ends, as in `builds up and fades out`, its words, and the text without it."""
    for arc, cue in _JOINED:
        for match in cue.finditer(text):
            if of_a_song(text, match):
                return (arc, match["said"].lower()), f"{text[: match.start()]}{text[match.end() :]}"
    return ("", ""), text


def take_arc(text: str) -> tuple[str, str]:
    """The arc that a text asks for by how the song begins and ends, and the words that do; empty where none do."""
    return next(((arc, match[0].lower()) for arc, cue in _ARCS.items() if (match := cue.search(text))), ("", ""))
