"""How a sentence wants a song to go on beside its arc: a tempo that rises or falls, and courses that no song takes, a line each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

from kmidi_lab.chords.asking import lexicon
from kmidi_lab.composition.languages import ENGLISH
from kmidi_lab.composition.said_feel import items_of, of_a_song
from kmidi_lab.composition.said_where import Free, denied, elsewhere, of_the_song, parted
from kmidi_lab.composition.vocabulary import kinds
from kmidi_lab.composition.wishes import Wishes
from kmidi_lab.own_yaml import table

_TOKEN = re.compile(r"\{([a-z_]+)\}")
_BACK = re.compile(r"\ba tempo\b", re.I)
_SUNG = re.compile(r"\b(?:verse|chorus|refrain|intro|outro)", re.I)
"""Sections that are of music wherever they are named."""
_OF_MUSIC = ("head", "genre", "instrument", "ensemble", "part", "metre", "wish", "weak wish")


class SaidTempo(NamedTuple):
    """`faster`, `slower`, or empty, and the words that ask for it."""

    course: str = ""
    words: str = ""


def take_tempo(text: str, language: str = ENGLISH) -> tuple[SaidTempo, str]:
    """The course of the tempo over the whole song that a text asks for first, and the text without it."""
    found: list[tuple[int, int, str]] = []
    for course, cue in _tempos(language):
        for match in cue.finditer(text):
            told = of_a_song(text, match) if language == ENGLISH else of_the_song(text, match, language)
            if told and not denied(text, match) and not _somewhere(text, match, language):
                found.append((*match.span(), course))
    if not found:
        return SaidTempo(), text
    start, end, course = min(found)
    return SaidTempo(course, text[start:end].lower()), f"{text[:start]} , {text[end:]}"


def take_courses(text: str) -> tuple[list[tuple[str, str]], str]:
    """(line, words) of each course that a text asks for and no song takes, in its order, and the text without them."""
    found: list[tuple[int, int, str]] = []
    free = Free(text)
    for group in ("courses", "of_music"):
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
    music = bool(_SUNG.search(match[0])) or any(i.kind in _OF_MUSIC for i in items_of(part))
    if of_a_song(text, match):
        return music or group == "courses"
    people = any(i.text in ("i", "we", "you", "me", "she", "he", "they") or i.kind == "story" for i in items_of(part))
    return bool(_SUNG.search(match[0])) and not people and any(i.kind in _OF_MUSIC for i in items_of(part))


def _somewhere(text: str, match: re.Match[str], language: str) -> bool:
    """Whether a match is of one place in the song, or is taken back."""
    return elsewhere(text, match, language) or bool(language == ENGLISH and _BACK.search(text, match.end()))


def with_courses(wishes: Wishes, tempo: SaidTempo, others: Sequence[tuple[str, str]]) -> Wishes:
    """The wishes with a course of the tempo, and a line of each course that no song takes, of which `others` are (line, words)."""
    told = dict.fromkeys(line for line, _ in others)
    words = wishes.words | ({"course": tempo.words} if tempo.course else {})
    missing = (*wishes.missing, *(line for line in told if line not in wishes.missing))
    return replace(wishes, course=tempo.course, courses=tuple(w for _, w in others), words=words, missing=missing)


@cache
def _tempos(language: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    cues = table(__name__, "said_course.yaml")["tempos"].get(language, {})
    return tuple((course, _pattern(cues[course])) for course in ("faster", "slower") if course in cues)


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
