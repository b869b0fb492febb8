"""Offsets as five quantiles: read from outputs, scored, and drawn from."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.special import ndtri

from kmidi_lab.models.microtiming.contract import MICROTIMING

LEVELS = (0.10, 0.25, 0.50, 0.75, 0.90)
_OUT = {s.name: s.index for s in MICROTIMING.outputs}
_REACH = 2.5
"""Standard deviations at which the tails end."""
TOGETHER = 0.5
"""Correlation of what is drawn for one onset and for the next: about what the offsets before tell on validation takes."""
ONE_ONSET, ONE_HAND = 0.7, 0.85
"""Correlations of notes that are written together: of all, and of those that one hand strikes.

Set on how far the notes of one onset lie apart in training takes, in the median and with these draws: of ASAP 13.5 ms (drawn
14.2), of Batik 15.6 (13.1), of Groove MIDI 13.3 (13.7); those that accompany 11.7 (11.1) and 11.5 (9.9).
"""

_PITCHED_TAILS = 1.9
"""How much farther than a normal variable's pitched notes lie beyond the outer quantiles.

Set on 80 training takes of pianists: one offset in a hundred is beyond 113 ms there, and so it is of those drawn (86 ms
with tails of 1). Of 300 takes of drummers 75 ms, and drawn 75 ms without it.
"""


def read_quantiles(outputs: np.ndarray) -> np.ndarray:
    """`[.., 16]` to `[.., 5]` offsets at LEVELS, rising: sorted, since a network may cross them (Chernozhukov et al. 2010)."""
    q = outputs[..., _OUT["quantiles"]]
    return np.sort(np.concatenate([q[..., :2], outputs[..., _OUT["median"]], q[..., 2:]], -1), -1)


def read_velocity(outputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`[.., 16]` to velocity and its mean distance `[..]`, both 0..1."""
    return outputs[..., _OUT["velocity"].start], outputs[..., _OUT["velocity_spread"].start]


def pinball(quantiles: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Mean pinball loss over the five levels `[..]` of `[.., 5]` for offsets `[..]` (Koenker and Bassett 1978)."""
    late = offset[..., None] - quantiles
    levels = np.array(LEVELS)
    return np.asarray(np.maximum(levels * late, (levels - 1) * late).mean(-1))


def drawn(
    quantiles: np.ndarray,
    order: np.ndarray,
    rng: np.random.Generator,
    together: float = TOGETHER,
    hands: np.ndarray | None = None,
    pitched: np.ndarray | bool = False,
) -> np.ndarray:
    """Offsets `[N]` drawn from the quantiles `[N, 5]` of consecutive notes.

    Between two levels the distribution is that of a normal variable, stretched; the tails go on as the slope from the
    median to the outer quantile, of pitched notes 1.9 times as steep, to 2.5 standard deviations.

    Args:
        quantiles: rising.
        order: `[N]`, the onset that each note belongs to, counted from 0, rising.
        rng: draws.
        together: correlation of one onset and the next; of what is theirs as a whole.
        hands: `[N]`, notes of one onset and one number are struck by one hand; None is a hand for each note.
        pitched: `[N]`, or of all, whether they are no drums.
    """
    tails = np.where(pitched, _PITCHED_TAILS, 1.0)
    return at_normal(quantiles, normals(order, rng, together, (ONE_ONSET, ONE_HAND), hands), tails)


def normals(
    order: np.ndarray,
    rng: np.random.Generator,
    together: float,
    alike: tuple[float, float],
    hands: np.ndarray | None = None,
) -> np.ndarray:
    """Standard normal numbers `[N]` of consecutive notes. Arguments as of `drawn`; `alike` as ONE_ONSET and ONE_HAND."""
    one_onset, one_hand = alike
    z = np.zeros(int(order.max(initial=-1)) + 1)
    noise = rng.standard_normal(len(z))
    keep = np.sqrt(1 - together**2)
    for i in range(len(z)):
        z[i] = noise[i] if i == 0 else together * z[i - 1] + keep * noise[i]
    own, rest = np.sqrt(one_onset) * z[order], 1 - one_onset
    if hands is not None:
        _, hand = np.unique(np.stack([order, hands], 1), axis=0, return_inverse=True)
        own += np.sqrt(one_hand - one_onset) * rng.standard_normal(len(order))[hand]
        rest = 1 - one_hand
    return np.asarray(own + np.sqrt(rest) * rng.standard_normal(len(order)))


def at_normal(quantiles: np.ndarray, z: np.ndarray, tails: np.ndarray) -> np.ndarray:
    """The offset `[N]` at standard normal places `z` `[N]` of the distributions with these quantiles `[N, 5]`.

    Beyond the outer quantiles it is `tails`, `[N]` or one, times as steep as from the median to there.
    """
    z = np.clip(z, -_REACH, _REACH)
    knots = _knots()
    below = tails * (quantiles[:, 2] - quantiles[:, 0]) / (knots[2] - knots[0]) * (_REACH + knots[0])
    above = tails * (quantiles[:, 4] - quantiles[:, 2]) / (knots[4] - knots[2]) * (_REACH - knots[4])
    ends = np.column_stack([quantiles[:, 0] - below, quantiles, quantiles[:, 4] + above])
    places = np.concatenate([[-_REACH], knots, [_REACH]])
    at = np.clip(np.searchsorted(places, z, side="right") - 1, 0, len(places) - 2)
    rows = np.arange(len(z))
    share = (z - places[at]) / (places[at + 1] - places[at])
    return np.asarray(ends[rows, at] * (1 - share) + ends[rows, at + 1] * share)


@cache
def _knots() -> np.ndarray:
    return np.asarray(ndtri(np.array(LEVELS)))
