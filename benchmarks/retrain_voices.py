"""Does the released EmotionRecognizer gain from labels of recordings of other voices, and do raters who mean harm do
any?

    python benchmarks/retrain_voices.py DATA_ROOT WORK [--seeds 3] [--sizes 50,100,200]

For docs/retraining.md. One rater gives recordings of a corpus of `speech_emotion/` the corpus's own labels; a third of
its speakers is held out. `raters`: ten raters of 30 labels each, two of whom answer anything or agree on another label.

So that many draws are affordable, a clip is the mean of what the trunk says of it, as lessons are, for the original
data, too: RAVDESS's clips as recorded, each the first of its voice. The loss is the labels'. task=retrain hears changed
copies of them, at random places, and trains intensity and readings as well. The scale of the labels' head is fitted on
the validation speakers, as there, and the gates are those of task=retrain.
"""

from __future__ import annotations

import csv
import hashlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from retrain import OUTPUTS, SHARE, STEPS
from retrain_draws import Result, main
from torch.nn import functional as F

from kmidi_lab import config, start_weights
from kmidi_lab.after_fit import numpy_call
from kmidi_lab.audio.io import read_audio
from kmidi_lab.audio.mel import RATE, log_mel
from kmidi_lab.audio.speaker import fresh
from kmidi_lab.data import DataModule
from kmidi_lab.models.emotion.discriminants import hold_others
from kmidi_lab.models.emotion.features import EMOTIONS
from kmidi_lab.models.emotion.hearing import adapted, spoken_means
from kmidi_lab.models.emotion.module import EmotionRecognizer
from kmidi_lab.models.emotion.scores import uar
from kmidi_lab.nn.layer_rates import parameter_groups
from kmidi_lab.nn.schedule import one_cycle
from kmidi_lab.retraining import gates
from kmidi_lab.retraining.lessons import Lessons
from kmidi_lab.retraining.opening import TrainableRelease, opened
from kmidi_lab.retraining.raters import event_weights, rated
from kmidi_lab.retraining.sounds import NamedSounds
from kmidi_lab.scoring.calibration import sharpness
from kmidi_lab.scoring.metrics import log_likelihoods, softmax
from kmidi_lab.targets import build

CORPORA, MOST, LONGEST_S, TOGETHER, BATCH = ("savee", "emovo", "ased", "nemo"), 600, 6.0, 32, 32
NAMES = {"fearful": "fear", "surprised": "surprise"}
EVENTS, RATERS, BAD = 30, 10, 2
Means = dict[str, NDArray[Any]]


def heard(model: TrainableRelease, training: NamedSounds, data_root: Path, work: Path) -> Means:
    """By corpus and by split of RAVDESS: means `<name>_h` `[N, H]`, labels `<name>_y` and speakers `<name>_s`."""
    kept = work / "means.npz"
    if kept.is_file():
        return dict(np.load(kept))
    call, out = numpy_call(training.layers(model.module)[0]), Means()

    def add(name: str, frames: list[Any], labels: Any, speakers: list[str]) -> None:
        parts = [frames[at : at + TOGETHER] for at in range(0, len(frames), TOGETHER)]
        out[f"{name}_h"] = np.concatenate([spoken_means(call, *adapted(part, fresh(len(part)))) for part in parts])
        out[f"{name}_y"], out[f"{name}_s"] = np.array(labels), np.array(speakers)
        print(f"{name}: {len(frames)} heard", flush=True)

    folder = data_root / "speech_emotion"
    with (folder / "metadata.csv").open(encoding="utf-8") as file:
        everything = list(csv.DictReader(file))
    for corpus in CORPORA:
        rows = [row for row in everything if row["corpus"] == corpus]
        rows = sorted(rows, key=lambda row: hashlib.sha256(row["path"].encode()).hexdigest())[:MOST]
        waves = [read_audio(folder / row["path"], RATE)[: int(LONGEST_S * RATE)] for row in rows]
        labels = [EMOTIONS.index(NAMES.get(row["emotion"], row["emotion"])) for row in rows]
        add(corpus, [log_mel(wave.astype(np.float32)) for wave in waves], labels, [row["speaker"] for row in rows])
    settings = ["model=emotion", f"data.root={data_root}", f"paths.cache_dir={work / 'cache'}", "data.folds=0"]
    [cfg] = config.check([*settings, "data.sources=[ravdess]", "data.augment.variants=0", "data.progress=false"], False)
    data: Any = build(cfg.data, DataModule, [])  # type: ignore[union-attr]
    data.prepare_data()
    data.setup("fit")
    same = data.describe()["version"] == model.published.entry["training"]["dataset_version"]
    print(f"emotion: data {'are' if same else 'ARE NOT'} those of the release", flush=True)
    for split in ("train", "val", "test"):
        clips = data.songs(split)
        add(split, [clip.sound.frames for clip in clips], data.label_indices(split), [clip.group for clip in clips])
    np.savez(kept, **out)  # type: ignore[arg-type]
    return out


class World:
    """The release and what its trunk says of every clip."""

    def __init__(self, data_root: Path, work: Path) -> None:
        [cfg] = config.check(["model=emotion", "hardware=cpu"], False)
        self.open = opened(cfg, OUTPUTS / "release")  # type: ignore[arg-type]
        assert isinstance(self.open.training, NamedSounds) and isinstance(self.open.module, EmotionRecognizer)
        self.training, self.base = self.open.training, self.open.module
        self.of = heard(self.open, self.training, data_root, work)

    def lessons(self, x: NDArray[Any], labels: NDArray[Any], rater: NDArray[Any] | None = None) -> Lessons:
        outputs, head = self.training.outputs(self.base, x), self.base.head()
        targets = self.training.targets(labels[:, None].astype(float), np.ones(len(x), bool), outputs, head)
        rater = np.zeros(len(x), int) if rater is None else rater
        return Lessons(x, targets, rater, tuple(map(str, range(rater.max() + 1))), {})

    def retrained(self, lessons: Lessons, weights: NDArray[Any], seed: int) -> EmotionRecognizer:
        torch.manual_seed(seed)
        rng, base = np.random.default_rng(seed), self.base
        module = EmotionRecognizer(**{**base.hparams, "learning_rate": self.training.RATE})
        start_weights.load(module, str(self.open.root))
        module.start_from(self.training.frozen(module), 1.0, True)
        groups = parameter_groups(module, module.frozen, self.training.RATE, 1.0)
        optimizer = torch.optim.AdamW(groups, lr=self.training.RATE, weight_decay=module.weight_decay)
        hold_others(module.network, optimizer)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, one_cycle(STEPS))
        own, label = torch.from_numpy(self.of["train_h"]).float(), torch.from_numpy(self.of["train_y"])
        count, rest = round(BATCH * SHARE / (1 - SHARE)), self.training.layers(module)[1].train()
        for part in rest.modules():
            part.train(not isinstance(part, torch.nn.BatchNorm1d))
        for _ in range(STEPS):
            first, more = rng.integers(len(own), size=BATCH), rng.choice(len(lessons), count, p=weights / weights.sum())
            x = torch.cat([own[first], torch.from_numpy(lessons.x[more]).float()])
            true = torch.cat([label[first], torch.from_numpy(lessons.targets[more, 0]).long()])
            logits = self.training.trained_logits(module, rest(x[:, None])[:, 0])
            optimizer.zero_grad()
            F.cross_entropy(logits, true, label_smoothing=module.smoothing).backward()
            optimizer.step()
            schedule.step()
        module.eval()
        scale = sharpness(self.said(module, self.of["val_h"]), self.of["val_y"])
        with torch.no_grad():
            module.label.weight.mul_(scale)
            module.label.bias.mul_(scale)
        return module

    def said(self, module: EmotionRecognizer, x: NDArray[Any]) -> NDArray[Any]:
        return self.training.logits(self.training.outputs(module, x), module.head())

    def scores(
        self, module: EmotionRecognizer, x: NDArray[Any], true: NDArray[Any]
    ) -> tuple[NDArray[Any], float, float]:
        """Losses `[N]`, their mean, and UAR over the labels that there are."""
        p = softmax(self.said(module, x))
        losses = -log_likelihoods(p, true)
        return losses, float(losses.mean()), uar(p, true)

    def judged(self, module: EmotionRecognizer, x: NDArray[Any], true: NDArray[Any], seed: int) -> dict[str, float]:
        """Both parts of feedback and test before and after, and whether the gates pass."""
        row, pairs = dict[str, float](), {"own": (x, true), "frozen": (self.of["test_h"], self.of["test_y"])}
        losses = {}
        for name, pair in pairs.items():
            for when, one in (("release", self.base), ("retrained", module)):
                losses[name, when], mean, recall = self.scores(one, *pair)
                row |= {f"{name} loss, {when}": mean, f"{name} UAR, {when}": recall}
        places, label = np.arange(len(x)), self.of["test_y"]
        weights = 1 / np.bincount(label)[label]
        first = gates.not_worse(losses["frozen", "release"], losses["frozen", "retrained"], weights, 0.01, seed)
        second = gates.better(
            losses["own", "release"], losses["own", "retrained"], 0 * places, places, places, np.ones(len(x)), seed
        )
        return row | {"test gate": float(first.passed), "feedback gate": float(second.passed)}


def voices(world: World, seed: int, sizes: list[int], out: Result) -> None:
    """Labels of two thirds of a corpus's speakers, and the others' clips."""
    rng = np.random.default_rng(seed)
    for corpus in CORPORA:
        x, true, speaker = (world.of[f"{corpus}_{part}"] for part in "hys")
        names = rng.permutation(np.unique(speaker))
        held = np.isin(speaker, names[: max(1, len(names) // 3)])
        rows = rng.permutation(np.flatnonzero(~held))
        for size in sizes:
            taken = rows[:size]
            module = world.retrained(world.lessons(x[taken], true[taken]), np.ones(len(taken)), seed)
            out.setdefault(f"{corpus}, {size}", []).append(world.judged(module, x[held], true[held], seed))


def raters(world: World, seed: int, out: Result) -> None:
    """Ten raters of clips of one corpus."""
    rng = np.random.default_rng(seed)
    for corpus in ("ased", "nemo"):
        x, true = world.of[f"{corpus}_h"], world.of[f"{corpus}_y"]
        rows = rng.permutation(len(x))
        own, rest = rows[: EVENTS * RATERS], rows[EVENTS * RATERS :]
        rater = np.arange(len(own)) // EVENTS
        there = np.unique(true)
        for kind in ("none", "random", "agreed"):
            said = true[own].copy()
            bad = rater >= (RATERS if kind == "none" else RATERS - BAD)
            other = {label: there[(place + 1) % len(there)] for place, label in enumerate(there)}
            said[bad] = rng.choice(there, bad.sum()) if kind == "random" else [other[label] for label in said[bad]]
            lessons = world.lessons(x[own], said, rater)
            trust = np.array([one.weight for one in rated(world.base, world.training, lessons, seed)])
            for way, weights in (("with trust", trust), ("without", np.ones(RATERS))):
                module = world.retrained(lessons, event_weights(lessons, weights), seed)
                row = {"trust honest": float(trust[:-BAD].mean()), "least honest": float(trust[:-BAD].min())}
                row |= {"trust of the two": float(trust[-BAD:].mean())}
                out.setdefault(f"{corpus}: {kind}, {way}", []).append(
                    row | world.judged(module, x[rest], true[rest], seed)
                )


if __name__ == "__main__":
    sys.exit(main("emotion", __doc__, World, voices, raters, "50,100,200"))
