"""Feel words to valence and arousal by the lexicon in `feel_lexicon.yaml`."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.resources import files

import yaml


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
