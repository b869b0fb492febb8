"""Rhythms to write melodies on: bars of 4/4 that the prepared data hold, or a few plain ones, in phrases of four."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import orjson
import yaml

from kmidi_lab.files import write_atomic
from kmidi_lab.models.melody.features import Melody

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
"""Notes a bar at arousal 0, and what an arousal of 1 adds."""

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
def plain_bars() -> Counter[Bar]:
    """Those of `rhythms.yaml`."""
    text = files("kmidi_lab.models.melody").joinpath("rhythms.yaml").read_text(encoding="utf-8")
    bars: Counter[Bar] = Counter()
    for lengths in yaml.safe_load(text)["bars"]:
        starts = np.cumsum([0.0, *map(abs, lengths)])
        bars[tuple((float(s), float(d)) for s, d in zip(starts, lengths, strict=False) if d > 0)] += 1
    return bars


def bars_of(melodies: list[Melody]) -> Counter[Bar]:
    """Bars of 4/4 filled by their notes on the grid of sixteenths, with how often they occur; rare ones are left out."""
    counts: Counter[Bar] = Counter()
    for melody in melodies:
        if not (melody.bar == BAR).all():
            continue
        starts = np.flatnonzero(np.concatenate([[True], np.diff(melody.position) <= 0]))
        for rows in np.split(np.arange(len(melody)), starts[1:]):
            position, duration = melody.position[rows], melody.duration[rows]
            joined = np.array_equal(np.append(position[1:], BAR), position + duration)
            if position[0] == 0 and joined and (duration * 4 % 1 == 0).all():
                counts[tuple(zip(position.tolist(), duration.tolist(), strict=True))] += 1
    return Counter({bar: n for bar, n in counts.items() if n >= _RARE})


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


def compose(bars: Counter[Bar], notes: int, arousal: float, rng: np.random.Generator) -> Rhythm:
    """A rhythm of exactly `notes` notes; more notes a bar the higher `arousal` (-1..1). The last note fills its bar."""
    kinds = list(bars)
    target_count = _NOTES_A_BAR[0] + _NOTES_A_BAR[1] * arousal
    weights = np.array([np.sqrt(bars[b]) * np.exp(-((len(b) - target_count) ** 2) / 3) for b in kinds])
    closing = np.array([b[-1][1] >= _CLOSE and b[-1][0] + b[-1][1] == BAR for b in kinds])
    close = weights * closing if closing.any() else weights

    def pick(w: np.ndarray) -> Bar:
        return kinds[int(rng.choice(len(kinds), p=w / w.sum()))]

    onset: list[float] = []
    duration: list[float] = []
    phrase: list[bool] = []
    motif = [pick(weights), pick(weights)]
    bar = 0
    while len(onset) < notes:
        place = bar % PHRASE_BARS
        if place == 0 and bar % (2 * PHRASE_BARS) == 0 and bar:
            motif = [pick(weights), pick(weights)]
        chosen = pick(close) if _FORM[place] == 2 else motif[_FORM[place]]
        for number, (position, length) in enumerate(chosen):
            onset.append(bar * BAR + position)
            duration.append(length)
            phrase.append(place == 0 and number == 0)
        bar += 1
    onset, duration, phrase = onset[:notes], duration[:notes], phrase[:notes]
    duration[-1] = BAR - onset[-1] % BAR
    starts, lengths = np.array(onset), np.array(duration)
    rest = np.concatenate([[False], starts[1:] - (starts + lengths)[:-1] > 1e-6])
    return Rhythm(starts, lengths, rest, np.array(phrase))
