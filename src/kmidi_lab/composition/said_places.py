"""Places of a song as people name them: `in the bridge`, `before the last chorus`, `in der Mitte`."""

from __future__ import annotations

import re
from typing import NamedTuple

MIDDLE, START, END, FIRST_HALF, SECOND_HALF, LATE = "middle", "start", "end", "first half", "second half", "late"
"""Places that are no sections."""
_KINDS = {
    "pre-chorus": "pre-?chorus(?:es)?", "build-up": "build-?ups?", "chorus": "chorus(?:es)?|refrains?|hooks?|estribillos?|coros?|ritornell[oi]|refr(?:ão|ões)|refrein(?:en)?",
    "verse": "verses?|strophen?|couplets?|strophes?|couplet(?:ten)?|estrofas?|versos?|strof[ae]|estrofes?",
    "bridge": "bridges?|middle (?:eight|section|part)|mittelteil|pont|puente|ponte|brug", "intro": "intros?|introductions?|vorspiel",
    "outro": "outros?|codas?|nachspiel", "solo": "solos?|assolo", "breakdown": "breakdowns?|interludes?", "drop": "drops?(?! (?:out|in|off|away|down|the|it|a|to)\\b)",
    FIRST_HALF: "first (?:half|part)", SECOND_HALF: "(?:second|last|final) (?:half|part)",
    MIDDLE: r"middle(?! (?:eight|section|part))|halfway(?: through)?|mid-?way(?: through)?|mitte|milieu|medio|mitad|mezzo|metà|meio|metade|midden",
    START: "beginning|start|opening|anfang|début|principio|inizio|início|começo", END: "end|ending|finale|close|ende|schluss|fin|fine|fim|einde?|slot",
    LATE: "late|later",
}  # fmt: skip
"""What each place is called, in all languages that songs are asked for in."""
_ORDER = {"first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "last": -1, "final": -1}
_NAMED = re.compile(
    rf"(?:\b(?P<side>before|after|until|till|vor|nach|avant|après|antes|después|prima|dopo|depois|voor|na)\b(?: \w+)??\s+)?"
    rf"(?:(?:the|each|every|its|all|an?) )?(?:very )?(?:\b(?P<order>{'|'.join(_ORDER)}) )?"
    rf"\b(?:{'|'.join(f'(?P<k{n}>{words})' for n, words in enumerate(_KINDS.values()))})\b",
    re.I,
)
_BEFORE = ("before", "until", "till", "vor", "avant", "antes", "prima", "voor")
_AFTER = ("after", "nach", "après", "después", "dopo", "depois", "na")


class Place(NamedTuple):
    """Where in a song something happens.

    Args:
        kind: of a section, or one of the places above.
        order: which section of that kind, from 1; -1 the last, 0 each.
        side: -1 what comes before it, 1 what comes after, 0 it itself.
    """

    kind: str
    order: int = 0
    side: int = 0


def places_of(words: str) -> list[Place]:
    """The places that words name, in their order."""
    out = []
    for match in _NAMED.finditer(words):
        kind = next(kind for n, kind in enumerate(_KINDS) if match[f"k{n}"])
        said = (match["side"] or "").lower()
        side = -1 if said in _BEFORE else 1 if said in _AFTER else 0
        out.append(Place(kind, _ORDER.get((match["order"] or "").lower(), 0), side))
    return out


def place_of(words: str) -> Place | None:
    """The first place that words name; None where they name none."""
    return next(iter(places_of(words)), None)
