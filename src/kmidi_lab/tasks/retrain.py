"""task=retrain: a released model learns from feedback; what passes the gates is published, and all else is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig

from kmidi_lab import lab
from kmidi_lab.conf_dir import conf_dir
from kmidi_lab.data import ALL, SPLIT, DataModule
from kmidi_lab.errors import ConfigError, DataError, NotBetterError
from kmidi_lab.feedback.rounds import LAST, Rounds, facts_of
from kmidi_lab.files import write_atomic
from kmidi_lab.inference.published import has_registry
from kmidi_lab.registry.policy import may_replace
from kmidi_lab.registry.registry import published_entry
from kmidi_lab.retraining.gated import Retraining
from kmidi_lab.retraining.going_on import Basis, begun, events_again, settings_of
from kmidi_lab.retraining.lessons import ALIKE, Lessons
from kmidi_lab.retraining.mixing import FeedbackMixer
from kmidi_lab.retraining.opening import (
    TrainableRelease,
    events_of,
    judged_by,
    lessons_of,
    opened,
    recordings_of,
)
from kmidi_lab.retraining.raters import DOUBTFUL, Rater, event_weights, rated, rated_by_learnt
from kmidi_lab.retraining.splitting import held_out
from kmidi_lab.streams import say
from kmidi_lab.targets import find, plain_values
from kmidi_lab.tasks.roots import start_root, way_back
from kmidi_lab.wording import many

FEWEST = 20
"""Events, or ratings of songs, below which nothing is tried."""
HEARD = (
    "  this model has heard all of its data, the frozen test included: the gate of the frozen test tells whether it forgets, "
    "and no score tells how good it is, so what is published has status training"
)
"""What is said where the start has no test of its own."""
_MANY_EPOCHS = 1000
_KEPT_STEPS = 25
"""From one checkpoint to the next; a run that was killed goes on from the last."""


def main(cfg: DictConfig, context: dict[str, Any]) -> None:
    """Trains from the release on its own data and feedback, and publishes by the gates.

    Raises:
        ConfigError: a setting out of range, or a model that can't learn so. DataError: too little feedback, or other
            data than the release was trained on. NotBetterError: a gate failed; nothing was published.
    """
    _check(cfg)
    root = Path(cfg.model.init_from) if cfg.model.init_from else start_root(cfg, cfg.model.name)
    events, wrong = events_of(cfg.retrain.feedback, Path(cfg.paths.output_root))
    model = opened(cfg, root)
    settings = settings_of(cfg.retrain, cfg.seed)
    release = model.published.entry["exports"]["sha256"]
    if cfg.trainer.resume:
        events = events_again(cfg.trainer.resume, release, settings, events)
    again = begun(cfg.trainer.resume).recordings if cfg.trainer.resume else None
    recordings = recordings_of(model, cfg, events, again)
    lessons = lessons_of(model, events, recordings)
    of = f"{many(len(events), 'event')} can be learnt from, of {many(len(lessons.raters), 'user')}"
    say(f"{len(lessons)} of {of}{lessons.counted}")
    for why, count in lessons.left_out.items():
        say(f"  {count} left out: {why}")
    if lessons.alike:
        say(ALIKE)
    for remark in model.training.remarks(lessons):
        say(f"  {remark}")
    if wrong:
        say(f"  {many(wrong, 'line')} left out: no events (task=feedback feedback.import=FILE says why)")
    if lessons.judgements < FEWEST:
        raise DataError(
            f"{many(lessons.judgements, 'event')} can be learnt from by {cfg.model.name} of {model.root}; {FEWEST} are needed"
        )
    raters = rated(model.module, model.training, lessons, cfg.seed) if cfg.retrain.weigh else _all_alike(lessons)
    trust = np.array([rater.weight for rater in raters])
    if not trust.any():
        raise DataError(
            "no user agrees with any other, or with the model, more than chance would; nothing to learn from"
        )
    parts = held_out(lessons, trust, cfg.retrain.held_out, cfg.seed)
    if cfg.retrain.weigh:
        raters = rated_by_learnt(model.module, model.training, lessons, parts.learnt, raters, cfg.seed)
        trust = np.array([rater.weight for rater in raters])
    for rater in raters:
        if rater.weight < DOUBTFUL:
            say(f"  user {rater.use}, {many(rater.events, 'event')}, is trusted by {rater.weight:g} of 1")
    _set(cfg, model)
    if model.heard_all:
        if cfg.export.enabled:
            _check_place(cfg, model)
        say(HEARD)
    report = Retraining(model, lessons, raters, parts, cfg.retrain.margin, cfg.seed)

    def begin(data: DataModule) -> FeedbackMixer:
        _check_data(cfg, model, data)
        if (judges := judged_by(model, data, lessons, recordings)).any():
            why = f"of {model.training.ITEMS} by which the original data validate or test"
            report.leave_out(judges, why)
            say(f"  {judges.sum()} left out: {why}")
        say(f"  {report.parts}")
        ids = [event.event for event in events if event.model == cfg.model.name]
        Basis(release, settings, ids, recordings.heard if recordings else []).write(context["folder"])
        write_atomic(context["folder"] / "retrain.json", report.json(), mode=0o600)
        learnt = report.learnt
        return FeedbackMixer(model.training, learnt, event_weights(learnt, trust), cfg.retrain.share, cfg.seed)

    context["rounds"] = rounds = Rounds(Path(cfg.paths.output_root), cfg.model.name)
    rounds.number()
    record = lab.train(cfg, context, lab.Additions(begin, report.gate, _KEPT_STEPS))
    if record.primary is None:
        return  # another rank than the first: it has trained its share and has nothing to say
    write_atomic(context["folder"] / "retrain.json", report.json(), mode=0o600)
    published = record.export is not None and record.export.published
    retrained = (record.data and record.data.more.get("retrained")) or {}
    rounds.note(LAST, {**facts_of(retrained), "published": published})
    for gate in report.gates:
        say(f"  {gate}")
    failed = [gate.name for gate in report.gates if not gate.passed]
    if failed:
        raise NotBetterError(f"nothing was published: the gate of the {' and of the '.join(failed)} failed")
    if record.export is None or not record.export.published:
        raise NotBetterError(
            f"nothing was published: {record.export.reason if record.export else 'export.enabled=false'}"
        )
    say(f"published in {record.export.models_root}, status {record.export.status}")
    if behind := way_back(Path(record.export.models_root), cfg.model.name):
        say(f"  {behind}")


def _all_alike(lessons: Lessons) -> list[Rater]:
    counts = np.bincount(lessons.rater, minlength=len(lessons.raters)).tolist()
    return [Rater(use, count, 1.0) for use, count in zip(lessons.raters, counts, strict=True)]


def _check(cfg: DictConfig) -> None:
    for key, low, high in (
        ("share", 0.01, 0.9),
        ("held_out", 0.05, 0.5),
        ("margin", 0.0, 0.05),
        ("learning_rate", 1e-6, 0.1),
    ):
        if cfg.retrain[key] is not None and not low <= cfg.retrain[key] <= high:
            raise ConfigError(f"retrain.{key}={cfg.retrain[key]:g} must be {low:g} to {high:g}")
    if not 1 <= cfg.retrain.steps <= 100_000:
        raise ConfigError(f"retrain.steps={cfg.retrain.steps} must be 1 to 100000")


def _set(cfg: DictConfig, model: TrainableRelease) -> None:
    """One training of so many batches from the release, whose last weights count: validation is on the original data alone."""
    cfg.model.init_from = str(model.root)
    cfg.model.freeze = [*dict.fromkeys([*cfg.model.freeze, *model.training.frozen(model.module)])]
    cfg.model.module.learning_rate = cfg.retrain.learning_rate or model.training.RATE
    settings = find(cfg.data._target_, DataModule, cfg.trusted).identity(
        model.published.entry.get("data_settings") or {}
    )
    # What it has heard can still be forgotten, if the retraining does not hear it again.
    if settings.get("train_on") == ALL:
        settings["train_on"] = SPLIT
    cfg.data.update(plain_values(settings, model.root))
    for part, own in model.training.DATA.items():
        if cfg.data.get(part) is not None:
            cfg.data[part].update(own)
    steps = cfg.retrain.steps
    once = {"max_steps": steps, "val_check_interval": steps, "check_val_every_n_epoch": None}
    cfg.trainer.update({"max_epochs": _MANY_EPOCHS, "ema": 0.0, "patience": 0, "more": {**cfg.trainer.more, **once}})


def _check_place(cfg: DictConfig, model: TrainableRelease) -> None:
    """Raises ConfigError: what the training would earn can't be published there."""
    there = Path(cfg.models_root)
    old = published_entry(there, model.published.contract.id) if has_registry(there) else None
    allowed, why = may_replace(old, "training")
    if not allowed:
        raise ConfigError(
            f"models_root={there}: what is retrained from a model that has heard all of its data has status training, and {why}; "
            f"type models_root=FOLDER model.init_from={model.root}"
        )


def _check_data(cfg: DictConfig, model: TrainableRelease, data: DataModule) -> None:
    """Raises DataError: what the release was trained on is not there, so nothing would keep it from forgetting."""
    here, there = data.describe()["version"], model.published.entry["training"].get("dataset_version")
    if here != there:
        name, sources = cfg.model.name, ", ".join(map(str, cfg.data.get("sources") or [data.describe()["id"]]))
        recipe = (conf_dir() / "experiment" / f"{name}_real.yaml").is_file()
        raise DataError(
            f"{model.root} was trained on other data than {cfg.paths.data_root} holds ({there}, not {here}); its data is "
            f"mixed in so that nothing is forgotten: set DATA_ROOT to where {sources} lie as they were then"
            f"{f', with experiment={name}_real if it was trained so' if recipe else ''}, or retrain a "
            f"model of your own data: python -m kmidi_lab model={name}; task=adapt model={name} needs no data"
        )
