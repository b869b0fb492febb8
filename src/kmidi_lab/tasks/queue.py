"""task=queue: ranks unlabelled material by what asking about it would teach, and writes a file to fill in."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig, OmegaConf

from kmidi_lab.errors import ConfigError, DataError, one_of
from kmidi_lab.feedback.asking import SCORES, batch
from kmidi_lab.feedback.material import material
from kmidi_lab.feedback.store import FILE, Store
from kmidi_lab.files import write_atomic
from kmidi_lab.inference.api import Request
from kmidi_lab.inference.listening import say
from kmidi_lab.inference.published import load_published
from kmidi_lab.targets import find
from kmidi_lab.tasks.predict import models_root

_SHOWN = 10


def main(cfg: DictConfig, context: dict[str, Any]) -> None:
    """Writes `queue.csv`.

    Raises:
        ConfigError: the model can't be asked, or a wrong setting. DataError: nothing to ask about.
    """
    options, folder = cfg.queue, Path(cfg.data.root)
    if options.by not in SCORES:
        raise ConfigError(one_of("queue.by", options.by, SCORES))
    if options.count < 1:
        raise ConfigError(f"queue.count={options.count} must be 1 or more")
    if OmegaConf.is_missing(cfg, "predict"):
        raise ConfigError(f"model={cfg.model.name} can't be asked; choose another model=…")
    request = find(cfg.predict._target_, Request, cfg.trusted)
    published = load_published(models_root(cfg, cfg.model.name), cfg.model.name)
    if published is None:
        raise ConfigError(f"no trained {cfg.model.name} model; train one, or type models_root=outputs/release")
    names = request.labels(published)
    if not names:
        raise ConfigError(f"model={cfg.model.name} has no labels to ask for; choose a model that names one of several")
    store = Store(Path(cfg.paths.output_root) / FILE)
    known = {event.item for event in store.events(cfg.model.name) if event.action == "labelled"}
    refused: list[str] = []
    items = [
        item
        for item in material(folder, request, published, lambda path, why: refused.append(f"{path}: {why}"))
        if item.sha256 not in known
    ]
    for line in refused[:_SHOWN]:
        say(f"left out: {line}")
    if not items:
        raise DataError(
            f"data.root={folder}: nothing to ask about; give a folder of .txt files or recordings not yet labelled"
        )
    outputs = np.stack([item.output for item in items])
    chances = np.stack([request.chances(output, published) for output in outputs])
    scores = SCORES[options.by](chances)
    order = batch(scores, outputs, min(options.count, len(items)))
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(["rank", "source", "score", "guess", "chance", "label", "rater", "item"])
    for rank, place in enumerate(order, start=1):
        best = int(chances[place].argmax())
        row = [rank, items[place].source, f"{scores[place]:.4f}", names[best], f"{chances[place][best]:.3f}"]
        table.writerow([*row, "", "", items[place].sha256])
        if rank <= _SHOWN:
            say("  " + "  ".join(map(str, row)))
    path = context["folder"] / "queue.csv"
    write_atomic(path, out.getvalue().encode("utf-8", "surrogateescape"))
    say(f"{len(items)} to ask about, {len(refused)} left out; written: {path}")
    say(f"fill in `label` ({', '.join(names)}) and type task=label model={cfg.model.name} label.file={path}")
