"""Melodies drawn note by note from next-pitch probabilities, and muspy's metrics of them beside the corpus.

The metrics are those of H.-W. Dong et al., *MusPy*, ISMIR 2020.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from kmidi_lab.contract_types import Contract
from kmidi_lab.models.melody.contract import MELODY
from kmidi_lab.models.melody.features import Melody, notes_of, vectors
from kmidi_lab.models.melody.recall import NO_NOTE, NoteMemory

_PIECES, _NOTES = 24, 64


def narrowed(p: np.ndarray, temperature: float, top_k: int, top_p: float) -> np.ndarray:
    """Probabilities `[128]` sharpened or flattened, then cut and made to sum to 1 again.

    Args:
        p: `[128]`, of each MIDI pitch.
        temperature: above 0; below 1 sharpens.
        top_k: so many of the most probable stay; 0 is all.
        top_p: the fewest that hold so much of the probability stay (A. Holtzman et al., *The curious case of neural
            text degeneration*, 2020).
    """
    logs = np.log(np.maximum(p.astype(np.float64), 1e-12)) / temperature
    q = np.exp(logs - logs.max())
    q /= q.sum()
    order = np.argsort(-q, kind="stable")
    keep = np.ones(len(q), bool)
    if top_k:
        keep[order[top_k:]] = False
    before = np.cumsum(q[order]) - q[order]
    keep[order[before >= top_p]] = False
    q = np.where(keep, q, 0.0)
    return np.asarray(q / q.sum())


def draw(p: np.ndarray, rng: np.random.Generator, temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0) -> int:
    """A pitch drawn from `narrowed(p, …)`."""
    return int(rng.choice(len(p), p=narrowed(p, temperature, top_k, top_p)))


def generation(
    call: Callable[[np.ndarray], np.ndarray], songs: Sequence[Melody], contract: Contract = MELODY, seed: int = 0
) -> dict[str, object]:
    """Metrics of `_PIECES` melodies drawn with the rhythm, key and chords of held-out ones, beside those themselves.

    Each is sampled at temperature 1 from its first note on; the means over the melodies.
    """
    rng = np.random.default_rng(seed)
    long = [s for s in songs if len(s) >= _NOTES]
    if not long:
        return {}
    originals = [long[i] for i in rng.choice(len(long), min(_PIECES, len(long)), replace=False)]
    samples = sample(call, originals, rng, contract)
    pairs = [(metrics(s.pitch[:_NOTES], s), metrics(d, s)) for s, d in zip(originals, samples, strict=True)]
    names = list(pairs[0][0])
    return {
        "melodies": len(originals),
        "notes_each": _NOTES,
        "corpus": {n: float(np.mean([a[n] for a, _ in pairs])) for n in names},
        "model": {n: float(np.mean([b[n] for _, b in pairs])) for n in names},
    }


def sample(
    call: Callable[[np.ndarray], np.ndarray],
    songs: Sequence[Melody],
    rng: np.random.Generator,
    contract: Contract = MELODY,
    count: int = _NOTES,
) -> np.ndarray:
    """`[S, count]` pitches; the first note of each is given, and each song has at least so many."""
    notes = [notes_of(s) for s in songs]
    x = np.stack([vectors(n, contract)[:count] for n in notes])
    pitches = np.zeros((len(songs), count), np.int64)
    pitches[:, 0] = [s.pitch[0] for s in songs]
    memories = [NoteMemory() for _ in songs]
    for row, (memory, n) in enumerate(zip(memories, notes, strict=True)):
        memory.recall(NO_NOTE, int(n.duration[0]))
        memory.follow(int(pitches[row, 0]))
    for at in range(1, count):
        for row, (memory, n) in enumerate(zip(memories, notes, strict=True)):
            before = int(pitches[row, at - 1])
            recalled, match = memory.recall(before, int(n.duration[at]))
            now = type(n)(*(c[at] for c in n))
            number = {"before": before, "recalled": recalled, "match": match}
            x[row, at] = vectors(now._replace(**{k: np.array(v) for k, v in number.items()}), contract)
        # The calls before are made again: a call has no state that the evaluator could hold.
        p = call(x[:, : at + 1])[:, -1]
        pitches[:, at] = [draw(row, rng) for row in p]
        for memory, pitch in zip(memories, pitches[:, at].tolist(), strict=True):
            memory.follow(pitch)
    return pitches


def metrics(pitches: np.ndarray, song: Melody) -> dict[str, float]:
    """Muspy's pitch metrics, the rate of pitches in the stated key, and repeated notes; of one melody."""
    import muspy

    track = muspy.Track(
        notes=[muspy.Note(time=i, pitch=int(p), duration=1, velocity=64) for i, p in enumerate(pitches)]
    )
    music = muspy.Music(resolution=4, tracks=[track])
    mode = "minor" if song.key.mode < 0 else "major"
    return {
        "pitch_range": float(muspy.pitch_range(music)),
        "pitches_used": float(muspy.n_pitches_used(music)),
        "pitch_entropy": float(muspy.pitch_entropy(music)),
        "pitch_class_entropy": float(muspy.pitch_class_entropy(music)),
        "scale_consistency": float(muspy.scale_consistency(music)),
        "in_key_rate": float(muspy.pitch_in_scale_rate(music, song.key.tonic, mode)),
        "repeated_rate": float((np.diff(pitches) == 0).mean()),
        "mean_interval": float(np.abs(np.diff(pitches.astype(int))).mean()),
    }
