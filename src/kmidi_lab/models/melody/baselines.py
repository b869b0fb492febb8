"""Baselines of melody prediction: n-grams of pitches relative to the tonic, with rhythm, chords and the piece's memory.

All see what a call of the model sees and has seen: pitches so far, key, mode, place and duration of the coming note,
chord. What could be chosen (frame, smoothing, weights) is chosen on the validation split.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from kmidi_lab.chords.chord import Chord, Key
from kmidi_lab.models.melody.caches import CacheBlend
from kmidi_lab.models.melody.features import Melody
from kmidi_lab.models.melody.ngrams import (
    ORDER,
    PITCHES,
    MelodyNGram,
    cache_of,
    columns_of,
    fit_mixture,
    own_share,
    pieces_of,
)
from kmidi_lab.models.melody.recall import NO_NOTE
from kmidi_lab.scoring.matches import cache_weights, with_cache
from kmidi_lab.scoring.ngram import SMOOTHINGS, Floats, Ints, NGram

FRAMES = ("absolute", "key")
ORDERS = (4, 5, 6, 8)
"""Tried on validation; 8 is the longest."""


def _nll(p: Floats, pitch: Ints) -> float:
    return float(-np.log(np.maximum(own_share(p, pitch), 1e-12)).mean())


@dataclass
class Baselines:
    """Every baseline, fitted on the training melodies and tuned on the validation melodies.

    `models` by name, without memory; `weights` of the memory by length of match, for those that have one, too; `blend`
    of the last model with every kind of memory; `chosen` says what validation chose.
    """

    frame: str
    models: dict[str, MelodyNGram]
    weights: dict[str, Floats]
    blend: CacheBlend
    chosen: dict[str, object]

    def predict(self, songs: Sequence[Melody]) -> dict[str, Floats]:
        """`[E, 128]` probabilities of MIDI pitches by baseline, notes of all songs one after the other."""
        columns = columns_of(songs, self.frame)
        out = {name: model.predict(columns) for name, model in self.models.items()}
        cached, lengths = cache_of(columns)
        for name, weights in self.weights.items():
            out[f"{name}+cache"] = with_cache(out[name], cached, lengths, weights)
        mixed = list(self.models)[-1]
        out[f"{mixed}+caches"] = self.blend.predict(out[mixed], pieces_of(columns))
        return {name: _to_midi(p, columns.shift) for name, p in out.items()}


def fit_baselines(train: Sequence[Melody], val: Sequence[Melody]) -> Baselines:
    """Unigram, the best pure n-gram of order 2 to 8, the same with rhythm and chords, and both with the piece's memory.

    Where `val` is empty, a few training melodies stand in for it.
    """
    val = val or train[:5]
    tables = {frame: (columns_of(train, frame), columns_of(val, frame)) for frame in FRAMES}

    def tried(frame: str, smoothing: str, order: int) -> float:
        table, tuned = tables[frame]
        model = NGram(table.chain("pitch")[:, : order - 1], table.pitch, PITCHES, smoothing)
        return _nll(model.predict(tuned.chain("pitch")), tuned.pitch)

    frame, smoothing = min(((f, s) for f in FRAMES for s in SMOOTHINGS), key=lambda c: tried(c[0], c[1], ORDERS[1]))
    order = min(ORDERS, key=lambda n: tried(frame, smoothing, n))
    table, tuned = tables[frame]

    def pitches_only(n: int) -> MelodyNGram:
        return MelodyNGram(
            {"pitch": NGram(table.chain("pitch")[:, : n - 1], table.pitch, PITCHES, smoothing)}, np.ones(1)
        )

    best = f"{order}-gram"
    models = {
        "unigram": pitches_only(1),
        best: pitches_only(order),
        f"{best}+rhythm": fit_mixture(table, tuned, smoothing, order),
    }
    cached, lengths = cache_of(tuned)
    weights = {
        n: cache_weights(
            own_share(models[n].predict(tuned), tuned.pitch), own_share(cached, tuned.pitch), lengths, ORDER
        )
        for n in (best, f"{best}+rhythm")
    }
    mixed = models[f"{best}+rhythm"]
    chosen = {
        "frame": frame,
        "smoothing": smoothing,
        "order": order,
        "weights": dict(zip(mixed.models, mixed.weights.tolist(), strict=True)),
    }
    blend = CacheBlend.fit(own_share(mixed.predict(tuned), tuned.pitch), pieces_of(tuned))
    return Baselines(frame, models, weights, blend, chosen)


def without_cache(names: Iterable[str]) -> list[str]:
    """Those of the baselines that look up nothing in the piece, by the names that `Baselines.predict` gives them."""
    return [name for name in names if not name.endswith(("+cache", "+caches"))]


def _to_midi(p: Floats, shift: Ints) -> Floats:
    """From steps above the tonic nearest to C to MIDI pitches; what falls off the end is none of the data's pitches."""
    places = np.arange(PITCHES) - shift[:, None]
    inside = (places >= 0) & (places < PITCHES)
    return np.asarray(np.where(inside, np.take_along_axis(p, np.clip(places, 0, PITCHES - 1), 1), 0.0))


def stepwise(before: int, key: Key, chord: Chord | None, strong: bool) -> Floats:
    """`[128]` the heuristic that needs no training: small steps within the key, chord tones on strong beats.

    Steps outnumber leaps in melodies of all cultures (P. von Hippel, D. Huron, 2000); `before` is NO_NOTE at the start.
    """
    pitches = np.arange(PITCHES)
    centre = 69 if before == NO_NOTE else before
    steps = np.abs(pitches - centre)
    p = np.exp(-steps / 2.5) * np.where(steps == 0, 0.4, 1.0) * np.exp(-(((pitches - 70) / 9.0) ** 2))
    scale = [(key.tonic + s) % 12 for s in ((0, 2, 3, 5, 7, 8, 10) if key.mode < 0 else (0, 2, 4, 5, 7, 9, 11))]
    p = p * np.where(np.isin(pitches % 12, scale), 1.0, 0.01)
    if chord is not None:
        p = p * np.where(np.isin(pitches % 12, list(chord.tones)), 6.0 if strong else 1.5, 1.0)
    return np.asarray(p / p.sum())
