"""Plain words for moods in other languages than English: `ein trauriges Lied`, `une valse joyeuse`."""

from __future__ import annotations

import re
from functools import cache

from kmidi_lab.composition.said_where import denied
from kmidi_lab.composition.vocabulary import vocabulary


def said_mood(text: str, language: str) -> tuple[str, str]:
    """The English word for the mood that a text names first, and its own; both empty where it names none that is known."""
    for match in _pattern(language).finditer(text):
        if not denied(text, match):
            return str(match.lastgroup), match[0].lower()
    return "", ""


@cache
def _pattern(language: str) -> re.Pattern[str]:
    moods = vocabulary()["moods_elsewhere"].get(language, {})
    named = "|".join(f"(?P<{mood}>{words})" for mood, words in moods.items())
    return re.compile(rf"\b(?:{named or '(?!)'})\b", re.I)
