"""Slow and fast in other languages than English, where they are said of a song: `ein langsames Lied`, `une valse très rapide`."""

from __future__ import annotations

import re
from functools import cache
from typing import cast

from kmidi_lab.composition.said_where import denied
from kmidi_lab.composition.vocabulary import Item, kinds, vocabulary
from kmidi_lab.own_yaml import table


def said_pace(text: str, language: str) -> list[Item]:
    """The pace that a text asks for first, as a term, or one between where it only denies some; none where it asks for none."""
    pattern = _pattern(language)
    said = [(match, *_named(match)) for match in pattern.finditer(text)] if pattern else []
    found = next(((name, words) for match, name, words in said if not denied(text, _at(match, name))), None)
    if found is None:
        refused = [w for w in ("slow", "fast") if said and re.search(rf"\b(?:{_words(language)[w]})\b", text, re.I)]
        if len(refused) != 1:  # where both are denied neither is meant
            return []
        return [Item("pace", f"not {said[0][2].lower()}", tuple(vocabulary()["paces"][f"not {refused[0]}"]))]
    name = f"very {found[0][:4]}" if re.match(rf"(?:{_words(language)['very']}) ", found[1], re.I) else found[0][:4]
    return [Item("pace", found[1].lower(), tuple(vocabulary()["paces"][name]))]


def _named(match: re.Match[str]) -> tuple[str, str]:
    """The name of the group that holds the pace, and its words."""
    return next((name, said) for name, said in match.groupdict().items() if said and name[:4] in ("slow", "fast"))


def _at(match: re.Match[str], name: str) -> re.Match[str]:
    """The pace of a match alone."""
    return cast("re.Match[str]", re.compile(re.escape(match[name])).match(match.string, match.start(name)))


def _words(language: str) -> dict[str, str]:
    return dict(vocabulary()["paces_elsewhere"][language])


@cache
def _pattern(language: str) -> re.Pattern[str] | None:
    """A pace within two words of a word for a song, or one that is a clause by itself."""
    if language not in vocabulary()["paces_elsewhere"]:
        return None
    genres = "|".join(re.escape(name) for name, (kind, _) in kinds().items() if kind in ("genre", "other_genre"))
    words, music = _words(language), f"{table(__name__, 'said_arc.yaml')[language]['music']}|{genres}"

    def pace(place: int) -> str:
        more = rf"(?:(?:{words['very']}) )?"
        return rf"(?:(?P<slow{place}>{more}(?:{words['slow']}))|(?P<fast{place}>{more}(?:{words['fast']})))"

    near = r"(?:,? [\w'’]+){0,2}?,? "
    return re.compile(
        rf"\b(?:{pace(1)}{near}(?:{music})|(?:{music}){near}{pace(2)})\b|(?:^|[,;.])\s*(?:(?:aber|mais|pero|ma|mas|maar) )?(?:(?:nicht zu|pas trop|no (?:muy|demasiado)|non troppo|não muito|niet te) )?{pace(3)}\s*(?=$|[,;.!]| (?:und|et|y|e|en) )",
        re.I,
    )
