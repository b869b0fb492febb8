"""The terms that mean something in a sentence about a song, and what each means: `sentence.yaml` by kinds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from kmidi_lab.chords.asking import lexicon
from kmidi_lab.composition.bands import bands, genres
from kmidi_lab.own_yaml import table

OTHER = "?"
"""The kind of a word that says nothing here."""
MUSICAL = frozenset(
    {"tempo", "pace", "key", "tonic", "mode", "genre", "other_genre", "bars", "seconds", "length", "instrument",
     "other_instrument", "part", "metre", "blues form", "ensemble"}
)  # fmt: skip
"""Kinds that say something of a song where they are asked for."""
MODES = "major|minor|maj|min|dorian|phrygian|lydian|mixolydian|aeolian|locrian|ionian"
_WHOSE = ("a", "my", "our", "the")
"""Words before what music is for."""
LOOKED_AT = 60
"""Characters before and behind a term that are looked at, so that a long text is read as fast as a short one."""


class Item(NamedTuple):
    """A term of a sentence: its kind, its words in lower case, and what they mean."""

    kind: str
    text: str
    value: Any = None


def vocabulary() -> Mapping[str, Any]:
    """`sentence.yaml`."""
    return table(__name__, "sentence.yaml")


@cache
def kinds() -> Mapping[str, tuple[str, Any]]:
    """(kind, meaning) of each term; of one that stands twice the later counts."""
    words = vocabulary()
    moods = [*lexicon(), *(most for word in lexicon() for most in superlatives(word))]
    out: dict[str, tuple[str, Any]] = dict.fromkeys(moods, ("mood", None))
    for group in (
        "fillers",
        "stops",
        "stories",
        "owners",
        "wishes",
        "weak_wishes",
        "orders",
        "qualifiers",
        "negations",
    ):
        kind = {"stories": "story", "wishes": "wish", "weak_wishes": "weak wish", "qualifiers": "filler"}.get(
            group, group[:-1]
        )
        out |= {str(word): (kind, None) for word in words[group]}
    out |= {mode: ("mode", mode) for mode in MODES.split("|") if len(mode) > 3}
    out |= {word: ("genre", band) for word, band in genres().items()}
    out |= {word: ("genre", name) for word, name in words["genres"].items()}
    out |= {name: ("genre", name) for name in bands()}
    out |= {f"for {whose} {word}": ("genre", name) for word, name in words["purposes"].items() for whose in _WHOSE}
    out |= {word: ("other_genre", word) for word in words["other_genres"]}
    out |= {word: ("other_instrument", word) for word in words["other_instruments"]}
    out |= {word: ("kit", word) for word in words["kit_words"]}
    out |= {word: ("part", role) for word, role in words["parts"].items()}
    out |= {word: ("instrument", tuple(told)) for word, told in words["instruments"].items()}
    several = {f"{word}s": out[word] for kind in ("instruments", "other_instruments") for word in words[kind]}
    out = {word: told for word, told in several.items() if not word.endswith("ss")} | out
    out |= {word: ("ensemble", players) for word, players in words["ensembles"].items()}
    out |= {
        word: ("head", "ballad" if word in words["gentle"] else None) for word in (*words["heads"], *words["dances"])
    }
    out |= {word: ("metre", metre) for word, metre in words["metre_words"].items()}
    out |= {word: ("pace", tuple(pair)) for word, pair in words["paces"].items()}
    return out | {word: ("length", bars) for word, bars in words["lengths"].items()}


@cache
def nearest_styles() -> dict[str, str]:
    """The style that plays a genre without a style of its own, or an orchestra, where no other is asked for."""
    return {text: style for style, played in vocabulary()["nearest"].items() for text in played}


def superlatives(word: str) -> tuple[str, ...]:
    """What a word's superlative may be, such as `happiest`; of `sad` one is `saddest`."""
    if not word.isalpha():
        return ()
    stem = word[:-1] + "i" if word.endswith("y") else word.removesuffix("e")
    return f"{stem}est", f"{word}{word[-1]}est"


@cache
def terms() -> re.Pattern[str]:
    words = sorted(kinds(), key=len, reverse=True)
    return re.compile(rf"(?:{'|'.join(map(re.escape, words))})(?![\w'-])", re.I)


def kind_of(rest: str) -> str:
    """The kind of what a text begins with; a filler where there is nothing."""
    if not rest:
        return "filler"
    if match := terms().match(rest):
        return kinds()[match[0].lower()][0]
    return "number" if rest[0].isdigit() else OTHER
