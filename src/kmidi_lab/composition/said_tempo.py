"""The course of a song's tempo as a sentence asks for it: `faster and faster`, `von langsam nach schnell`."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from kmidi_lab.composition.change import PACE, TO, Change
from kmidi_lab.composition.course_patterns import BE, filled, pattern_of, words_of
from kmidi_lab.composition.languages import ENGLISH
from kmidi_lab.composition.said_feel import ahead, behind, of_a_song, untaken
from kmidi_lab.composition.said_numbers import of_a_body
from kmidi_lab.composition.said_places import BARS, SECOND_HALF, Place, found_places
from kmidi_lab.composition.said_where import denied, elsewhere, of_the_song, parted, with_place
from kmidi_lab.own_yaml import table

_BACK = re.compile(r"\ba tempo\b", re.I)
_OF_ONE_PLACE = 4
"""Words of a course that names no beginning, at most."""
_BOTH_ENDS = re.compile(r"from |start|begin|open|.* then ", re.I)
"""A course of the tempo that names its beginning."""
_SLOWEST, _FASTEST = 30, 300


class SaidTempo(NamedTuple):
    """`faster`, `slower`, or empty, the words that ask for it, those that ask for other courses, and tempos in figures."""

    course: str = ""
    words: str = ""
    others: tuple[str, ...] = ()
    figures: tuple[Change, ...] = ()


def take_figures(text: str) -> tuple[tuple[Change, ...], str]:
    """The tempo that a song comes to, in any language, and the text with the first one alone: `80 bpm` of `from 80 to 140 bpm`."""
    for match in _in_figures().finditer(text):
        first, last = (
            next(match[f"{end}{n}"] for n in (1, 2, 3, 4) if match[f"{end}{n}"]) for end in ("first", "last")
        )
        bare = match["first1"] and not (match["moves"] or match["unit"])
        near = all(_SLOWEST <= int(tempo) <= _FASTEST for tempo in (first, last)) and first != last
        bare = bare or not (match["first1"] or "bpm" in match[0].lower() or "tempo" in match[0].lower())
        if near and not bare and not of_a_body(text, match.start()):
            place = Place(SECOND_HALF) if match["then"] else Place(BARS, 1)
            change = Change(PACE, last if match["then"] else f"{TO}{last}", place, match[0].lower())
            return (change,), f"{text[: match.start()]}, {first} bpm, {text[match.end() :]}"
    return (), text


def take_tempo(text: str, language: str = ENGLISH) -> tuple[SaidTempo, str]:
    """The course of the tempo over the whole song that a text asks for first, and the text without any."""
    figures, text = take_figures(text)
    found = [
        (*m.span(), "") for m in _tempo(language, "jumps").finditer(text) if not (denied(text, m) or _placed(text, m))
    ]
    for course in ("faster", "slower"):
        for match in _tempo(language, course).finditer(text):
            told = of_a_song(text, match) if language == ENGLISH else of_the_song(text, match, language)
            if told and not denied(text, match):
                start, end = match.span()
                where = _where().match(text, end) if language == ENGLISH and not _BOTH_ENDS.match(match[0]) else None
                found.append(
                    (start, where.end() if where else end, "" if where or _somewhere(text, match, language) else course)
                )
    said, others, rest, at = SaidTempo(), [], [], 0
    for start, end, course in sorted(found):
        if start < at:
            continue
        words = text[start:end].lower() if language == ENGLISH else _with_its_place(text, start, end, language)
        if course and not said.course:
            said = SaidTempo(course, words)
        else:
            others.append(words)
        while turn := _tempo(language, "turn").match(text, end):
            others.append(turn["said"].lower())
            end = turn.end()
        rest.append(text[at:start])
        at = end
    return said._replace(others=tuple(others), figures=figures), " , ".join([*rest, text[at:]])


def _placed(text: str, match: re.Match[str]) -> bool:
    """Whether a section stands right before a tempo, as in `Bridge im halben Tempo` and `der Refrain soll …`: its own."""
    before = behind(text, match.start())
    return any(re.fullmatch(rf"[ ,]*{BE}", before[end:]) for _, _, end in found_places(before))


def slower_end(text: str, language: str) -> re.Match[str] | None:
    """What asks for a lower tempo at the end alone, in another language than English: `qui ralentit à la fin`."""
    for match in _tempo(language, "slower").finditer(text):
        at_end = len(match[0].split()) <= _OF_ONE_PLACE and _tempo(language, "at_end").search(parted(text, match))
        if at_end and not denied(text, match) and not elsewhere(text, match, language):
            return match
    return None


def tempo_line(words: str) -> str:
    """What is told of a tempo that changes in another way."""
    return untaken("no change of tempo").replace("…", words)


def _somewhere(text: str, match: re.Match[str], language: str) -> bool:
    """Whether a match is of one place in the song, or is taken back."""
    if language != ENGLISH:
        return elsewhere(text, match, language) or bool(_tempo(language, "at_end").search(parted(text, match)))
    last = not _BOTH_ENDS.match(match[0]) and _tempo(language, "at_end").match(ahead(text, match.end()).lstrip(" ,"))
    return bool(elsewhere(text, match, language) or last or _BACK.search(text, match.end()))


def _with_its_place(text: str, start: int, end: int, language: str) -> str:
    """Words of a tempo in another language than English, with the end of the song or the section that their clause names."""
    match, words = re.compile(re.escape(text[start:end])).match(text, start), text[start:end].lower()
    if match is None or found_places(words):
        return words
    at_end = _tempo(language, "at_end").search(parted(text, match))
    return f"{words} {at_end[0].lower()}" if at_end else with_place(text, match, language)


@cache
def _in_figures() -> re.Pattern[str]:
    """Two tempos in figures: from one to the other, or one behind the other, as in `tempo 120 then 90`."""
    words = {name: f"(?:{said})" for name, said in table(__name__, "said_course.yaml")["figures"].items()}
    first, last = r"(?P<first{n}>\d{2,3})(?: ?bpm)?", r"(?P<last{n}>\d{2,3})"
    ways = (
        rf"(?P<moves>(?:an? )?{words['moves']} )?(?<!anywhere )(?<!range ){words['from']} {first} {words['to']} {last}(?P<unit>(?:-| )?bpm\b)?",
        rf"{words['begins']}(?: \w+){{0,3}}? {first}\W+(?:\w+\W+){{0,3}}?{words['ends']}(?: \w+){{0,3}}? {last}(?: ?bpm\b|(?![\w/%]))",
        rf"(?:tempo:? |(?=\d+ ?bpm)){first},? (?P<then>{words['then']}) {last}(?: ?bpm\b|(?=\W*$))",
        rf"{first} {words['begins']}\W+(?:\w+\W+){{0,3}}?{last}(?: ?bpm)? {words['ends']}\b",
    )
    numbered = "|".join(way.replace("{n}", str(n)) for n, way in enumerate(ways, 1))
    return re.compile(rf"(?<!\w)(?:{numbered})", re.I)


@cache
def _where() -> re.Pattern[str]:
    """A place behind words of a tempo: ` into the chorus`, ` at the end`."""
    return re.compile(
        rf"[ ,]*(?:{filled('{somewhere}|(?:towards?|up to) the (?:end|{section})', words_of(ENGLISH))})(?![\w'’-])",
        re.I,
    )


@cache
def _tempo(language: str, name: str) -> re.Pattern[str]:
    """What stands under a name among a language's tempos; nothing where it has none."""
    cue = table(__name__, "said_course.yaml")["tempos"].get(language, {}).get(name, "(?!)")
    return re.compile(filled(cue, words_of(ENGLISH)), re.I) if name == "turn" else pattern_of(cue, ENGLISH)
