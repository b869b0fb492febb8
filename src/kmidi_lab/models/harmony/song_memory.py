"""The song so far beside a model: what followed where the last chords stood before, mixed into its distributions.

A cache as in Kuhn and De Mori, *A cache-based natural language model* (1990), and Grave and others, *Improving neural
language models with a continuous cache* (2017), with matches of every length. The released head file holds the weights
(`memory_weight`), and the blend of the baselines (`4-gram+caches`) mixes in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kmidi_lab.models.harmony.features import CLASSES
from kmidi_lab.scoring.ngram import Floats, every_match, mixture_weights

MEMORY_ORDER = 8
"""Longest match, in chords."""


def no_memory() -> Floats:
    """`[9, 10]` weights that leave every distribution as it is."""
    weights = np.zeros((MEMORY_ORDER + 1, MEMORY_ORDER + 2))
    weights[:, 0] = 1.0
    return weights


def memory_weights(own: Floats, songs: Sequence[Sequence[int]]) -> Floats:
    """The weights that make the chords of some songs most likely (EM).

    Args:
        own: `[E]` the probability that the model alone gave to every chord, song after song.
        songs: the joint classes of each song.

    Returns:
        `[9, 10]`: row n holds where the longest match has n chords, column 0 is the model's weight, 1 that of the song's
        own chords, 1 + k that of what followed matches of k chords; those longer than n have 0. Rows sum to 1.
    """
    caches: list[Floats] = [np.zeros((MEMORY_ORDER + 1, 0))]
    lengths = [np.zeros(0, np.int64)]
    for tokens in songs:
        matches, longest = every_match(tokens, MEMORY_ORDER, CLASSES, np.float64)
        caches.append(matches[:, np.arange(len(tokens)), list(tokens)])
        lengths.append(longest)
    everything, longest = np.concatenate([own[None], np.concatenate(caches, 1)]).T, np.concatenate(lengths)
    weights = no_memory()
    for length in range(MEMORY_ORDER + 1):
        here = everything[longest == length][:, : length + 2]
        if len(here):
            weights[length, : length + 2] = mixture_weights(here)
    return weights


def with_memory(p: Floats, tokens: Sequence[int], weights: Floats) -> Floats:
    """`[T, 96]`: the distributions `p` of a song's chords, mixed with what the song itself suggests at each.

    Args:
        p: `[T, 96]`, of the model alone.
        tokens: `[T]` joint classes; a chord's own row sees those before it only.
        weights: as `memory_weights` gives them.
    """
    matches, longest = every_match(tokens, MEMORY_ORDER, CLASSES, np.float64)
    parts = np.concatenate([p[None], matches])
    shares = weights[longest].astype(np.float64)
    # At the start the song has no chords of its own, and their share is the model's.
    shares[:, 0] += 1 - np.einsum("tk,ktv->t", shares, parts)
    return np.asarray(np.einsum("tk,ktv->tv", shares, parts))


def next_with_memory(p: Floats, tokens: Sequence[int], weights: Floats) -> Floats:
    """`[96]`: the same for the chord that comes after `tokens`, from the model's `p` `[96]`."""
    return with_memory(np.tile(p, (len(tokens) + 1, 1)), [*tokens, 0], weights)[-1]
