"""task=label: takes the labels of a filled-in queue.csv into the store, and says how far the raters agree."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from kmidi_lab.errors import ConfigError, DataError
from kmidi_lab.feedback.importing import add_events
from kmidi_lab.feedback.labels import agreement, read_labels
from kmidi_lab.feedback.store import FILE, Store
from kmidi_lab.files import write_atomic
from kmidi_lab.inference.api import Request
from kmidi_lab.inference.listening import say
from kmidi_lab.inference.published import load_published
from kmidi_lab.targets import find
from kmidi_lab.tasks.predict import models_root


def main(cfg: DictConfig, context: dict[str, Any]) -> None:
    """Stores what is right.

    Raises:
        ConfigError: no file, or a model without labels. DataError: rows were refused; the others are stored.
    """
    if not cfg.label.file:
        raise ConfigError(
            "task=label needs the queue.csv that you filled in; type label.file=outputs/queue/…/queue.csv"
        )
    published = load_published(models_root(cfg, cfg.model.name), cfg.model.name)
    names = find(cfg.predict._target_, Request, cfg.trusted).labels(published) if published else []
    if not names:
        raise ConfigError(f"model={cfg.model.name} has no labels here; choose the model that task=queue asked for")
    store, path = Store(Path(cfg.paths.output_root) / FILE), Path(cfg.label.file)
    events, faults = read_labels(path, cfg.model.name, names, store.salt, int(time.time()))
    new = [event for event in events if not store.has(event.event)]
    added = add_events(store, new, path, faults)
    say(f"{path}: {added.new} labels are new, {len(events) - len(new)} were there")
    labelled = [event for event in store.events(cfg.model.name) if event.action == "labelled"]
    for a, b, count, value in agreement(labelled):
        say(f"  raters {a[:8]}… and {b[:8]}…: {count} items in common, kappa {value:.2f}")
    if faults:
        refused = context["folder"] / "refused.txt"
        write_atomic(refused, "\n".join([*faults, ""]).encode())
        raise DataError(
            f"{path}: {len(faults)} rows were refused, as {faults[0]}; all in {refused}; the others are stored"
        )
