"""How a sentence wants a song to go on beside an arc, such as `quiet verses and loud choruses`: changes, and a line of each that no song takes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from kmidi_lab.chords.asking import lexicon
from kmidi_lab.composition.course_patterns import EVERYBODY, cues, pattern_of
from kmidi_lab.composition.languages import ENGLISH
from kmidi_lab.composition.said_changes import changes_of, leading, swelling
from kmidi_lab.composition.said_feel import behind, items_of, of_a_song, untaken
from kmidi_lab.composition.said_mood import said_moods
from kmidi_lab.composition.said_tempo import SaidTempo, tempo_line
from kmidi_lab.composition.said_turns import first_mode, keys_in, known
from kmidi_lab.composition.said_where import Free, denied, denies, names_music, of_the_song, parted
from kmidi_lab.composition.wishes import Wishes
from kmidi_lab.own_yaml import table

_SUNG = re.compile(
    r"\b(?:verse|chorus|refrain|intro|outro|key change|modulation|strophe|couplet|estribillo|estrofa|ritornello|strof[ae]|refr[ãa]o|estrofe|refrein)",
    re.I,
)
"""Sections, and changes, that are of music wherever they are named."""
_MOOD, _ENTRY, _SECTIONS = "mood", "entry", "sections"
_ARC, _KEY = "arc", "key"
_KEEPING = (_ENTRY, "amount", "way")
"""Courses whose players are asked for."""
_OF_MUSIC = ("head", "genre", "instrument", "ensemble", "part", "metre", "wish", "weak wish")
_SONGS = ("head", "genre")
_PEOPLE = ("i", "we", "you", "me", "she", "he", "they")
_GROUPS: Mapping[bool, tuple[str, ...]] = {
    True: ("players", "courses", "of_music", "entries", "stories"),
    False: ("shapes",),
}
"""Of `said_course.yaml`, for English and for other languages."""


def take_courses(text: str, language: str = ENGLISH) -> tuple[list[tuple[str, str]], str]:
    """(name, words) of each course that a text asks for, in its order, and the text without them; players who enter stay in it."""
    found: list[tuple[int, int, str]] = []
    free, rest = Free(text), text
    named = frozenset(_moods(text, language))
    for group in _GROUPS[language == ENGLISH]:
        for name, cue in cues(group, language):
            for match in cue.finditer(text):
                if name == _MOOD and {*_moods(match[0], language)} == named and len(named) == 1:
                    continue  # a sad ending of a sad song, or of one that is told no other mood
                if language != ENGLISH and name != _SECTIONS and denies(match[0], language):
                    continue  # such as `im Refrain nicht explodiert`
                if free.is_free(*match.span()) and _asked(text, rest, match, group, language):
                    free.take(*match.span())
                    rest = f"{rest[: match.start()]}{' ' * len(match[0])}{rest[match.end() :]}"
                    found.append((*match.span("said" if match.groupdict().get("said") else 0), name))
    said = [(name, text[a:b].lower()) for a, b, name in sorted(found)]
    for start, end, name in sorted(found, reverse=True):
        text = f"{text[:start]} {_left(name, text[start:end], language)} {text[end:]}"
    return said, text


def _left(name: str, words: str, language: str) -> str:
    """What of a course is of the whole song, in words: players who enter, as `, with piano and drums,`, and the key that it begins in."""
    if language != ENGLISH:
        return ","
    if name == _KEY and (key := pattern_of("{key}", ENGLISH).search(words)) and len(keys_in(words)) > 1:
        return f", in {key[0][0].upper()}{key[0][1:]},"
    named = [match[0] for match in pattern_of("{player}", ENGLISH).finditer(words) if match[0].lower() not in EVERYBODY]
    return f", with {' and '.join(named)}," if named and name in _KEEPING else ","


def _moods(text: str, language: str) -> list[str]:
    """Words for moods in a text, in its order; in another language than English what each is in English."""
    if language == ENGLISH:
        return [_adjective(match[0].lower()) for match in pattern_of("{turning}|{adverb}", ENGLISH).finditer(text)]
    return [mood for mood, _ in said_moods(text, language)]


def _adjective(word: str) -> str:
    """`happy` of `happily`, `sad` of `sadly`; an adjective as it is."""
    return word if word in lexicon() else re.sub("ily$", "y", word).removesuffix("ly")


def _asked(text: str, rest: str, match: re.Match[str], group: str, language: str) -> bool:
    """Whether a match is asked for, of a song; `rest` is the text with blanks for what is taken, as before `and louder bass`."""
    if denied(text, match):
        return False
    if language != ENGLISH:
        return (
            not text[: match.start()].strip()
            or bool(_SUNG.search(match[0]))
            or names_music(match[0], language)
            or of_the_song(text, match, language)
        )
    part = parted(text, match)
    people = any(i.text in _PEOPLE or i.kind == "story" for i in items_of(part))
    if group == "stories":
        return not people
    near = text if group in ("players", "entries") else part
    music = bool(_SUNG.search(match[0])) or any(i.kind in _OF_MUSIC for i in items_of(near))
    if group == "players" and part.strip() == match[0]:
        return music  # such as the end of `for violin, staccato`
    if of_a_song(rest, match):
        return music or group == "courses"
    if group == "players" and not people and any(i.kind in _SONGS for i in items_of(behind(text, match.start()))):
        return True  # such as the end of `lofi beats for studying where the drums come in late`
    return bool(_SUNG.search(match[0])) and not people and any(i.kind in _OF_MUSIC for i in items_of(part))


def with_courses(
    wishes: Wishes,
    tempo: SaidTempo,
    courses: Sequence[tuple[str, str]],
    arcs: Sequence[tuple[str, str]],
    language: str = ENGLISH,
) -> Wishes:
    """The wishes with a course of the tempo, the changes that are asked for, and a line of each course that no song takes.

    Args:
        wishes: of a text, without these.
        tempo: its course.
        courses: (name, words) of each, as `take_courses` finds them.
        arcs: (arc, words) of each beside the song's own.
        language: of the text.
    """
    found = [(changes_of(name, said, language), _line(name, said), said) for name, said in courses]
    found += [(swelling(arc, said), _line(_ARC, said), said) for arc, said in arcs]
    found += [(leading(said) if language == ENGLISH else (), tempo_line(said), said) for said in tempo.others]
    others = [(line, said) for changes, line, said in found if not changes]
    told = dict.fromkeys(line for line, _ in others)
    first = next((mood for name, said in courses if name == _MOOD for mood in _said(said, language)), "")
    words = wishes.words | ({"course": tempo.words} if tempo.course else {})
    missing = (*wishes.missing, *(line for line in told if line not in wishes.missing))
    said_all = tuple(said for *_, said in found)
    changes = tuple(dict.fromkeys(change for changes, *_ in found for change in changes))
    key = wishes.key if wishes.key[1] else (wishes.key[0], first_mode(changes))
    return replace(
        wishes,
        course=tempo.course,
        courses=said_all,
        changes=changes,
        key=key,
        mood=first,
        words=words,
        missing=missing,
    )


def _line(name: str, said: str) -> str:
    """What is told of a course that no song takes."""
    lines = {**table(__name__, "said_course.yaml")["lines"], _SECTIONS: untaken("no choice of sections")}
    return str(lines[name]).replace("…", said)


def _said(text: str, language: str) -> list[str]:
    """A text's own words for moods; in English those of the lexicon for them, as `despairing` for `despair`."""
    return (
        [known(mood) for mood in _moods(text, language)]
        if language == ENGLISH
        else [said for _, said in said_moods(text, language)]
    )
