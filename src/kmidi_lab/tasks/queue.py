"""task=queue: ranks unlabelled material by what asking about it would teach, and writes a file to fill in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from kmidi_lab.feedback.labels import Labels
from kmidi_lab.feedback.queue import queue_rows
from kmidi_lab.feedback.rounds import Facts, Rounds
from kmidi_lab.feedback.store import FILE, Store
from kmidi_lab.files import write_atomic
from kmidi_lab.streams import say
from kmidi_lab.tasks.again import command
from kmidi_lab.tasks.asking import SHOWN, asker, to_ask
from kmidi_lab.tasks.members import check_options
from kmidi_lab.wandb_rounds import check as check_wandb
from kmidi_lab.wandb_rounds import log_step

_SCORES = {
    "margin": " (minus the lead of its likeliest answer)",
    "far": " (how far it is from what stands above and, but for recordings, from what is labelled, times how unsure the model is)",
    "information": " (how much its label would tell of all the others)",
}


def main(cfg: DictConfig, context: dict[str, Any]) -> None:
    """Writes `queue.csv`.

    Raises:
        ConfigError: the model can't be asked, or a wrong setting. DataError: nothing to ask about.
    """
    check_wandb(cfg)
    model, of = cfg.model.name, asker(cfg)
    by = cfg.queue.by or of.request.asks_by
    check_options(cfg, by)
    labels = Labels(Store(Path(cfg.paths.output_root) / FILE), model)
    items = to_ask(cfg, of, by, cfg.queue.count, labels, cfg.queue.diverse)
    say(f"  score{_SCORES.get(by, '')}, place and the model's answer; the highest score first:")
    for item in items[:SHOWN]:
        answer, chance = item.guess.likeliest
        say(f"  {item.score:.4f}  {item.source}  {answer} {chance:.0%}")
    if len(items) > SHOWN:
        say(f"  and {len(items) - SHOWN} more")
    path = context["folder"] / "queue.csv"
    write_atomic(path, queue_rows(items))
    say(f"written: {path}")
    mean = sum(item.score for item in items) / len(items)
    facts: Facts = {
        "by": by,
        "asked": len(items),
        "mean_score": mean,
        **labels.counts(),
    }
    first = items[0]
    such_as = ", ".join(of.request.choices(first.question, first.guess, of.published)[:3])
    names = ", ".join(of.request.labels(of.published)) or f"such as {such_as}"
    label = f"task=label model={model}"
    filled = command(*label.split(), label__file=path, data__root=cfg.data.root)
    say(f"fill in `label` ({names}) and type python -m kmidi_lab {filled}")
    page = command(*label.split(), "label.page=true", label__file=path, data__root=cfg.data.root)
    say(f"or label on a page: python -m kmidi_lab {page}")
    log_step(cfg, context["folder"], Rounds(Path(cfg.paths.output_root), model), "queue", facts)
