"""Rhythms to write melodies on: bars that the prepared data or a tune hold, or a few plain ones, in phrases of four."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import orjson

from kmidi_lab.files import write_atomic
from kmidi_lab.models.melody.features import Melody
from kmidi_lab.models.melody.metres import METRES, Metre
from kmidi_lab.own_yaml import table

BAR = 4.0


BARS = "melody_db/bars.json"
"""Below the cache: [how often, [[position, duration], ...]] of each bar."""
PHRASE_BARS = 4
_FORM = (0, 1, 0, 2)
"""The rhythm of the first bar returns in the third; the fourth closes."""
_CLOSE = 1.5
"""A closing bar ends with a note of at least so many quarters."""
_RARE = 20
_NOTES_A_BAR = (4.5, 2.5)
"""Notes a bar of 4/4 at arousal 0, and what an arousal of 1 adds."""
SHORTEST = 0.25
_PARTS = {4.0: 2.0, 3.0: 2.0, 2.0: 1.0, 1.5: 1.0, 1.0: 0.5, 0.75: 0.5, 0.5: 0.25}
"""Where a note of each length is divided in two."""

Bar = tuple[tuple[float, float], ...]
"""(position, duration) of each note, in quarters."""


@dataclass(frozen=True)
class Rhythm:
    """Arrays `[T]`: `onset` in quarters from the start, `duration`; `rest` and `phrase` as in Melody."""

    onset: np.ndarray
    duration: np.ndarray
    rest: np.ndarray
    phrase: np.ndarray


@cache
def plain_bars(metre: str = "4/4") -> Counter[Bar]:
    """Those of `rhythms.yaml` by its names, or of groups such as 3+2/8: each a bar of 3/4 or 2/4 at the speed of its unit."""
    written = table(__name__, "rhythms.yaml")
    if metre not in written:
        return _grouped(metre)
    bars: Counter[Bar] = Counter()
    for lengths in written[metre]:
        starts = np.cumsum([0.0, *map(abs, lengths)])
        bars[tuple((float(s), float(d)) for s, d in zip(starts, lengths, strict=False) if d > 0)] += 1
    return bars


def _grouped(groups: str) -> Counter[Bar]:
    """Bars of several groups; two differ by which kinds follow each other."""
    sizes, unit = groups.rsplit("/", 1)
    speed = 4 / int(unit)
    kinds = {
        size: [bar for bar in plain_bars(f"{size}/4") if min(length for _, length in bar) * speed >= SHORTEST]
        for size in "23"
    }
    most = max(map(len, kinds.values()))
    bars: Counter[Bar] = Counter()
    for first in range(most):
        for step in range(most):
            notes: list[tuple[float, float]] = []
            begun = 0.0
            for place, size in enumerate(sizes.split("+")):
                chosen = kinds[size][(first + place * step) % len(kinds[size])]
                notes += [((begun + at) * speed, length * speed) for at, length in chosen]
                begun += int(size)
            bars[tuple(notes)] += 1
    return bars


def bars_of(melodies: list[Melody], bar: float = BAR, least: int = _RARE) -> Counter[Bar]:
    """Bars of one length filled by their notes on the grid of sixteenths, with how often they occur.

    Args:
        melodies: those in another metre are left out.
        bar: the length, in quarters.
        least: rarer ones are left out.
    """
    counts: Counter[Bar] = Counter()
    for melody in melodies:
        if not (melody.bar == bar).all():
            continue
        starts = np.flatnonzero(np.concatenate([[True], np.diff(melody.position) <= 0]))
        for rows in np.split(np.arange(len(melody)), starts[1:]):
            position, duration = melody.position[rows], melody.duration[rows]
            joined = np.array_equal(np.append(position[1:], bar), position + duration)
            if position[0] == 0 and joined and (duration * 4 % 1 == 0).all():
                counts[tuple(zip(position.tolist(), duration.tolist(), strict=True))] += 1
    return Counter({content: n for content, n in counts.items() if n >= least})


def keep_bars(cache_dir: Path, melodies: list[Melody]) -> None:
    """Writes the bars of training melodies to where `known_bars` looks for them.

    Args:
        cache_dir: of prepared data.
        melodies: those of the training split, so that what is written owes nothing to held-out tunes.
    """
    content = orjson.dumps([[n, bar] for bar, n in bars_of(melodies).items()])
    path = cache_dir / BARS
    if not path.is_file() or path.read_bytes() != content:
        write_atomic(path, content)


def known_bars(cache_dir: Path) -> tuple[Counter[Bar], str]:
    """(bars, where they come from): of the training melodies prepared last in the cache, else the plain ones."""
    try:
        stored_bars = orjson.loads((cache_dir / BARS).read_bytes())
        bars = Counter({tuple((float(at), float(length)) for at, length in bar): int(n) for n, bar in stored_bars})
    except (OSError, ValueError, TypeError):  # none are kept, or a file of another kind
        bars = Counter()
    return (bars, "bars of the prepared training melodies") if bars else (plain_bars(), "the lab's plain rhythms")


def notes_a_bar(metre: Metre, arousal: float) -> float:
    """How many notes a bar has on average at an arousal of -1..1."""
    return (_NOTES_A_BAR[0] + _NOTES_A_BAR[1] * arousal) * metre.bar / BAR


def compose(
    bars: Counter[Bar],
    notes: int | None,
    arousal: float,
    rng: np.random.Generator,
    metre: Metre = METRES["4/4"],
    count: int | None = None,
    density: float | None = None,
) -> Rhythm:
    """A rhythm in phrases of four bars, whose last note lasts to the end of the last bar.

    Args:
        bars: to choose from, all of the metre's length.
        notes: exactly so many; None takes what `count` bars hold.
        arousal: -1..1; more notes a bar the higher it is.
        rng: draws the bars.
        metre: of all bars.
        count: of bars; None takes as many as hold the notes. One of both must be given.
        density: notes a bar, in place of what the arousal says.
    """
    if count is not None and notes is not None:
        density = notes / count
    density = notes_a_bar(metre, arousal) if density is None else density
    kinds = list(bars)
    weights = np.array([np.sqrt(bars[b]) * np.exp(-((len(b) - density) ** 2) / 3) for b in kinds])
    closing = np.array([b[-1][1] >= _CLOSE and b[-1][0] + b[-1][1] == metre.bar for b in kinds])
    close = weights * closing if closing.any() else weights

    def pick(w: np.ndarray) -> Bar:
        return kinds[int(rng.choice(len(kinds), p=w / w.sum()))]

    chosen: list[Bar] = []
    motif = [pick(weights), pick(weights)]
    while len(chosen) < count if count is not None else sum(map(len, chosen)) < (notes or 0):
        place = len(chosen) % PHRASE_BARS
        if place == 0 and len(chosen) % (2 * PHRASE_BARS) == 0 and chosen:
            motif = [pick(weights), pick(weights)]
        last = len(chosen) + 1 == count
        chosen.append(pick(close) if _FORM[place] == 2 or last else motif[_FORM[place]])
    if count is not None and notes is not None:
        chosen = holding(chosen, notes)
    placed = [
        (n * metre.bar + p, length, n % PHRASE_BARS == 0 and i == 0)
        for n, b in enumerate(chosen)
        for i, (p, length) in enumerate(b)
    ]
    onset, duration, phrase = (list(column) for column in zip(*placed[:notes], strict=True))
    end = count * metre.bar if count is not None else (onset[-1] // metre.bar + 1) * metre.bar
    duration[-1] = end - onset[-1]
    starts, lengths = np.array(onset), np.array(duration)
    rest = np.concatenate([[False], starts[1:] - (starts + lengths)[:-1] > 1e-6])
    return Rhythm(starts, lengths, rest, np.array(phrase))


def holding(bars: list[Bar], notes: int) -> list[Bar]:
    """The same bars with exactly so many notes: short ones joined, long ones divided, where that shows least.

    Where there are fewer notes than bars, the last bars stay empty. Notes are not divided below a sixteenth.
    """
    bars = list(bars)
    while sum(map(len, bars)) > notes:
        fullest = max(range(len(bars)), key=lambda n: (len(bars[n]), n))
        bar = bars[fullest]
        if len(bar) == 1:
            bars[max(n for n in range(len(bars)) if bars[n])] = ()
            continue
        at = min(range(len(bar) - 1), key=lambda i: bar[i][1] + bar[i + 1][1])
        length = bar[at + 1][0] + bar[at + 1][1] - bar[at][0]
        bars[fullest] = (*bar[:at], (bar[at][0], length), *bar[at + 2 :])
    while sum(map(len, bars)) < notes:
        able = [n for n, bar in enumerate(bars) if any(length > SHORTEST for _, length in bar)]
        if not able:
            break
        sparsest = min(able, key=lambda n: (len(bars[n]), n == len(bars) - 1))
        bar = bars[sparsest]
        at = max(range(len(bar)), key=lambda i: (bar[i][1], -i))
        position, length = bar[at]
        first = _PARTS.get(length, np.ceil(length / 2 / SHORTEST) * SHORTEST)
        bars[sparsest] = (*bar[:at], (position, first), (position + first, length - first), *bar[at + 1 :])
    return bars
