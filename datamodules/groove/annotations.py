"""Groove MIDI's style annotations (`primary/secondary`) as the contract's eight styles, with the swing they name.

The swing is what the word stands for (0 even eighths, 1 triplets), not what was played. Hip-hop, soul and reggae are
laid back and punk pushes by reputation, not by measurement of these takes.
"""

from __future__ import annotations

from kmidi_lab.models.groove.features import SWING

_PRIMARY = {
    "rock": "straight",
    "pop": "straight",
    "country": "straight",
    "dance": "straight",
    "gospel": "straight",
    "middleeastern": "straight",
    "blues": "shuffle",
    "hiphop": "laid_back",
    "soul": "laid_back",
    "reggae": "laid_back",
    "punk": "pushed",
    "funk": "funk",
    "neworleans": "funk",
    "jazz": "jazz",
    "latin": "latin",
    "afrocuban": "latin",
    "afrobeat": "latin",
    "highlife": "latin",
}
_SECONDARY = {
    "blues/shuffle": "shuffle",
    "rock/shuffle": "shuffle",
    "neworleans/shuffle": "shuffle",
    "funk/purdieshuffle": "shuffle",
    "rock/rockabilly": "swing",
    "jazz/swing": "swing",
    "jazz/funk": "funk",
    "jazz/fusion": "funk",
    "funk/latin": "latin",
}
_EVEN = ("jazz/linear", "jazz/march", "jazz/klezmer", "soul/motown")
"""Styles whose family swings but which are played in even eighths."""


def style_of(annotation: str) -> tuple[str, float] | None:
    """The contract's style and the swing of an annotation such as `jazz/funk`, or None for an unknown family."""
    style = _SECONDARY.get(annotation) or _PRIMARY.get(annotation.split("/")[0])
    if style is None:
        return None
    return style, 0.0 if annotation in _EVEN else SWING[style]
