"""Lessons of the dynamics network: notes with the velocity and timing that boosted trees give them, taught by distillation.

The mean of several trees is a smooth function of one note's features, which a small network can learn from any note,
real or made up (Hinton, Vinyals, Dean: Distilling the Knowledge in a Neural Network, 2015). So a note stands here in
several forms: transposed, faster or slower, with another written dynamic or none; and half of them have groups of
features of other notes (after Bucila, Caruana, Niculescu-Mizil: Model Compression, 2006), as a piece has that is not
among those of the training. The velocities of the notes before, which a network run freely has from itself, are those
of trees that have not heard the piece.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from datamodules.dynamics.teachers import Notes, Teachers
from datamodules.shared.cache import cached, code_version, data_version
from datamodules.shared.stored import SUFFIX
from kmidi_lab.errors import ConfigError
from kmidi_lab.models.dynamics.baselines import Metrical
from kmidi_lab.models.dynamics.contract import DYNAMICS
from kmidi_lab.models.dynamics.features import WRITTEN, EncodedPiece, previous_velocities
from kmidi_lab.models.dynamics.targets import CURVE

log = logging.getLogger(__name__)
_PITCH, _TEMPO = DYNAMICS.input("pitch").start, DYNAMICS.input("tempo").start
_PREVIOUS = DYNAMICS.input("previous_velocities").index
_VELOCITY, _TIMING = DYNAMICS.output("velocity").start, DYNAMICS.output("timing").start
_CURVE = DYNAMICS.output("velocity_curve").index
_MIXED, _SWAPPED = 0.5, 0.3
_CHANGED, _REWRITTEN = 0.6, 0.5
_TEMPO_SPREAD, _WRITTEN_SPREAD = 0.25, 0.15
_METRE_SHARE, _LEVELLED_SHARE = 0.35, 0.3
_TOGETHER = (
    ("pitch",),
    ("interval", "inter_onset", "contour"),
    ("duration",),
    ("beat_phase",),
    ("phrase_phase", "position"),
    ("tempo",),
    ("metre",),
    ("local_peak", "top_voice", "bass_voice", "polyphony"),
    ("written_dynamic",),
)
"""Inputs that a mixed note has from one and the same note."""


@dataclass(frozen=True)
class Lessons:
    """Notes to learn from, every piece as often: `x` `[P, 32]`, `y` `[P, 16]` float32, `mask` `[P, 16]` bool."""

    x: np.ndarray
    y: np.ndarray
    mask: np.ndarray


def cached_lessons(
    cache_dir: Path, pieces: Sequence[EncodedPiece], folds: int, count: int, unwritten: float, jitter: float
) -> Lessons:
    """`lessons`, of the cache if they were made there before.

    Raises:
        ConfigError: there are fewer pieces than folds.
    """
    if (there := len({p.piece for p in pieces})) < folds:
        raise ConfigError(
            f"data.teachers={folds} folds need as many pieces, and {there} are there; give data.teachers=0"
        )
    contents = [array.tobytes() for p in pieces for array in (p.x, p.y, p.mask)]
    version = data_version((folds, count, unwritten, jitter, [p.piece for p in pieces]), contents)
    path = cache_dir / "dynamics_lessons" / f"{version}-{code_version(__name__)}{SUFFIX}"
    return cached(path, Lessons, lambda: lessons(pieces, folds, count, unwritten, jitter))


def lessons(pieces: Sequence[EncodedPiece], folds: int, count: int, unwritten: float, jitter: float) -> Lessons:
    """`count` notes as the teachers play them; minutes of work.

    Args:
        pieces: the training performances, of version 2 of the contract.
        folds: of pieces, each with its trees.
        count: notes, as many of each piece.
        unwritten: share whose written dynamic is unknown.
        jitter: standard deviation of how far changed notes are transposed, semitones.
    """
    notes = Notes(pieces)
    log.info("fitting %d boosted regressions that teach the network", 3 * folds)
    teachers = Teachers(notes, folds)
    rng = np.random.default_rng(0)
    x, rows, mixed = _forms(notes, count, unwritten, jitter, rng)
    y, mask = notes.y[rows], notes.mask[rows]
    blank = x[:, WRITTEN] == 0
    for with_written in (True, False):
        seen = notes.x if with_written else _blank(notes.x)
        played, own = notes.split(teachers.unheard(seen)), blank != with_written
        before = np.concatenate([previous_velocities(127 * p) for p in played])
        x[own, _PREVIOUS] = before[rows[own]]
        y[own, _CURVE], mask[own, _CURVE] = (
            np.concatenate(a)[rows[own]] for a in zip(*map(_ahead, played), strict=True)
        )
    mask[mixed] = 0
    seen = x.copy()
    seen[:, _PREVIOUS] = 0
    shape = Teachers(notes, folds, levelled=True)(seen)
    y[:, _VELOCITY] = (1 - _LEVELLED_SHARE) * teachers(seen) + _LEVELLED_SHARE * shape
    mask[:, _VELOCITY] = 1
    if notes.mask[:, _TIMING].any():
        metre = Metrical(pieces)(x)[:, _TIMING]
        y[:, _TIMING] = _METRE_SHARE * metre + (1 - _METRE_SHARE) * Teachers(notes, folds, _TIMING)(seen)
        mask[:, _TIMING] = 1
    return Lessons(x, y, mask > 0)


def _forms(
    notes: Notes, count: int, unwritten: float, jitter: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Notes drawn from all pieces alike, some of them changed.

    (`[P, 32]`; `[P]` their places among the training notes; `[P]` bool: they have inputs of other notes, too.)
    """
    rows, others = (_drawn(notes, count, rng) for _ in range(2))
    x, mixed = notes.x[rows], rng.random(count) < _MIXED
    for names in _TOGETHER:
        swapped = np.flatnonzero(mixed & (rng.random(count) < _SWAPPED))
        columns = np.r_[tuple(DYNAMICS.input(name).index for name in names)]
        x[np.ix_(swapped, columns)] = notes.x[np.ix_(others[swapped], columns)]
    changed = rng.random(count) < _CHANGED
    x[:, _PITCH] = np.clip(x[:, _PITCH] + changed * rng.normal(0, jitter / 127, count), 0, 1)
    x[:, _TEMPO] = np.clip(x[:, _TEMPO] + changed * rng.normal(0, _TEMPO_SPREAD, count), -2, 4)
    louder = np.where(changed & (rng.random(count) < _REWRITTEN), rng.normal(1, _WRITTEN_SPREAD, count), 1)
    x[:, WRITTEN] = np.clip(x[:, WRITTEN] * louder, 0, 1) * (rng.random(count) >= unwritten)
    return x, rows, mixed


def _drawn(notes: Notes, count: int, rng: np.random.Generator) -> np.ndarray:
    """`[P]` places of training notes, in random order, as many of each piece."""
    by_piece = np.flatnonzero(notes.heard)[np.argsort(notes.piece[notes.heard], kind="stable")]
    there = np.flatnonzero(notes.count)
    piece = rng.permutation(there[np.arange(count) % len(there)])
    first = np.cumsum(notes.count) - notes.count
    return by_piece[first[piece] + (rng.random(count) * notes.count[piece]).astype(np.int64)]


def _blank(x: np.ndarray) -> np.ndarray:
    out = x.copy()
    out[:, WRITTEN] = 0
    return out


def _ahead(played: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`[N, 7]` velocities of the next seven notes, and where there is a note."""
    padded = np.concatenate([played, np.full(CURVE, -1, np.float32)])
    ahead = np.stack([padded[k : k + len(played)] for k in range(1, CURVE + 1)], 1)
    return np.maximum(ahead, 0), (ahead >= 0).astype(np.float32)
