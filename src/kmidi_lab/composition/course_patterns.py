"""The patterns of `said_course.yaml`, in which names stand for words of a language."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache

from kmidi_lab.chords.asking import lexicon
from kmidi_lab.composition.languages import ENGLISH
from kmidi_lab.composition.said_places import ORDINALS
from kmidi_lab.composition.vocabulary import kinds, vocabulary
from kmidi_lab.own_yaml import table

_TOKEN = re.compile(r"\{([a-z_]+)\}")
_NAMED = {"genre": ("genre", "other_genre"), "player": ("instrument", "part")}
EVERYBODY = ("band", "orchestra", "choir", "beat", "everything", "everyone", "rest", "instruments")
"""What all players together are called, and the beat."""
BE = "(?:(?:ist|sind|soll|sollen|sein|est|sont|soit|doit|être|es|son|sea|è|sono|sia|é|são|seja|is|zijn|moet|bitte|viel|wordt) )*"
"""Words of other languages between a section and what it is like."""
_HIGHER = {
    "interval": r"(?:(?:einen|d['’]un|un|um|een) )?(?:ganzton|halbton|demi-ton|ton|semitono|medio tono|mezzo tono|tono|semitom|meio tom|tom|halve toon|toon)",
    "higher": "(?:höher|tiefer|plus (?:haut|bas)|más (?:alto|bajo|arriba)|arriba|sopra|sotto|più (?:alto|su)|acima|abaixo|mais alto|hoger|lager)",
}
"""How far up or down a section goes, in other languages."""
_LABELS = ("fear", "disgust", "surprise")
"""Words of the lexicon that are no mood of a song."""


@cache
def cues(group: str, language: str = ENGLISH) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """(name of the line, pattern) of a group, filled with a language's words; none of a language that has no words."""
    if language != ENGLISH and language not in table(__name__, "said_course.yaml")["elsewhere"]:
        return ()
    return tuple((name, pattern_of(cue, language)) for name, cue in table(__name__, "said_course.yaml")[group].items())


@cache
def pattern_of(cue: str, language: str) -> re.Pattern[str]:
    """A pattern for whole words, with what each name stands for in its place."""
    return re.compile(rf"(?<![\w'’-])(?:{filled(cue, words_of(language))})(?![\w'’-])", re.I)


def filled(cue: str, words: Mapping[str, str]) -> str:
    """A pattern with what each name stands for in its place."""
    return _TOKEN.sub(lambda name: f"(?:{filled(words[name[1]], words)})", cue)


@cache
def words_of(language: str) -> Mapping[str, str]:
    """What each name stands for in a language."""
    written = table(__name__, "said_course.yaml")
    if language != ENGLISH:
        moods = "|".join(vocabulary()["moods_elsewhere"][language].values())
        paces = {name: f"(?:{vocabulary()['paces_elsewhere'][language][name]})" for name in ("slow", "fast")}
        jumps = f"(?:{written['tempos'][language]['jumps']})"
        own = {
            "mood": moods,
            "mark": r"(?: [1-4])?:?",
            "which": f"(?:(?:{ORDINALS}) )?",
            **_HIGHER,
            "be": BE,
            "jumps": jumps,
            **paces,
        }
        return {**written["elsewhere"][language], **own}
    named = {kind: [word for word, (k, _) in kinds().items() if k in of] for kind, of in _NAMED.items()}
    named["player"] += EVERYBODY
    named["mood"] = [word for word in lexicon() if word not in _LABELS]
    return {**written["words"], **{name: _any_of(several) for name, several in named.items()}}


def _any_of(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


@cache
def cue(name: str, language: str) -> re.Pattern[str]:
    """What stands under a name for a language; nothing where it has none."""
    return pattern_of("{" + name + "}" if name in words_of(language) else "(?!)", language)
