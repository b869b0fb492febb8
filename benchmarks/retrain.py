"""Do users gain when a released model learns from them, and do raters who mean harm do any? The figures of
docs/retraining.md.

    python benchmarks/retrain.py DATA_ROOT WORK [harmony|harmony_mit|groove|raters] [--seeds 3] [--sizes 20,50,100,300]

Users are made of real data that the release was not trained on, its test part. `harmony`: a jazz listener, who corrects
each suggestion to what a jazz standard does; `harmony_mit`: the same, for the MIT release, which has seen no jazz.
`groove`: a drummer who plays as the drummers of the test part do but the snare 25 ms later; and the same drummers as
they are. Each user gives 20 to 300 events, and is asked about others of other songs (takes) then. Each seed draws
songs. `raters`: eight honest users of 30 events and two adversaries, who answer anything, or agree on chords a tritone
away. Retraining is the same as that of task=retrain, but without its gates, and scored on all other songs of the test
part.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from omegaconf import OmegaConf
from retrain_draws import show

from kmidi_lab import config, start_weights
from kmidi_lab.after_fit import numpy_call
from kmidi_lab.data import DataModule
from kmidi_lab.lab import quieten_lightning
from kmidi_lab.nn.module import LabModule
from kmidi_lab.nn.streaming import from_reset
from kmidi_lab.retraining.adapting import Adapter, cross_validated, losses
from kmidi_lab.retraining.lessons import Lessons
from kmidi_lab.retraining.mixing import FeedbackMixer
from kmidi_lab.retraining.opening import TrainableRelease, opened
from kmidi_lab.retraining.raters import event_weights, rated
from kmidi_lab.targets import build

OUTPUTS = Path(__file__).resolve().parents[1] / "outputs"
SIZES, HELD_OUT, LATE_MS = (20, 50, 100, 300), 1000, 25.0
A_SONG, FROZEN = 10, 150
"""Events that a user gives of a song, and songs of the test part that no user plays."""
JAZZ = ("jazz_standards", "jazz_corpus", "ireal")
STEPS, SHARE = 300, 0.3


class World:
    """A release, its data, and events of songs that it has not heard: its test part, or all of other sources."""

    def __init__(self, model: str, release: Path, data_root: Path, work: Path, others: tuple[str, ...] = ()) -> None:
        quieten_lightning()
        [cfg] = config.check(
            [f"model={model}", f"data.root={data_root}", f"paths.cache_dir={work / 'cache'}", "hardware=cpu"], False
        )
        self.open: TrainableRelease = opened(cfg, release)
        entry = self.open.published.entry
        cfg.data.update({key: value for key, value in entry["data_settings"].items() if key in cfg.data})
        cfg.data.batch_size = 256 if model == "harmony" else 12
        self.data: Any = build(cfg.data, DataModule, [], progress=False)
        self.data.use_contract(self.open.published.contract.version)
        self.data.setup("fit")
        same = self.data.describe()["version"] == entry["training"]["dataset_version"]
        print(f"{model} of {release.name}: data {'are' if same else 'ARE NOT'} those of the release", flush=True)
        OmegaConf.set_struct(cfg, False)
        users, part = self.data, "user"
        tests = [i for i, where in enumerate(self.data.library.splits) if where == "test"]
        for i in np.random.default_rng(0).permutation(tests)[FROZEN:] if not others else []:
            self.data.library.splits[i] = "user"
        if others:  # of sources that the release has not read at all
            cfg.data.sources, part = list(others), "all"
            users = build(cfg.data, DataModule, [], progress=False)
            users.use_contract(self.open.published.contract.version)
            users.setup("test")
        self.e, self.songs, self.users = users.encoded(part), users.songs(part), users
        self.answered = self.e.hit.any((1, 2)) if model == "groove" else np.ones(len(self.e.x), bool)

    def lessons(self, rows: np.ndarray, answers: np.ndarray, rater: np.ndarray | None = None) -> Lessons:
        x = np.ascontiguousarray(self.e.x[rows], np.float32)
        outputs, training = from_reset(self.open.module.network)(x), self.open.training
        targets = training.targets(answers, np.ones(len(x), bool), outputs, self.open.module.head())
        rater = np.zeros(len(x), int) if rater is None else rater
        return Lessons(x, targets, rater, tuple(map(str, range(rater.max() + 1))), {})

    def retrained(self, lessons: Lessons, weights: np.ndarray, seed: int, steps: int = STEPS) -> LabModule:
        L.seed_everything(seed, verbose=False)
        module = type(self.open.module)(**{**self.open.module.hparams, "learning_rate": self.open.training.RATE})
        start_weights.load(module, str(self.open.root))
        self.data.mixed_in = FeedbackMixer(self.open.training, lessons, weights, SHARE, seed)
        trainer = L.Trainer(
            max_steps=steps, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
            enable_model_summary=False, limit_val_batches=0, gradient_clip_val=1.0,
        )  # fmt: skip
        trainer.fit(module, datamodule=self.data)
        self.data.mixed_in = None
        return module.cpu().eval()

    def frozen(self, module: LabModule) -> float:
        """Mean loss of songs of the test part that no user plays."""
        each, weights = self.open.training.test_losses(numpy_call(module.network), module.head(), self.data)
        return float(np.average(each, weights=weights))

    def drawn(self, rng: np.random.Generator, songs: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the user's songs, `most` of them, some in a row of each, and of other songs."""
        some = []
        for song in rng.permutation(songs):
            rows = np.flatnonzero((self.e.song == song) & self.answered)
            begin = rng.integers(max(1, len(rows) - A_SONG + 1))
            some.append(rows[begin : begin + A_SONG])
        rows = np.concatenate(some)
        most = min(most, 6 * len(rows) // 10)
        return rows[:most], rows[most + A_SONG :][:HELD_OUT]


def chords(world: World, seeds: int, sizes: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Loss in nats of the jazz listener's own held-out choices, by size and way."""
    songs = np.flatnonzero([song.source in JAZZ for song in world.songs])
    joint = world.e.joint
    before = np.where(np.diff(world.e.song, prepend=-1) != 0, 96, np.roll(joint, 1))
    out: dict[str, Any] = {}
    for seed in range(1, seeds + 1):
        rows, rest = world.drawn(np.random.default_rng(seed), songs, max(sizes))
        test = world.lessons(rest, joint[rest, None])
        for size in [n for n in sizes if n <= len(rows)]:
            own = rows[:size]
            ways = _ways(world, own, joint[own, None], test, seed, out, size)
            counts = np.bincount(joint[own], minlength=96) + 1 / 96
            unigram = counts / counts.sum()
            pairs = np.zeros((97, 96))
            np.add.at(pairs, (before[own], joint[own]), 1)
            bigram = (pairs + 4 * unigram) / (pairs.sum(1, keepdims=True) + 4)
            ways["own unigram"] = float(-np.log(unigram[joint[rest]]).mean())
            ways["own bigram"] = float(-np.log(bigram[before[rest], joint[rest]]).mean())
            yield out


def grooves(world: World, seeds: int, sizes: Sequence[int], late_ms: float) -> Iterator[dict[str, Any]]:
    """Error in ms of strokes, and the model's loss, of a drummer's held-out bars."""
    e, out = world.e, dict[str, Any]()
    centred = e.centred()
    count = np.maximum(e.hit.sum(2), 1)
    timing, velocity = (part.sum(2) / count for part in (centred.timing, e.velocity))
    unit = 60_000 / 8 / e.bpm
    timing = np.clip(timing + late_ms / unit[:, None] * e.hit[:, :, 1], -1, 1)
    answers = np.concatenate([timing, velocity], 1)
    library = world.users.library
    played = np.array([d for d, where in zip(library.drummers, library.splits, strict=True) if where == "user"])
    drummers = sorted(set(played))
    for seed in range(1, seeds + 1):
        takes = np.flatnonzero(played == drummers[seed % len(drummers)])
        rows, rest = world.drawn(np.random.default_rng(seed), takes, max(sizes))
        test = world.lessons(rest, answers[rest])

        def ms(outputs: np.ndarray, rest: np.ndarray = rest) -> float:
            hit = e.hit[rest].any(2)
            return float((np.abs(outputs[:, :16] - timing[rest]) * unit[rest][:, None])[hit].mean())

        released = from_reset(world.open.module.network)
        for size in [n for n in sizes if n <= len(rows)]:
            own = rows[:size]
            ways = _ways(world, own, answers[own], test, seed, out, size, ms)
            said, more = released(e.x[own]), released(e.x[rest])
            hit = e.hit[own].any(2)
            shift = np.median((timing[own] - said[:, :16])[hit])
            ways["constant shift, ms"] = ms(np.concatenate([more[:, :16] + shift, more[:, 16:]], 1))
            steps = [np.median(timing[own][hit[:, s], s]) if hit[:, s].sum() > 2 else 0.0 for s in range(16)]
            ways["own median of each step, ms"] = ms(np.tile([*steps, *[0.0] * 16], (len(rest), 1)))
            yield out


def _ways(
    world: World, own: np.ndarray, answers: np.ndarray, test: Lessons, seed: int, out: dict[str, Any], size: int,
    ms: Callable[[np.ndarray], float] | None = None,
) -> dict[str, Any]:  # fmt: skip
    lessons, module, training = world.lessons(own, answers), world.open.module, world.open.training
    ways: dict[str, Any] = {}
    out.setdefault(str(size), []).append(ways)
    began = time.perf_counter()
    tried = cross_validated(module, training, lessons, seed)
    adapter = Adapter(module, training, seed)
    adapter.learn(lessons, np.ones(len(lessons)), tried.steps)
    ways |= {
        "adapter, s": time.perf_counter() - began,
        "adapter is kept": float(tried.helps),
        "numbers": adapter.numbers,
    }
    began = time.perf_counter()
    retrained = world.retrained(lessons, np.ones(len(lessons)), seed)
    ways["retrained, s"] = time.perf_counter() - began
    for name, m in (("release", module), ("adapter", adapter.merged()), ("retrained", retrained)):
        ways[name] = float(losses(m, training, test).mean())
        ways[f"frozen {name}"] = world.frozen(m)
        if ms is not None:
            ways[f"{name}, ms"] = ms(from_reset(m.network)(test.x))
    return ways


def raters(world: World, seeds: int) -> Iterator[dict[str, Any]]:
    """Two of ten users mean harm: the frozen test, and held-out choices of honest users, with trust and without."""
    out: dict[str, Any] = {}
    joint, songs = world.e.joint, np.arange(len(world.songs))
    for seed in range(1, seeds + 1):
        rng = np.random.default_rng(seed)
        rows, rest = world.drawn(rng, songs, 300)
        test = world.lessons(rest, joint[rest, None])
        rater = np.arange(300) // 30
        for kind in ("none", "random", "tritone"):
            answers = joint[rows].copy()
            bad = rater >= (10 if kind == "none" else 8)
            answers[bad] = rng.integers(96, size=bad.sum()) if kind == "random" else (answers[bad] + 48) % 96
            lessons = world.lessons(rows, answers[:, None], rater)
            trust = np.array([r.weight for r in rated(world.open.module, world.open.training, lessons, seed)])
            for way, own in (("with trust", trust), ("without", np.ones(10))):
                module = world.retrained(lessons, event_weights(lessons, own), seed)
                row: dict[str, float] = {
                    "frozen release": world.frozen(world.open.module), "frozen retrained": world.frozen(module),
                    "honest release": float(losses(world.open.module, world.open.training, test).mean()),
                    "honest retrained": float(losses(module, world.open.training, test).mean()),
                    "trust honest": float(trust[:8].mean()), "least trust honest": float(trust[:8].min()),
                    "trust adversaries": float(trust[8:].mean()),
                }  # fmt: skip
                out.setdefault(f"{kind}, {way}", []).append(row)
                yield out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_root", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("parts", nargs="*", default=["harmony", "harmony_mit", "groove", "raters"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    asked = parser.parse_args()
    sizes = [int(size) for size in asked.sizes.split(",")]
    torch.set_num_threads(1)
    asked.work.mkdir(parents=True, exist_ok=True)
    for part in asked.parts:
        release = OUTPUTS / ("release_mit" if part == "harmony_mit" else "release")
        others = ("jazz_standards",) if part == "harmony_mit" else ()
        world = World("groove" if part == "groove" else "harmony", release, asked.data_root, asked.work, others)
        users = {"": chords(world, asked.seeds, sizes)}
        if part == "groove":
            users = {
                f"{user}, ": grooves(world, asked.seeds, sizes, ms)
                for user, ms in (("late snare", LATE_MS), ("as is", 0.0))
            }
        elif part == "raters":
            users = {"": raters(world, asked.seeds)}
        result: dict[str, Any] = {}
        for user, so_far in users.items():
            for rows in so_far:
                result |= {f"{user}{group}": row for group, row in rows.items()}
                (asked.work / f"{part}.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
        show(part, result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
