"""What a sentence asks of a song in plain musical terms: tempo, key, genre, length, instruments, and parts to leave out.

Most sentences tell what happened, and a word such as `rock`, `minor` or `without` means nothing musical there. So a term
counts only where it is asked for: beside a word for a song (`a slow jazz song`), after a wish (`make it fast`), in a list of
terms (`slow, sad, piano`), or where it can mean nothing else (`in D minor`, `70 bpm`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from kmidi_lab.composition.asked_terms import PREPOSITIONS, asked, phrases, pictured
from kmidi_lab.composition.collector import Collector
from kmidi_lab.composition.in_context import OF_MUSIC, ONLY, is_key
from kmidi_lab.composition.languages import ENGLISH, language_of, with_keys
from kmidi_lab.composition.other_notes import with_notes
from kmidi_lab.composition.said_arc import SaidArc, other_arcs, take_arc, take_joined_arc
from kmidi_lab.composition.said_chords import take_chords
from kmidi_lab.composition.said_course import take_courses, with_courses
from kmidi_lab.composition.said_dances import without_other_dances
from kmidi_lab.composition.said_ending import take_ending, take_ending_elsewhere, take_opening
from kmidi_lab.composition.said_feel import not_done, take_feel
from kmidi_lab.composition.said_form import take_form
from kmidi_lab.composition.said_pace import said_pace
from kmidi_lab.composition.said_pairs import take_pairs
from kmidi_lab.composition.said_roles import with_roles
from kmidi_lab.composition.said_tempo import take_tempo
from kmidi_lab.composition.vocabulary import MUSICAL, OTHER, Item, vocabulary
from kmidi_lab.composition.wishes import Wishes
from kmidi_lab.composition.words import clauses

_NAMING = ("instrument", "other_instrument", "part", "ensemble", "genre", "head")
"""Kinds that name players, or music: beside one of these a solo is a part of it."""


def read_sentence(text: str) -> Wishes:
    """What a text asks for; whatever it says, nothing is refused here."""
    language = language_of(text)
    said, text = take_chords(with_notes(text, language))
    plain = with_keys(text)
    wishes = _read_english(plain) if language == ENGLISH else _read_other(plain, language)
    words = wishes.words | ({"chords": said.chords} if said.chords else {})
    missing = (*said.lines, *wishes.missing)
    return replace(wishes, chords=said.chords, missing=missing, words=words, language=language)


def _read_other(text: str, language: str) -> Wishes:
    """What musicians call alike in many languages, of a text that is not in English: tempo, key, metre, dances, sections, and how it goes on and ends."""
    text = _as_in_english(text)
    ending, text = take_ending_elsewhere(text, language)
    tempo, text = take_tempo(text, language)
    form, _ = take_form(text, language)  # before courses, which take sections such as `lauter Refrain` out of it
    courses, text = take_courses(text, language)
    _, text = take_form(text, language)
    arc = take_arc(text, language)
    arcs = other_arcs(text, arc.span, language)
    out = Collector(form, arc, [])
    out.take(pace := said_pace(text, language), [True] * len(pace))
    read = {word for item in pace for word in item.text.split()}  # a lento that is Spanish for slow, too
    for items in clauses(without_other_dances(text, language)):
        out.take(items, [_is_international(item) and item.text not in read for item in items])
    return with_courses(replace(out.wishes(), ending=ending), tempo, courses, arcs, language)


def _as_in_english(text: str) -> str:
    """The text with metres and beats a minute as they are written in English: `3/4` of `Dreivierteltakt`."""
    for written, said in vocabulary()["written_elsewhere"].items():
        text = re.sub(rf"(?<!\w)(?:{said})(?!\w)", written, text, flags=re.I)
    return text


def _is_international(item: Item) -> bool:
    written = item.kind == "metre" and "/" in item.text
    named = any(item.text in vocabulary()[group] for group in ("italian", "dances", "characters"))
    return item.kind in ("tempo", "key") or written or named


def _read_english(text: str) -> Wishes:
    opening, text = take_opening(text)
    joined, text = take_joined_arc(text)
    ending, text = take_ending(text)
    tempo, text = take_tempo(text)
    form, _ = take_form(text)  # before courses, which take sections such as `big chorus` out of it
    courses, text = take_courses(text)
    arc = joined if joined.name else take_arc(text)
    arcs = other_arcs(text, arc.span)
    if ending.sinks and not arc.name:
        arc = SaidArc("Descent", ending.faded)
    start, end = arc.span
    impossible = not_done(f"{text[:start]}, {text[end:]}" if end else text)
    _, text = take_form(text)
    feel, text = take_feel(text)
    pairs, text = take_pairs(with_roles(text))
    groups = clauses(text)
    if groups and not any(i.kind in _NAMING for items in groups[1:] for i in items):
        _alone(groups[0])
    music = any(i.kind in OF_MUSIC for items in groups for i in items)
    groups = [[i for n, i in enumerate(items) if i.kind != "key" or is_key(items, n, music)] for items in groups]
    groups = [items for items in groups if items]
    marks = [asked(items) for items in groups]
    asks = any(a for _, a in marks)
    asks = asks or form is not None or bool(feel.name or ending or opening or tempo.course)
    lists = [not any(i.kind in (OTHER, "stop", "story", "order") for i in items) for items in groups]
    runs = _runs(groups, lists)
    for n, items in enumerate(groups):
        goes_on = items[0].text in ("a", "an", "the", "my") and items[-1].kind == "pace"  # `a slow, lonely walk home`
        after = groups[n + 1] if goes_on and n + 1 < len(groups) else []
        seen = pictured([*items, *after])[: len(items)]
        marks[n] = [a or b for a, b in zip(marks[n][0], seen, strict=True)], marks[n][1]
    out = Collector(form, arc, pairs)
    for n, (items, (mark, _)) in enumerate(zip(groups, marks, strict=True)):
        alone = (asks or runs[n] or all(lists)) and len(items) == 1  # such as the 120 in `jazz, D minor, 120`
        musical = [i for i in items if i.kind in MUSICAL or i.kind == "head" or (alone and i.kind == "number")]
        if lists[n] and musical and not (items[0].kind == "owner" and len(musical) == 1):
            last = n == len(groups) - 1 and {i.kind for i in musical} <= {"genre", "other_genre", "key"}
            last = last or any(i.text in ONLY for i in items)  # such as `piano only`
            if asks or runs[n] or all(lists) or len(musical) > 1 or last or items[0].kind == "negation":
                mark = [True] * len(items)
        if asks:
            mark = [a or b for a, b in zip(mark, phrases(items), strict=True)]
        out.take(items, mark)
    wishes = out.wishes()
    words = wishes.words | ({"feel": feel.words} if feel.name else {})
    second = [f"no second feel ({other}): a song has one" for other in feel.others]
    missing = (*wishes.missing, *second, *impossible)
    wishes = replace(wishes, feel=feel.name, opening=opening, ending=ending, words=words, missing=missing, asks=asks)
    return with_courses(wishes, tempo, courses, arcs)


def _runs(groups: Sequence[Sequence[Item]], lists: Sequence[bool]) -> list[bool]:
    """Whether each clause is of terms alone and so is one beside it, as in `I can't sit still, house, 124`."""
    terms = [
        lists[n]
        and items[0].kind != "owner"
        and any(i.kind in MUSICAL or (i.kind == "number" and len(items) == 1) for i in items)
        for n, items in enumerate(groups)
    ]
    return [on and any(terms[k] for k in (n - 1, n + 1) if 0 <= k < len(terms)) for n, on in enumerate(terms)]


def _alone(items: list[Item]) -> None:
    """A text that is a `tuba solo` and no more is of that instrument alone."""
    kinds = [i.kind for i in items]
    before = all(i.kind in ("filler", "mood", "pace", "mode") and i.text not in PREPOSITIONS for i in items[:-2])
    if len(items) > 1 and kinds[-2] in ("instrument", "part") and items[-1].text == "solo" and before:
        items[-1] = Item("filler", "alone")
