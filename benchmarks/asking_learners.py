"""Do other learners and finer ways make asking pay more? On development parts, as `asking_development.py`; no test is
shown.

    DATA_ROOT=… python benchmarks/asking_learners.py Philharmonia --learner 1 --batch 5 --ways "random; margin:1"

One learner judges all ways of a run: `--learner 1` a regression of that strength (C), `--learner svm:.5` a machine with
radial kernels of that width over the number of features. A way is a word and its numbers, `typical/` before it a
typical start. margin:C, priors:C:C:… (the margin of their mean), svm:width, far:C, information:C:power:prior, and
decisions:C, whose weights are how much less likely a wrong answer is where the variance of its lead falls.
"""

from __future__ import annotations

import argparse
import os
import warnings
from pathlib import Path

import numpy as np
from active_learning import ENOUGH, Task, needed
from asking_development import FIRST_SEED, tasks
from asking_ways import typical
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from kmidi_lab.feedback.asking import far_and_unsure, highest, margin

Array = np.ndarray


def regression(strength: float, x: Array, y: Array) -> LogisticRegression:
    return LogisticRegression(C=strength, max_iter=300, tol=1e-3).fit(x, y)


def machine(width: float, x: Array, y: Array) -> SVC:
    return SVC(C=10, gamma=width / x.shape[1]).fit(x, y)


def judged(learner: str, x: Array, y: Array, test: Array, test_y: Array) -> float:
    kind, _, width = learner.partition(":")
    model = machine(float(width), x, y) if kind == "svm" else regression(float(kind), x, y)
    return float(model.score(test, test_y))


def design(target: Array, told: Array, x: Array, known: Array, count: int, prior: float) -> Array:
    """Places whose labels, of weights `told` `[N]`, most lower the variance over all by weights `target` `[N]`."""
    own = x[known] * told[known][:, None]
    through = x @ np.linalg.inv(prior * np.eye(x.shape[1]) + own.T @ x[known])
    spread = (x * target[:, None]).T @ x / target.sum()
    leverage, gain = (through * x).sum(1), ((through @ spread) * through).sum(1)
    free, taken = np.ones(len(x), bool), list[int]()
    free[known] = False
    for _ in range(count):
        place = int(np.where(free, gain * told / (1 + told * leverage), -np.inf).argmax())
        free[place] = False
        taken.append(place)
        row = through[place].copy()
        shared = through @ x[place] * (told[place] / (1 + told[place] * leverage[place]))
        pulled = spread @ row
        gain += shared**2 * (row @ pulled) - 2 * shared * (through @ pulled)
        leverage -= shared**2 * (1 + told[place] * leverage[place]) / told[place]
        through -= np.outer(shared, row)
    return np.array(taken)


def asked(t: Task, known: Array, count: int, way: str, rng: np.random.Generator) -> Array:
    """Places of the next `count`."""
    kind, *numbers = way.split(":")
    a, rest = [float(number) for number in numbers], np.setdiff1d(np.arange(len(t.pool)), known)
    x, y = t.pool[known], t.pool_y[known]
    if kind == "random":
        return rest[rng.permutation(len(rest))[:count]]
    if kind == "svm":
        values = np.sort(machine(a[0], x, y).decision_function(t.pool[rest]), axis=1)
        return rest[highest(values[:, -2] - values[:, -1], count)]
    chances = np.mean([regression(c, x, y).predict_proba(t.pool) for c in (a if kind == "priors" else a[:1])], axis=0)
    if kind in ("margin", "priors"):
        return rest[highest(margin(chances[rest]), count)]
    if kind == "far":
        return far_and_unsure(1 + margin(chances), t.pool, known, count)[0]
    if kind == "information":
        weights = (1 + margin(chances) + 1e-12) ** a[1]
        weights /= weights.mean()
        return design(weights, weights, t.pool, known, count, a[2])
    if kind != "decisions":
        raise ValueError(f"no way {kind}")
    second, first = np.sort(chances, axis=1)[:, -2:].T
    lead, told, prior = np.log(first / np.maximum(second, 1e-12)), 1 - (chances**2).sum(1), 1 / a[0]
    own = x * told[known][:, None]
    through = t.pool @ np.linalg.inv(prior * np.eye(x.shape[1]) + own.T @ x)
    deviation = np.sqrt(np.maximum((through * t.pool).sum(1), 1e-9))
    wrong = (first + second) * np.exp(-((lead / deviation) ** 2) / 2) / deviation + 1e-12
    return design(wrong, told, t.pool, known, count, prior)


def curve(t: Task, way: str, learner: str, batch: int, most: int, seed: int) -> tuple[list[int], list[float]]:
    """Numbers of labels, and the accuracy with each."""
    start, _, rest = way.rpartition("/")
    rng, sizes, scores = np.random.default_rng(seed), list[int](), list[float]()
    drawn = rng.permutation(len(t.pool))[: t.first]
    known = typical(t.pool, np.zeros(0, int), t.first, seed) if start == "typical" else drawn
    while True:
        sizes.append(len(known))
        scores.append(judged(learner, t.pool[known], t.pool_y[known], t.test, t.test_y))
        if len(known) >= min(most, len(t.pool)):
            return sizes, scores
        known = np.concatenate([known, asked(t, known, min(batch, len(t.pool) - len(known)), rest, rng)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", choices=("GoEmotions", "Philharmonia", "RAVDESS", "Speech"))
    parser.add_argument("--folder", type=Path, default=Path("active_learning"), help="keeps features of recordings")
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--learner", default="0.1")
    parser.add_argument("--batch", type=int, default=50)
    parser.add_argument("--most", type=int, default=1000, help="labels")
    parser.add_argument("--ways", default="random; margin:0.1", help="'; ' between")
    asked_for, root = parser.parse_args(), Path(os.environ["DATA_ROOT"])
    asked_for.folder.mkdir(parents=True, exist_ok=True)
    warnings.filterwarnings("ignore")
    seeds = range(FIRST_SEED, FIRST_SEED + asked_for.seeds)
    made = [tasks(asked_for.set, root, asked_for.folder, seed) for seed in seeds]
    whole = float(np.mean([judged(asked_for.learner, *t[1:5]) for t in made]))
    print(f"{asked_for.set}: pool {len(made[0].pool)}, learner {asked_for.learner}, all labels {whole:.3f}", flush=True)
    for way in asked_for.ways.split("; "):
        runs = [
            curve(t, way, asked_for.learner, asked_for.batch, asked_for.most, s)
            for t, s in zip(made, seeds, strict=True)
        ]
        scores = np.array([scores for _, scores in runs])
        least = needed(runs[0][0], scores.mean(0), ENOUGH * whole)
        print(f"  {way:<40} needs {least}; mean over the curve {scores.mean():.4f}", flush=True)


if __name__ == "__main__":
    main()
