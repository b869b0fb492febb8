"""The next best question, given what is known: why, how it feels, what it may cost. By rule, without chance.

Questions stand in the order of their worth. A question is needed as long as its field is empty, the person has not
declined it, and no other answer makes it needless. When none is needed, enough is known to compose; `thorough` asks the
others, too. An answer gives a new `SongIntent`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from kmidi_lab.errors import one_of, show
from kmidi_lab.song import suggestions
from kmidi_lab.song.checking import checked, faults
from kmidi_lab.song.intent import FIELDS, IntentError, SongIntent
from kmidi_lab.song.questions import ASKED, FREELY_FILLED, is_empty, is_open
from kmidi_lab.song.questions import PHASES as PHASES

_IN_NUMBERS = ("mood_secondary_tension", "technical_tempo_range", "output_bars")
_NUMBERS = re.compile(
    r"\[?(\d{1,4}(?:[.,]\d+)?)(?: ?(?:-|–|to|and|,) ?(\d{1,4}(?:[.,]\d+)?))?\]?(?: ?(?:bpm|bars?))?", re.I
)


class Choice(NamedTuple):
    """An answer that the schema offers, and what it means in plain words."""

    value: Any
    meaning: str = ""


@dataclass(frozen=True)
class Question:
    """What to ask next.

    Args:
        field: of the schema.
        phase: one of `PHASES`.
        text: for the person.
        changes: what the answer changes in the music.
        choices: from the schema, the likeliest first where something is known.
        open: whether one's own words are an answer, too.
        suggestion: what the lab would take; None where only the person can know.
    """

    field: str
    phase: str
    text: str
    changes: str
    choices: tuple[Choice, ...] = ()
    open: bool = True
    suggestion: Any = None


def next_question(song: SongIntent, thorough: bool = False) -> Question | None:
    """The next best question; None when enough is known.

    Args:
        song: what is known.
        thorough: also asks what the lab can well choose by itself.
    """
    for asking in ASKED:
        if (thorough or asking.needed) and is_open(song, asking.field) and asking.when(song):
            choices = tuple(Choice(*choice) for choice in asking.choices(song))
            offered = asking.suggestion(song)
            return Question(asking.field, asking.phase, asking.text, asking.changes, choices, asking.open, offered)
    return None


def answer(song: SongIntent, field: str, value: Any) -> SongIntent:
    """The song intent with an answer in it.

    Args:
        song: what was known.
        field: what was asked.
        value: one of the choices, in any case of letters, or one's own words where the question is open; numbers may be
            typed, as `0.5`, `80 to 100` and `16 bars`. None declines, so that it is not asked again.

    Raises:
        IntentError: the value is not allowed, or does not go with what was known.
    """
    if field not in FIELDS:
        raise IntentError((one_of("field", field, FIELDS),))
    declined = tuple(name for name in song.declined if name != field)
    if value is None:
        return replace(song, declined=(*declined, field))
    kept = checked(field, _typed(field, value.strip()) if isinstance(value, str) else value)
    if kept == "":
        raise IntentError((f"{field} is empty; give an answer, or None to leave it to the lab",))
    block = song.block_of(field)
    after = replace(song, declined=declined, **{block: replace(getattr(song, block), **{field: kept})})
    if wrong := faults(after):
        raise IntentError(wrong)
    if is_open(after, field):
        offered = (
            ", ".join(str(name) for name, _ in suggestions.moods(song)) if field == "mood_primary" else "your own words"
        )
        raise IntentError(
            (f"{field} {show(kept)} says nothing that is known; try {offered}, or None to leave it to the lab",)
        )
    return after


def _typed(field: str, text: str) -> Any:
    """What a person types for a number, or for two of a range; the text itself where it is nothing of the kind."""
    match = _NUMBERS.fullmatch(text) if field in _IN_NUMBERS else None
    if match is None:
        return text
    numbers = [float(part.replace(",", ".")) for part in match.groups() if part]
    if field == "technical_tempo_range":
        return numbers if len(numbers) > 1 else numbers[0]
    whole = field == "output_bars" and numbers[0].is_integer()
    return text if len(numbers) > 1 else int(numbers[0]) if whole else numbers[0]


def missing(song: SongIntent) -> tuple[str, ...]:
    """What is needed and still unknown: a line each, by phase, such as `why: core_event - What happened?`."""
    needed = (a for a in ASKED if a.needed and is_open(song, a.field) and a.when(song))
    return tuple(f"{a.phase}: {a.field} - {a.text}" for a in needed)


def filled(song: SongIntent) -> SongIntent:
    """The same with the lab's suggestions wherever nothing is known; no rule is broken that nobody asked for.

    What only the person can know stays unknown, the mood too where no word says anything of it. What was declined is
    filled, and stays marked as declined.
    """
    for asking in ASKED:
        if asking.field in FREELY_FILLED and is_empty(song, asking.field) and asking.when(song):
            offered = asking.suggestion(song)
            song = song if offered is None else replace(answer(song, asking.field, offered), declined=song.declined)
    return song
