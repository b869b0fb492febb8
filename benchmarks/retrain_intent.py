"""Does the released IntentClassifier gain from labels of its users, and do raters who mean harm do any? For
docs/retraining.md.

    python benchmarks/retrain_intent.py DATA_ROOT WORK [--seeds 3] [--sizes 20,100,300]

Users label comments of GoEmotions that the release was not trained on, its test part: as people did there (`as
people`), or with a taste of their own (`own words`: what people call surprise is fear to them, and disgust is anger).
Each gives 20 to 300 labels and is then asked about 1,000 other comments. `raters`: ten users of 30 labels, two of whom
answer anything, or agree on another feeling. Retraining is that of task=retrain without its gates; frozen are the other
test sentences.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
from retrain import OUTPUTS, SHARE, STEPS
from retrain_draws import Result, main

from kmidi_lab import config, start_weights
from kmidi_lab.after_fit import numpy_call
from kmidi_lab.data import DataModule
from kmidi_lab.lab import quieten_lightning
from kmidi_lab.models.intent.features import LABELS
from kmidi_lab.models.intent.reading import label_logits
from kmidi_lab.models.intent.scores import macro_f1
from kmidi_lab.nn.module import LabModule
from kmidi_lab.nn.streaming import from_reset
from kmidi_lab.retraining.adapting import Adapter, cross_validated, losses
from kmidi_lab.retraining.lessons import Lessons
from kmidi_lab.retraining.mixing import FeedbackMixer
from kmidi_lab.retraining.opening import TrainableRelease, opened
from kmidi_lab.retraining.raters import event_weights, rated
from kmidi_lab.targets import build

HELD_OUT, USERS = 1000, 1400
OWN_WORDS = {"surprise": "fear", "disgust": "angry"}
EVENTS, RATERS, BAD = 30, 10, 2


class World:
    """The release, its data, and the test sentences with one label that people gave: of users, and frozen."""

    def __init__(self, data_root: Path, work: Path) -> None:
        quieten_lightning()
        overrides = ["model=intent", f"data.root={data_root}", f"paths.cache_dir={work / 'cache'}", "hardware=cpu"]
        [cfg] = config.check([*overrides, "data.progress=false"], False)
        self.open: TrainableRelease = opened(cfg, OUTPUTS / "release")
        entry = self.open.published.entry
        self.data: Any = build(cfg.data, DataModule, [], progress=False)
        self.data.setup("fit")
        same = self.data.describe()["version"] == entry["training"]["dataset_version"]
        print(f"intent: data {'are' if same else 'ARE NOT'} those of the release", flush=True)
        self.data.use_table(self.open.published.table)
        test = [s for s in self.data.songs("test") if s.labels]
        self.x = self.data.vectors_of([s.text for s in test])
        self.true = np.array([[label in s.labels for label in LABELS] for s in test])
        one = [i for i, s in enumerate(test) if len(s.labels) == 1 and s.source == "goemotions"]
        self.users = np.random.default_rng(0).permutation(one)[:USERS]
        self.rest = np.setdiff1d(np.arange(len(test)), self.users)
        self.label = self.true.argmax(1)

    def lessons(self, rows: np.ndarray, answers: np.ndarray, rater: np.ndarray | None = None) -> Lessons:
        x, training, head = self.x[rows], self.open.training, self.open.module.head()
        liked = np.ones(len(x), bool)
        targets = training.targets(answers[:, None], liked, from_reset(self.open.module.network)(x), head)
        rater = np.zeros(len(x), int) if rater is None else rater
        return Lessons(x, targets, rater, tuple(map(str, range(rater.max() + 1))), {})

    def retrained(self, lessons: Lessons, weights: np.ndarray, seed: int) -> LabModule:
        L.seed_everything(seed, verbose=False)
        training, base = self.open.training, self.open.module
        module = type(base)(**{**base.hparams, "learning_rate": training.RATE})
        start_weights.load(module, str(self.open.root))
        module.start_from(training.frozen(module), 1.0, True)
        self.data.mixed_in = FeedbackMixer(training, lessons, weights, SHARE, seed)
        trainer = L.Trainer(
            max_steps=STEPS, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
            enable_model_summary=False, limit_val_batches=0, gradient_clip_val=1.0,
        )  # fmt: skip
        trainer.fit(module, datamodule=self.data)
        self.data.mixed_in = None
        return module.cpu().eval()

    def frozen(self, module: LabModule) -> dict[str, float]:
        """The loss of the gate, each label alike, and macro F1 by the released cuts, of sentences that no user labels."""
        logits = label_logits(numpy_call(module.network)(self.x[self.rest]), module.head())
        true = self.true[self.rest]
        each = np.logaddexp(0, np.where(true, -logits, logits)).sum(1)
        cuts = 1 / (1 + np.exp(-self.open.module.head()["cut_bias"]))
        weights = (true / true.sum(0)).sum(1)
        return {
            "frozen loss": float(np.average(each, weights=weights)),
            "frozen F1": macro_f1(1 / (1 + np.exp(-logits)), true, cuts),
        }

    def own(self, module: LabModule, test: Lessons) -> dict[str, float]:
        """A user's own held-out labels: loss in nats, and how often the likeliest label is theirs."""
        logits = label_logits(from_reset(module.network)(test.x), module.head())
        right = (logits - module.head()["cut_bias"]).argmax(1) == test.targets.argmax(1)
        return {"loss": float(losses(module, self.open.training, test).mean()), "right": float(right.mean())}


def tastes(world: World, seed: int, sizes: list[int], out: Result) -> None:
    rows = np.random.default_rng(seed).permutation(world.users)
    mapped = np.array([LABELS.index(OWN_WORDS.get(label, label)) for label in LABELS])
    for user, words in (("as people", np.arange(len(LABELS))), ("own words", mapped)):
        answers = words[world.label]
        test = world.lessons(rows[-HELD_OUT:], answers[rows[-HELD_OUT:]])
        for size in sizes:
            lessons = world.lessons(rows[:size], answers[rows[:size]])
            found = cross_validated(world.open.module, world.open.training, lessons, seed)
            adapter = Adapter(world.open.module, world.open.training, seed)
            adapter.learn(lessons, np.ones(size), found.steps)
            ways = {"release": world.open.module, "adapter": adapter.merged()}
            ways["retrained"] = world.retrained(lessons, np.ones(size), seed)
            row: dict[str, float] = {"adapter is kept": float(found.helps)}
            for way, module in ways.items():
                scores = world.own(module, test) | world.frozen(module)
                row |= {f"{way}, {name}": value for name, value in scores.items()}
            out.setdefault(f"{user}, {size}", []).append(row)


def raters(world: World, seed: int, out: Result) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.permutation(world.users)
    own, rest = rows[: EVENTS * RATERS], rows[-HELD_OUT:]
    rater = np.arange(len(own)) // EVENTS
    test = world.lessons(rest, world.label[rest])
    for kind in ("none", "random", "agreed"):
        answers = world.label[own].copy()
        bad = rater >= (RATERS if kind == "none" else RATERS - BAD)
        many = len(LABELS)
        answers[bad] = rng.integers(many, size=bad.sum()) if kind == "random" else (answers[bad] + 3) % many
        lessons = world.lessons(own, answers, rater)
        trust = np.array([r.weight for r in rated(world.open.module, world.open.training, lessons, seed)])
        for way, weights in (("with trust", trust), ("without", np.ones(RATERS))):
            module = world.retrained(lessons, event_weights(lessons, weights), seed)
            row = {"trust honest": float(trust[:-BAD].mean()), "least honest": float(trust[:-BAD].min())}
            row |= {"trust of the two": float(trust[-BAD:].mean())}
            row |= {f"release, {name}": value for name, value in world.frozen(world.open.module).items()}
            row |= world.frozen(module) | {f"honest {name}": value for name, value in world.own(module, test).items()}
            out.setdefault(f"{kind}, {way}", []).append(row)


if __name__ == "__main__":
    sys.exit(main("intent", __doc__, World, tastes, raters, "20,100,300"))
