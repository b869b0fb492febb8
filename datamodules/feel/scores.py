"""Notes before they are rendered, and what is true of a stretch of them: swing, texture and all that needs no sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from datamodules.shared.rendering import Note, Part
from kmidi_lab.chords.key_finding import profile_correlations
from kmidi_lab.midi.piece import voices_of
from kmidi_lab.models.feel.features import TOGETHER_S

Array = NDArray[np.float64]
LOW_BELOW, HIGH_FROM = 52, 72
"""MIDI pitches below which a note is low, and from which it is high."""
_SHORTEST_S = 0.03
_SWUNG = (0.42, 0.72)
"""Places within a beat that count as its second eighth."""
_FEWEST = 4
_ROUGH = (1, 2, 6)
"""Interval classes that count as rough: seconds and tritones."""
_STEP_S = 0.125


@dataclass(frozen=True)
class Score:
    """Parts to be rendered, with the beats that somebody marked.

    Args:
        id: its name within the source.
        source: of the data module's.
        group: the drummer or the song.
        parts: what is played.
        beats: `[N]` seconds.
        downbeats: `[M]` seconds.
        known: values that the notes don't tell, such as valence.
        split: where it belongs.
    """

    id: str
    source: str
    group: str
    parts: tuple[Part, ...]
    beats: Array
    downbeats: Array
    known: dict[str, float] = field(default_factory=dict)
    split: str = "train"

    def stretch(self, begin: float, seconds: float, pace: float = 1.0) -> Score:
        """From `begin` on so many seconds at `pace` times the tempo, times from 0."""

        def moved(times: Array) -> Array:
            at = (times - begin) / pace
            return at[(at >= 0) & (at < seconds)]

        def part(p: Part) -> Part:
            notes = [n._replace(start=(n.start - begin) / pace, end=(n.end - begin) / pace) for n in p.notes]
            inside = [n._replace(end=min(n.end, seconds)) for n in notes if 0 <= n.start < seconds - _SHORTEST_S]
            return replace(p, notes=inside)

        return replace(
            self, parts=tuple(part(p) for p in self.parts), beats=moved(self.beats), downbeats=moved(self.downbeats)
        )


def strokes_of(parts: Sequence[Part]) -> Array:
    """`[S, 3]`: seconds, voice, velocity 0..1; what begins together in one voice is one stroke, as loud as its loudest."""
    rows = sorted((n.start, _voice(part, n), n.velocity / 127) for part in parts for n in part.notes)
    out: list[list[float]] = []
    latest: dict[int, int] = {}
    for start, voice, velocity in rows:
        at = latest.get(voice)
        if at is not None and start - out[at][0] < TOGETHER_S:
            out[at][2] = max(out[at][2], velocity)
            continue
        latest[voice] = len(out)
        out.append([start, voice, velocity])
    return np.array(out, np.float64).reshape(-1, 3)


def _voice(part: Part, note: Note) -> int:
    if part.drums:
        return int(voices_of(np.array(note.pitch)))
    return 0 if note.pitch < LOW_BELOW else 2 if note.pitch >= HIGH_FROM else 1


def values_of(score: Score, strokes: Array, seconds: float) -> dict[str, float]:
    """What the notes of a stretch tell; what they leave open is left out.

    Swing is where the second eighths of the beats lie, from the middle (0) to two thirds (1); it is unknown with fewer
    than four of them.
    """
    out = dict(score.known)
    phases = _phases(strokes[:, 0], score.beats)
    eighths = phases[(phases > _SWUNG[0]) & (phases < _SWUNG[1])]
    if len(eighths) >= _FEWEST:
        out["swing"] = float(np.clip((np.mean(eighths) - 0.5) * 6, 0, 1))
    if len(phases) >= _FEWEST:
        out["regularity"] = float(max(abs(np.exp(2j * np.pi * n * phases).mean()) for n in (3, 4)))
    loud = strokes[:, 2]
    drums = sum(n.velocity for part in score.parts if part.drums for n in part.notes)
    every = sum(n.velocity for part in score.parts for n in part.notes)
    out["dynamic_range"] = float(np.clip(4 * loud.std(), 0, 1))
    out["percussive_share"] = drums / every
    out["low_share"] = float(loud[strokes[:, 1] == 0].sum() / loud.sum())
    notes = [n for part in score.parts if not part.drums for n in part.notes]
    return out | _pitched(notes, seconds)


def _pitched(notes: Sequence[Note], seconds: float) -> dict[str, float]:
    if len(notes) < _FEWEST:
        return {"voices": 0.0, "roughness": 0.0, "key_clarity": 0.0}
    start, end, pitch = (np.array(column, np.float64) for column in list(zip(*notes, strict=True))[:3])
    length = end - start
    sounding = [np.unique(pitch[(start <= t) & (t < end)]) for t in np.arange(_STEP_S / 2, seconds, _STEP_S)]
    pairs = [np.abs(np.subtract.outer(p, p))[np.triu_indices(len(p), 1)] % 12 for p in sounding if len(p) > 1]
    classes = np.concatenate(pairs) if pairs else np.zeros(0)
    classes = np.minimum(classes, 12 - classes)
    onsets = np.unique(np.round(start / TOGETHER_S)) * TOGETHER_S
    following = np.append(onsets, seconds)[np.searchsorted(onsets, start + TOGETHER_S)]
    weights = np.bincount(pitch.astype(int) % 12, length, 12)
    return {
        "voices": float(np.clip(np.mean([len(p) for p in sounding]) / 8, 0, 1)),
        "roughness": float(np.isin(classes, _ROUGH).mean()) if len(classes) else 0.0,
        "register": float(np.average(pitch, weights=length) / 127),
        "register_width": float(np.clip(np.subtract(*np.percentile(pitch, (90, 10))) / 60, 0, 1)),
        "articulation": float(np.clip(length / np.maximum(following - start, TOGETHER_S), 0, 1).mean()),
        "key_clarity": float(max(0.0, profile_correlations(weights).max())),
    }


def _phases(times: Array, beats: Array) -> Array:
    """Place within its beat, 0..1, of each time between the first beat and the last."""
    if len(beats) < 2:
        return np.zeros(0)
    at = np.searchsorted(beats, times, side="right") - 1
    inside = (at >= 0) & (at < len(beats) - 1)
    at, times = at[inside], times[inside]
    return np.asarray((times - beats[at]) / (beats[at + 1] - beats[at]))
