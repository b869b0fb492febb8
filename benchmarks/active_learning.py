"""How many labels does asking well save? Known labels are hidden and asked for, a batch at a time, and the curves
compared.

    DATA_ROOT=… python benchmarks/active_learning.py --folder out [--sets GoEmotions,Philharmonia,RAVDESS,Speech]

Four tasks, none on a released network, whose training saw these labels: a logistic regression learns on features that
no label has shaped. GoEmotions: Ekman's six and neutral of comments with one label, on the first 100 components of
their TF-IDF; test: the published `dev` part. Philharmonia: the instrument, on mean and spread of the mel bands; test:
pitches that the pool has not. RAVDESS: the emotion, on the same; test: two actors (19 and 20; the copy here has 20)
that the pool has not. Speech: RAVDESS, SAVEE, EMOVO, and 600 clips each of nEMO and ASED, five languages; test: a
quarter of the speakers of each.

Each seed draws the pool (but those of voices, which are all), the first labels and the ties. Written:
`active_learning.png`, `active_learning.json`, and a table on the screen.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from asking_ways import Perceptron, typical
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from datamodules.instrument.philharmonia import read_name
from datamodules.intent import goemotions
from kmidi_lab.audio.io import read_recording
from kmidi_lab.audio.mel import RATE, MelStream
from kmidi_lab.feedback.asking import batch, core_set, disagreement, doubt, entropy, far_and_unsure, information, margin

SEEDS, MEMBERS, ENOUGH = range(1, 6), 3, 0.95
CLIPS = 600
"""Of each corpus of speech at most."""
ACTED = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
"""RAVDESS's codes 01 to 08 by the names that the other corpora have."""


class Task(NamedTuple):
    """Features `[N, D]` and classes `[N]` to ask about and to test on, labels at first and in a batch, and the most."""

    name: str
    pool: np.ndarray
    pool_y: np.ndarray
    test: np.ndarray
    test_y: np.ndarray
    first: int
    step: int
    most: int


def fitted(x: np.ndarray, y: np.ndarray) -> LogisticRegression:
    return LogisticRegression(C=0.1, max_iter=200, tol=1e-3).fit(x, y)


def _probabilities(task: Task, known: np.ndarray, rest: np.ndarray) -> np.ndarray:
    return fitted(task.pool[known], task.pool_y[known]).predict_proba(task.pool[rest])


def _committee(task: Task, known: np.ndarray, rest: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """`[K, N, C]` over all classes, of regressions on draws of the labels with replacement."""
    classes = np.unique(task.pool_y)
    out = np.full((MEMBERS, len(rest), len(classes)), 1e-9)
    for member in range(MEMBERS):
        drawn = rng.choice(known, len(known))
        if len(np.unique(task.pool_y[drawn])) > 1:
            model = fitted(task.pool[drawn], task.pool_y[drawn])
            out[member][:, np.searchsorted(classes, model.classes_)] = model.predict_proba(task.pool[rest])
    return out / out.sum(axis=-1, keepdims=True)


def _top(scores: np.ndarray, count: int) -> np.ndarray:
    return np.argsort(-scores, kind="stable")[:count]


def _all_margins(t: Task, known: np.ndarray, rest: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return margin(_probabilities(t, known, rest))


def _bald(t: Task, known: np.ndarray, rest: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    model = _perceptron(t, known, int(rng.integers(1 << 30)))
    return _top(disagreement(model.passes(t.pool[rest])), t.step)


def _perceptron(t: Task, known: np.ndarray, seed: int) -> Perceptron:
    return Perceptron(t.pool[known], t.pool_y[known], int(t.pool_y.max()) + 1, seed)


def _information(t: Task, known: np.ndarray, rest: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    weights = doubt(_probabilities(t, known, np.arange(len(t.pool))))
    return np.searchsorted(rest, information(weights, t.pool, known, t.step)[0])


def _far(t: Task, known: np.ndarray, rest: np.ndarray, count: int) -> np.ndarray:
    weights = 1 + margin(_probabilities(t, known, np.arange(len(t.pool))))
    return np.searchsorted(rest, far_and_unsure(weights, t.pool, known, count)[0])


Choose = Callable[[Task, np.ndarray, np.ndarray, np.random.Generator], np.ndarray]


class Way(NamedTuple):
    """Gives places of the rest. The first labels may be chosen, too, and the learner may be a perceptron with dropout."""

    choose: Choose
    typical_start: bool = False
    dropout: bool = False


def _random(t: Task, known: np.ndarray, rest: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rng.permutation(len(rest))[: t.step]


WAYS = {
    "random": Way(_random),
    "entropy": Way(lambda t, known, rest, rng: _top(entropy(_probabilities(t, known, rest)), t.step)),
    "margin": Way(lambda t, known, rest, rng: _top(_all_margins(t, known, rest, rng), t.step)),
    "margin, diverse": Way(lambda t, known, rest, rng: batch(_all_margins(t, known, rest, rng), t.pool[rest], t.step)),
    "core set": Way(lambda t, known, rest, rng: core_set(t.pool[rest], t.pool[known], t.step)),
    "committee": Way(lambda t, known, rest, rng: _top(disagreement(_committee(t, known, rest, rng)), t.step)),
    "typical start, far and unsure": Way(
        lambda t, known, rest, rng: _far(t, known, rest, t.step),
        typical_start=True,
    ),
    "information": Way(_information),
    "typical start, information": Way(_information, typical_start=True),
    "random, dropout": Way(_random, dropout=True),
    "BALD, dropout": Way(_bald, dropout=True),
}
"""The last three before those with dropout were chosen on development parts (`asking_development.py`). BALD has another
learner and its own random.
"""


def learnt(task: Task, known: np.ndarray, dropout: bool, seed: int) -> float:
    """The accuracy on the test part after so many labels."""
    x, y = task.pool[known], task.pool_y[known]
    model = _perceptron(task, known, seed) if dropout else fitted(x, y)
    return float(model.score(task.test, task.test_y))


def curve(task: Task, way: Way, seed: int, parts: int = 1) -> tuple[list[int], list[float]]:
    """Numbers of labels, and the accuracy on the test part with each; so many times within each batch."""
    rng = np.random.default_rng(seed)
    known = rng.permutation(len(task.pool))[: task.first]
    if way.typical_start:
        known = typical(task.pool, np.zeros(0, int), task.first, seed)
    sizes, scores = [len(known)], [learnt(task, known, way.dropout, seed)]
    while len(known) < min(task.most, len(task.pool)):
        rest = np.setdiff1d(np.arange(len(task.pool)), known)
        for part in np.array_split(rest[way.choose(task, known, rest, rng)], parts):
            known = np.concatenate([known, part])
            sizes.append(len(known))
            scores.append(learnt(task, known, way.dropout, seed))
    return sizes, scores


def scaled(name: str, pool: np.ndarray, py: np.ndarray, test: np.ndarray, ty: np.ndarray, *sizes: int) -> Task:
    scaler = StandardScaler().fit(pool)
    names = sorted(set(py))
    keep = np.isin(ty, names)
    place = np.searchsorted(names, py), np.searchsorted(names, ty[keep])
    return Task(name, scaler.transform(pool), place[0], scaler.transform(test[keep]), place[1], *sizes)


def text_task(root: Path, seed: int, development: int = 0) -> Task:
    """Tested on the `dev` part, or on so many comments of `train` that are not in the pool."""
    items = [s for s in goemotions.read(root).items if len(s.labels) == 1]
    train, test = ([s for s in items if s.part == part] for part in ("train", "dev"))
    drawn = np.random.default_rng(seed).permutation(len(train))
    test = [train[i] for i in drawn[6000 : 6000 + development]] or test
    train = [train[i] for i in drawn[:6000]]
    words = TfidfVectorizer(min_df=3, sublinear_tf=True, ngram_range=(1, 2))
    svd = TruncatedSVD(100, random_state=0)
    pool = svd.fit_transform(words.fit_transform([s.text for s in train]))
    held = svd.transform(words.transform([s.text for s in test]))
    return scaled(
        "GoEmotions", pool, np.array([s.labels[0] for s in train]), held, np.array([s.labels[0] for s in test]),
        100, 100, 2000,
    )  # fmt: skip


def _features(path: Path) -> np.ndarray:
    frames = MelStream().push(read_recording(path, RATE).samples[: 4 * RATE])
    loud = frames[frames.mean(1) > frames.mean(1).max() - 6]
    return np.concatenate([loud.mean(0).reshape(64, 2).mean(1), loud.std(0).reshape(64, 2).mean(1)])


def _cached(folder: Path, name: str, paths: list[Path]) -> tuple[list[Path], np.ndarray]:
    """Features of what can be read."""
    file = folder / f"{name}.npz"
    if not file.is_file():
        kept, rows = [], []
        for path in paths:
            try:
                rows.append(_features(path))
                kept.append(str(path))
            except Exception as error:
                print(f"left out: {path.name}: {error}")
        np.savez(file, paths=kept, rows=rows)
    held = np.load(file)
    return [Path(p) for p in held["paths"]], held["rows"]


Rows = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Features, classes, what is of the test part, and pitch, actor or speaker, a row each."""


def instrument_rows(root: Path, folder: Path) -> Rows:
    paths = []
    for instrument in sorted(p for p in (root / "philharmonia").iterdir() if p.is_dir()):
        files = sorted(instrument.rglob("*.mp3"))
        paths += [files[i] for i in np.random.default_rng(0).permutation(len(files))[:120]]
    paths, rows = _cached(folder, "philharmonia", paths)
    names = [read_name(path.stem) for path in paths]
    test = np.array([zlib.crc32(n.pitch.encode()) % 4 == 0 for n in names])
    return rows, np.array([n.instrument for n in names]), test, np.array([n.pitch for n in names])


def instruments(root: Path, folder: Path, seed: int) -> Task:
    rows, y, test, _ = instrument_rows(root, folder)
    pool = np.random.default_rng(seed).permutation(np.flatnonzero(~test))
    return scaled("Philharmonia", rows[pool], y[pool], rows[test], y[test], 30, 15, 600)


def voice_rows(root: Path, folder: Path) -> Rows:
    paths, rows = _cached(folder, "ravdess", sorted((root / "ravdess").rglob("03-01-*.*")))
    codes = [path.stem.split("-") for path in paths]
    actors, y = np.array([int(c[6]) for c in codes]), np.array([c[2] for c in codes])
    return rows, y, actors > 18, actors


def voices(root: Path, folder: Path) -> Task:
    rows, y, test, _ = voice_rows(root, folder)
    return scaled("RAVDESS", rows[~test], y[~test], rows[test], y[test], 40, 20, 600)


def speech_rows(root: Path, folder: Path) -> Rows:
    """RAVDESS and the corpora of `speech_emotion/metadata.csv` but its songs, by speaker."""
    table = csv.DictReader((root / "speech_emotion" / "metadata.csv").open(encoding="utf-8"))
    by_corpus: dict[str, list[dict[str, str]]] = {}
    for row in table:
        by_corpus.setdefault(row["corpus"], []).append(row)
    rng, said = np.random.default_rng(0), dict[Path, dict[str, str]]()
    for corpus in ("savee", "emovo", "nemo", "ased"):
        held = by_corpus[corpus]
        some = [held[i] for i in rng.permutation(len(held))[:CLIPS]]
        said |= {root / "speech_emotion" / row["path"]: row for row in some}
    paths, rows = _cached(folder, "speech", list(said))
    speakers = [said[path]["speaker"] for path in paths]
    emotions = [said[path]["emotion"] for path in paths]
    acted, codes, _, actors = voice_rows(root, folder)
    rows = np.concatenate([rows, acted])
    speakers += [f"ravdess-{actor:02d}" for actor in actors]
    y = np.array(emotions + [ACTED[int(code) - 1] for code in codes])
    test = np.array([zlib.crc32(speaker.encode()) % 4 == 0 for speaker in speakers])
    return rows, y, test, np.array(speakers)


def speech(root: Path, folder: Path) -> Task:
    rows, y, test, _ = speech_rows(root, folder)
    return scaled("Speech", rows[~test], y[~test], rows[test], y[test], 40, 40, 1400)


def needed(sizes: list[int], mean: np.ndarray, goal: float) -> int | None:
    """The fewest labels from which the mean accuracy is never again below the goal; None: too few were asked for."""
    below = np.flatnonzero(mean < goal)
    place = int(below[-1]) + 1 if len(below) else 0
    return sizes[place] if place < len(sizes) else None


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, default=Path("active_learning"))
    parser.add_argument("--ways", default="; ".join(WAYS), help="those to run, '; ' between; others stay as they were")
    parser.add_argument("--sets", default="GoEmotions,Philharmonia,RAVDESS,Speech", help="some of them")
    parser.add_argument("--parts", type=int, default=1, help="how often the accuracy is taken within each batch")
    arguments, root = parser.parse_args(), Path(os.environ["DATA_ROOT"])
    folder, file = arguments.folder, arguments.folder / "active_learning.json"
    folder.mkdir(parents=True, exist_ok=True)
    warnings.filterwarnings("ignore")
    makers = {
        "GoEmotions": lambda seed: text_task(root, seed),
        "Philharmonia": lambda seed: instruments(root, folder, seed),
        "RAVDESS": lambda seed: voices(root, folder),
        "Speech": lambda seed: speech(root, folder),
    }
    result = json.loads(file.read_text()) if file.is_file() else {}
    for name in arguments.sets.split(","):
        tasks = [makers[name](seed) for seed in SEEDS]
        own = result.setdefault(tasks[0].name, {"pool": len(tasks[0].pool), "test": len(tasks[0].test), "ways": {}})
        for key, dropout in (("all_labels", False), ("all_labels_dropout", True)):
            if key not in own:
                own[key] = [learnt(t, np.arange(len(t.pool)), dropout, s) for t, s in zip(tasks, SEEDS, strict=True)]
            print(f"{tasks[0].name}: pool {own['pool']}, test {own['test']}, {key} {np.mean(own[key]):.3f}", flush=True)
        for way in arguments.ways.split("; "):
            runs = [curve(task, WAYS[way], seed, arguments.parts) for task, seed in zip(tasks, SEEDS, strict=True)]
            sizes, scores = runs[0][0], np.array([scores for _, scores in runs])
            whole = own["all_labels_dropout" if WAYS[way].dropout else "all_labels"]
            least, area = needed(sizes, scores.mean(0), ENOUGH * float(np.mean(whole))), scores.mean(1)
            own["ways"][way] = {"labels": sizes, "accuracy": scores.tolist(), "needed": least}
            print(f"  {way:<30} needs {least}; mean {area.mean():.3f} ± {area.std(ddof=1):.3f}", flush=True)
            file.write_text(json.dumps(result))
    _draw(result, folder / "active_learning.png")


def _draw(result: dict[str, Any], path: Path) -> None:
    """A panel for each task; the ways of the perceptron are dashed."""
    figure, axes = plt.subplots(1, len(result), figsize=(5 * len(result), 5.5))
    lines: dict[str, Any] = {}
    for axis, (name, own) in zip(axes, result.items(), strict=True):
        for way, run in own["ways"].items():
            scores, style = np.array(run["accuracy"]), "--" if WAYS[way].dropout else "-"
            mean, spread = scores.mean(0), scores.std(0, ddof=1)
            colour = "black" if "random" in way else f"C{list(WAYS).index(way)}"
            [lines[way]] = axis.plot(run["labels"], mean, style, label=way, color=colour)
            axis.fill_between(run["labels"], mean - spread, mean + spread, alpha=0.1, color=colour)
        axis.axhline(ENOUGH * float(np.mean(own["all_labels"])), color="grey", linestyle=":")
        axis.set(title=name, xlabel="labels", ylabel="accuracy on the test part")
    figure.legend(lines.values(), lines.keys(), loc="lower center", ncol=5, frameon=False)
    figure.tight_layout(rect=(0, 0.15, 1, 1))
    figure.savefig(path, dpi=80)


if __name__ == "__main__":
    main()
