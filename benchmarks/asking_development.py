"""Which way to ask is best, chosen on development parts; `active_learning.py` then shows the chosen one on the test
parts.

    DATA_ROOT=… python benchmarks/asking_development.py --folder out [--seeds 3] [--prior 30]

The development parts are cut from the pools, and the test parts are not looked at: of GoEmotions another 3,000 comments
of `train`, of Philharmonia a third of the pool's pitches, of RAVDESS four actors, of Speech a third of the pool's
speakers. Seeds from 11 on, none of the test's.
"""

from __future__ import annotations

import argparse
import json
import os
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from active_learning import ENOUGH, Task, fitted, instrument_rows, needed, scaled, speech_rows, text_task, voice_rows
from asking_ways import badge, balanced, hard_clusters, typical, typicality
from sklearn.linear_model import LogisticRegression

from kmidi_lab.feedback import asking
from kmidi_lab.feedback.asking import core_set, far_and_unsure, information, margin

FIRST_SEED = 11
Choose = Callable[[Task, np.ndarray, np.ndarray, int, np.random.Generator], np.ndarray]


class Way(NamedTuple):
    """Gives `count` places of the rest; the first labels may be chosen, too; a batch may be asked for in parts."""

    choose: Choose
    typical_start: bool = False
    parts: int = 1
    designed_start: bool = False


def _chances(task: Task, known: np.ndarray, rest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    model = fitted(task.pool[known], task.pool_y[known])
    return model.predict_proba(task.pool[rest]), model.classes_


def _margin(t: Task, known: np.ndarray, rest: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    return np.argsort(-margin(_chances(t, known, rest)[0]), kind="stable")[:count]


def _dense(t: Task, known: np.ndarray, rest: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    score = (1 + margin(_chances(t, known, rest)[0])) * typicality(t.pool[rest])
    return np.argsort(-score, kind="stable")[:count]


def _typical(t: Task, known: np.ndarray, rest: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    return np.searchsorted(rest, typical(t.pool, known, count, int(rng.integers(1 << 30))))


def _badge(t: Task, known: np.ndarray, rest: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    return badge(_chances(t, known, rest)[0], t.pool[rest], count, rng)


def _clusters(t: Task, known: np.ndarray, rest: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    return hard_clusters(_chances(t, known, rest)[0], t.pool[rest], count, int(rng.integers(1 << 30)))


def _balanced(t: Task, known: np.ndarray, rest: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    chances, classes = _chances(t, known, rest)
    return balanced(chances, classes, t.pool_y[known], count)


def _far(t: Task, known: np.ndarray, rest: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    weights = 1 + margin(_chances(t, known, np.arange(len(t.pool)))[0])
    return np.searchsorted(rest, far_and_unsure(weights, t.pool, known, count)[0])


def _core_set(t: Task, known: np.ndarray, rest: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    return core_set(t.pool[rest], t.pool[known], count)


def _spread(t: Task, known: np.ndarray, rest: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    return np.searchsorted(rest, information(np.ones(len(t.pool)), t.pool, known, count)[0])


def _fisher(power: float, balanced_by: float = 0.0) -> Choose:
    """The variance of a guess to a power as the weight; labels of classes that have many may count less."""

    def choose(t: Task, known: np.ndarray, rest: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
        model = fitted(t.pool[known], t.pool_y[known])
        chances = model.predict_proba(t.pool)
        weight = (1 - (chances**2).sum(1)) ** power
        held = np.array([(t.pool_y[known] == c).sum() for c in model.classes_])
        weight *= (chances @ (1.0 / held)) ** balanced_by
        return np.searchsorted(rest, information(weight, t.pool, known, count)[0])

    return choose


def by_margins(power: float) -> Choose:
    """Information with one plus the margin to a power as the weight."""

    def choose(t: Task, known: np.ndarray, rest: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
        weight = (1 + margin(_chances(t, known, np.arange(len(t.pool)))[0])) ** power
        return np.searchsorted(rest, information(weight, t.pool, known, count)[0])

    return choose


def _sharp_margin(t: Task, known: np.ndarray, rest: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Margins of a regression whose prior is a hundredth as strong as that of the one that is judged."""
    model = LogisticRegression(C=10, max_iter=200, tol=1e-3).fit(t.pool[known], t.pool_y[known])
    return np.argsort(-margin(model.predict_proba(t.pool[rest])), kind="stable")[:count]


WAYS = {
    "random": Way(lambda t, known, rest, count, rng: rng.permutation(len(rest))[:count]),
    "margin": Way(_margin),
    "core set": Way(_core_set),
    "density": Way(_dense),
    "typical": Way(_typical, True),
    "badge": Way(_badge),
    "clusters": Way(_clusters),
    "balanced": Way(_balanced),
    "margin by 5": Way(_margin, False, 5),
    "typical start, margin": Way(_margin, True),
    "typical start, margin by 5": Way(_margin, True, 5),
    "typical start, balanced by 5": Way(_balanced, True, 5),
    "typical start, badge by 5": Way(_badge, True, 5),
    "typical start, core set": Way(_core_set, True),
    "far and unsure": Way(_far),
    "typical start, far and unsure": Way(_far, True),
    "typical start, clusters": Way(_clusters, True),
    "design": Way(_spread, designed_start=True),
    "designed start, margin by 5": Way(_margin, False, 5, True),
    "fisher": Way(_fisher(1), False, 5, True),
    "fisher squared": Way(_fisher(2), False, 5, True),
    "fisher squared, typical start": Way(_fisher(2), True, 5),
    "designed start, information, squared, by 5": Way(by_margins(2), False, 5, True),
    "fisher squared, balanced": Way(_fisher(2, 1), False, 5, True),
    "fisher squared, balanced, typical start": Way(_fisher(2, 1), True, 5),
    "typical start, sharp margin by 5": Way(_sharp_margin, True, 5),
    "information": Way(by_margins(0.5)),
    "information, first power": Way(by_margins(1)),
    "information, squared": Way(by_margins(2)),
    "information, fourth power": Way(by_margins(4)),
    "typical start, information": Way(by_margins(0.5), True),
    "typical start, information, squared": Way(by_margins(2), True),
    "typical start, information, squared, by 5": Way(by_margins(2), True, 5),
    "typical start, design": Way(by_margins(0), True),
}
"""Margin by 5: a batch in five parts, with a new learner after each."""


def curve(task: Task, way: Way, seed: int) -> tuple[list[int], list[float]]:
    """Numbers of labels, and the accuracy with each."""
    rng = np.random.default_rng(seed)
    first = np.zeros(0, int)
    known = (
        typical(task.pool, first, task.first, seed)
        if way.typical_start
        else information(np.ones(len(task.pool)), task.pool, first, task.first)[0]
        if way.designed_start
        else rng.permutation(len(task.pool))[: task.first]
    )
    if len(np.unique(task.pool_y[known])) < 2:
        raise ValueError("the first labels are all the same")
    sizes, scores = [], []
    while True:
        sizes.append(len(known))
        scores.append(float(fitted(task.pool[known], task.pool_y[known]).score(task.test, task.test_y)))
        if len(known) >= min(task.most, len(task.pool) - task.step):
            return sizes, scores
        for part in np.array_split(np.arange(task.step), way.parts):
            rest = np.setdiff1d(np.arange(len(task.pool)), known)
            known = np.concatenate([known, rest[way.choose(task, known, rest, len(part), rng)]])


def tasks(name: str, root: Path, folder: Path, seed: int) -> Task:
    if name == "GoEmotions":
        return text_task(root, seed, 3000)
    if name == "Philharmonia":
        rows, y, test, pitches = instrument_rows(root, folder)
        part = np.array([zlib.crc32(p.encode()) // 4 % 3 == 0 for p in pitches])
        sizes = (30, 15, 600)
    elif name == "Speech":
        rows, y, test, speakers = speech_rows(root, folder)
        part = np.array([zlib.crc32(s.encode()) // 4 % 3 == 0 for s in speakers])
        sizes = (40, 40, 1000)
    else:
        rows, y, test, actors = voice_rows(root, folder)
        part, sizes = np.isin(actors, [15, 16, 17, 18]), (40, 20, 600)
    pool = np.random.default_rng(seed).permutation(np.flatnonzero(~test & ~part))
    return scaled(name, rows[pool], y[pool], rows[~test & part], y[~test & part], *sizes)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, default=Path("active_learning"))
    parser.add_argument("--ways", default="; ".join(WAYS), help="some of them, with '; ' between")
    parser.add_argument("--sets", default="Philharmonia,RAVDESS,GoEmotions,Speech", help="some of them")
    parser.add_argument("--seeds", type=int, default=3, help="how many")
    parser.add_argument("--prior", type=float, default=asking.RIDGE, help="the strength of information's")
    arguments, root = parser.parse_args(), Path(os.environ["DATA_ROOT"])
    asking.RIDGE = arguments.prior
    seeds = range(FIRST_SEED, FIRST_SEED + arguments.seeds)
    folder, ways = arguments.folder, arguments.ways.split("; ")
    folder.mkdir(parents=True, exist_ok=True)
    warnings.filterwarnings("ignore")
    result: dict[str, dict[str, object]] = {}
    for name in arguments.sets.split(","):
        made = [tasks(name, root, folder, seed) for seed in seeds]
        whole = float(np.mean([fitted(t.pool, t.pool_y).score(t.test, t.test_y) for t in made]))
        print(f"{name}: pool {len(made[0].pool)}, development {len(made[0].test)}, all labels {whole:.3f}", flush=True)
        result[name] = {}
        for way in ways:
            runs = [curve(task, WAYS[way], seed) for task, seed in zip(made, seeds, strict=True)]
            scores = np.array([scores for _, scores in runs])
            least, area = needed(runs[0][0], scores.mean(0), ENOUGH * whole), scores.mean(1)
            result[name][way] = {"needed": least, "area": area.tolist()}
            print(
                f"  {way:<30} needs {least}; mean over the curve {area.mean():.3f} ± {area.std(ddof=1):.3f}", flush=True
            )
        (folder / "development.json").write_text(json.dumps(result))


if __name__ == "__main__":
    main()
