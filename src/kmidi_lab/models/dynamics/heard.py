"""Performances of a split to listen to: as written, by the pianist, by the model, and by the rule without one. No pedal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from kmidi_lab.midi.score import ScoreNotes
from kmidi_lab.models.dynamics.features import Call, EncodedPiece, free_run
from kmidi_lab.models.dynamics.performing import heuristic
from kmidi_lab.models.dynamics.targets import Performance, decode
from kmidi_lab.scoring.heard import SECONDS, HeardItem, Sounding, by_chance, in_seconds

_EVEN = 64.0
"""Velocity of what is only written."""
_LONGEST_S = 8.0


def heard_pieces(call: Call, songs: Sequence[Performance], pieces: Sequence[EncodedPiece]) -> Iterator[HeardItem]:
    """Performances that are not too short. Arguments as of DynamicsEvaluator.items."""
    starts = [in_seconds(song.score.onset, song.score.tempo) for song in songs]
    counts = [int((start < SECONDS).sum()) for start in starts]
    for place in by_chance(counts):
        song, count = songs[place], counts[place]
        score, played, at = song.score, song.played, starts[place][:count]
        length = np.minimum(score.duration * 60 / score.tempo, _LONGEST_S)[:count]
        pitch = score.pitch[:count]
        nothing = np.zeros(len(score), np.int64)
        model = decode(free_run(call, [pieces[place].x[:count]])[0])
        rule = heuristic(ScoreNotes(score, nothing, nothing))
        late, share = _known(played.timing, 0.0)[:count], _known(played.articulation, 1.0)[:count]
        versions = {
            "as written": Sounding(at, length, pitch, np.full(count, _EVEN)),
            "the pianist": Sounding(at + late, length * share, pitch, _known(played.velocity, _EVEN)[:count]),
            "the model": Sounding(at + model.shift, length * model.length, pitch, model.velocity.astype(np.float64)),
            "the rule": Sounding(at, length, pitch, rule.velocity[:count].astype(np.float64)),
        }
        yield HeardItem(song.id, song.source, versions)


def _known(values: np.ndarray, otherwise: float) -> np.ndarray:
    return np.where(np.isfinite(values), values, otherwise)
