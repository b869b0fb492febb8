"""Chords of composed songs beside those of McGill Billboard, and beside three simple generators on the same sections.

`random` draws triads of the key, a bar each; `four chords` are I V vi IV (i bVI bIII bVII in minor) all through;
`pairs` draws each chord from those that follow the one before it in Billboard.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import combinations, groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np

from datamodules.harmony import billboard
from kmidi_lab.chords.chord import Chord, Key, plain_chord
from kmidi_lab.song import Arrangement

_SCALES = {1: (0, 2, 4, 5, 7, 9, 11), -1: (0, 2, 3, 5, 7, 8, 10, 11)}
_TRIADS = {1: ((0, "major"), (2, "minor"), (4, "minor"), (5, "major"), (7, "major"), (9, "minor")),
           -1: ((0, "minor"), (3, "major"), (5, "minor"), (7, "major"), (8, "major"), (10, "major"))}  # fmt: skip
_FOUR = {
    1: ((0, "major"), (7, "major"), (9, "minor"), (5, "major")),
    -1: ((0, "minor"), (8, "major"), (3, "major"), (10, "major")),
}
_LEADING = (5, 7)
"""Degrees of IV and V."""
_LINE = re.compile(r"^\d+(?:\.\d+)?(?:e-?\d+)?\t([^|]*)(?:\|(.*))?$")
_LETTER, _TIMES = re.compile(r"^[A-Z]'*$"), re.compile(r"\bx(\d)\b")
_MOST_TIMES = 8

Pairs = dict[tuple[int, int, str], Counter[tuple[int, str]]]
"""Mode, degree and quality of a chord to degree and quality of those that follow it."""


class Played(NamedTuple):
    """Chords of a song: `starts` in bars, `chords` and their `keys` (neighbours differ); `sections` are (name, start,
    bars).
    """

    starts: Sequence[float]
    chords: Sequence[Chord]
    keys: Sequence[Key]
    sections: Sequence[tuple[str, int, int]]


def measures(song: Played) -> dict[str, float]:
    inside = [
        all((tone - key.tonic) % 12 in _SCALES[key.mode or 1] for tone in plain_chord(chord.root, chord.quality).tones)
        for chord, key in zip(song.chords, song.keys, strict=True)
    ]
    ends = [root for root, _ in groupby(c.root for c in song.chords)][-2:]
    tonic = song.keys[-1].tonic
    home = len(ends) > 1 and ends[1] == tonic and (ends[0] - tonic) % 12 in _LEADING
    distinct = [len({song.chords[i].label for i in _at(song, start, bars)} or {0}) for _, start, bars in song.sections]
    returning = [
        np.mean([_bar(song, s + i) == _bar(song, t + i) for i in range(min(m, n))])
        for (a, s, m), (b, t, n) in combinations(song.sections, 2)
        if a == b
    ]
    whole = max((start + bars for _, start, bars in song.sections), default=0)
    return {
        "chords of the key": float(np.mean(inside)),
        "distinct chords a section": float(np.mean(distinct)),
        "changes a bar": (len(song.chords) - 1) / whole,
        "bars alike where a section returns": float(np.mean(returning)) if returning else float("nan"),
        "ends V-I or IV-I": float(home),
    }


def _at(song: Played, start: float, bars: float) -> range:
    """Chords that sound in a stretch, by number."""
    first = int(np.searchsorted(song.starts, start, side="right")) - 1
    return range(max(first, 0), int(np.searchsorted(song.starts, start + bars, side="left")))


def _bar(song: Played, number: int) -> list[tuple[float, tuple[int, int]]]:
    return [(max(song.starts[i] - number, 0), song.chords[i].label) for i in _at(song, number, 1)]


def of_arrangement(song: Arrangement) -> Played:
    """A composed song in one metre."""
    bar = song.bar_starts[1]
    placed = [next(same) for _, same in groupby(song.chords, key=lambda c: c.chord.label)]
    sections = [(s.name, s.start, s.bars) for s in song.sections]
    return Played([c.start / bar for c in placed], [c.chord for c in placed], [song.key] * len(placed), sections)


def people(root: Path) -> list[Played]:
    """Songs of Billboard with named sections."""
    out = []
    for path in billboard.files(root):
        sections = _sections(path.read_text(encoding="utf-8"))
        for song in billboard.read([path]).items if sections else ():
            events = [(e.start, e.chord, e.key) for e in song.events if e.start is not None]
            starts, chords, keys = zip(*events, strict=True)
            out.append(Played(starts, chords, keys, sections))
    return out


def _sections(text: str) -> list[tuple[str, int, int]]:
    """(name, start, bars), bars counted as `datamodules.harmony.billboard` does; those with a letter alone are left
    out.
    """
    begun: list[tuple[str, int]] = []
    at = 0
    for line in filter(None, map(_LINE.match, text.splitlines())):
        words = [w.strip() for w in line[1].split(",") if w.strip()]
        if words:
            begun.append((next((w for w in words if not _LETTER.match(w)), ""), at))
        if line[2]:
            held, _, behind = line[2].rpartition("|")
            times = _TIMES.search(behind)
            at += len(held.split("|")) * (min(int(times[1]), _MOST_TIMES) if times else 1)
    stops = [*(start for _, start in begun[1:]), at]
    return [
        (name, start, stop - start) for (name, start), stop in zip(begun, stops, strict=True) if name and stop > start
    ]


def pairs_of(songs: Sequence[Played]) -> Pairs:
    pairs: Pairs = defaultdict(Counter)
    for song in songs:
        for a, b, key in zip(song.chords, song.chords[1:], song.keys, strict=False):
            then = (b.degree(key.tonic), b.quality)
            pairs[key.mode or 1, a.degree(key.tonic), a.quality][then] += 1
    return pairs


def simple(kind: str, song: Played, pairs: Pairs, rng: np.random.Generator) -> Played:
    """A generator's chords, a bar each, on the sections of a song; `kind` is random, four chords or pairs."""
    key, bars = song.keys[0], max(start + bars for _, start, bars in song.sections)
    mode = key.mode or 1
    degrees: list[tuple[int, str]] = [_TRIADS[mode][0]]
    for bar in range(1, bars):
        follow = pairs.get((mode, *degrees[-1])) if kind == "pairs" else None
        if follow:
            among, counts = list(follow), np.array(list(follow.values()))
            degrees.append(among[int(rng.choice(len(among), p=counts / counts.sum()))])
        else:
            choices = _FOUR[mode] if kind == "four chords" else _TRIADS[mode]
            degrees.append(choices[bar % 4] if kind == "four chords" else choices[int(rng.integers(len(choices)))])
    chords = [plain_chord(key.tonic + degree, quality) for degree, quality in degrees]
    placed = [next(same) for _, same in groupby(enumerate(chords), key=lambda c: c[1].label)]
    return Played([float(i) for i, _ in placed], [c for _, c in placed], [key] * len(placed), song.sections)
