"""Counts of feedback that name nobody: cells of a few users are left out, and the others are blurred.

A cell is a model, an action and a rating; its count is of use ids, not of events. A use id counts in `MOST_CELLS` cells
at most, so adding or removing one changes that many counts by one, and discrete Laplace noise of scale
`MOST_CELLS / epsilon` on each makes the counts `epsilon`-differentially private for it. Which cells are shown would
tell of one user at the border; so a cell is shown only where its noisy count is above a threshold that a cell of one
user passes with a probability of `DELTA` at most, over all its cells (Korolova et al., 2009).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random, SystemRandom

from kmidi_lab.errors import ConfigError
from kmidi_lab.feedback.event import Event

FEWEST_USERS = 10
MOST_CELLS = 3
DELTA = 1e-5
_LEAST_EPSILON, _MOST_EPSILON = 0.01, 10.0

Cell = tuple[str, str, int | None]


@dataclass(frozen=True)
class Counts:
    """The cells that may be shown, their noisy counts of use ids, and how many cells were left out."""

    cells: dict[Cell, int]
    left_out: int
    epsilon: float


def threshold(epsilon: float) -> int:
    """The least noisy count that is shown."""
    return FEWEST_USERS + math.ceil(MOST_CELLS / epsilon * math.log(MOST_CELLS / (2 * DELTA)))


def anonymous_counts(events: Iterable[Event], epsilon: float, random: Random | None = None) -> Counts:
    """Counts of use ids by cell.

    Args:
        events: of all users.
        epsilon: 0.01 to 10; less is more noise. Each call is a new loss of privacy of this size.
        random: of the noise; None is the system's, and the only one for real data.

    Raises:
        ConfigError: epsilon out of range.
    """
    if not _LEAST_EPSILON <= epsilon <= _MOST_EPSILON:
        raise ConfigError(f"feedback.epsilon={epsilon} must be {_LEAST_EPSILON} to {_MOST_EPSILON:g}")
    random = random or SystemRandom()
    of_use: dict[str, Counter[Cell]] = defaultdict(Counter)
    for event in events:
        of_use[event.use][event.model, event.action, event.rating] += 1
    users: Counter[Cell] = Counter()
    for cells in of_use.values():
        # By count, then name: what one user shows depends on that user alone.
        users.update(cell for cell, _ in sorted(cells.items(), key=lambda item: (-item[1], str(item[0])))[:MOST_CELLS])
    least = threshold(epsilon)
    noisy = {cell: count + _noise(epsilon / MOST_CELLS, random) for cell, count in sorted(users.items(), key=str)}
    shown = {cell: count for cell, count in noisy.items() if users[cell] >= FEWEST_USERS and count >= least}
    return Counts(shown, len(users) - len(shown), epsilon)


def counts_table(counts: Counts) -> bytes:
    """The table, with a line for each cell."""
    rows = [f"{model},{action},{rating or ''},{count}" for (model, action, rating), count in counts.cells.items()]
    return "\n".join(["model,action,rating,use_ids", *rows, ""]).encode()


def _noise(rate: float, random: Random) -> int:
    """Discrete Laplace noise of scale 1 / rate: the difference of two geometric numbers, whole, so its last bits tell nothing."""
    return _geometric(rate, random) - _geometric(rate, random)


def _geometric(rate: float, random: Random) -> int:
    return math.floor(math.log(1.0 - random.random()) / -rate)
