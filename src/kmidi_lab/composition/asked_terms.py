"""Which terms of a clause are asked for: those beside a word for a song, after a wish, or in a phrase such as `with a piano`."""

from __future__ import annotations

from collections.abc import Sequence

from kmidi_lab.composition.asked_players import (
    NOT_WANTED,
    a_melody,
    closing_players,
    describes_players,
    is_scored,
    is_their_article,
    left_out,
    opening_players,
)
from kmidi_lab.composition.in_context import (
    BEFORE_PLAYERS,
    PEOPLE,
    has_players,
    is_length_of_song,
    is_metre,
    is_sure,
    is_the_most,
    is_wished,
    stands_alone,
    tells,
)
from kmidi_lab.composition.vocabulary import MUSICAL, OTHER, Item, vocabulary

BREAKS = frozenset({OTHER, "stop", "story", "owner", "order"})
PREPOSITIONS = ("with", "in", "at", "on", "for", "featuring", "feat", "using")
_BEFORE_A_PACE = ("filler", "mood", "owner", "length")
OF_PLACES = ("to", "into", "from", "by", "after", "before", "until", "over", "under", "through", "between", "during", "about", "like",
              "against", "behind", "where", "than")  # fmt: skip
"""Words that describe, beside which nobody need do anything."""
_FARTHEST = 6
"""Terms before a word for a song that may belong to it."""


def asked(items: Sequence[Item]) -> tuple[list[bool], bool]:
    """Which terms of a clause are asked for, and whether any word for a song or a wish does it."""
    mark = [i.kind in ("tempo", "key") or is_metre(items, n) or is_sure(items, n) for n, i in enumerate(items)]
    opening = opening_players(items)
    mark[:opening] = [True] * opening
    if start := closing_players(items):
        mark[start:] = [True] * (len(items) - start)
    if n := a_melody(items):
        mark[n] = True
    asks = any(mark)
    for n, item in enumerate(items):
        solo = item.kind == "other_instrument" and n + 1 < len(items) and items[n + 1].text == "solo"
        before = (
            (*BEFORE_PLAYERS, OTHER) if item.kind == "ensemble" and items[0].text in ("a", "an") else BEFORE_PLAYERS
        )
        opens = (item.kind == "ensemble" or solo) and all(
            i.kind in before and i.text not in PREPOSITIONS for i in items[:n]
        )
        if item.kind == "head" or opens or (item.kind == "genre" and _is_a_song(items, n)):
            first = None if item.text in vocabulary()["characters"] and tells(items[:n]) else _first_of(items, n)
            if first is None:
                continue
            asks = True
            mark[first : n + 1] = [True] * (n + 1 - first)
            _onward(items, n + 1, mark)
        elif item.text in NOT_WANTED and (end := left_out(items, n)):
            asks, mark[n:end] = True, [True] * (end - n)
        elif item.kind == "wish" or (item.kind == "order" and all(i.kind in ("filler", "mood") for i in items[:n])):
            marked = any(mark)
            _onward(items, n + 1, mark)
            asks = asks or (any(mark) and not marked)
        elif item.kind == "weak wish":
            own = [False] * len(items)
            _onward(items, n + 1, own)
            several = sum(b and i.kind == "instrument" for b, i in zip(own, items, strict=True)) > 1
            asks = asks or several  # such as `I want violins and flutes`, of which one may be a thing to buy
            mark = [
                a or (b and (several or i.kind in ("pace", "genre", "other_genre", "mode", "metre")))
                for a, b, i in zip(mark, own, items, strict=True)
            ]
    return mark, asks


def _is_a_song(items: Sequence[Item], n: int) -> bool:
    """Whether a genre stands for a song."""
    return is_wished(items, n) or stands_alone(items, n) or is_the_most(items, n) or has_players(items, n)


def _first_of(items: Sequence[Item], head: int) -> int | None:
    """Where the words before a word for a song begin that belong to it; None where it is told of, not asked for."""
    first = head
    while (
        first > 0
        and head - first < _FARTHEST
        and items[first - 1].kind not in ("stop", "story", "owner", "wish", "weak wish", "negation")
    ):
        if items[first - 1].text in PREPOSITIONS and items[first - 1].text != "for":
            break
        first -= 1
    before = items[:first]
    wished = any(i.kind in ("wish", "weak wish") for i in before)
    if before and before[-1].kind in ("owner", "negation") and not (wished or is_the_most(items, first)):
        return None
    if any(i.kind == "story" for i in before) and not wished:
        return None
    if items[head].text in ("beat", "beats", "groove", "theme", "loop", "jam", "piece", "track", "number") and not any(
        i.kind in MUSICAL or i.kind == "wish" for i in items[:head]
    ):
        return None
    while first < head and (items[first].kind == OTHER):
        first += 1
    return first


def _onward(items: Sequence[Item], start: int, mark: list[bool]) -> None:
    """Marks what goes on from a place, up to a word that is none of ours; what describes that word is not meant."""
    start += start < len(items) and items[start].text in ("it", "me", "us")
    end = start
    while end < len(items) and (items[end].kind not in BREAKS or (items[end].kind == "owner" and end == start)):
        end += 1
    if end < len(items) and items[end].kind == OTHER:
        while end > start and items[end - 1].kind in MUSICAL - {"tempo", "key", "bars"}:
            end -= 1
    mark[start:end] = [True] * (end - start)


def pictured(items: Sequence[Item]) -> list[bool]:
    """The pace of what a clause describes where nobody does anything, as in `a slow walk home` or `walking slowly home`."""
    mark = [False] * len(items)
    n = next((n for n, i in enumerate(items) if i.kind == "pace" and i.text not in vocabulary()["still"]), None)
    if n is None or any(i.kind == "story" or (i.kind == "stop" and i.text not in OF_PLACES) for i in items):
        return mark
    following = items[n + 1].kind if n + 1 < len(items) else ""
    describes = all(i.kind in _BEFORE_A_PACE for i in items[:n]) and following in (OTHER, "mood")
    moves = items[0].kind == OTHER and items[0].text.endswith("ing") and not items[n - 1].text.startswith("too")
    mark[n] = describes or moves
    return mark


def gives_way(words: str) -> bool:
    """Whether a style that words ask for gives way to another one: of a blues, of a lullaby, of `funky`, or of a film."""
    known = vocabulary()
    return words == "blues" or words in (*known["gentle"], *known["like_genres"]) or words.startswith("for ")


def is_likened(items: Sequence[Item], n: int) -> bool:
    """Whether a genre at the end of a clause is what a song is to be like, as in `loud choruses like grunge`, not in `I feel like rock`."""
    if items[n].kind not in ("genre", "other_genre") or n + 1 < len(items):
        return False
    k = n - 1
    while k > 0 and items[k].kind in ("filler", "mood", "pace", "mode"):
        k -= 1
    return k >= 0 and items[k].text == "like" and not any(i.text in PEOPLE for i in items[:k])


def phrases(items: Sequence[Item]) -> list[bool]:
    """Phrases such as `with a piano`, `without drums` and `that has 8 bars`, in a text that asks for a song."""
    mark = [is_length_of_song(items, n) or is_likened(items, n) or is_scored(i) for n, i in enumerate(items)]
    for n, item in enumerate(items):
        if item.kind != "negation" and item.text not in ("with", "featuring", "feat", "using", "in", "on", "over"):
            continue
        if n and items[n - 1].text == "live":
            continue
        end = n + 1
        while end < len(items) and (
            items[end].kind not in BREAKS or describes_players(items, end) or is_their_article(items, end)
        ):
            end += 1
        if (
            end == n + 1 < len(items) and items[end].text == "the" and item.kind != "negation"
        ):  # such as `on the violin`
            end = n + 3 if [i.kind for i in items[n + 2 :]] == ["instrument"] else end
        closed = end == len(items) or items[end].kind == "stop"
        if closed and end > n + 1:
            mark[n:end] = [True] * (end - n)
    return mark
