"""How much the leads of sections with one name are alike, and how leads rest, in composed songs and in POP909.

People's sections are the phrases of `pop909_structure`: a letter names each, small ones hold no melody. Its bars are
counted from a place that it does not say, so a song's bars are shifted to where the fewest notes lie in such phrases.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate, combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kmidi_lab.midi.reading import read_piece

_QUARTERS, _GRID = 4, 4
_FARTHEST = 8
"""Bars that labels may be shifted by."""
_FEWEST = 8
"""Notes of a section that makes for something."""
_TOO_MANY = 0.1
"""Share of notes in phrases without melody from which a song's labels don't fit it."""
_PHRASE = re.compile(r"([A-Za-z])(\d+)")


class Sung(NamedTuple):
    """A lead: `onset` in quarters, `pitch`, `[T]`; `sections` are (name, start, stop), in quarters."""

    onset: np.ndarray
    pitch: np.ndarray
    sections: Sequence[tuple[str, float, float]]


def alike(sung: Sung) -> dict[str, float]:
    """Mean Jaccard similarity of (onset in its section, pitch) over pairs of sections with notes; NaN without such pairs.

    Of two sections of other lengths the longer one's rest is unlike, so those of one name are also compared over the
    bars that both have.
    """
    kinds: dict[str, list[float]] = {"one name": [], "one name, bars that both have": [], "other names": []}
    for (a, *first), (b, *second) in combinations(sung.sections, 2):
        shorter = min(stop - start for start, stop in (first, second))
        whole = _jaccard(_notes(sung, *first), _notes(sung, *second))
        both = _jaccard(*(_notes(sung, start, start + shorter) for start, _ in (first, second)))
        kinds["one name" if a == b else "other names"] += whole
        kinds["one name, bars that both have"] += both if a == b else []
    return {name: float(np.mean(values)) if values else float("nan") for name, values in kinds.items()}


def course(sung: Sung, least: int = _FEWEST) -> dict[str, float]:
    """How a lead rests, and where the highest note of its sections of `least` notes or more is first, and how often."""
    bars = np.unique(sung.onset // _QUARTERS)
    places, once = [], []
    for _, start, stop in sung.sections:
        inside = (sung.onset >= start) & (sung.onset < stop)
        pitch = sung.pitch[inside]
        if len(pitch) >= least:
            places.append((sung.onset[inside][pitch.argmax()] - start) / (stop - start))
            once.append((pitch == pitch.max()).sum() == 1)
    return {
        "bars without it, from its first to its last": 1 - len(bars) / float(np.ptp(bars) + 1),
        "highest note of a section, as a share of its length": float(np.mean(places)) if places else float("nan"),
        "sections whose highest note comes once": float(np.mean(once)) if once else float("nan"),
    }


def _jaccard(first: set[tuple[int, int]], second: set[tuple[int, int]]) -> list[float]:
    """One number; none where one of them has no notes."""
    return [len(first & second) / len(first | second)] if first and second else []


def _notes(sung: Sung, start: float, stop: float) -> set[tuple[int, int]]:
    inside = (sung.onset >= start) & (sung.onset < stop)
    at = np.rint((sung.onset[inside] - start) * _GRID).astype(int)
    return set(zip(at.tolist(), sung.pitch[inside].tolist(), strict=True))


def people(root: Path, songs: int) -> list[Sung]:
    """The first songs of POP909 in 4/4 whose labels fit."""
    found = (_song(folder, root / "pop909_structure" / folder.name) for folder in sorted((root / "pop909").glob("*")))
    return [sung for sung, _ in zip(filter(None, found), range(songs), strict=False)]


def sung_onsets(folder: Path) -> np.ndarray:
    """Where notes of a song's melody begin, by sixteenths, in quarters from its first beat on `[T]`, each once."""
    rows = [line.split() for line in (folder / "beat_midi.txt").read_text().splitlines()]
    return np.unique(np.rint(_melody(folder, rows)[0] * _GRID) / _GRID)


def counted(position: np.ndarray, onset: np.ndarray) -> np.ndarray:
    """Places in bars of four quarters to places in the song, with the bars that have no notes.

    Args:
        position: of each note in its bar `[T]`.
        onset: of the same notes, from anywhere on `[T]`; the metre may break off between them.
    """
    bars = np.rint((np.diff(onset) - np.diff(position)) / _QUARTERS)
    return np.asarray(_QUARTERS * np.concatenate([[0], np.cumsum(bars)]) + position)


def _melody(folder: Path, rows: Sequence[Sequence[str]]) -> tuple[np.ndarray, np.ndarray]:
    """Where the notes of a melody begin, in beats, and their pitches `[T]`."""
    piece = read_piece(folder / f"{folder.name}.mid")
    notes = next(track.notes for track in piece.tracks if track.name.strip().upper() == "MELODY")
    beat = np.interp(piece.seconds(notes["start"]), [float(row[0]) for row in rows], np.arange(len(rows)))
    return beat, notes["pitch"].astype(int)


def _song(folder: Path, labels: Path) -> Sung | None:
    if not (labels / "human_label1.txt").is_file():
        return None
    phrases = _PHRASE.findall((labels / "human_label1.txt").read_text())
    rows = [line.split() for line in (folder / "beat_midi.txt").read_text().splitlines()]
    down = np.flatnonzero([float(row[2]) > 0 for row in rows])
    if len(down) < 2 or (np.diff(down) != _QUARTERS).any():
        return None
    beat, pitch = _melody(folder, rows)
    onset = np.rint((beat - down[0]) * _GRID) / _GRID
    edges = list(accumulate((_QUARTERS * int(bars) for _, bars in phrases), initial=0))
    sungs = []
    for shift in range(-_FARTHEST, _FARTHEST + 1):
        moved = onset + _QUARTERS * shift
        at = np.searchsorted(edges, moved, side="right") - 1
        silent = [not 0 <= i < len(phrases) or phrases[i][0].islower() for i in at]
        sections = [(name, float(a), float(b)) for (name, _), a, b in zip(phrases, edges, edges[1:], strict=False)]
        sungs.append((float(np.mean(silent)), abs(shift), Sung(moved, pitch, sections)))
    worst, _, best = min(sungs, key=lambda s: s[:2])
    return best._replace(sections=[s for s in best.sections if s[0].isupper()]) if worst <= _TOO_MANY else None
