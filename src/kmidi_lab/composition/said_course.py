"""How a sentence wants a song to go on beside an arc, such as `quiet verses and loud choruses`: changes, and a line of each that no song takes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from kmidi_lab.composition.course_patterns import EVERYBODY, cues, pattern_of
from kmidi_lab.composition.languages import ENGLISH
from kmidi_lab.composition.said_changes import changes_of, leading, swelling
from kmidi_lab.composition.said_feel import behind, items_of, of_a_song, untaken
from kmidi_lab.composition.said_mood import said_moods
from kmidi_lab.composition.said_tempo import SaidTempo, tempo_line
from kmidi_lab.composition.said_turns import begins_so, first_mode, from_mood, keys_in, known, moods_named, named_moods
from kmidi_lab.composition.said_where import Free, denied, denies, names_music, of_the_song, parted
from kmidi_lab.composition.vocabulary import OTHER
from kmidi_lab.composition.wishes import Wishes
from kmidi_lab.own_yaml import table

_SUNG = re.compile(
    r"\b(?:verse|chorus|refrain|intro|outro|key change|modulation|strophe|couplet|estribillo|estrofa|ritornello|strof[ae]|refr[ãa]o|estrofe|refrein)",
    re.I,
)
"""Sections, and changes, that are of music wherever they are named."""
_BESIDE_SUNG = re.compile(r"\b(?:bridge|solo|hook|drop|breakdown|middle)s?\b", re.I)
"""Sections that are of music beside one of those."""
_MOOD, _ENTRY, _SECTIONS = "mood", "entry", "sections"
_ARC, _KEY = "arc", "key"
_KEEPING = (_ENTRY, "amount", "way", "section")
"""Courses whose players are asked for."""
_OF_MUSIC = ("head", "genre", "instrument", "ensemble", "part", "metre", "wish", "weak wish")
_SONGS = ("head", "genre")
_JOINING = re.compile(r"^(?:(?:and|but|then|or)\b\W*)+", re.I)
"""What joins a clause to the one before it."""
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
    for group in _GROUPS[language == ENGLISH]:
        for name, cue in cues(group, language):
            for match in cue.finditer(text):
                if name == _MOOD and _is_no_change(text, match, language):
                    continue
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


def _is_no_change(text: str, match: re.Match[str], language: str) -> bool:
    """Whether a match names the one mood that the rest of the text does: a sad ending of a sad song; in other languages the only one."""
    said = {*moods_named(match[0], language)}
    rest = {mood for mood, _, at in named_moods(text, language) if not match.start() <= at < match.end()}
    return len(said) == 1 and (rest == said or (language != ENGLISH and not rest))


def _left(name: str, words: str, language: str) -> str:
    """What of a course is of the whole song, in words: players who enter, as `, with piano and drums,`, and the key that it begins in."""
    if language != ENGLISH:
        return ","
    if name == _KEY and (key := pattern_of("{key}", ENGLISH).search(words)) and len(keys_in(words)) > 1:
        return f", in {key[0][0].upper()}{key[0][1:]},"
    named = [match[0] for match in pattern_of("{player}", ENGLISH).finditer(words) if match[0].lower() not in EVERYBODY]
    return f", with {' and '.join(named)}," if named and name in _KEEPING else ","


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
            or bool(_BESIDE_SUNG.search(match[0]) and _SUNG.search(text))
        )
    part = parted(text, match)
    people = any(i.text in _PEOPLE or i.kind == "story" for i in items_of(part))
    if group == "stories":
        return not people
    if group == "of_music" and _alone(text, match, part):
        return True
    whole = group in ("players", "entries") or (group == "of_music" and " it " in match[0].lower())
    near = text if whole else part
    music = bool(_SUNG.search(match[0])) or any(i.kind in _OF_MUSIC for i in items_of(near))
    music = music or bool(_BESIDE_SUNG.search(match[0]) and _SUNG.search(text))
    if group == "players" and part.strip() == match[0]:
        return music  # such as the end of `for violin, staccato`
    if of_a_song(rest, match):
        return music or group == "courses"
    if group == "players" and not people and any(i.kind in _SONGS for i in items_of(behind(text, match.start()))):
        return True  # such as the end of `lofi beats for studying where the drums come in late`
    return bool(_SUNG.search(match[0])) and not people and any(i.kind in _OF_MUSIC for i in items_of(part))


def _alone(text: str, match: re.Match[str], part: str) -> bool:
    """Whether a match is a clause by itself, as in `jazz trio, melancholy, ends happy`, of a text that names music or is a list."""
    clause, said = (_JOINING.sub("", words.strip()) for words in (part, match[0]))
    if clause != said:
        return False
    if any(i.kind in _OF_MUSIC for i in items_of(text)):
        return True
    others = [sum(i.kind in (OTHER, "story", "stop", "owner") for i in items_of(words)) for words in (text, match[0])]
    return others[0] == others[1]


def with_courses(
    wishes: Wishes,
    tempo: SaidTempo,
    courses: Sequence[tuple[str, str]],
    arcs: Sequence[tuple[str, str]],
    rest: str,
    language: str = ENGLISH,
) -> Wishes:
    """The wishes with a course of the tempo, the changes that are asked for, and a line of each course that no song takes.

    Args:
        wishes: of a text, without these.
        tempo: its course.
        courses: (name, words) of each, as `take_courses` finds them.
        arcs: (arc, words) of each beside the song's own.
        rest: the text without the courses, which may say the mood that the song turns from.
        language: of the text.
    """
    found = [(changes_of(name, said, language), _line(name, said), said) for name, said in courses]
    found += [(swelling(arc, said), _line(_ARC, said), said) for arc, said in arcs]
    found += [((change,), "", change.words) for change in tempo.figures]
    found += [(leading(said, language), tempo_line(said), said) for said in tempo.others]
    others = [(line, said) for changes, line, said in found if not changes]
    told = dict.fromkeys(line for line, _ in others)
    words = wishes.words | ({"course": tempo.words} if tempo.course else {})
    missing = (*wishes.missing, *(line for line in told if line not in wishes.missing))
    said_all = tuple(said for *_, said in found)
    changes = tuple(dict.fromkeys(change for changes, *_ in found for change in changes))
    moods = [mood for name, said in courses if name == _MOOD for mood in _said(said, language)]
    first = moods[0] if moods and begins_so(changes) else ""
    changes = from_mood(changes, rest, language)
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
        [known(mood) for mood in moods_named(text, language)]
        if language == ENGLISH
        else [said for _, said, _ in said_moods(text, language)]
    )
