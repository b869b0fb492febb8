"""Places of a song as people name them: `in the bridge`, `before the last chorus`, `in der Mitte`."""

from __future__ import annotations

import re
from typing import NamedTuple

from kmidi_lab.composition.vocabulary import kind_of

MIDDLE, START, END, FIRST_HALF, SECOND_HALF, LATE = "middle", "start", "end", "first half", "second half", "late"
BARS, SECONDS = "bars", "seconds"
"""Places that are no sections; the last two are counted."""
_KINDS = {
    "pre-chorus": "pre-?chorus(?:es)?", "build-up": "build-?ups?", "chorus": "chorus(?:es)?|refrains?|hooks?|estribillos?|coros?|ritornell[oi]|refr(?:[ãa]o|[õo]es)|refrein(?:en)?",
    "verse": "verses?|strophen?|couplets?|strophes?|couplet(?:ten)?|estrofas?|versos?|strof[ae]|estrofes?",
    "bridge": "bridges?|middle (?:eight|section|part)|mittelteil|pont|puente|ponte|brug", "intro": "intros?|introductions?|vorspiel",
    "outro": "outros?|codas?|nachspiel", "solo": "solos?|assolo", "breakdown": "breakdowns?|interludes?", "drop": "drops?(?! (?:at|out|in|off|away|down|the|it|a|to)\\b)",
    FIRST_HALF: "first (?:half|part)", SECOND_HALF: "(?:second|last|final) (?:half|part)",
    MIDDLE: r"middle(?! (?:eight|section|part))|halfway(?: through)?|mid-?way(?: through)?|mitte|milieu|medio|mitad|mezzo|met[àa]|meio|metade|midden",
    START: r"beginning|start(?! (?:only |first |playing |to play )*(?:at|in|on|from|with|after|before|late)\b)|opening|anfang|d[ée]but|principio|inizio|in[íi]cio|come[çc]o", END: "end|ending|finale|close|finish|(?<=al )final|(?<=no )final|ende|schluss|fin|fine|fim|einde?|slot",
    LATE: "late|later",
}  # fmt: skip
"""What each place is called, in all languages that songs are asked for in."""
_ORDERS = {
    1: "first|1st|erste[nrsm]?|premi[eè]re?|primer[oa]?|prim[oa]|primeir[oa]|eerste|one|1",
    2: "second|2nd|zweite[nrsm]?|deuxi[eè]me|seconde?|segund[oa]|second[oa]|tweede|two|2",
    3: "third|3rd|dritte[nrsm]?|troisi[eè]me|tercer[oa]?|terz[oa]|terceir[oa]|derde|three|3",
    4: "fourth|vierte[nrsm]?|quatri[eè]me|cuart[oa]|quart[oa]|vierde|four|4",
    -1: "last|final|letzte[nrsm]?|derni[eè]re?|[uú]ltim[oa]|laatste",
}
"""Which section of its kind each word names, in all languages that songs are asked for in."""
ORDINALS = "|".join(_ORDERS.values())
NTH = tuple(_ORDERS.values())
"""The words for the first, the second and so on; the last one's are for the last."""
_ORDER = rf"(?P<order{{n}}>{ORDINALS})"
_NAMED = re.compile(
    rf"(?:\b(?P<side>before|after|until|till|vor|nach|avant|après|antes|después|prima(?= d)|dopo|depois|voor|na(?= (?:het|de|elke?|iedere?)\b))\b(?: \w+)??\s+)?"
    rf"(?:\b(?:the|each|every|its|all|an?) )?(?:very )?(?:\b{_ORDER.format(n=1)} )?"
    rf"\b(?:{'|'.join(f'(?P<k{n}>{words})' for n, words in enumerate(_KINDS.values()))})\b"
    rf"(?: (?!one (?:by|after)){_ORDER.format(n=2)}\b(?! ?(?:bars?|times|part|half)))?",
    re.I,
)
_BEFORE = {
    "before": "", "until": "", "till": "", "vor": "", "avant": "", "antes": " d[aeo]l?", "prima": " d(?:i|ella)", "voor": "",
    "bis": "(?: zu[rm]?)?", "jusqu'à": "", "hasta": "", "fino": " a(?:lla)?", "até": "", "tot": "",
}  # fmt: skip
_AFTER = {"after": "", "nach": "", "après": "", "después": " del?", "dopo": "", "depois": " d[oae]", "na": ""}
"""Words for what comes before a place and behind it, and what stands between each and a place that is counted."""
_SIDES = "|".join(f"{word}{behind}" for word, behind in (_BEFORE | _AFTER).items())
BAR = "bars?|measures?|takt(?:e[ns]?)?|mesures?|comp[aá]s(?:es)?|battut[ae]|compassos?|maat|maten"
"""What a bar is called."""
COUNTED = (
    rf"(?:\b(?P<counted>{_SIDES})\b )?(?:(?:the|der|dem|la|le|el|los|las|il|lo|o|a|de) )?"
    rf"(?:(?P<within>(?<=\bin )|(?<=\bim )|(?<=\bduring ))?(?:{BAR}) (?P<bar>\d{{1,3}})(?: ?(?:-|–|to|and|bis|à|a|al|e|y|et|und|tot) ?(?P<last>\d{{1,3}}))?"
    r"|(?P<minute>\d{1,2}):(?P<second>[0-5]\d)|(?:about |around |etwa |circa |environ )?(?P<time>\d{1,3}) ?(?P<unit>s|secs?|seconds?|sek(?:unden?)?|secondes?|segundos?|secondi|seconden?|min|mins?|minutes?|minuten?|minutos?|minut[oi])\b)"
)
"""A place in bars or in time, such as `bar 17`, `bars 9 to 16` and `0:45`."""


_COUNTED = re.compile(COUNTED, re.I)
_BEFORE_A_SOLO = re.compile(
    r"\b(?:an?|in|im|de[mnrl]|das|l[eao]|el|il|un|o|no|na|nel|al|au|d[uo]|de|het|een)\W+$|^$", re.I
)
"""What stands before a solo that is a section."""


class Place(NamedTuple):
    """Where in a song something happens.

    Args:
        kind: of a section, or one of the places above.
        order: which section of that kind, from 1; -1 the last, 0 each; of bars the first, of seconds how many.
        side: -1 what comes before it, 1 what comes after, 0 it itself.
        until: of bars the last; 0 to the end of the song.
    """

    kind: str
    order: int = 0
    side: int = 0
    until: int = 0


def places_of(words: str) -> list[Place]:
    """The places that words name, in their order."""
    return [place for place, *_ in found_places(words)]


def found_places(words: str) -> list[tuple[Place, int, int]]:
    """The places that words name and where each stands, in their order."""
    found = [(_counted(match), *match.span()) for match in _COUNTED.finditer(words)]
    found += [(_named(m), *m.span()) for m in _NAMED.finditer(words) if not _alone(m, words)]
    return sorted(found, key=lambda place: place[1])


def place_of(words: str) -> Place | None:
    """The first place that words name; None where they name none."""
    return next(iter(places_of(words)), None)


def _alone(match: re.Match[str], words: str) -> bool:
    """Whether a `solo` is how somebody plays, as in `starts with solo piano`, and no section."""
    if not match[0].lower().endswith("solo"):
        return False
    beside = match[0].lower() != "solo" or _BEFORE_A_SOLO.search(words[: match.start()])
    return not beside or kind_of(words[match.end() :].lstrip()) in ("instrument", "part", "ensemble")


def _named(match: re.Match[str]) -> Place:
    kind = next(kind for n, kind in enumerate(_KINDS) if match[f"k{n}"])
    said = match["order1"] or match["order2"] or ""
    order = next((order for order, names in _ORDERS.items() if re.fullmatch(names, said, re.I)), 0)
    return Place(kind, order, _side(match["side"]))


def _counted(match: re.Match[str]) -> Place:
    side = _side(match["counted"])
    if match["bar"]:
        bar, last = int(match["bar"]), int(match["last"] or 0)
        return Place(BARS, max(1, bar + (side > 0)), min(side, 0), last or (bar if match["within"] is not None else 0))
    count, minutes = int(match["time"] or match["second"]), (match["unit"] or "").lower().startswith("min")
    return Place(SECONDS, count * (60 if minutes else 1) + 60 * int(match["minute"] or 0), min(side, 0))


def _side(said: str | None) -> int:
    word = (said or "").lower().split(" ")[0]
    return -1 if word in _BEFORE else 1 if word in _AFTER else 0
