"""What a text says behind the name of a section, as in `verses quiet, chorus big` and `Verse 1 (sad, piano only), Chorus (loud)`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache, partial

from kmidi_lab.composition.change import ALONE, ENTER, FEEL, HALF, LEVEL, LOUD, MOOD, PACE, Change
from kmidi_lab.composition.course_patterns import filled, words_of
from kmidi_lab.composition.form import EDGE_KINDS
from kmidi_lab.composition.languages import ENGLISH
from kmidi_lab.composition.said_changes import jump_of
from kmidi_lab.composition.said_entries import players_of
from kmidi_lab.composition.said_feel import ahead, behind, items_of
from kmidi_lab.composition.said_levels import loudness
from kmidi_lab.composition.said_places import Place, place_of
from kmidi_lab.composition.said_turns import known
from kmidi_lab.composition.words import parts_of

_OF_MUSIC = ("head", "genre", "other_genre", "instrument", "ensemble", "wish")
_BEGINS = r"(?:(?<=[,.;:!?|/(\[\])])|(?<!.)|\b(?:and|but|then|with|while)\b)\W{0,3}(?:(?:the|an?|in|for)\b\W{0,2}){0,3}"
"""What stands before the name of a section that is described."""
_SECTION = r"(?P<section>{which}?(?!drops? (?:everything|{the}{player}))(?:(?P<sung>{sung}|bars \d{1,3} ?(?:-|–|to) ?\d{1,3})|{stretch}|bridges?|hooks?|drops?)(?: (?:[1-9]|one|two|three|four)(?! ?bars?))?)"
_JOINED = r"(?P<mark>\s?[:=(\]]\s?|\s[-–—]\s)|\s(?P<verb>(?:should be|must be|is|are|with|has|gets?|becomes?)\s)?"
_ENDS = r"(?=\W{0,3}(?:$|[,.;:!?)\]|/\[(]|(?:and|but|then|while|with)\b))"
_DESCRIBED = (
    r"(?P<all>(?:the )?(?:full|whole|entire) (?:band|orchestra)|everyone|everybody|everything|all instruments|tutti)"
    r"|{very}(?P<level>{level}){than}|{very}(?P<mood>{feeling})|(?P<feel>half[- ]time(?: feel)?)|{very}(?P<pace>{jump})"
    r"|(?P<without>(?:no|without) {players})|(?:add|adds|adding|plus) (?P<who>{players})"
    r"|(?P<only>(?:only|just|solo) {players}|{players} (?:only|alone))|(?P<bare>{players})"
)
"""What a section may be."""
_NEXT = re.compile(r"\W{0,3}(?:\b(?:and|but|also|then)\b\W{0,2}){0,3}")
_JOINING = re.compile(r"\s*,?\s*\b(?:and|but|also)\b\s*")
"""What stands between two things that a section is: behind a colon or in brackets also a comma alone."""
_COMING = (ENTER, ALONE)
_ALONE = re.compile(r"\b(?:only|just|solo|alone)\b")


def take_labels(text: str) -> tuple[list[Change], str]:
    """What a text says of its sections behind the name of each, and the text without it; players who enter stay in it."""
    changes: list[Change] = []
    taken: list[tuple[int, int, str]] = []
    found = [m for m in _label().finditer(text) if _is_music(text, m)]
    entered: set[str] = set()
    several = len({match["section"].lower() for match in found}) > 1
    for match in found:
        own, end = _said(text, match) if match["sung"] or match["mark"] or several else ([], 0)
        own = [change for change in map(partial(_entering, entered), own) if change.value or change.what not in _COMING]
        if own:
            start = match.start("section")
            words = text[start:end].lower() + ")" * ("(" in text[start:end])
            changes += dict.fromkeys(change._replace(words=words) for change in own)
            taken.append((start, end, _stay(own)))
    for start, end, stay in reversed(taken):
        text = f"{text[:start]}{stay}{text[end:]}"
    return changes, text


def _entering(entered: set[str], change: Change) -> Change:
    """A change without the players who came in with a section before; these are added to."""
    if change.what not in _COMING:
        return change
    names = change.value.split(", ")
    new = [name for name in names if name not in entered or change.what == ALONE]
    entered.update(names)
    return change._replace(value=", ".join(new))


def _said(text: str, label: re.Match[str]) -> tuple[list[Change], int]:
    """What words behind a section's name say of it, one after another, and where they end."""
    own, end, at = list[Change](), label.end(), label.end()
    place, section = place_of(label["section"].lower()), label["section"].lower()
    while place and (match := _described().match(text, at)):
        own += _changes(match, section, place)
        end = match.end()
        following = (_NEXT if label["mark"] else _JOINING).match(text, end)
        at = following.end() if following else end
    return own, end


def _changes(match: re.Match[str], section: str, place: Place) -> Iterator[Change]:
    words = match[0].lower()
    if match["all"]:
        yield Change(LEVEL, LOUD, place, words)
    elif match["level"]:
        yield Change(LEVEL, loudness(match["level"], ENGLISH), place, words)
    elif match["mood"]:
        yield Change(MOOD, known(match["mood"].lower()), place, words)
    elif match["feel"]:
        yield Change(FEEL, HALF, place, words)
    elif match["pace"]:
        yield Change(PACE, jump_of(match["pace"].lower()), place, words)
    elif match["without"]:
        yield from players_of("absence", f"{words} in the {section}")
    elif match["who"] or (match["bare"] and place.kind not in EDGE_KINDS):
        yield from players_of("entry", f"{match['who'] or words} enters at the {section}")
    else:
        yield from players_of("entry", f"only {_ALONE.sub('', words).strip()} in the {section}")


def _stay(changes: Sequence[Change]) -> str:
    """Words for the players of these changes who are of the song: `, with piano,`."""
    named = [change.value for change in changes if change.what in _COMING]
    return f", with {' and '.join(named)}, " if named else ", "


def _is_music(text: str, match: re.Match[str]) -> bool:
    """Whether a section's name is one of a song, of which the text tells no story."""
    before, after = behind(text, match.start("section")), ahead(text, match.end())
    clause = items_of(f"{parts_of(before)[-1]} {parts_of(after)[0]}")
    if any(i.kind == "story" for i in clause):
        return False
    return bool(match["sung"]) or any(i.kind in _OF_MUSIC or i.text in _sung() for i in items_of(text))


@cache
def _sung() -> frozenset[str]:
    return frozenset({"verse", "verses", "chorus", "choruses", "intro", "outro", "refrain"})


@cache
def _label() -> re.Pattern[str]:
    """A section's name at the beginning of a clause, with what joins it to what it is to be."""
    return re.compile(filled(f"{_BEGINS}{_SECTION}(?:{_JOINED})", words_of(ENGLISH)), re.I)


@cache
def _described() -> re.Pattern[str]:
    return re.compile(filled(f"(?:an? )?(?:{_DESCRIBED}){_ENDS}", words_of(ENGLISH)), re.I)
