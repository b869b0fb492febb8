"""What a term means beside its neighbours: a key or a letter, a genre or a thing, a dance that is wished for or told of."""

from __future__ import annotations

from collections.abc import Sequence

from kmidi_lab.composition.vocabulary import MUSICAL, OTHER, Item, vocabulary

ONLY = ("only", "just", "solo", "alone", "strictly", "purely", "unaccompanied")
PEOPLE = ("i", "me", "you", "we", "us", "he", "him", "she", "they", "them", "i'm", "i've")
OF_MUSIC = (MUSICAL - {"key", "tonic", "mode", "seconds", "length"}) | {"head", "wish", "weak wish"}
"""Kinds of which one is enough for a text to be of music."""
BEFORE_PLAYERS = ("filler", "mood", "pace", "mode", "genre", "wish", "weak wish", "order")
"""Kinds that may stand before a group of players that is asked for, as in `a slow string quartet that grows`."""
_BESIDE = ("to", "town", "me", "him", "her", "us", "them", "his", "their")
"""Words behind an `about` that says where something is, or that it will happen."""
_FEWEST_BARS = 4
_WITH = ("with", "featuring", "feat", "for", "on")
_DESCRIBED = 4
"""Words that may stand before a genre that has players."""
_HAS = ("has", "have", "is", "be", "lasts", "last", "runs")
"""Words before a length that something has."""
_THAT = ("that", "which", "it", "and", "should", "must", "to")
"""Words between a song and these."""
_COUNTS = ("three", "six", "3", "6")
"""Metres whose words count anything else, too."""


def is_key(items: Sequence[Item], n: int, music: bool) -> bool:
    """Whether a key is one: not before a noun (`C major surgery`), nor where people are told of and no music is."""
    following = items[n + 1] if n + 1 < len(items) else Item("filler", "")
    noun = following.kind == OTHER and not following.text.endswith(("ing", "ed", "ly"))
    if noun and not any(i.kind in OF_MUSIC for i in items[:n]):
        return False
    told_of = any(i.text in PEOPLE or i.kind == "story" for i in items[:n]) and any(i.kind == OTHER for i in items[:n])
    return music or not told_of


def is_metre(items: Sequence[Item], n: int) -> bool:
    """Whether a metre can mean nothing else, as in `a lament in 3/4`, where nobody does anything."""
    sure = items[n].kind == "metre" and items[n].text not in _COUNTS  # such as `a house divided in three`
    if not sure or n == 0 or items[n - 1].text != "in":
        return False
    return not any(i.text in PEOPLE or i.kind == "story" for i in items[:n])


def is_sure(items: Sequence[Item], n: int) -> bool:
    """Whether a term can mean nothing else: one of several written metres, or a genre or a length that begins a text."""
    if items[n].kind == "metre":
        written = {i.text for i in items if i.kind == "metre" and "/" in i.text}
        return items[n].text in written and len(written) > 1 and not any(i.text in PEOPLE for i in items)
    sure = items[n].text in vocabulary()["sure_other_genres"] and items[n].kind == "other_genre"
    sure = sure or items[n].text in vocabulary()["sure_other_instruments"]
    sure = sure or (items[n].kind == "blues form" and "blues" in items[n].text)
    opens = all(i.kind in BEFORE_PLAYERS for i in items[:n])
    return _has_a_subject(items, n) or ((sure or _is_of_a_song(items, n)) and opens)


def _has_a_subject(items: Sequence[Item], n: int) -> bool:
    """Whether a genre is about something, as in `loud rock about a storm`, not in `a house about to fall`."""
    behind = [i.text for i in items[n + 1 : n + 3]]
    about = len(behind) == 2 and behind[0] == "about" and behind[1] not in _BESIDE
    described = all(i.kind in (*BEFORE_PLAYERS, OTHER) and i.text != "the" for i in items[:n])
    return items[n].kind in ("genre", "other_genre") and about and described


def _is_of_a_song(items: Sequence[Item], n: int) -> bool:
    """Whether bars are a song's: a clause by themselves, or of what a song is of, as in `16 bars of hope`, not of chocolate."""
    behind = [i.text for i in items[n + 1 : n + 3]]
    counted = items[n].kind == "bars" and items[n].value >= _FEWEST_BARS
    if counted and len(items) == 1:
        return True
    named = len(behind) == 2 and behind[0] in ("of", "about", "for")
    return counted and named and behind[1] not in vocabulary()["in_bars"]


def is_length_of_song(items: Sequence[Item], n: int) -> bool:
    """Whether bars or seconds are what a song has, as in `a rock song that has 8 bars`, not `a town that has 8 bars`."""
    if items[n].kind not in ("bars", "seconds") or n == 0 or items[n - 1].text not in _HAS:
        return False
    k = n - 2
    while k >= 0 and items[k].text in _THAT:
        k -= 1
    return items[k].kind in ("head", "genre") if k >= 0 else n > 1 and items[0].text in ("it", "that", "which")


def names_players(items: Sequence[Item], n: int) -> bool:
    """Whether a group of players is said one by one, as in `a jazz trio of a trumpet, a piano and a double bass`."""
    behind = [i for i in items[n + 1 :] if i.text not in ("a", "an", "the", "one") and i.kind != "mood"]
    return len(behind) > 1 and behind[0].text == "of" and behind[1].kind == "instrument"


def tells(items: Sequence[Item]) -> bool:
    """Whether somebody does something, and wishes for nothing, as in `she painted a nocturne`."""
    wished = any(i.kind in ("wish", "weak wish", "order") for i in items)
    return not wished and any(i.text in PEOPLE for i in items)


def is_wished(items: Sequence[Item], n: int) -> bool:
    """Whether a genre stands for a song by itself: after a wish, without an article, as in `give me some slow jazz`."""
    for k in range(n - 1, -1, -1):
        if items[k].kind in ("wish", "weak wish"):
            return not any(i.text in ("a", "an") or i.kind == "owner" for i in items[k:n])
        if items[k].kind not in ("filler", "mood", "pace", "genre", "mode", "length"):
            return False
    return False


def has_players(items: Sequence[Item], n: int) -> bool:
    """Whether a genre without an article has players behind it, as in `summer pop with handclaps`, not `summer house with a garden`."""
    described = all(
        i.kind in ("filler", "mood", "pace", "mode", OTHER) and i.text not in ("a", "an") for i in items[:n]
    )
    behind = [i for i in items[n + 1 : n + 6] if i.kind not in ("filler", "mood") or i.text in _WITH]
    players = ("instrument", "other_instrument", "part", "ensemble", "kit")
    return described and n <= _DESCRIBED and len(behind) > 1 and behind[0].text in _WITH and behind[1].kind in players


def is_the_most(items: Sequence[Item], n: int) -> bool:
    """Whether `the` and a superlative stand before a place, as in `the slowest blues`: no `the` of a thing that is known."""
    k = n
    while k > 0 and items[k - 1].kind in ("filler", "mood", "pace", "mode") and not items[k].text.endswith("est"):
        k -= 1
    behind = items[n + 1 : n + 3]
    of_a_thing = (
        len(behind) == 2 and behind[1].kind == "owner" and items[n].kind != "head"
    )  # `the fastest rock in the river`
    if of_a_thing or any(i.kind == "story" for i in items[n + 1 :]):
        return False
    known = (
        ("mood", "pace", OTHER) if k == n else ("mood", "pace")
    )  # of a word for a song any, as in `the loudest punk song`
    most = k < len(items) and items[k].kind in known and items[k].text.endswith("est")
    return most and k > 0 and items[k - 1].text == "the" and not tells(items[:k])


def stands_alone(items: Sequence[Item], n: int) -> bool:
    """Whether a genre's word can mean nothing else, and describes nothing else, as in `slow jazz about the sea`."""
    following = items[n + 1].kind if n + 1 < len(items) else "filler"
    if following not in (OTHER, "instrument") and _is_a_blues(items, n):
        return True
    return _has_a_subject(items, n) or (items[n].text in vocabulary()["sure_genres"] and following != OTHER)


def _is_a_blues(items: Sequence[Item], n: int) -> bool:
    """Whether a place is `a blues`, which is music whatever it is of."""
    k = n - 1
    while k > 0 and items[k].kind in ("mood", "pace", "mode", "genre", "key"):
        k -= 1
    return items[n].text == "blues" and k >= 0 and items[k].text in ("a", "an") and not tells(items[:k])


def measures(items: Sequence[Item], n: int) -> bool:
    """Whether a word such as `long` stands behind a length in figures, as in `4 minutes long`."""
    return (
        n > 0
        and items[n - 1].kind in ("seconds", "bars", "filler")
        and any(i.kind in ("seconds", "bars") for i in items[max(0, n - 2) : n])
    )


def is_told(items: Sequence[Item], n: int) -> bool:
    """Whether a dance is what a text tells of, as in `life is a waltz` or `the minuet class`, and no song is one."""
    if items[n].text not in vocabulary()["dances"]:
        return False
    words = [item.text for item in items]
    told = n + 1 < len(words) and words[n + 1] in vocabulary()["told_dances"]
    is_one = [k for k in range(max(1, n - 3), n) if words[k] in ("is", "was", "are", "were")]
    return told or any(
        words[k - 1] not in ("it", "this", "that", "which", "rhythm") and items[k - 1].kind not in ("head", "weak wish")
        for k in is_one
    )


def is_thing(items: Sequence[Item], n: int) -> bool:
    """Whether a genre's word with an article means a thing, as in `I need a rock`."""
    after = items[n + 1] if n + 1 < len(items) else None
    k = n - 1
    while k > 0 and items[k].text in vocabulary()["qualifiers"]:
        k -= 1
    article = k >= 0 and items[k].text in ("a", "an")
    article = article and items[n].text not in ("blues", *vocabulary()["sure_genres"])
    goes_on = after and (
        after.kind in MUSICAL or after.kind in ("head", "mood") or after.text in ("style", "feel", "vibe")
    )
    return article and not goes_on


def is_only(items: Sequence[Item], n: int) -> bool:
    """Whether `only`, `solo` or the like stands beside an instrument; after it, `solo` is a solo of it."""
    k = n - 1
    while k >= 0 and (
        items[k].kind == "mood"
        or items[k].text in ("a", "an", "the", "for", "with", "one", "and")
        or items[k].kind in ("part", "instrument")
    ):
        k -= 1
    if k >= 0 and items[k].text in ONLY:
        return True
    return n + 1 < len(items) and items[n + 1].text in ("only", "alone")
