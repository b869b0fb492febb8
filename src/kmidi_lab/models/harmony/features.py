"""Chord history to the `harmony` contract vector, and songs to training arrays.

One function, `context_vector`, builds the 128 floats for training, evaluation, prediction and the
golden vectors alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import permutations
from math import cos, pi, sin
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kmidi_lab.chords.chord import QUALITIES, Chord, Event, Key, Song
from kmidi_lab.contract_types import Contract
from kmidi_lab.emotion_embedding import encode_emotion
from kmidi_lab.models.harmony.contract import HARMONY
from kmidi_lab.scoring.matches import chances_so_far

if TYPE_CHECKING:
    import torch

PHRASE_BARS = 8.0
PASSAGE_ORDER = 8
CLASSES = 12 * len(QUALITIES)
"""Joint classes (degree from the tonic, quality): index = degree * 8 + quality."""
MEMORY_ORDER = 8
"""Longest match in the song so far, in chords."""
MAX_BARS = 4.0
_HISTORY = 3
_IN = {s.name: s.index for s in HARMONY.inputs}


Label = tuple[int, int]


@dataclass
class ChordMemory:
    """The song so far, and which chord followed where the same chords stood in a row.

    `recall_order` is the longest match for the recalled chord. `most_often` takes the chord that followed it most
    often, the latest of equals; without, the one that followed it last. `memory_of` sets both for a version of the
    contract.
    """

    recall_order: int = 8
    most_often: bool = True
    chords: list[Chord] = field(default_factory=list)
    starts: list[float | None] = field(default_factory=list)
    _followers: dict[tuple[Label, ...], dict[Label, tuple[int, int]]] = field(default_factory=dict)
    """How often each class followed these chords, and where it did so last."""

    def append(self, chord: Chord, start: float | None = None) -> None:
        """Adds the chord that came next; `start` in bars from the start of the song."""
        labels = [c.label for c in self.chords[-PASSAGE_ORDER:]]
        for order in range(1, len(labels) + 1):
            followers = self._followers.setdefault(tuple(labels[-order:]), {})
            count, _ = followers.get(chord.label, (0, 0))
            followers[chord.label] = count + 1, len(self.chords)
        self.chords.append(chord)
        self.starts.append(start)

    def _longest_match(self, limit: int) -> tuple[dict[Label, tuple[int, int]], int]:
        labels = [c.label for c in self.chords[-limit:]]
        for order in range(len(labels), 0, -1):
            followers = self._followers.get(tuple(labels[-order:]))
            if followers:
                return followers, order
        return {}, 0

    def recall(self) -> tuple[Chord | None, int]:
        """(the chord that followed the longest match of up to `recall_order` chords, its order), or (None, 0)."""
        followers, order = self._longest_match(self.recall_order)
        if not followers:
            return None, 0
        best = max(followers.values(), key=lambda f: (f[0], f[1]) if self.most_often else f[1])
        return self.chords[best[1]], order

    def phrase_start(self, position: float) -> float:
        """Where the phrase began that holds `position`, in bars.

        A phrase begins every eight bars, or, where the last chords have been heard before in a row, at
        the first chord of the returning passage (up to eight chords): parallelism marks groups (Lerdahl
        and Jackendoff, *A Generative Theory of Tonal Music*, 1983, GPR 6).
        """
        _, order = self._longest_match(PASSAGE_ORDER)
        began = self.starts[-order] if order else None
        return position - position % PHRASE_BARS if began is None else began


def memory_of(contract: Contract) -> ChordMemory:
    """An empty memory that recalls as a version of the harmony contract says."""
    return ChordMemory(4, False) if contract.version == "1" else ChordMemory()


def joint_class(chord: Chord, key: Key) -> int:
    """Of a chord in a key, 0..95: degree from the tonic * 8 + quality."""
    return chord.degree(key.tonic) * len(QUALITIES) + chord.quality_index


def grid_position(position: float) -> tuple[float, float]:
    """sin, cos of a place in the plain eight-bar grid."""
    angle = 2 * pi * (position % PHRASE_BARS) / PHRASE_BARS
    return sin(angle), cos(angle)


def context_vector(
    memory: ChordMemory,
    key: Key,
    affect: tuple[float, float] | None = None,
    position: float | None = None,
    last_bars: float | None = None,
) -> np.ndarray:
    """The 128 floats before the coming chord (contract.md §3), float32.

    `position` is where the coming chord starts, in bars from the start of the song (see
    `ChordMemory.phrase_start`). What is unknown stays zero.
    """
    x = np.zeros(HARMONY.input_size, np.float32)
    if affect is not None:
        x[_IN["emotion"]] = encode_emotion(*affect)
    recent = memory.chords[-_HISTORY:]
    chroma = np.zeros((_HISTORY, 12), np.float32)
    for row, chord in enumerate(recent, start=_HISTORY - len(recent)):
        chroma[row] = chord.chroma()
    x[_IN["previous_chords"]] = chroma.ravel()
    recalled, _ = memory.recall()
    if recalled is not None:
        x[_IN["recalled_chord"]] = recalled.chroma()
    x[_IN["key_tonic"].start + key.tonic] = 1.0
    x[_IN["mode"]] = key.mode
    if position is not None:
        into = max(0.0, position - memory.phrase_start(position))
        x[_IN["phrase_position"]] = grid_position(min(into, PHRASE_BARS - 0.25))
    if last_bars is not None:
        x[_IN["last_duration"]] = min(max(last_bars, 0.0), MAX_BARS) / MAX_BARS
    return x


def voice_leading(previous: Chord, following: Chord) -> tuple[int, int, int, int]:
    """Motion of soprano, alto, tenor and bass in semitones between close-position voicings.

    The bass goes to the next bass by the shorter way. The three upper voices hold third, fifth and
    seventh (root where there is none) of the plain chord and move by the smallest total distance,
    after D. Tymoczko, *A Geometry of Music* (2011), ch. 2.
    """
    bass = _shortest(previous.bass, following.bass)
    source, target = _upper(previous), _upper(following)
    motions = ([_shortest(a, b) for a, b in zip(source, p, strict=True)] for p in permutations(target))
    tenor, alto, soprano = min(motions, key=lambda m: (sum(map(abs, m)), m))
    return soprano, alto, tenor, bass


def _upper(chord: Chord) -> list[int]:
    plain = sorted((t - chord.root) % 12 for t in chord.reduced().tones)
    members = [i for i in plain if i] if len(plain) == 4 else plain
    return [(chord.root + i) % 12 for i in members]


def _shortest(a: int, b: int) -> int:
    return (b - a + 5) % 12 - 5


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


def transposition_table() -> np.ndarray:
    """`[12, 128]` int64: row k holds, for every place of the vector transposed up by k, where it comes from."""
    table = np.tile(np.arange(HARMONY.input_size), (12, 1))
    for name in ("previous_chords", "recalled_chord", "key_tonic"):
        part = _IN[name]
        for block in range(part.start, part.stop, 12):
            for k in range(12):
                table[k, block : block + 12] = block + (np.arange(12) - k) % 12
    return table


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
