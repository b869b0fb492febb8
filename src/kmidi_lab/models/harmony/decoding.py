"""From the network's outputs, its head file and the song so far to probabilities of the coming chord.

`joint_probabilities` is what the network alone expects. `song_probabilities` mixes in what the song itself suggests:
gates of a mixture of experts (Jacobs and others, *Adaptive Mixtures of Local Experts*, 1991) over the network and
caches of matches of every length. Head files of earlier releases have fixed shares, or no memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.models.harmony.contract import HARMONY
from kmidi_lab.models.harmony.features import CLASSES
from kmidi_lab.models.harmony.memory import MEMORY_ORDER
from kmidi_lab.scoring.matches import every_match, with_matches
from kmidi_lab.scoring.metrics import softmax

Array = NDArray[np.floating]
Head = Mapping[str, Array]
_EMBEDDING = HARMONY.output("chord_embedding").index


def joint_probabilities(outputs: Array, head: Head) -> Array:
    """`[E, 96]` from the artefact's outputs `[E, 64]` and the head of `harmonypredictor.head.json`."""
    return softmax(outputs[:, _EMBEDDING].astype(np.float64) @ head["weight"].T.astype(np.float64) + head["bias"])


def song_probabilities(outputs: Array, songs: Sequence[Sequence[int]], head: Head) -> Array:
    """`[E, 96]` of all chords of some songs, each given the chords before it in its song.

    Args:
        outputs: `[E, 64]` for every chord, song after song.
        songs: the joint classes of each song's chords.
        head: its arrays; without memory the network alone decides.
    """
    if not songs:
        return joint_probabilities(outputs, head)
    rows = np.split(outputs, np.cumsum([len(tokens) for tokens in songs])[:-1])
    return np.concatenate([_of_song(own, tokens, head) for own, tokens in zip(rows, songs, strict=True)])


def next_probabilities(output: Array, tokens: Sequence[int], head: Head) -> Array:
    """`[96]` of the chord that comes after the joint classes `tokens`, from the output `[64]`."""
    return _of_song(np.tile(output, (len(tokens) + 1, 1)), [*tokens, 0], head)[-1]


def _of_song(outputs: Array, tokens: Sequence[int], head: Head) -> Array:
    if "memory_logit" not in head:
        alone = joint_probabilities(outputs, head)
        return with_matches(alone, tokens, head["memory_weight"]) if "memory_weight" in head else alone
    embedding = outputs[:, _EMBEDDING].astype(np.float64)
    own = softmax(embedding @ head["mixed_weight"].T.astype(np.float64) + head["mixed_bias"])
    followers, longest = every_match(tokens, MEMORY_ORDER, CLASSES, np.float64)
    parts = np.concatenate([own[None], followers])
    logits = head["memory_logit"].astype(np.float64)[longest] + embedding @ head["gate_weight"].T.astype(np.float64)
    shares = softmax(np.where(parts.any(2).T, logits, -np.inf))
    return np.asarray(np.einsum("tk,ktv->tv", shares, parts))
