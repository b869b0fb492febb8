"""Does asking pay on many development parts, with richer features or another start? As `asking_learners.py`, no test is
shown.

    DATA_ROOT=… python benchmarks/asking_splits.py Philharmonia --ways "random; typical/margin:10" --batch 5

Each seed has a development part of its own: a quarter of the pitches that are no test, or 3,000 comments that are in
neither pool nor test. `Philharmonia+` learns from 334 numbers in the place of 128: the mel means without their level as
cepstrum, how they spread, the attack and what is behind it, how fast they change, and six numbers of loudness and
length. A way is that of `asking_learners.py`; `design/` before it asks first by information without a learner. The
accuracy is taken more often than a batch is asked, and is smoothed by a curve that never falls, since its last dip
would else decide.
"""

from __future__ import annotations

import argparse
import os
import warnings
from pathlib import Path

import numpy as np
from active_learning import ENOUGH, Task, instrument_rows, needed, scaled, text_task
from asking_learners import asked, judged
from asking_ways import typical
from scipy.fft import dct
from sklearn.isotonic import IsotonicRegression

from kmidi_lab.audio.io import read_recording
from kmidi_lab.audio.mel import RATE, MelStream
from kmidi_lab.feedback.asking import information

Array = np.ndarray
TEXT_SEED, PART_SEED, RUN_SEED = 11, 1000, 100


def _bands(values: Array, count: int) -> Array:
    return values.reshape(count, -1).mean(1)


def more_features(path: Path) -> Array:
    """`[334]` of the first four seconds."""
    frames = MelStream().push(read_recording(path, RATE).samples[: 4 * RATE])
    level = frames.mean(1)
    loud, onset = frames[level > level.max() - 6], int(np.argmax(level > level.max() - 6))
    mean = loud.mean(0)
    attack = frames[max(0, onset - 2) : onset + 4]
    behind = frames[onset + 8 : onset + 20] if len(frames) > onset + 10 else frames[-3:]
    change = np.abs(np.diff(loud, axis=0)).mean(0) if len(loud) > 1 else np.zeros(len(mean))
    moves = np.abs(np.diff(level)).mean()
    cepstra = dct(loud - loud.mean(1, keepdims=True), norm="ortho", axis=1)
    parts = [_bands(mean, 64), _bands(loud.std(0), 64), dct(mean - mean.mean(), norm="ortho")[1:49]]
    parts += [cepstra[:, 1:25].std(0), _bands(attack.mean(0) - mean, 32), _bands(attack.std(0), 32)]
    parts += [_bands(behind.mean(0) - mean, 32), _bands(change, 32)]
    return np.concatenate(
        [*parts, [len(loud) / len(frames), level.max(), level.std(), onset, moves, len(frames)]],
    )


def tasks(name: str, root: Path, folder: Path, count: int) -> list[Task]:
    if name == "GoEmotions":
        return [text_task(root, TEXT_SEED + number, 3000) for number in range(count)]
    rows, y, test, pitches = instrument_rows(root, folder)
    if name == "Philharmonia+":
        rows = np.stack([more_features(Path(path)) for path in np.load(folder / "philharmonia.npz")["paths"]])
    out, there = [], np.unique(pitches[~test])
    for number in range(count):
        rng = np.random.default_rng(PART_SEED + number)
        part = np.isin(pitches, rng.permutation(there)[: len(there) // 4])
        pool = rng.permutation(np.flatnonzero(~test & ~part))
        out.append(scaled(name, rows[pool], y[pool], rows[~test & part], y[~test & part], 30, 15, 600))
    return out


def curve(
    t: Task, way: str, learner: str, batch: int, each: int, most: int, seed: int
) -> tuple[list[int], list[float]]:
    """Numbers of labels, and the accuracy with each."""
    start, _, rest = way.rpartition("/")
    rng, nothing = np.random.default_rng(seed), np.zeros(0, int)
    known = rng.permutation(len(t.pool))[: t.first]
    if start == "typical":
        known = typical(t.pool, nothing, t.first, seed)
    elif start == "design":
        known = information(np.ones(len(t.pool)), t.pool, nothing, t.first)[0]
    sizes, scores, new = list[int](), list[float](), nothing
    while True:
        for part in np.array_split(new, max(1, len(new) // each)):
            known = np.concatenate([known, part])
            sizes.append(len(known))
            scores.append(judged(learner, t.pool[known], t.pool_y[known], t.test, t.test_y))
        if len(known) >= min(most, len(t.pool) - batch):
            return sizes, scores
        new = asked(t, known, batch, rest, rng)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", choices=("GoEmotions", "Philharmonia", "Philharmonia+"))
    parser.add_argument("--folder", type=Path, default=Path("active_learning"), help="keeps features of recordings")
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--learner", default="0.1")
    parser.add_argument("--batch", type=int, default=15)
    parser.add_argument("--each", type=int, default=15, help="labels between two accuracies")
    parser.add_argument("--most", type=int, default=660, help="labels")
    parser.add_argument("--ways", default="random; margin:0.1", help="'; ' between")
    asked_for, root = parser.parse_args(), Path(os.environ["DATA_ROOT"])
    asked_for.folder.mkdir(parents=True, exist_ok=True)
    warnings.filterwarnings("ignore")
    made = tasks(asked_for.set, root, asked_for.folder, asked_for.seeds)
    whole = float(np.mean([judged(asked_for.learner, *t[1:5]) for t in made]))
    print(f"{asked_for.set}: pool {len(made[0].pool)}, learner {asked_for.learner}, all labels {whole:.4f}", flush=True)
    settings = asked_for.learner, asked_for.batch, asked_for.each, asked_for.most
    for way in asked_for.ways.split("; "):
        runs = [curve(t, way, *settings, RUN_SEED + number) for number, t in enumerate(made)]
        sizes, mean = runs[0][0], np.mean([scores for _, scores in runs], axis=0)
        smooth = IsotonicRegression().fit_transform(sizes, mean)
        dip, least = (needed(sizes, curve_of, ENOUGH * whole) for curve_of in (mean, smooth))
        print(f"  {way:<40} needs {least}, {dip} unsmoothed; mean over the curve {mean.mean():.4f}", flush=True)


if __name__ == "__main__":
    main()
