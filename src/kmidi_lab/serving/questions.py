"""The questions of the page: what was answered as a song intent, and what is asked next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kmidi_lab.errors import ConfigError
from kmidi_lab.song import SongIntent, answer, next_question

_MOST_ANSWERS = 64


def song_of(answers: Sequence[Sequence[Any]]) -> SongIntent:
    """The intent after some answers, `[field, value]` each, as they came from the page.

    Raises:
        UserError: no such pairs, or an answer that is not allowed.
    """
    if not isinstance(answers, list) or len(answers) > _MOST_ANSWERS:
        raise ConfigError(f"answers must be a list of at most {_MOST_ANSWERS} pairs of field and value")
    song = SongIntent()
    for pair in answers:
        if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[0], str):
            raise ConfigError("an answer is a pair of field and value")
        song = answer(song, pair[0], pair[1])
    return song


def asked_next(song: SongIntent, thorough: bool) -> dict[str, Any] | None:
    """The next question as the page shows it; None when enough is known."""
    asked = next_question(song, thorough)
    if asked is None:
        return None
    return {
        "field": asked.field,
        "phase": asked.phase,
        "text": asked.text,
        "changes": asked.changes,
        "open": asked.open,
        "choices": [{"value": c.value, "meaning": c.meaning} for c in asked.choices],
        "suggestion": asked.suggestion,
    }
