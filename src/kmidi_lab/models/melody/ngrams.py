"""N-grams of pitches, with rhythm and chords: melodies as columns, and mixtures of n-grams over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kmidi_lab.models.melody.caches import Piece
from kmidi_lab.models.melody.contract import MELODY
from kmidi_lab.models.melody.features import Melody, duration_class, position_class
from kmidi_lab.scoring.matches import longest_matches
from kmidi_lab.scoring.ngram import Floats, Ints, NGram, mixture_weights

PITCHES = MELODY.output_size
ORDER = 8
_START = PITCHES


@dataclass
class Columns:
    """Many melodies note by note.

    `pitch` `[E]` in a frame, `before` `[E, 8]` the pitches before it, nearest first, the other columns `[E]`; `shift`
    is what was taken from the MIDI pitch; `ends` where each melody ends.
    """

    pitch: Ints
    before: Ints
    mode: Ints
    position: Ints
    duration: Ints
    chord: Ints
    start: Ints
    shift: Ints
    ends: Ints

    def chain(self, name: str) -> Ints:
        """The columns of one n-gram, the most telling first."""
        b = self.before
        chains = {
            "pitch": b,
            "rhythm": np.column_stack(
                [b[:, 0], self.position, self.mode, b[:, 1], self.duration, b[:, 2], b[:, 3], b[:, 4]]
            ),
            "place": np.column_stack([self.mode, self.start, self.position, self.duration, b[:, 0], b[:, 1]]),
            "chord": np.column_stack([self.mode, b[:, 0], self.chord, b[:, 1], self.position, b[:, 2], b[:, 3]]),
        }
        return chains[name]


CHAINS = ("pitch", "rhythm", "place", "chord")


def columns_of(songs: Sequence[Melody], frame: str) -> Columns:
    """`frame` absolute: MIDI pitches; key: semitones from the tonic nearest to C, of -5..6."""
    parts: list[list[np.ndarray]] = [[] for _ in range(8)]
    for song in songs:
        tonic = song.key.tonic
        shift = 0 if frame == "absolute" else tonic - 12 * (tonic > 6)
        pitch = song.pitch.astype(np.int64) - shift
        padded = np.concatenate([np.full(ORDER, _START), pitch])
        before = np.column_stack([padded[ORDER - n : len(padded) - n] for n in range(1, ORDER + 1)])
        length = len(song)
        if song.chord is None:
            chord = np.zeros(length, np.int64)
        else:
            root = (song.chord.argmax(1) - shift) % 12
            third = song.chord[np.arange(length), (song.chord.argmax(1) + 3) % 12] > 0
            chord = np.where(song.chord.any(1), 1 + 2 * root + third, 0)
        each = (
            pitch, before, np.full(length, song.key.mode + 1), position_class(song.position, song.bar),
            duration_class(song.duration), chord, song.rest + 2 * song.phrase, np.full(length, shift),
        )  # fmt: skip
        for column, values in zip(parts, each, strict=True):
            column.append(np.asarray(values, np.int64))
    columns = [np.concatenate(column) for column in parts]
    columns.append(np.cumsum([len(s) for s in songs]))
    return Columns(*columns)


@dataclass
class MelodyNGram:
    """A mixture of n-grams over the named chains, weights by EM on the validation split."""

    models: dict[str, NGram]
    weights: Floats

    def predict(self, columns: Columns) -> Floats:
        """`[E, 128]` probabilities in the frame of `columns`."""
        total = np.zeros((len(columns.pitch), PITCHES), np.float32)
        for weight, (name, model) in zip(self.weights, self.models.items(), strict=True):
            total += np.float32(weight) * model.predict(columns.chain(name))
        return total


def fit_mixture(train: Columns, val: Columns, smoothing: str, order: int) -> MelodyNGram:
    """N-grams over every chain, that of pitches only of the given order."""
    used = {name: train.chain(name)[:, : order - 1] if name == "pitch" else train.chain(name) for name in CHAINS}
    models = {name: NGram(columns, train.pitch, PITCHES, smoothing) for name, columns in used.items()}
    own = np.column_stack([own_share(m.predict(val.chain(n)), val.pitch) for n, m in models.items()])
    return MelodyNGram(models, mixture_weights(own))


def cache_of(columns: Columns) -> tuple[Floats, Ints]:
    """Within each melody: what followed the longest match of up to 8 pitches, and its length."""
    parts = [longest_matches(p.tolist(), ORDER, PITCHES) for p in np.split(columns.pitch, columns.ends[:-1])]
    return np.concatenate([p for p, _ in parts]), np.concatenate([n for _, n in parts])


def pieces_of(columns: Columns) -> list[Piece]:
    """The same notes piece by piece."""
    each = (columns.pitch, columns.before[:, 0], columns.position, columns.duration)
    return [Piece(*parts) for parts in zip(*(np.split(c, columns.ends[:-1]) for c in each), strict=True)]


def own_share(p: Floats, pitch: Ints) -> Floats:
    """`[E]`, the probability in `p` `[E, 128]` of the pitch that came."""
    return np.asarray(p[np.arange(len(pitch)), pitch])
