"""Who plays which part, as people write it in a sentence: `the violin plays the tune`, `chords on the organ`."""

from __future__ import annotations

import re
from functools import cache

from kmidi_lab.composition.said_feel import of_a_song
from kmidi_lab.composition.vocabulary import vocabulary

_PARTS = r"(?P<part{n}>melody|tune|lead|chords|accompaniment|bass|pad)(?: ?line)?"
_PLAYS = r"(?:should |must |to )?(?:plays?|playing|takes?|taking|carr(?:y|ies|ying)|has|does|doing|on) (?:the )?"
_BY = r"(?:(?:is|are|should be|must be|to be) )?(?:(?:played|carried|taken|sung) (?:by|on)|on|by) (?:the |an? )?"


def with_roles(text: str) -> str:
    """The text with each player named before the part: `with violin melody` of `the violin plays the melody`."""
    return _pattern().sub(lambda match: _named(match) if of_a_song(text, match) else match[0], text)


def _named(match: re.Match[str]) -> str:
    said = match.groupdict()
    return f", with {said['who1'] or said['who2']} {said['part1'] or said['part2']}, "


@cache
def _pattern() -> re.Pattern[str]:
    who = "|".join(map(re.escape, sorted(vocabulary()["instruments"], key=len, reverse=True)))
    plays = rf"(?:(?:the|an?) )?(?P<who1>{who}) {_PLAYS}{_PARTS.format(n=1)}"
    played = rf"(?:(?:the|an?) )?{_PARTS.format(n=2)} {_BY}(?P<who2>{who})"
    return re.compile(rf"(?<![\w'-])(?:(?:with|where|and) )?(?:{plays}|{played})\b(?! (?:of|in my|lesson))", re.I)
