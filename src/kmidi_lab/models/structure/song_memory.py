"""What the song itself suggests, mixed into the network's answer: types that followed before, and lengths that a type had.

The weights are fitted on the validation split and lie in the head file (`memory_weight`, `repeat_weight`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kmidi_lab.models.structure.features import UNKNOWN
from kmidi_lab.models.structure.form import OTHER_LENGTH, Form, length_class
from kmidi_lab.scoring.matches import match_weights, no_matches
from kmidi_lab.scoring.ngram import Floats, Ints, mixture_weights

MEMORY_ORDER = 5
"""Longest match, in sections."""
MOST_REPEATS = 4
_CLASSES = OTHER_LENGTH + 1


def no_memory() -> tuple[Floats, Floats]:
    """`[6, 7]` and `[5, 3]` weights that leave every distribution as it is."""
    repeats = np.zeros((MOST_REPEATS + 1, 3))
    repeats[:, 0] = 1.0
    return no_matches(MEMORY_ORDER), repeats


def memory_weights(own: Floats, songs: Sequence[Form]) -> Floats:
    """`[6, 7]`, as `match_weights`; `own` `[E]` is what the network gave to every token."""
    return match_weights(own, [song.tokens for song in songs], MEMORY_ORDER)


def earlier_lengths(songs: Sequence[Form]) -> tuple[Floats, Ints]:
    """What lengths the type of each event has had in its song so far.

    Returns:
        `[2, E, 8]`: the last one as a one-hot, and the shares of all; zeros without one. `[E]` how many there were, at
        most 4.
    """
    parts, counts = [], []
    for song in songs:
        heard: dict[int, list[int]] = {}
        for token, section in zip(song.tokens, (*song.sections, None), strict=True):
            before = heard.setdefault(token, [])
            parts.append(repeated(before))
            counts.append(min(len(before), MOST_REPEATS))
            if section and section.bars:
                before.append(length_class(section.bars))
    return np.array(parts).reshape(-1, 2, _CLASSES).swapaxes(0, 1), np.array(counts, np.int64)


def repeated(before: Sequence[int]) -> Floats:
    """`[2, 8]` of the length classes that a type had before, oldest first."""
    parts = np.zeros((2, _CLASSES))
    if before:
        parts[0, before[-1]] = 1.0
        parts[1] = np.bincount(before, minlength=_CLASSES) / len(before)
    return parts


def repeat_weights(own: Floats, songs: Sequence[Form], lengths: Ints) -> Floats:
    """The weights that make the lengths of some songs most likely (EM).

    Args:
        own: `[E, 8]` what the network gave to each length of the type that came.
        songs: whose sections these are.
        lengths: `[E]` classes, UNKNOWN where nobody counted.

    Returns:
        `[5, 3]`: row n holds where the type had n lengths before in its song, 4 standing for more; the weights of the
        network, of the last length and of all lengths.
    """
    parts, counts = earlier_lengths(songs)
    weights = no_memory()[1]
    given = np.concatenate([own[None], parts])
    for n in range(1, MOST_REPEATS + 1):
        here = np.flatnonzero((counts == n) & (lengths != UNKNOWN))
        if len(here):
            weights[n] = mixture_weights(given[:, here, lengths[here]].T)
    return weights


def with_repeats(own: Floats, parts: Floats, counts: Ints, weights: Floats) -> Floats:
    """`[E, 8]`: the network's lengths `[E, 8]` mixed with those that `earlier_lengths` gives."""
    return np.asarray(np.einsum("ek,kec->ec", weights[counts], np.concatenate([own[None], parts])))
