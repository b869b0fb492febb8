"""What notes say of a stretch to train on: the quadrant that a listener made of EMOPIA's notes would put it in, and its key.

Notes tell valence far better than sound does, so a network of sound learns from them. They are heard in training alone: what
is scored has listeners' labels, or none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier

from datamodules.emotion_node.played import Piece
from datamodules.shared.rendering import Note
from kmidi_lab.chords.key_finding import profile_correlations
from kmidi_lab.models.emotion_node.features import KEY_BY_NOTES, QUADRANTS, TAUGHT

THOUSAND = 1000
"""Labels are whole numbers, so chances are kept in thousandths."""
_FOLDS = 5
_TREES, _LEAF = 100, 3
_WINDOW_S = 20.0
"""Of music that is judged at once: longer than what is heard of it, since a mode takes a while to show."""
_APART_S = 0.05
"""Notes that begin closer together are struck at once."""


@dataclass(frozen=True)
class NoteListener:
    """Randomised trees on facts of the notes, as many as folds of EMOPIA's training recordings, each without one of them."""

    models: Sequence[ExtraTreesClassifier]
    fold: Mapping[str, int]
    """By recording: the model that was not fitted on it."""

    @classmethod
    def fit(cls, pieces: Sequence[Piece], seed: int) -> NoteListener | None:
        """Of the training pieces that listeners judged, folds by recording; None where they are too few or of one quadrant."""
        once = {(p.group, p.id.split("/")[0]): p for p in pieces if p.split == "train" and "quadrant" in p.labels}
        known = list(once.values())
        fold = folds(sorted({p.group for p in known}), seed)
        rows = [(facts(window), p.labels["quadrant"], fold[p.group]) for p in known for window in _windows(p)]
        models = []
        for out in range(_FOLDS):
            kept = [(x, y) for x, y, of in rows if of != out]
            if len({y for _, y in kept}) < 2:
                return None
            x, y = map(np.array, zip(*kept, strict=True))
            models.append(ExtraTreesClassifier(_TREES, min_samples_leaf=_LEAF, random_state=seed).fit(x, y))
        return cls(models, fold)

    def chances(self, groups: Sequence[str], music: Sequence[Sequence[Note]]) -> NDArray[np.float64]:
        """`[N, 4]` of the quadrants; of a recording that it was made from, by the model that has not seen it."""
        rows = np.array([facts(notes) for notes in music])
        asked = np.zeros((len(rows), len(self.models)))
        for row, group in enumerate(groups):
            asked[row, self.fold.get(group, slice(None))] = 1.0
        total = np.zeros((len(rows), len(QUADRANTS)))
        for place, model in enumerate(self.models):
            total[:, model.classes_] += asked[:, place, None] * model.predict_proba(rows)
        return np.asarray(total / asked.sum(1, keepdims=True))

    def __call__(self, moments: Sequence[tuple[Piece, float]]) -> list[dict[str, int]]:
        """The labels TAUGHT of the music around a moment of a piece, in seconds, and KEY_BY_NOTES of the whole of it."""
        every = {id(piece): notes_of(piece) for piece, _ in moments}
        keys = {piece: key_of(notes) for piece, notes in every.items()}
        music = []
        for piece, middle in moments:
            around = [note for note in every[id(piece)] if abs(note.start - middle) <= _WINDOW_S / 2]
            music.append(around or every[id(piece)])
        told = np.round(THOUSAND * self.chances([piece.group for piece, _ in moments], music)).astype(int).tolist()
        return [
            {**dict(zip(TAUGHT, row, strict=True)), KEY_BY_NOTES: keys[id(piece)]}
            for row, (piece, _) in zip(told, moments, strict=True)
        ]


def notes_of(piece: Piece) -> list[Note]:
    """Of all its parts, by their beginning; one at least."""
    return sorted(note for part in piece.parts for note in part.notes)


def _windows(piece: Piece) -> Iterator[list[Note]]:
    """Its notes in windows of the length that is judged at once, which overlap by half."""
    notes = notes_of(piece)
    last = max(notes[-1].start - _WINDOW_S / 2, notes[0].start)
    for begin in np.arange(notes[0].start, last + 1e-3, _WINDOW_S / 2):
        if window := [note for note in notes if begin <= note.start < begin + _WINDOW_S]:
            yield window


def folds(groups: Sequence[str], seed: int) -> dict[str, int]:
    """A fold 0.._FOLDS-1 for every recording, as even as numbers allow."""
    order = np.random.default_rng([seed, len(groups)]).permutation(len(groups))
    return {groups[place]: i % _FOLDS for i, place in enumerate(order)}


def key_of(notes: Sequence[Note]) -> int:
    """The likeliest key, a place in KEYS (Krumhansl, Kessler)."""
    return int(profile_correlations(_chroma(notes)).argmax())


def facts(notes: Sequence[Note]) -> NDArray[np.float64]:
    """`[25]` numbers of one note or more: mode, pitch, density, lengths, how hard they are struck, and pitch classes above the tonic."""
    start, end, pitch, velocity = np.array(sorted(notes), float).T
    chroma = _chroma(notes)
    keys = profile_correlations(chroma)
    onsets = start[np.diff(start, prepend=-1.0) > _APART_S]
    span = max(float(end.max() - start.min()), 1.0)
    return np.array(
        [
            keys[::2].max() - keys[1::2].max(), keys.max(),
            pitch.mean(), pitch.std(), *np.quantile(pitch, (0.1, 0.9)),
            np.log(len(onsets) / span), len(start) / max(len(onsets), 1),
            np.log(np.mean(end - start)), (end - start).sum() / span,
            velocity.mean(), velocity.std(), np.quantile(velocity, 0.9),
            *np.roll(chroma / chroma.sum(), -(int(keys.argmax()) // 2)),
        ]
    )  # fmt: skip


def _chroma(notes: Sequence[Note]) -> NDArray[np.float64]:
    """`[12]` from C: how long each pitch class sounds, seconds."""
    lengths = [max(note.end - note.start, 1e-3) for note in notes]
    return np.asarray(np.bincount([note.pitch % 12 for note in notes], lengths, 12), np.float64)
