"""How a sentence wants a song to go on beside its arc: a tempo that rises or falls, and courses that no song takes, a line each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

from kmidi_lab.chords.asking import lexicon
from kmidi_lab.composition.languages import ENGLISH
from kmidi_lab.composition.said_feel import ahead, items_of, of_a_song, patterns
from kmidi_lab.composition.said_where import Free, denied, elsewhere, of_the_song, parted
from kmidi_lab.composition.vocabulary import kinds
from kmidi_lab.composition.wishes import Wishes
from kmidi_lab.own_yaml import table

_TOKEN = re.compile(r"\{([a-z_]+)\}")
_BACK = re.compile(r"\ba tempo\b", re.I)
_BOTH_ENDS = re.compile(r"from |start|begin|open|.* then ", re.I)
"""A course of the tempo that names its beginning."""
_SUNG = re.compile(r"\b(?:verse|chorus|refrain|intro|outro)", re.I)
"""Sections that are of music wherever they are named."""
_OF_MUSIC = ("head", "genre", "instrument", "ensemble", "part", "metre", "wish", "weak wish")


class SaidTempo(NamedTuple):
    """`faster`, `slower`, or empty, the words that ask for it, and those that ask for other courses."""

    course: str = ""
    words: str = ""
    others: tuple[str, ...] = ()


def take_tempo(text: str, language: str = ENGLISH) -> tuple[SaidTempo, str]:
    """The course of the tempo over the whole song that a text asks for first, and the text without any."""
    found: list[tuple[int, int, str]] = []
    for course in ("faster", "slower"):
        for match in _tempo(language, course).finditer(text):
            told = of_a_song(text, match) if language == ENGLISH else of_the_song(text, match, language)
            if told and not denied(text, match):
                found.append((*match.span(), "" if _somewhere(text, match, language) else course))
    said, others, rest, at = SaidTempo(), [], [], 0
    for start, end, course in sorted(found):
        if start < at:
            continue
        words = text[start:end].lower()
        if course and not said.course:
            said = SaidTempo(course, words)
        else:
            others.append(words)
        while turn := _tempo(language, "turn").match(text, end):
            others.append(turn["said"].lower())
            end = turn.end()
        rest.append(text[at:start])
        at = end
    return said._replace(others=tuple(others)), " , ".join([*rest, text[at:]])


def take_courses(text: str) -> tuple[list[tuple[str, str]], str]:
    """(line, words) of each course that a text asks for and no song takes, in its order, and the text without them."""
    found: list[tuple[int, int, str]] = []
    free = Free(text)
    for group in ("courses", "of_music", "entries"):
        for line, cue in _patterns(group):
            for match in cue.finditer(text):
                if free.is_free(*match.span()) and _asked(text, match, group):
                    free.take(*match.span())
                    found.append((*match.span(), line))
    told = [(line.replace("…", text[a:b].lower()), text[a:b].lower()) for a, b, line in sorted(found)]
    for start, end, line in sorted(found, reverse=True):
        if "entry" not in line:  # whose players are asked for
            text = f"{text[:start]} , {text[end:]}"
    return told, text


def _asked(text: str, match: re.Match[str], group: str) -> bool:
    """Whether a match is asked for, of a song."""
    if denied(text, match):
        return False
    part = parted(text, match)
    near = text if group == "entries" else part
    music = bool(_SUNG.search(match[0])) or any(i.kind in _OF_MUSIC for i in items_of(near))
    if of_a_song(text, match):
        return music or group == "courses"
    people = any(i.text in ("i", "we", "you", "me", "she", "he", "they") or i.kind == "story" for i in items_of(part))
    return bool(_SUNG.search(match[0])) and not people and any(i.kind in _OF_MUSIC for i in items_of(part))


def _somewhere(text: str, match: re.Match[str], language: str) -> bool:
    """Whether a match is of one place in the song, or is taken back."""
    if language != ENGLISH:
        return elsewhere(text, match, language) or bool(_tempo(language, "at_end").search(parted(text, match)))
    last = not _BOTH_ENDS.match(match[0]) and _tempo(language, "at_end").match(ahead(text, match.end()).lstrip(" ,"))
    return bool(elsewhere(text, match, language) or last or _BACK.search(text, match.end()))


def with_courses(wishes: Wishes, tempo: SaidTempo, others: Sequence[tuple[str, str]]) -> Wishes:
    """The wishes with a course of the tempo, and a line of each course that no song takes, of which `others` are (line, words)."""
    others = [*((_tempo_line(words), words) for words in tempo.others), *others]
    told = dict.fromkeys(line for line, _ in others)
    words = wishes.words | ({"course": tempo.words} if tempo.course else {})
    missing = (*wishes.missing, *(line for line in told if line not in wishes.missing))
    return replace(wishes, course=tempo.course, courses=tuple(w for _, w in others), words=words, missing=missing)


def _tempo_line(words: str) -> str:
    """What is told of a tempo that changes in another way."""
    line = next(line for line, _ in patterns("not_done") if line.startswith("no change of tempo"))
    return line.replace("…", words)


@cache
def _tempo(language: str, name: str) -> re.Pattern[str]:
    """What stands under a name among a language's tempos; nothing where it has none."""
    cue = table(__name__, "said_course.yaml")["tempos"].get(language, {}).get(name, "(?!)")
    return re.compile(_filled(cue, _words()), re.I) if name == "turn" else _pattern(cue)


@cache
def _patterns(group: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((line, _pattern(cue)) for line, cue in table(__name__, "said_course.yaml")[group].items())


def _pattern(cue: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w'’-])(?:{_filled(cue, _words())})(?![\w'’-])", re.I)


def _filled(cue: str, words: Mapping[str, str]) -> str:
    """A pattern with what each name stands for in its place."""
    return _TOKEN.sub(lambda name: f"(?:{_filled(words[name[1]], words)})", cue)


@cache
def _words() -> Mapping[str, Any]:
    """What each name stands for."""
    named = {kind: [word for word, (k, _) in kinds().items() if k in of] for kind, of in _NAMED.items()}
    named["mood"] = [word for word in lexicon() if word not in ("fear", "disgust", "surprise")]
    named["player"] += ["band", "orchestra", "choir", "beat", "everything", "everyone", "rest", "instruments"]
    plain = {name: _any_of(several) for name, several in named.items()}
    return dict(table(__name__, "said_course.yaml")["words"]) | plain


_NAMED = {"mood": (), "genre": ("genre", "other_genre"), "player": ("instrument", "part")}


def _any_of(words: list[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
