"""What of a text that asks for a song is understood as no wish, in a line, so that nobody must find it out by listening."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from kmidi_lab.composition.form import KINDS
from kmidi_lab.composition.in_context import PEOPLE
from kmidi_lab.composition.said_feel import items_of
from kmidi_lab.composition.said_places import BARS, SECONDS, found_places
from kmidi_lab.composition.vocabulary import Item
from kmidi_lab.composition.words import parts_of

_TERMS = ("instrument", "other_instrument", "part", "ensemble", "genre", "other_genre", "bars", "metre", "pace")
"""Kinds that mean music wherever nobody is told of."""
_ABOUT = ("about", "like", "when", "where", "who", "because", "than", "of")
"""Words behind which a text tells of something else."""
_SUNG = ("verse", "chorus", "intro", "outro", "pre-chorus", BARS)
"""Places that mean music wherever they are named."""
_BESIDE = 3
"""Words before and behind a place that are told with it."""
_ORDER = re.compile(
    r"(?:repeat|change|switch|make|let|put|give|keep|play|loop)\b|(?:verse|chorus|section|part) \d"
    r"|(?:the )?(?:(?:first|second|last|final) )?(?:intro|outro|verse|(?:pre-?)?chorus)\b(?! (?:of|to)\b)",
    re.I,
)
_DENIED = re.compile(r"\b(?:never|no|not|\w+n't|nie|nicht|jamais|pas|nunca|mai|non|não|nooit|niet)\b")
"""Words that want nothing of a place."""
_AT = re.compile(r"\b(?:at|from|until|after|before)\W*$", re.I)
_ARTICLE = re.compile(r"^(?:the|each|every|its|all|an?) ")


def terms_left(items: Sequence[Item], mark: Sequence[bool]) -> list[str]:
    """The terms of a clause that were taken as no wish; none where it tells of people or of things that are known."""
    if any(i.kind in ("story", "owner") or i.text in (*PEOPLE, *_ABOUT) for i in items):
        return []
    return [i.text for i, taken in zip(items, mark, strict=True) if i.kind in _TERMS and not taken]


def orders(text: str) -> bool:
    """Whether a text that names no song orders something of one, as in `repeat the chorus` and `verse 1 sad, verse 2 happy`."""
    told = any(i.kind in ("story", "owner") and i.text not in ("the", "each", "every") for i in items_of(text))
    return bool(_ORDER.match(text.strip())) and not told and not any(i.text in PEOPLE for i in items_of(text))


def places_left(text: str, told: Iterable[str]) -> list[str]:
    """The sections and bars of which a text says something that was not taken out of it, with the words beside each.

    Args:
        text: without the words that were taken.
        told: lines of what can't be had, and other words of places that are taken, which are not told twice.
    """
    lines = [line.lower() for line in told]
    out: list[str] = []
    for clause in parts_of(text):
        for place, start, end in found_places(clause):
            name = _ARTICLE.sub("", clause[start:end].strip().lower())
            said = " ".join(
                [*clause[:start].split()[-_BESIDE:], clause[start:end], *clause[end:].split()[:_BESIDE]]
            ).lower()
            timed = place.kind == SECONDS and ":" in name and bool(_AT.search(clause[:start]))
            known = timed or place.kind in _SUNG or (place.kind in KINDS and " the " in f" {clause[:end].lower()}")
            known = known and not (name.startswith("hook") and "the hook" not in said)
            known = known and not re.match(r" of (?!the (?:song|piece|tune|track))", clause[end:])
            known = known and not _DENIED.search(said)
            if known and not any(name in line for line in lines):
                out.append(said)
    return out


def left_lines(terms: Sequence[str], places: Sequence[str]) -> list[str]:
    """What a person is told of these."""
    lines = []
    if terms:
        told = ", ".join(dict.fromkeys(terms))
        lines.append(f"not understood as a wish ({told}): say it as in with strings, no drums, a rock song, 90 bpm")
    if places:
        told = ", ".join(dict.fromkeys(places))
        lines.append(f"nothing is done there ({told}): say it as in a loud chorus, no drums in the bridge")
    return lines
