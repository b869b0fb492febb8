"""Players of a clause that are asked for by where they stand in it: what it begins or ends with, and what describes them."""

from __future__ import annotations

from collections.abc import Sequence

from kmidi_lab.composition.in_context import PEOPLE
from kmidi_lab.composition.vocabulary import OTHER, Item

PLAYERS = ("instrument", "part", "ensemble")
NOT_WANTED = ("don't want", "do not want", "don't want any", "don't use", "don't add")
"""What leaves out players who stand right behind it."""
_DESCRIBING = 2
"""Words for what a player is like, at most."""
_FARTHEST = 6
"""Terms that are looked at from the beginning of a clause on."""


def opening_players(items: Sequence[Item]) -> int:
    """Terms of players that a clause begins with and that are for something, as in `piano and cello for a film`; 0 of none."""
    end = next((n for n, i in enumerate(items) if i.kind not in (*PLAYERS, "filler", "mood", "pace")), len(items))
    last = max((n for n in range(end) if items[n].kind in PLAYERS), default=-1)
    alone = last + 1 < len(items) and items[last + 1].text in ("solo", "alone")
    behind = items[last + 1 + alone : last + 2 + alone]
    goes_on = ("for", "like", "about", "over") if alone else ("for",)
    return last + 1 + alone if last >= 0 and any(i.text in goes_on or is_scored(i) for i in behind) else 0


def closing_players(items: Sequence[Item]) -> int:
    """Where the players begin that a clause ends with and that it is for, as in `a twelve-tone row for flute`; 0 of none."""
    start = max((n + 1 for n, i in enumerate(items) if i.text == "for"), default=0)
    named = [i.kind for i in items[start:] if i.text not in ("and", "solo")]
    told = any(i.kind in ("stop", "story", "owner", "negation") for i in items[:start])
    return start if start > 1 and named and {*named} <= {"instrument", "ensemble"} and not told else 0


def a_melody(items: Sequence[Item]) -> int:
    """Where a melody stands that a clause begins with, as in `a melody oriental with flute`, which is a song's; 0 without one."""
    n = next((n for n, i in enumerate(items[:_FARTHEST]) if i.text == "melody"), 0)
    return n if items[0].text in ("a", "some") and not any(i.text in PEOPLE for i in items) else 0


def left_out(items: Sequence[Item], n: int) -> int:
    """Where the players end that somebody does not want, as in `I don't want drums and I …`; 0 where none follow alone."""
    end = n + 1
    while end < len(items) and (items[end].kind in PLAYERS or items[end].text in ("and", "or", "nor", "any")):
        end += 1
    alone = end == len(items) or (items[end].kind in ("stop", "filler") and items[end - 1].text in ("and", "or"))
    return end if alone and any(i.kind in PLAYERS for i in items[n:end]) else 0


def describes_players(items: Sequence[Item], n: int) -> bool:
    """Whether a word that is none of ours describes players, as in `with a children's choir`."""
    after = [i.kind for i in items[n + 1 : n + 3]]
    players = ("instrument", "other_instrument", "ensemble", "kit")
    return (
        items[n].kind == OTHER and bool(after) and (after[0] in players or (after[0] == OTHER and after[-1] in players))
    )


def is_their_article(items: Sequence[Item], n: int) -> bool:
    """Whether a `the` stands between `with` or `and` and a player, as in `with the flute and the piano`."""
    after = items[n + 1].kind if n + 1 < len(items) else ""
    return items[n].text == "the" and items[n - 1].text in ("with", "and") and after in PLAYERS


def described(items: Sequence[Item]) -> list[bool]:
    """Players that are a clause by themselves, with words for what they are like: `low strings`, `thunderous drums`."""
    kinds = [i.kind for i in items if i.text != "there"]
    others, players = kinds.count(OTHER), [kind in (*PLAYERS, "other_instrument") for kind in kinds]
    plain = all(kind in (*PLAYERS, "other_instrument", OTHER, "filler", "mood", "pace") for kind in kinds)
    sure = plain and 0 < len(kinds) <= _FARTHEST and others <= _DESCRIBING * sum(players) and players[-1]
    return [sure] * len(items)


def is_scored(item: Item) -> bool:
    """Whether a genre is what music is for, such as `for a film`."""
    return item.kind == "genre" and item.text.startswith("for ")
