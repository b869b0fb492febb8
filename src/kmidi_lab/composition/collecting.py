"""Which terms of a whole text are asked for: by their own clause, by those beside it, or because the text asks for a song."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kmidi_lab.composition.asked_players import PLAYERS, described, opening_players
from kmidi_lab.composition.asked_terms import PREPOSITIONS, asked, phrases, pictured
from kmidi_lab.composition.collector import Collector
from kmidi_lab.composition.in_context import OF_MUSIC, ONLY, PEOPLE, is_key
from kmidi_lab.composition.said_left import terms_left
from kmidi_lab.composition.vocabulary import MUSICAL, OTHER, Item, vocabulary
from kmidi_lab.composition.words import clauses

_NAMING = ("instrument", "other_instrument", "part", "ensemble", "genre", "head")
"""Kinds that name players, or music: beside one of these a solo is a part of it."""

_SURE = ("instrument", "ensemble", "part", "kit", "other_instrument", "tempo", "key", "metre", "bars", "seconds")
"""Kinds that mean music in a list."""
_CLAUSES, _WORDS = 3, 5
"""Clauses of a list, at least, and terms of each, at most."""


def collect(
    text: str, out: Collector, asks: bool, sure: Callable[[Item], bool] | None = None
) -> tuple[bool, list[str]]:
    """Gives a collector the terms that a text asks for.

    Args:
        text: in English, or with its terms in English.
        out: takes them.
        asks: whether anything else asks for a song already.
        sure: whether a term counts wherever it stands; None where none does.

    Returns:
        Whether a word for a song or a wish asks for music, or `asks` is true; and then the terms that are taken as no wish.
    """
    groups = [_over(items) for items in clauses(text)]
    if groups and not any(i.kind in _NAMING for items in groups[1:] for i in items):
        _alone(groups[0])
    if groups and (opening := opening_players(groups[0])) and groups[0][opening].text != "over":
        out.seats.alone()
    left: list[str] = []
    music = any(i.kind in OF_MUSIC for items in groups for i in items)
    always = sure or (lambda item: False)
    groups = [
        [i for n, i in enumerate(items) if i.kind != "key" or always(i) or is_key(items, n, music)] for items in groups
    ]
    groups = [items for items in groups if items]
    marks = [asked(items) for items in groups]
    asks = asks or any(a for _, a in marks) or _is_list(groups)
    lists = [not any(i.kind in (OTHER, "stop", "story", "order") for i in items) for items in groups]
    runs = _runs(groups, lists)
    for n, items in enumerate(groups):
        goes_on = items[0].text in ("a", "an", "the", "my") and items[-1].kind == "pace"  # `a slow, lonely walk home`
        after = groups[n + 1] if goes_on and n + 1 < len(groups) else []
        seen = pictured([*items, *after])[: len(items)]
        marks[n] = [a or b for a, b in zip(marks[n][0], seen, strict=True)], marks[n][1]
    for n, (items, (mark, _)) in enumerate(zip(groups, marks, strict=True)):
        # such as the 120 in `jazz, D minor, around 120`
        alone = (asks or runs[n] or all(lists)) and sum(i.kind != "filler" for i in items) == 1
        musical = [i for i in items if i.kind in MUSICAL or i.kind == "head" or (alone and i.kind == "number")]
        if lists[n] and musical and not (items[0].kind == "owner" and len(musical) == 1):
            last = n == len(groups) - 1 and {i.kind for i in musical} <= {"genre", "other_genre", "key"}
            last = last or any(i.text in ONLY for i in items)  # such as `piano only`
            if asks or runs[n] or all(lists) or len(musical) > 1 or last or items[0].kind == "negation":
                mark = [True] * len(items)
        if asks or any(runs):
            mark = [a or b for a, b in zip(mark, phrases(items), strict=True)]
            mark = mark if any(mark) else described(items)
        mark = [m or always(i) for i, m in zip(items, mark, strict=True)]
        left += terms_left(items, mark)
        out.take(items, mark)
    return asks, left if asks else [term for term in left if term in vocabulary()["sure_other_genres"]]


def _runs(groups: Sequence[Sequence[Item]], lists: Sequence[bool]) -> list[bool]:
    """Whether each clause is of terms alone and so is one beside it, as in `I can't sit still, house, 124`."""
    terms = [
        lists[n]
        and items[0].kind != "owner"
        and any(i.kind in MUSICAL or (i.kind == "number" and len(items) == 1) for i in items)
        for n, items in enumerate(groups)
    ]
    return [on and any(terms[k] for k in (n - 1, n + 1) if 0 <= k < len(terms)) for n, on in enumerate(terms)]


def _is_list(groups: Sequence[Sequence[Item]]) -> bool:
    """Whether a text is a list of what a song is to have, as in `ancient temple, pentatonic, bamboo flute, slow`: short clauses
    that tell of nobody, of which two at least can mean nothing but music, or the first is a length.
    """
    if len(groups) < _CLAUSES or any(len(items) > _WORDS for items in groups):
        return False
    if any(i.kind in ("stop", "story", "owner") or i.text in PEOPLE for items in groups for i in items):
        return False
    sure = [any(i.kind in _SURE for i in items) or [i.kind for i in items] == ["pace"] for items in groups]
    return sum(sure) > 1 or [i.kind for i in groups[0]] == ["seconds"]


def _over(items: list[Item]) -> list[Item]:
    """A clause in which an `over` between two players joins them, as in `solo violin over warm strings`."""
    for n, item in enumerate(items):
        behind = next((i for i in items[n + 1 :] if i.kind not in ("filler", "mood")), None)
        if item.text == "over" and n and items[n - 1].kind in PLAYERS and behind and behind.kind in PLAYERS:
            return [*items[:n], Item("filler", "and"), *items[n + 1 :]]
    return items


def _alone(items: list[Item]) -> None:
    """A text that is a `tuba solo` and no more is of that instrument alone."""
    kinds = [i.kind for i in items]
    n = next((n for n, i in enumerate(items) if i.text in ("like", "about", "for")), len(items)) - 1
    before = all(i.kind in ("filler", "mood", "pace", "mode") and i.text not in PREPOSITIONS for i in items[: n - 1])
    if n > 0 and kinds[n - 1] in ("instrument", "part") and items[n].text == "solo" and before:
        items[n] = Item("filler", "alone")
