"""What of a text tells its mood: not the words that say how a song begins, ends and goes on."""

from __future__ import annotations

import re

from kmidi_lab.composition.said_numbers import without_bars
from kmidi_lab.composition.wishes import Wishes
from kmidi_lab.song.vocabularies import mood_affect


def felt_text(said: str, wishes: Wishes) -> str:
    """A text as a model of feelings should read it; where all its moods are of a change, with the first of them alone."""
    left = said
    for words in sorted(wishes.unfelt, key=len, reverse=True):
        left = re.sub(rf"(?<!\w){re.escape(words)}(?!\w)", " ", left, flags=re.I).strip(" ,")
    if wishes.mood and mood_affect(left) is None:
        left = f"{left} {wishes.mood}"
    return without_bars(left if re.search(r"\w", left) else said)
