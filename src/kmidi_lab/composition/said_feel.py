"""What a sentence asks of a song beside tempo, key and players: its feel, which is taken up, and what no song of the lab does.

These words are looked for where a song is spoken of: nothing before them in their clause may tell of anything else, so that
`a train that slows down` says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import islice
from typing import NamedTuple

from kmidi_lab.composition.bands import styles_told
from kmidi_lab.composition.change import LEVEL, LOUD, LOUDER, SOFT, Change
from kmidi_lab.composition.in_context import PEOPLE
from kmidi_lab.composition.said_places import START, Place
from kmidi_lab.composition.vocabulary import MUSICAL, OTHER, Item
from kmidi_lab.composition.words import clauses, parts_of
from kmidi_lab.own_yaml import table

_OF_SONGS = MUSICAL | {"head", "filler", "mood", "wish", "weak wish", "order", "negation", "number", "kit"}
_LEADING = frozenset(
    {"the", "that", "which", "it", "its", "this", "to", "should", "must", "is", "be", "can", "could", "would", "please", "i", "i'd", "you",
     "we", "where", "as", "so", "me", "has", "have", "start", "starts", "begin", "begins", "end", "ends", "get", "gets", "from",
     "two", "three", "four"}
)  # fmt: skip
"""Words before a feel that tell of nothing else: `I want a song that …`, `it should …`."""


_ASKING = ("wish", "weak wish", "order", "head")
_OF_MUSIC = ("head", "genre", "instrument", "part", "ensemble")
_DESCRIBING = 2
"""Words of no kind that may describe a song before its name."""
_MOST = 4
"""Things of one kind that are told."""
_BEGINS = re.compile(r"\b(?:start|begin|open)(?:s|ing|ning)?(?: (?:off|out|up|very|really|slow(?:ly)?|and))*\s*$", re.I)
"""What stands before a loudness of a song's beginning alone."""
_LEVELS = {"softer": SOFT, "louder": LOUD}
_STYLES = "no style of its own"
"""How the line of somebody's style begins."""
_FAR = 80
"""Characters before and behind a match that are looked at, so that a long text is read as fast as a short one."""


class SaidFeel(NamedTuple):
    """KmiDi's name of a feel, the words that say so, and those that ask for others; all empty where none do."""

    name: str = ""
    words: str = ""
    others: tuple[str, ...] = ()


def take_feel(text: str) -> tuple[SaidFeel, str]:
    """The feel that a text asks for first, and the text without what asks for feels."""
    found = [(m, name) for name, cue in patterns("feels") for m in cue.finditer(text) if of_a_song(text, m)]
    if not found:
        return SaidFeel(), text
    (first, name), *more = told = _in_order(found)
    others = dict.fromkeys(match[0].lower() for match, other in more if other != name)
    for match, _ in reversed(told):
        text = f"{text[: match.start()]} {text[match.end() :]}"
    return SaidFeel(name, first[0].lower(), tuple(others)), re.sub(" {2,}", " ", text)


def take_loudness(text: str) -> tuple[list[Change], list[str]]:
    """The loudness of the whole song that a text asks for first, with that of its beginning, and a line of another one."""
    every = [(m, how) for how, cue in patterns("loudness") for m in cue.finditer(text) if _wished(text, m)]
    begun = [(m, how) for m, how in every if _BEGINS.search(behind(text, m.start()))]
    opening = [Change(LEVEL, _LEVELS[how], Place(START), m[0].lower()) for m, how in begun[:1]]
    found = [one for one in every if one not in begun]
    if not found:
        return opening, []
    (first, how), *more = _in_order(found)
    others = dict.fromkeys(match[0].lower() for match, other in more if other != how)
    lines = [f"no second loudness ({other}): say where, as in quiet verses and loud choruses" for other in others]
    return [*opening, Change(LOUDER, how, None, first[0].lower())], lines


def not_done(text: str) -> list[str]:
    """A line of each kind of thing that a text asks for and no song has, in the text's order; with the first few of each kind."""
    found = []
    for line, pattern in patterns("not_done"):
        named = (m for m in pattern.finditer(text) if not (line.startswith(_STYLES) and _known_style(m[0])))
        matches = [*islice((m for m in named if _wished(text, m)), _MOST)]
        found += [(match, line) for match in matches]
    told: dict[str, list[str]] = {}
    for match, line in _in_order(found):
        told.setdefault(line, []).append(match[0].lower())
    return [
        line.format(styles=styles_told()).replace("…", ", ".join(dict.fromkeys(said))) for line, said in told.items()
    ]


def _known_style(words: str) -> bool:
    """Whether a style begins with a word for music, for a feeling or for a day, as in `Jazz vibes`, and with nobody's name."""
    first = items_of(words)[0]
    return first.kind in MUSICAL or first.kind == "mood" or first.text.endswith("day")


def _wished(text: str, match: re.Match[str]) -> bool:
    """Whether a match is asked for, of a song or in a list, and not left out."""
    asked = of_a_song(text, match) or _sure(text, match) or _listed(text, match)
    return asked and not _left_out(text, match)


def _listed(text: str, match: re.Match[str]) -> bool:
    """Whether a match is one of several words that a text with a genre lists, as in `quiet, slow grunge`."""
    items = items_of(text)
    if _clause(text, match).strip() != match[0] or not any(i.kind in MUSICAL for i in items):
        return False
    wished = [n for n, i in enumerate(items) if i.kind in ("wish", "weak wish")]  # such as `write me an anthem, loud`
    return not any(i.kind == "story" or (i.text in PEOPLE and n - 1 not in wished) for n, i in enumerate(items))


def _clause(text: str, match: re.Match[str]) -> str:
    return parts_of(behind(text, match.start()))[-1] + match[0] + parts_of(ahead(text, match.end()))[0]


def _left_out(text: str, match: re.Match[str]) -> bool:
    """Whether the word right before a match leaves it out, as in `no tambourine`."""
    before = items_of(parts_of(behind(text, match.start()))[-1])
    return bool(before) and before[-1].kind == "negation"


def _sure(text: str, match: re.Match[str]) -> bool:
    """Whether a match can mean nothing but music: where nobody is told of, or where a song is named before it, whatever else
    stands between.
    """
    known = table(__name__, "said_feel.yaml")
    if re.fullmatch(known["sure_alone"], match[0], re.I):
        return not any(i.kind == "story" or i.text in PEOPLE for i in items_of(_clause(text, match)))
    if not re.fullmatch(known["sure"], match[0], re.I):
        return False
    return any(i.kind in _OF_MUSIC for i in items_of(parts_of(behind(text, match.start()))[-1]))


def untaken(beginning: str) -> str:
    """The line of what no song has that begins so, in which … stands for the words."""
    return next(line for line, _ in patterns("not_done") if line.startswith(beginning))


def _in_order(found: Sequence[tuple[re.Match[str], str]]) -> list[tuple[re.Match[str], str]]:
    """Matches by where they begin, without those that lie in a longer one, as `louder` in `louder bass`."""
    whole = [(m, told) for m, told in found if not any(_within(m, other) for other, _ in found)]
    return sorted(whole, key=lambda pair: pair[0].start())


def _within(match: re.Match[str], other: re.Match[str]) -> bool:
    return match is not other and other.start() <= match.start() and match.end() <= other.end()


def of_a_song(text: str, match: re.Match[str]) -> bool:
    """Whether what stands before a match, in its clause, tells of nothing but a song.

    Words that mean much else, such as `loud` and `canon`, must stand beside a word of music, too.
    """
    before = items_of(parts_of(behind(text, match.start()))[-1])
    people = any(i.text in ("i", "we", "you", "me") for i in before)
    asked = any(i.kind in _ASKING for i in before)
    named = _of_a_head(before)
    if (people and not asked) or not all(i.kind in _OF_SONGS or i.text in _LEADING for i in before[named:]):
        return False
    if match[0].lower() not in table(__name__, "said_feel.yaml")["ambiguous"]:
        return True
    after = items_of(parts_of(ahead(text, match.end()))[0])
    goes_on = bool(after) and (after[0].kind in (OTHER, "stop", "story") or after[0].text == "of")
    return not goes_on and (asked or any(i.kind in _OF_MUSIC for i in (*before, *after)))


def _of_a_head(items: Sequence[Item]) -> int:
    """Where the words end that describe a song at the beginning of a clause, as in `a beach song that …`: 0 without such."""
    head = next((n for n, i in enumerate(items) if i.kind in ("head", "genre")), 0)
    described = all(i.kind == OTHER or (i.kind in _OF_SONGS and i.kind != "negation") for i in items[:head])
    others = sum(i.kind == OTHER for i in items[:head])
    return head if described and others <= _DESCRIBING else 0


def behind(text: str, end: int) -> str:
    """The whole words before a place that are near."""
    near = text[max(0, end - _FAR - 1) : end]
    return near if len(near) <= _FAR else near.partition(" ")[2]


def ahead(text: str, start: int) -> str:
    """The whole words from a place on that are near."""
    near = text[start : start + _FAR + 1]
    return near if len(near) <= _FAR else near.rpartition(" ")[0]


@lru_cache(maxsize=512)
def items_of(text: str) -> tuple[Item, ...]:
    """The terms of a text, which is looked at again for each match in it."""
    return tuple(item for group in clauses(text) for item in group)


@cache
def patterns(group: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple(
        (name, re.compile(rf"\b(?:{words})\b", re.I))
        for name, words in table(__name__, "said_feel.yaml")[group].items()
    )
