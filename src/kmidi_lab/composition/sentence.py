"""What a sentence asks of a song in plain musical terms: tempo, key, genre, length, instruments, and parts to leave out.

Most sentences tell what happened, and a word such as `rock`, `minor` or `without` means nothing musical there. So a term
counts only where it is asked for: beside a word for a song (`a slow jazz song`), after a wish (`make it fast`), in a list of
terms (`slow, sad, piano`), or where it can mean nothing else (`in D minor`, `70 bpm`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from kmidi_lab.composition.bands import styles_told
from kmidi_lab.composition.change import MOOD, Change
from kmidi_lab.composition.collecting import collect
from kmidi_lab.composition.collector import Collector
from kmidi_lab.composition.gloss import apart, glossed
from kmidi_lab.composition.glossary import knows
from kmidi_lab.composition.languages import ENGLISH, language_of, with_keys
from kmidi_lab.composition.misspelt import written_out
from kmidi_lab.composition.other_notes import with_notes
from kmidi_lab.composition.said_arc import SaidArc, other_arcs, take_arc, take_joined_arc
from kmidi_lab.composition.said_chords import take_chords
from kmidi_lab.composition.said_course import take_courses, with_courses
from kmidi_lab.composition.said_dances import without_other_dances
from kmidi_lab.composition.said_ending import SaidEnding, take_ending, take_ending_elsewhere, take_opening
from kmidi_lab.composition.said_feel import items_of, not_done, take_feel, take_loudness, untaken
from kmidi_lab.composition.said_form import take_counted, take_form
from kmidi_lab.composition.said_headings import tagged_form, without_tags
from kmidi_lab.composition.said_labels import take_labels
from kmidi_lab.composition.said_left import left_lines, orders, places_left
from kmidi_lab.composition.said_levels import whole_loudness
from kmidi_lab.composition.said_mood import said_mood
from kmidi_lab.composition.said_pace import said_pace
from kmidi_lab.composition.said_pairs import take_pairs
from kmidi_lab.composition.said_parts import take_parts
from kmidi_lab.composition.said_players import take_players
from kmidi_lab.composition.said_roles import with_roles
from kmidi_lab.composition.said_sections import take_sections
from kmidi_lab.composition.said_tempo import take_tempo
from kmidi_lab.composition.said_turns import begins_so
from kmidi_lab.composition.vocabulary import Item, kinds, vocabulary
from kmidi_lab.composition.wishes import Wishes

_OF_PLACES = ("section", "arc", "entry", "absence", "pace", "shift", "amount", "way")
"""Courses that nothing but a song has."""


def read_sentence(text: str) -> Wishes:
    """What a text asks for; whatever it says, nothing is refused here."""
    text = unicodedata.normalize("NFC", text)
    language = language_of(text)
    said, text = take_chords(with_notes(text, language))
    plain = with_keys(text)
    rows = said.chords  # whose sections stand in the text still
    wishes = _read_english(plain, rows) if language == ENGLISH else _read_other(plain, language, rows)
    words = wishes.words | ({"chords": said.chords} if said.chords else {})
    missing = (*said.lines, *wishes.missing)
    return replace(wishes, chords=said.chords, missing=missing, words=words, language=language)


def _read_other(text: str, language: str, rows: str) -> Wishes:
    """What a text that is not in English asks for: how the song goes on and ends in its own words, and its terms as in English."""
    text = apart(_as_in_english(text, language), language)
    parts, text = take_parts(text, language)
    sections, text = take_sections(text, language)
    ending, text = take_ending_elsewhere(text, language)
    tempo, text = take_tempo(text, language)
    form, _ = take_form(text, language)  # before courses, which take sections such as `lauter Refrain` out of it
    players, text = take_players(text, language)
    courses, text = take_courses(text, language)
    _, text = take_form(text, language)
    arc = take_arc(text, language)
    arcs = other_arcs(text, arc.span, language)
    pace = said_pace(text, language)
    pairs, plain = take_pairs(with_roles(glossed(without_other_dances(text, language), language)))
    out = Collector(form, arc, pairs)
    out.take(pace, [True] * len(pace))
    known = form is not None or bool(
        players or courses or ending or tempo.course or pace or parts or sections != ((), ())
    )
    asks, left = collect(plain, out, known, _is_international)
    wishes = out.wishes()
    missing = (*sections.lines, *wishes.missing, *_styled(text))
    taken = (*missing, rows, arc.words, *tempo.others, *(said for _, said in arcs))
    missing = (*missing, *left_lines(left, places_left(text, taken) if asks else []))
    wishes = replace(wishes, ending=ending, asks=asks, missing=missing)
    wishes = with_courses(wishes, tempo, courses, arcs, text, language)
    loudness = whole_loudness(text, language) if knows(language) and asks else []
    changes = (*sections.changes, *wishes.changes, *players, *parts, *loudness)
    return _with_labels(replace(wishes, changes=changes), [*parts, *players], language)


def _styled(text: str) -> list[str]:
    """The line of somebody's style that a text asks for."""
    found = re.search(
        rf"\b(?:{vocabulary()['styled_elsewhere']}) (?-i:[A-Z])[\w'.&-]*(?: (?-i:[A-Z])[\w'.&-]*)*", text, re.I
    )
    if found is None or found[0].split()[-1].lower() in kinds():  # such as `al estilo de jazz`
        return []
    return [untaken("no style of its own").format(styles=styles_told()).replace("…", found[0].lower())]


def _as_in_english(text: str, language: str) -> str:
    """The text with metres and beats a minute as they are written in English: `3/4` of `Dreivierteltakt`."""
    if knows(language) and any(i.kind in ("head", "genre") for i in items_of(glossed(text, language))):
        text = re.sub(vocabulary()["bare_tempo"], r"\g<n> bpm", text, flags=re.I)
    for written, said in vocabulary()["written_elsewhere"].items():
        text = re.sub(rf"(?<!\w)(?:{said})(?!\w)", written, text, flags=re.I)
    return text


def _is_international(item: Item) -> bool:
    written = item.kind == "metre" and "/" in item.text
    named = any(item.text in vocabulary()[group] for group in ("italian", "dances", "characters"))
    return item.kind in ("tempo", "key") or written or named or item.text == "blues"


def _read_english(text: str, rows: str) -> Wishes:
    opening, text = take_opening(written_out(text))
    tagged = tagged_form(text)
    parts, text = take_parts(text)
    sections, text = take_sections(text)
    counted, text = take_counted(text)
    labels, text = take_labels(text)
    text = without_tags(text) if tagged else text
    joined, text = take_joined_arc(text)
    ending, text = take_ending(text)
    tempo, text = take_tempo(text)
    tagged = counted or tagged
    form, _ = (tagged, text) if tagged else take_form(text)  # before courses, which take sections such as `big chorus`
    courses, text = take_courses(text)
    late, text = take_ending(text)  # such as `the last chorus without drums and then a fade out`
    ending = SaidEnding(*(first or second for first, second in zip(ending, late, strict=True)))
    if form and form.bars:  # which else were told as a choice of sections
        _, text = take_form(text)
    arc = joined if joined.name else take_arc(text)
    arcs = other_arcs(text, arc.span)
    if ending.sinks and not arc.name:
        arc = SaidArc("Descent", ending.faded)
    start, end = arc.span
    plain = f"{text[:start]}, {text[end:]}" if end else text
    for _, said in arcs:  # such as `get louder in the chorus`
        plain = re.sub(re.escape(said), ",", plain, flags=re.I)
    loudness, impossible = take_loudness(plain)
    impossible += not_done(plain)
    if not (form and form.bars):
        _, text = take_form(text)
    feel, text = take_feel(text)
    pairs, text = take_pairs(with_roles(text))
    out = Collector(form, arc, pairs)
    staged = any(name in _OF_PLACES for name, _ in courses)
    known = (
        form is not None
        or staged
        or bool(labels or parts or sections != ((), ()))
        or bool(feel.name or ending or opening or tempo.course)
    )
    asks, left = collect(text, out, known)
    wishes = out.wishes()
    words = wishes.words | ({"feel": feel.words} if feel.name else {})
    second = [f"no second feel ({other}): a song has one" for other in feel.others]
    missing = (*sections.lines, *wishes.missing, *second, *impossible)
    left = [term for term in left if not any(term in line for line in impossible)]
    taken = (*missing, rows, arc.words, *(said for _, said in arcs))
    places = places_left(text, taken) if asks or orders(text) else []
    missing = (*missing, *left_lines(left, places))
    wishes = replace(wishes, feel=feel.name, opening=opening, ending=ending, words=words, missing=missing, asks=asks)
    wishes = with_courses(wishes, tempo, courses, arcs, text)
    labels = [*parts, *labels]
    return _with_labels(replace(wishes, changes=(*sections.changes, *wishes.changes, *labels, *loudness)), labels)


def _with_labels(wishes: Wishes, labels: Sequence[Change], language: str = ENGLISH) -> Wishes:
    """The wishes with what a text says behind the names of sections, or of parts that it counts."""
    named = [change for change in labels if change.what == MOOD and begins_so(labels)]
    moods = [change.value if language == ENGLISH else said_mood(change.words, language)[1] for change in named]
    said = (*wishes.courses, *(change.words for change in labels))
    return replace(wishes, courses=said, mood=wishes.mood or (moods or [""])[0])
