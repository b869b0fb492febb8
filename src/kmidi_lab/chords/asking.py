"""What a user types: chord symbols, and moods as labels, feel words (`feel_lexicon.yaml`) or numbers."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.resources import files

import yaml

from kmidi_lab.emotion_embedding import ANCHORS
from kmidi_lab.errors import ConfigError


def parse_affect(emotion: str | None) -> tuple[float, float] | None:
    """An emotion label, feel words, or `valence,arousal` in -1..1; raises ConfigError when none is known."""
    if emotion is None or not emotion.strip():
        return None
    words = [w.strip().lower() for w in emotion.split(",")]
    if len(words) == 1 and words[0] in ANCHORS:
        return ANCHORS[words[0]]
    try:
        numbers = [float(w) for w in words]
    except ValueError:
        affect = affect_of(words)
        if affect is None:
            raise ConfigError(
                f"predict.emotion={emotion!r} is not known; give {', '.join(ANCHORS)}, one of {len(lexicon())} feel words "
                "such as dreamy, or valence,arousal such as -0.5,0.2"
            ) from None
        return affect
    if len(numbers) != 2 or not all(-1 <= n <= 1 for n in numbers):
        raise ConfigError(f"predict.emotion={emotion!r} must be valence,arousal in -1..1, such as -0.5,0.2")
    return numbers[0], numbers[1]


@cache
def lexicon() -> dict[str, tuple[float, float]]:
    """Word or phrase (lower case) to (valence, arousal), both in -1..1."""
    text = files("kmidi_lab.chords").joinpath("feel_lexicon.yaml").read_text(encoding="utf-8")
    return {str(word): (float(v), float(a)) for word, (v, a) in yaml.safe_load(text)["words"].items()}


def affect_of(feels: Iterable[str]) -> tuple[float, float] | None:
    """The mean over the words that the lexicon knows; None when it knows none: unknown stays unknown."""
    affects = [lexicon()[w] for feel in feels if (w := feel.strip().lower()) in lexicon()]
    if not affects:
        return None
    return sum(v for v, _ in affects) / len(affects), sum(a for _, a in affects) / len(affects)
