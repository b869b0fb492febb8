"""The song so far beside a model: what followed where the last chords stood before, mixed into its distributions.

The released head file holds the weights (`memory_weight`), and the blend of the baselines (`4-gram+caches`) mixes in
the same way (`scoring/matches.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

from kmidi_lab.models.harmony.features import CLASSES
from kmidi_lab.scoring.matches import match_weights, next_with_matches, no_matches, with_matches
from kmidi_lab.scoring.ngram import Floats

MEMORY_ORDER = 8
"""Longest match, in chords."""


def no_memory() -> Floats:
    """`[9, 10]` weights that leave every distribution as it is."""
    return no_matches(MEMORY_ORDER)


def memory_weights(own: Floats, songs: Sequence[Sequence[int]]) -> Floats:
    """`[9, 10]` weights that make the chords of some songs most likely.

    Args:
        own: `[E]` the probability that the model alone gave to every chord, song after song.
        songs: the joint classes of each song.
    """
    return match_weights(own, songs, MEMORY_ORDER, CLASSES)


def with_memory(p: Floats, tokens: Sequence[int], weights: Floats) -> Floats:
    """`[T, 96]`: the distributions `p` `[T, 96]` of a song's chords, mixed with what the song itself suggests at each."""
    return with_matches(p, tokens, weights)


def next_with_memory(p: Floats, tokens: Sequence[int], weights: Floats) -> Floats:
    """`[96]`: the same for the chord that comes after `tokens`, from the model's `p` `[96]`."""
    return next_with_matches(p, tokens, weights)
