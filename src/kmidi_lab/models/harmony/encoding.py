"""Songs to training arrays, and the batches that are drawn from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kmidi_lab.chords.chord import Event, Song
from kmidi_lab.contract_types import Contract
from kmidi_lab.models.harmony.contract import HARMONY
from kmidi_lab.models.harmony.features import context_vector, grid_position, joint_class
from kmidi_lab.models.harmony.memory import MEMORY_ORDER, memory_of
from kmidi_lab.models.harmony.voice_leading import voice_leading
from kmidi_lab.scoring.matches import chances_so_far

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class EncodedSongs:
    """Arrays over the events of many songs; `song[i]` indexes the song of event i.

    `x` `[E, 128]` with all sounding tones, `x_plain` `[E, 128]` with template tones only (what a caller
    sends who knows root and quality), `grid` `[E, 2]` the phrase position in a plain eight-bar grid,
    `root`, `quality`, `bass` `[E]`, `joint` `[E]` in 0..95, `voices` `[E, 4]` semitones, `tonic` `[E]`, `parts`
    `[E, 9]` and `longest` `[E]` as in HarmonyBatch.
    """

    x: np.ndarray
    x_plain: np.ndarray
    grid: np.ndarray
    root: np.ndarray
    quality: np.ndarray
    bass: np.ndarray
    joint: np.ndarray
    voices: np.ndarray
    tonic: np.ndarray
    song: np.ndarray
    parts: np.ndarray
    longest: np.ndarray


def encode_songs(songs: Sequence[Song], contract: Contract = HARMONY) -> EncodedSongs:
    """Vectors of a version of the contract, and targets, of every event; songs hold merged events already."""
    rows: list[tuple[np.ndarray, np.ndarray, list[int], tuple[float, float]]] = []
    for index, song in enumerate(songs):
        full, plain = memory_of(contract), memory_of(contract)
        previous: Event | None = None
        for event in song.events:
            last_bars = previous.bars if previous else None
            args = (event.key, song.affect, event.start, last_bars)
            chord = event.chord
            motion = voice_leading(previous.chord, chord) if previous else (0, 0, 0, 0)
            grid = (0.0, 0.0) if event.start is None else grid_position(event.start)
            target = [
                chord.root,
                chord.quality_index,
                chord.bass,
                joint_class(chord, event.key),
                event.key.tonic,
                index,
            ]
            rows.append((context_vector(full, *args), context_vector(plain, *args), [*target, *motion], grid))
            full.append(chord, event.start)
            plain.append(chord.reduced(), event.start)
            previous = event
    x = np.array([r[0] for r in rows], np.float32).reshape(-1, HARMONY.input_size)
    x_plain = np.array([r[1] for r in rows], np.float32).reshape(-1, HARMONY.input_size)
    grids = np.array([r[3] for r in rows], np.float32).reshape(-1, 2)
    t = np.array([r[2] for r in rows], np.int64).reshape(-1, 10)
    heard = [chances_so_far(t[t[:, 5] == index, 3].tolist(), MEMORY_ORDER) for index in range(len(songs))]
    parts = np.concatenate([np.zeros((0, MEMORY_ORDER + 1)), *(part for part, _ in heard)]).astype(np.float32)
    longest = np.concatenate([np.zeros(0, np.int64), *(lengths for _, lengths in heard)])
    return EncodedSongs(
        x, x_plain, grids, t[:, 0], t[:, 1], t[:, 2], t[:, 3], t[:, 6:10].astype(np.float32), t[:, 4], t[:, 5], parts, longest
    )  # fmt: skip


class HarmonyBatch(NamedTuple):
    """`x` `[B, 128]`; `root`, `quality`, `bass`, `joint` `[B]` class indices; `voices` `[B, 4]` semitones.

    `parts` `[B, 9]` and `longest` `[B]` are what the song so far says of the chord (`scoring.matches.chances_so_far`).
    """

    x: torch.Tensor
    root: torch.Tensor
    quality: torch.Tensor
    bass: torch.Tensor
    joint: torch.Tensor
    voices: torch.Tensor
    parts: torch.Tensor
    longest: torch.Tensor
