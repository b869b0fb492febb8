"""How a sentence wants a song to begin and to end: faded in; slower, held on the last chord, or faded out."""

from __future__ import annotations

import re
from typing import NamedTuple

from kmidi_lab.composition.said_feel import ahead, behind, items_of, of_a_song, patterns
from kmidi_lab.composition.said_tempo import slower_end
from kmidi_lab.composition.said_where import denied, elsewhere
from kmidi_lab.composition.words import parts_of

_OPENING = ("start", "starts", "starting", "begin", "begins", "beginning", "open", "opens", "opening")
_KEY_OR_METRE = r" (?:(?-i:[A-G])\b|[a-g](?:[ -]?(?:sharp|flat)|#|b)? (?:major|minor)\b|\d)"
_ELSEWHERE = re.compile(
    rf"\W*(?:no\b(?! \w)|(?:of|in(?!{_KEY_OR_METRE})|before|after|during|into|through|over(?! the (?:last |final )?(?:chorus|outro)\b)|at the (?:start|beginning))\b"
    r"(?! (?:the|this|my|our|a) (?:(?:whole|entire) )?(?:song|piece|tune|track|end|last)\b))",
    re.I,
)
"""What stands behind an ending that is not the song's: `in the intro`, `before the chorus`, `of every verse`."""
_BACK = re.compile(r"\ba tempo\b", re.I)
_SURE = re.compile(
    r"ritard|rallent|\brit\b|\brall\b|fermata|fade-?out|\b(?:song|music|tune|track|piece|melody|ending|outro|band)\b.*\bfad",
    re.I,
)
"""Words that can mean nothing but a song's end, wherever they stand in a text."""
_OF_IT = re.compile(r"\b(?:it|song|music|tune|track|piece)\b", re.I)
"""What a fade at the end is of, as in `it builds up and fades out at the end`."""
_TOLD = re.compile(r"\b(?:when|while|as|after|before|until|till|if|once|how|i|we)\b(?: [\w']+){0,2}\s*$", re.I)
"""What stands before words that tell of an end, as in `when the music fades` and `I want to fade away`."""


class SaidEnding(NamedTuple):
    """The words that ask for each kind of ending, in lower case; empty where none do."""

    slower: str = ""
    held: str = ""
    faded: str = ""

    def __bool__(self) -> bool:
        """Whether any ending is asked for."""
        return any(tuple(self))

    @property
    def sinks(self) -> bool:
        """Whether the whole song fades: `a song that fades away`, not one that `fades out` at its end."""
        return bool(self.faded) and "out" not in self.faded and " end" not in self.faded


def take_opening(text: str) -> tuple[str, str]:
    """The words that ask for a song that fades in, and the text without them, where a fade out at the end stays."""
    for _, cue in patterns("openings"):
        for match in cue.finditer(text):
            before = parts_of(behind(text, match.start()))[-1]
            if (
                of_a_song(text, match)
                and not _TOLD.search(before)
                and not any(i.kind == "negation" for i in items_of(before))
            ):
                rest = " fades out " if match["out"] else " "
                return match[0].lower(), f"{text[: match.start()]}{rest}{text[match.end() :]}"
    return "", text


def take_ending(text: str) -> tuple[SaidEnding, str]:
    """How a text asks a song to end, and the text without it; a tempo that comes back is no end."""
    said: dict[str, str] = {}
    for kind, cue in patterns("endings"):
        match = next((m for m in cue.finditer(text) if _of_the_end(text, m, kind)), None)
        if match is not None:
            start, end = match.span("said" if match.groupdict().get("said") else 0)
            said[kind] = text[start:end].lower()
            text = f"{text[:start]} {text[end:]}"
    return SaidEnding(**said), text


def take_ending_elsewhere(text: str, language: str) -> tuple[SaidEnding, str]:
    """The same in another language than English, in words that musicians have everywhere, or that slow down at the end."""
    said: dict[str, str] = {}
    for kind, cue in patterns("endings_elsewhere"):
        found = (m for m in cue.finditer(text) if not denied(text, m) and not elsewhere(text, m, language))
        match = next(found, None) or (slower_end(text, language) if kind == "slower" else None)
        if match is not None:
            said[kind] = match[0].lower()
            text = f"{text[: match.start()]} {text[match.end() :]}"
    return SaidEnding(**said), text


def _of_the_end(text: str, match: re.Match[str], kind: str) -> bool:
    """Whether a match asks for something, and at the end of the whole song."""
    if kind == "slower" and _BACK.search(text, match.end()):
        return False
    before = parts_of(behind(text, match.start()))[-1]
    if kind == "faded" and _TOLD.search(before):
        return False
    sure = _SURE.search(match[0]) or (kind == "faded" and "at the end" in match[0].lower() and _OF_IT.search(before))
    if not (sure or of_a_song(text, match)):
        return False
    elsewhere = any(i.kind == "negation" or i.text in _OPENING for i in items_of(before))
    return not elsewhere and not _ELSEWHERE.match(ahead(text, match.end()))
