"""What a user types: moods as labels, words (`feel_lexicon.yaml`, `emotion_words.yaml`) or numbers."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Annotated

from kmidi_lab.emotion_embedding import ANCHORS
from kmidi_lab.errors import ConfigError, show
from kmidi_lab.own_yaml import table

Feeling = Annotated[str, "checked by parse_affect"]
"""The emotion that a request takes: `parse_affect` says what it may be, and with examples."""


def parse_affect(emotion: str | None, name: str = "predict.emotion") -> tuple[float, float] | None:
    """An emotion label, words of feelings, or `valence,arousal` in -1..1.

    Args:
        emotion: what was typed; None and an empty text are nothing.
        name: of the setting that it is from, for errors.

    Returns:
        Valence and arousal in -1..1, of several words the mean of those that are known.

    Raises:
        ConfigError: no text, or none of it is known.
    """
    if emotion is None:
        return None
    if not isinstance(emotion, str):
        raise ConfigError(f"{name}={show(emotion)} must be a text, such as joyful or -0.5,0.2")
    if not emotion.strip():
        return None
    words = [w.strip().lower() for w in emotion.split(",")]
    if len(words) == 1 and words[0] in ANCHORS:
        return ANCHORS[words[0]]
    try:
        numbers = [float(w) for w in words]
    except ValueError:
        places = [place for word in words if (place := _place(word)) is not None]
        if not places:
            known = [*ANCHORS, *lexicon(), *_more_words()]
            near = difflib.get_close_matches(words[0], known, n=1)
            raise ConfigError(
                f"{name}={show(emotion)} is not known; {f'did you mean {near[0]}? Give' if near else 'give'} "
                f"{', '.join(ANCHORS)}, one of {len(known) - len(ANCHORS)} words such as dreamy or grief, or "
                "valence,arousal such as -0.5,0.2"
            ) from None
        return _mean(places)
    if len(numbers) != 2 or not all(-1 <= n <= 1 for n in numbers):
        raise ConfigError(f"{name}={emotion!r} must be valence,arousal in -1..1, such as -0.5,0.2")
    return numbers[0], numbers[1]


def _place(word: str) -> tuple[float, float] | None:
    """Of a word that a person types, also as a noun in -ness; None where it is not known."""
    if word.endswith("ness") and word not in _more_words():
        stem = word.removesuffix("ness")
        return _place(f"{stem[:-1]}y" if stem.endswith("i") else stem)
    return ANCHORS.get(word) or lexicon().get(word) or _more_words().get(word)


def _mean(places: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return sum(v for v, _ in places) / len(places), sum(a for _, a in places) / len(places)


@cache
def _more_words() -> dict[str, tuple[float, float]]:
    return _words("emotion_words.yaml")


@cache
def lexicon() -> dict[str, tuple[float, float]]:
    """Word or phrase (lower case) to (valence, arousal), both in -1..1."""
    return _words("feel_lexicon.yaml")


def _words(name: str) -> dict[str, tuple[float, float]]:
    return {str(word): (float(v), float(a)) for word, (v, a) in table(__name__, name)["words"].items()}


def affect_of(feels: Iterable[str]) -> tuple[float, float] | None:
    """The mean over the words that the lexicon knows; None when it knows none: unknown stays unknown."""
    affects = [lexicon()[w] for feel in feels if (w := feel.strip().lower()) in lexicon()]
    return _mean(affects) if affects else None
