"""Excerpts made by hand, what a perfect model says of them, and a small network of feel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch

from kmidi_lab.audio.level import adapted_sounds
from kmidi_lab.contracts import FEEL
from kmidi_lab.models.feel.features import CURVES, WHOLE, Excerpt, FeelBatch, frame_at, targets
from kmidi_lab.models.feel.module import AudioFeelAnalyzer

COUNT = 900


def excerpt(bpm: float, number: int = 0, split: str = "train", metre: int = 4) -> Excerpt:
    """Clicks on the beats, brighter the faster they are."""
    rng = np.random.default_rng(number)
    beats = 0.3 + np.arange(0, 13.5, 60 / bpm)
    frames = np.full((COUNT, 128), -9.0) + rng.normal(0, 0.1, (COUNT, 128))
    for n, at in enumerate(frame_at(beats)):
        high = 20 + int(bpm / 3)
        frames[at : at + 4, :high] += np.array([8, 5, 3, 1])[: len(frames[at : at + 4]), None] + (n % metre == 0)
    strokes = np.stack([beats, np.full(len(beats), 1.0), np.full(len(beats), 0.8)], 1)
    values = {"swing": number % 3 / 2, "voices": 0.1 * (number % 4), "percussive_share": 1.0}
    return Excerpt(
        f"a/{number}", "a" if number % 2 else "b", str(number), frames.astype(np.float16), beats, beats[::metre], strokes,
        values, split,
    )  # fmt: skip


class Data:
    """Excerpts by split; `changed` are those of the test in other recording conditions."""

    def __init__(self, changed: Mapping[str, Sequence[Excerpt]] | None = None, **songs: Sequence[Excerpt]) -> None:
        self._songs, self._changed = songs, changed or {}

    def conditions(self, split: str) -> Iterator[tuple[str, Sequence[Excerpt]]]:
        yield from self._changed.items() if split == "test" else ()

    def songs(self, split: str) -> Sequence[Excerpt]:
        return self._songs.get(split, ())


def perfect(song: Excerpt) -> np.ndarray:
    """The outputs `[T, 64]` of a model that knows everything."""
    goal, out = targets(song), np.zeros((len(song.frames), FEEL.output_size), np.float32)
    out[:, FEEL.output("tempo").index] = -2 * (np.arange(32) - goal.tempo) ** 2
    out[:, FEEL.output("beat").start : FEEL.output("onsets").stop] = 12 * goal.events - 6
    for names, columns in ((CURVES, goal.curves.T), (WHOLE, np.tile(goal.whole, (len(out), 1)).T)):
        for name, column in zip(names, columns, strict=True):
            out[:, FEEL.output(name).start] = column
    return out


def small() -> AudioFeelAnalyzer:
    torch.manual_seed(0)
    return AudioFeelAnalyzer(channels=16, dilations=[4, 16, 64], hidden=24, dropout=0.0)


def batch_of(songs: Sequence[Excerpt]) -> FeelBatch:
    rows = [targets(song) for song in songs]
    columns = [np.stack(column).astype(np.float32) for column in zip(*rows, strict=True)]
    return FeelBatch(
        torch.from_numpy(np.stack(adapted_sounds([s.frames for s in songs]))), *map(torch.from_numpy, columns)
    )
