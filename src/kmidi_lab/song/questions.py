"""The questions that a person may be asked, in the order of their worth, with what each changes in the music."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from kmidi_lab.song import suggestions
from kmidi_lab.song.intent import SongIntent

PHASES = ("why", "how it feels", "what it may cost")
FREELY_FILLED = frozenset(
    {
        "mood_primary", "mood_secondary_tension", "narrative_arc", "vulnerability_scale", "imagery_texture", "technical_groove_feel",
        "technical_genre", "technical_tempo_range", "technical_mode", "technical_key", "output_bars",
    }
)  # fmt: skip
"""Fields that the lab fills in by itself where the person says nothing."""


@dataclass(frozen=True)
class Asking:
    """A question before it is known what is known: `when` it makes sense, and `needed` before a song can be composed."""

    field: str
    phase: str
    text: str
    changes: str
    needed: bool = True
    when: Callable[[SongIntent], bool] = lambda song: True
    choices: Callable[[SongIntent], Iterable[tuple[Any, ...]]] = lambda song: ()
    open: bool = True
    suggestion: Callable[[SongIntent], Any] = lambda song: None


def is_open(song: SongIntent, field: str) -> bool:
    """Whether a field is empty and was not declined, or holds a mood no word of which is known."""
    unread = field == "mood_primary" and song.affect is None
    return field not in song.declined and (unread or is_empty(song, field))


def is_empty(song: SongIntent, field: str) -> bool:
    """Whether a field holds nothing, or a place-holder in brackets."""
    value = song.get(field)
    if not isinstance(value, str):
        return value is None
    text = value.strip()
    return not text or (text[0] == "[" and text[-1] == "]")


_WHY, _HOW, _COST = PHASES
ASKED = (
    Asking("core_event", _WHY, "What happened, or what do you carry with you?", "the mood that the lab proposes"),
    Asking(
        "core_longing",
        _WHY,
        "What do you long to feel?",
        "the mood that the lab proposes",
        when=lambda song: is_open(song, "core_transformation"),
    ),
    Asking(
        "core_resistance",
        _WHY,
        "What holds you back from saying it?",
        "nothing yet; it stays in the file",
        needed=False,
    ),
    Asking(
        "core_stakes",
        _WHY,
        "What is at stake?",
        "nothing yet; it stays in the file",
        needed=False,
        choices=suggestions.stakes,
    ),
    Asking(
        "core_transformation",
        _WHY,
        "How do you want to feel when the song is over?",
        "the mood that the lab proposes",
        needed=False,
        when=lambda song: is_open(song, "core_longing"),
    ),
    Asking(
        "mood_primary",
        _HOW,
        "Which mood comes nearest?",
        "key, tempo, chords, sounds and loudness",
        choices=suggestions.moods,
        suggestion=suggestions.mood,
    ),
    Asking(
        "mood_secondary_tension",
        _HOW,
        "How much tension is below it, from 0 (none) to 1 (it tears)?",
        "how far the chords stray",
        choices=suggestions.tensions,
        suggestion=suggestions.tension,
    ),
    Asking(
        "narrative_arc",
        _HOW,
        "How does the feeling go on through the song?",
        "the order of the sections and their energy",
        choices=suggestions.arcs,
        open=False,
        suggestion=suggestions.arc,
    ),
    Asking(
        "vulnerability_scale",
        _HOW,
        "How exposed may it be?",
        "how loud and how full it is",
        choices=suggestions.vulnerabilities,
        open=False,
        suggestion=suggestions.vulnerability,
    ),
    Asking(
        "imagery_texture",
        _HOW,
        "What does it look like, or feel like to the touch?",
        "the genre that the lab proposes",
        needed=False,
        choices=suggestions.images,
        suggestion=suggestions.image,
    ),
    Asking(
        "technical_rule_to_break",
        _COST,
        "Which rule of music should it break, if any?",
        "what is heard to be wrong, on purpose",
        choices=suggestions.rules,
        open=False,
        suggestion=suggestions.rule,
    ),
    Asking(
        "rule_breaking_justification",
        _COST,
        "Why does the song need that rule broken?",
        "nothing; a rule without a reason is not broken",
        when=lambda song: (
            not is_open(song, "technical_rule_to_break") and bool(song.constraints.technical_rule_to_break)
        ),
    ),
    Asking(
        "technical_groove_feel",
        _COST,
        "How does the rhythm move?",
        "the drums and their timing",
        needed=False,
        choices=suggestions.feels,
        open=False,
        suggestion=suggestions.feel,
    ),
    Asking(
        "technical_genre",
        _COST,
        "Which kind of music is it?",
        "the sounds",
        needed=False,
        choices=suggestions.genres,
        suggestion=suggestions.genre,
    ),
    Asking(
        "technical_tempo_range",
        _COST,
        "How fast, in beats a minute, at least and at most?",
        "the tempo",
        needed=False,
        choices=suggestions.tempos,
        suggestion=suggestions.tempo,
    ),
    Asking(
        "technical_mode",
        _COST,
        "Which scale?",
        "the notes and chords",
        needed=False,
        when=lambda song: song.mode is None,
        choices=suggestions.modes,
        suggestion=suggestions.mode,
    ),
    Asking(
        "technical_key",
        _COST,
        "Which key, such as D or F#m?",
        "how high it lies",
        needed=False,
        suggestion=suggestions.key,
    ),
    Asking("output_bars", _COST, "How many bars?", "the length", needed=False, suggestion=lambda song: 32),
)
