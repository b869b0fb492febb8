"""Melodies of a split to listen to: as written, and in the same rhythm by the model and by the rule without one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from kmidi_lab.contract_types import Contract
from kmidi_lab.models.melody.baselines import stepwise
from kmidi_lab.models.melody.features import Melody
from kmidi_lab.models.melody.generation import draw, sample
from kmidi_lab.scoring.heard import SECONDS, HeardItem, Sounding, by_chance

_TEMPO, _VELOCITY = 120.0, 90.0


def heard_melodies(
    call: Callable[[np.ndarray], np.ndarray], songs: Sequence[Melody], contract: Contract
) -> Iterator[HeardItem]:
    """Melodies that are not too short; what is drawn begins with their first note. Rests and chords are left out."""
    starts = [(np.cumsum(song.duration) - song.duration) * 60 / _TEMPO for song in songs]
    counts = [int((start < SECONDS).sum()) for start in starts]
    for place in by_chance(counts):
        song, count = songs[place], counts[place]
        rng = np.random.default_rng(0)
        versions = {
            "as written": song.pitch[:count],
            "the model": sample(call, [song], rng, contract, count)[0],
            "the rule": _stepped(song, count, rng),
        }
        length = song.duration[:count] * 60 / _TEMPO
        even = np.full(count, _VELOCITY)
        sounding = {by: Sounding(starts[place][:count], length, pitch, even) for by, pitch in versions.items()}
        yield HeardItem(song.title or song.id, song.source, sounding)


def _stepped(song: Melody, count: int, rng: np.random.Generator) -> np.ndarray:
    """`[count]` pitches in steps within the key."""
    pitches = [int(song.pitch[0])]
    while len(pitches) < count:
        pitches.append(draw(stepwise(pitches[-1], song.key, None, strong=False), rng))
    return np.array(pitches)
