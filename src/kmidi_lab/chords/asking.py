"""What a user types: moods (chords are read by `chart`)."""

from __future__ import annotations

from kmidi_lab.chords.affect import affect_of, lexicon
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
