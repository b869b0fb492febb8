"""How a sentence wants a song to go on in ways that no song takes, such as `starts sad and ends happy`: a line each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from kmidi_lab.chords.asking import lexicon
from kmidi_lab.composition.course_patterns import cues, pattern_of
from kmidi_lab.composition.languages import ENGLISH
from kmidi_lab.composition.said_feel import items_of, of_a_song, untaken
from kmidi_lab.composition.said_mood import said_moods
from kmidi_lab.composition.said_tempo import SaidTempo, tempo_line
from kmidi_lab.composition.said_where import Free, denied, denies, names_music, of_the_song, parted
from kmidi_lab.composition.wishes import Wishes
from kmidi_lab.own_yaml import table

_SUNG = re.compile(r"\b(?:verse|chorus|refrain|intro|outro)", re.I)
"""Sections that are of music wherever they are named."""
_MOOD, _ENTRY, _SECTIONS = "mood", "entry", "sections"
_OF_MUSIC = ("head", "genre", "instrument", "ensemble", "part", "metre", "wish", "weak wish")
_PEOPLE = ("i", "we", "you", "me", "she", "he", "they")
_GROUPS: Mapping[bool, tuple[str, ...]] = {True: ("courses", "of_music", "entries", "stories"), False: ("shapes",)}
"""Of `said_course.yaml`, for English and for other languages."""


def take_courses(text: str, language: str = ENGLISH) -> tuple[list[tuple[str, str]], str]:
    """(line, words) of each course that a text asks for and no song takes, in its order, and the text without them."""
    found: list[tuple[int, int, str]] = []
    free = Free(text)
    named = frozenset(_moods(text, language))
    for group in _GROUPS[language == ENGLISH]:
        for name, cue in cues(group, language):
            for match in cue.finditer(text):
                if name == _MOOD and {*_moods(match[0], language)} == named and len(named) == 1:
                    continue  # a sad ending of a sad song, or of one that is told no other mood
                if language != ENGLISH and name != _SECTIONS and denies(match[0], language):
                    continue  # such as `im Refrain nicht explodiert`
                if free.is_free(*match.span()) and _asked(text, match, group, language):
                    free.take(*match.span())
                    found.append((*match.span("said" if match.groupdict().get("said") else 0), name))
    lines = {**table(__name__, "said_course.yaml")["lines"], _SECTIONS: untaken("no choice of sections")}
    told = [(lines[name].replace("…", text[a:b].lower()), text[a:b].lower()) for a, b, name in sorted(found)]
    for start, end, name in sorted(found, reverse=True):
        if name != _ENTRY:  # whose players are asked for
            text = f"{text[:start]} , {text[end:]}"
    return told, text


def _moods(text: str, language: str) -> list[str]:
    """Words for moods in a text, in its order; in another language than English what each is in English."""
    if language == ENGLISH:
        return [_adjective(match[0].lower()) for match in pattern_of("{mood}|{adverb}", ENGLISH).finditer(text)]
    return [mood for mood, _ in said_moods(text, language)]


def _adjective(word: str) -> str:
    """`happy` of `happily`, `sad` of `sadly`; an adjective as it is."""
    return word if word in lexicon() else re.sub("ily$", "y", word).removesuffix("ly")


def _asked(text: str, match: re.Match[str], group: str, language: str) -> bool:
    """Whether a match is asked for, of a song."""
    if denied(text, match):
        return False
    if language != ENGLISH:
        return (
            not text[: match.start()].strip() or names_music(match[0], language) or of_the_song(text, match, language)
        )
    part = parted(text, match)
    people = any(i.text in _PEOPLE or i.kind == "story" for i in items_of(part))
    if group == "stories":
        return not people
    near = text if group == "entries" else part
    music = bool(_SUNG.search(match[0])) or any(i.kind in _OF_MUSIC for i in items_of(near))
    if of_a_song(text, match):
        return music or group == "courses"
    return bool(_SUNG.search(match[0])) and not people and any(i.kind in _OF_MUSIC for i in items_of(part))


def with_courses(
    wishes: Wishes, tempo: SaidTempo, others: Sequence[tuple[str, str]], language: str = ENGLISH
) -> Wishes:
    """The wishes with a course of the tempo, and a line of each course that no song takes, of which `others` are (line, words)."""
    others = [*((tempo_line(words), words) for words in tempo.others), *others]
    told = dict.fromkeys(line for line, _ in others)
    changing = table(__name__, "said_course.yaml")["lines"][_MOOD].partition("…")[0]
    changes = [said for line, said in others if line.startswith(changing)]
    first = next((mood for said in changes for mood in _said(said, language)), "")
    words = wishes.words | ({"course": tempo.words} if tempo.course else {})
    missing = (*wishes.missing, *(line for line in told if line not in wishes.missing))
    courses = tuple(said for _, said in others)
    return replace(wishes, course=tempo.course, courses=courses, mood=first, words=words, missing=missing)


def _said(text: str, language: str) -> list[str]:
    """A text's own words for moods."""
    return _moods(text, language) if language == ENGLISH else [said for _, said in said_moods(text, language)]
