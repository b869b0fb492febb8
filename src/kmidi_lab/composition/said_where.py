"""Where in a text words stand that say how a song goes on: of the song or of other things, of all of it or of one place."""

from __future__ import annotations

import re
from functools import cache

from kmidi_lab.composition.languages import ENGLISH
from kmidi_lab.composition.said_feel import ahead, behind, items_of, of_a_song
from kmidi_lab.composition.vocabulary import kinds
from kmidi_lab.composition.words import parts_of
from kmidi_lab.own_yaml import table

_SUBJECT = re.compile(r"\b(?:that|which|and|then|it|to|should|will|slowly|gradually)\s*$|^\s*$", re.I)
_ABOUT = re.compile(r"\b(?:about|of|for|how)\b", re.I)
_LOUDNESS = re.compile(r"loud|quiet|soft|intens|volume|whisper|silen", re.I)
"""Words that are of sound: a song about rain that `gets louder` does, one about a man who `dies away` may not."""
ELSEWHERE = re.compile(
    r"\W*(?:(?:only |just |again )?(?:in|during|before|after|at|for|around) (?:the|each|every|its) (?:\w+ )?"
    r"(?:middle|bridge|intro|verses?|chorus|choruses|solo|start|beginning|breakdown|half)|halfway|mid-?way)\b",
    re.I,
)
"""What stands behind words that are not of the whole song, as in `calms down in the middle`."""
_A_WORD = r"[\w']+"
_TELLS = ("head", "genre", "instrument", "ensemble", "part", "metre", "wish", "weak wish")


class Free:
    """Which places of a text no match has taken yet."""

    def __init__(self, text: str) -> None:
        self._taken = bytearray(len(text))

    def is_free(self, start: int, end: int) -> bool:
        """Whether nothing is taken from `start` to `end`."""
        return 1 not in self._taken[start:end]

    def take(self, start: int, end: int) -> None:
        """Takes the places from `start` to `end`."""
        self._taken[start:end] = b"\1" * (end - start)


def of_the_song(text: str, match: re.Match[str], language: str) -> bool:
    """Whether it is the song that a match tells of."""
    if language != ENGLISH:
        return bool(_music(language).search(behind(text, match.start())))
    before = parts_of(behind(text, match.start()))[-1]
    if not before.strip():
        return bool(_LOUDNESS.search(match[0])) or any(i.kind in _TELLS for i in items_of(text))
    items = items_of(before)
    if of_a_song(text, match):
        named = any(i.kind in _TELLS or i.text in ("it", "that", "which", "this") for i in items)
        owned = any(i.kind == "owner" for i in items)  # such as `the fear builds up`
        return named or (not owned and any(i.kind in _TELLS for i in items_of(text)))
    people = any(i.text in ("i", "we", "you", "me") for i in items)
    named = any(i.kind in ("head", "genre") for i in items)
    goes_on = _SUBJECT.search(before) or match[0].split()[0].endswith("ing")
    return bool(named and not people and goes_on and (_LOUDNESS.search(match[0]) or not _ABOUT.search(before)))


def denied(text: str, match: re.Match[str]) -> bool:
    """Whether words before a match deny it: `never gets louder`, `alles andere als traurig`, `weder traurig noch fröhlich`.

    One of the two words before it does so, or a phrase right before it, or the other half of a pair; what an `or` joins to a word
    that is denied is denied, too.
    """
    near = re.findall(_A_WORD, behind(text, match.start()).lower().replace("’", "'"))
    words = re.findall(_A_WORD, parts_of(behind(text, match.start()))[-1].lower().replace("’", "'"))
    known = table(__name__, "said_arc.yaml")
    while len(words) > 2 and words[-1] in known["joining"]:
        words = words[:-2]
    together = f" {' '.join(words)}".endswith(tuple(f" {phrase}" for phrase in known["denying"]))
    together = together or bool(re.search(rf"\b(?:{known['refusing']})(?: {_A_WORD}){{0,3}}$", " ".join(words)))
    first, second = known["pairs"]["first"], known["pairs"]["second"]
    if any(word in second for word in words[-2:]):
        after = re.findall(_A_WORD, ahead(text, match.end()).lower())
        together = together or sum(word in second or word in first for word in (*near, *after)) > 1
    return together or any(word in known["denials"] for word in words[-2:])


def denies(words: str, language: str) -> bool:
    """Whether a `not` of another language than English stands among words, as in `im Refrain nicht explodiert`."""
    return any(word in table(__name__, "said_arc.yaml")["inner_denials"][language] for word in words.lower().split())


def names_music(words: str, language: str) -> bool:
    """Whether a word for a song stands among words of another language than English."""
    return bool(_music(language).search(words))


def parted(text: str, match: re.Match[str]) -> str:
    """The clause that a match is in, as far as it is near."""
    before, after = (parts_of(side) for side in (behind(text, match.start()), ahead(text, match.end())))
    return f"{before[-1]} {match[0]} {after[0]}"


def elsewhere(text: str, match: re.Match[str], language: str) -> bool:
    """Whether a match is of one place in the song."""
    if language == ENGLISH:
        return bool(ELSEWHERE.match(text, match.end()))
    return bool(_places(language).search(parted(text, match)))


def with_place(text: str, match: re.Match[str], language: str) -> str:
    """The words of a match and of the place that its clause puts it at, in lower case."""
    if language == ENGLISH:
        place = ELSEWHERE.match(text, match.end())
        return text[match.start() : place.end() if place else match.end()].lower()
    place = _places(language).search(parted(text, match))
    return f"{match[0]} {place[0]}".lower() if place else match[0].lower()


@cache
def _places(language: str) -> re.Pattern[str]:
    """What tells of one place in a song, in another language than English."""
    return re.compile(rf"\b(?:{table(__name__, 'said_arc.yaml').get(language, {}).get('elsewhere', '(?!)')})\b", re.I)


@cache
def _music(language: str) -> re.Pattern[str]:
    """Words for a song in another language than English, and kinds of music."""
    genres = "|".join(re.escape(name) for name, (kind, _) in kinds().items() if kind in ("genre", "other_genre"))
    compound = r"\w*" if language in ("German", "Dutch") else ""  # such as `Filmmusik`
    return re.compile(
        rf"(?<![\w'’-])(?:{compound}(?:{table(__name__, 'said_arc.yaml')[language]['music']})|{genres})(?![\w'’-])",
        re.I,
    )
