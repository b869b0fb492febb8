"""task=label: people's labels into the store, from a page on this machine or a filled-in queue.csv; how far raters
agree.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from kmidi_lab.errors import ConfigError, DataError
from kmidi_lab.feedback.labels import Labels, kappa, take_in
from kmidi_lab.feedback.material import BY_VOTES, Asker, Item, event_fields
from kmidi_lab.feedback.queue import LABELLED, queue_items, queue_questions, read_rows
from kmidi_lab.feedback.rounds import Rounds
from kmidi_lab.feedback.store import FILE, Store
from kmidi_lab.files import write_atomic
from kmidi_lab.streams import say
from kmidi_lab.tasks.asking import SHOWN, asker, to_ask
from kmidi_lab.wandb_rounds import check as check_wandb
from kmidi_lab.wandb_rounds import log_step
from kmidi_lab.wording import many, others_are

_MOST_PORT = 65535


def main(cfg: DictConfig, context: dict[str, Any]) -> None:
    """Stores what is right, or serves the page until Ctrl-C.

    Raises:
        ConfigError: no file, a model without labels, or a wrong setting. DataError: rows were refused, the others are
            stored; or there is nothing to ask about. UserError: the packages of the page are not installed.
    """
    if not (cfg.label.file or cfg.label.page):
        raise ConfigError(
            "task=label needs the queue.csv that you filled in; type label.file=outputs/queue/…/queue.csv, or "
            "label.page=true to label on a page"
        )
    if cfg.label.page:
        _check_page(cfg)
    check_wandb(cfg)
    of = asker(cfg)
    labels = Labels(Store(Path(cfg.paths.output_root) / FILE), cfg.model.name)
    if cfg.label.page:
        before = labels.counts()["labels"]
        _serve(cfg, of, labels)
        _note(cfg, context["folder"], of, labels, labels.counts()["labels"] - before, 0)
    else:
        _take_in(cfg, Path(cfg.label.file), of, labels, context["folder"])


def _note(cfg: DictConfig, folder: Path, of: Asker, labels: Labels, new: int, refused: int) -> None:
    """Adds what this step has brought to the round of active learning."""
    pairs = [of.request.alike(x, y) for *_, own in labels.agreement() for x, y in own]
    facts = {"new": new, "refused": refused, "pairs": len(pairs), "alike": sum(pairs), **labels.counts()}
    log_step(cfg, folder, Rounds(Path(cfg.paths.output_root), cfg.model.name), "label", facts)


def _take_in(cfg: DictConfig, path: Path, of: Asker, labels: Labels, folder: Path) -> None:
    check = lambda text: of.request.checked_label(text, of.published)
    lost: list[str] = []
    # Labels are taken without the column of their material, too.
    rows = [(number, row) for number, row in read_rows(path, LABELLED, also=("source",)) if row["label"]]
    if not rows:
        raise DataError(
            f"{path}: no row has a label; write one into the column `label` of each row that you know, and save it"
        )
    found = queue_questions(path, rows, Path(cfg.data.root), of, lost.append)
    fields = {question.item: event_fields(question, of.published) for _, question in found}
    new, there, faults = take_in(path, rows, labels, check, int(time.time()), fields)
    say(f"{path}: {many(new, 'new label')}, {there} there before")
    if new + there and not any(row["rater"] for _, row in rows):
        say("  no row names a rater: all labels count as one person's, `me`; fill in `rater` where they are not")
    if lost:
        say(f"  {many(len(lost), 'row')} whose material was not found; no training can use their labels: {lost[0]}")
    for a, b, pairs in labels.agreement():
        same = sum(of.request.alike(x, y) for x, y in pairs)
        beyond = f", kappa {kappa(pairs):.2f}" if of.request.labels(of.published) else ""
        say(f"  raters {a[:8]}… and {b[:8]}…: {many(len(pairs), 'item')} in common, {same} alike{beyond}")
    if faults:
        refused = folder / "refused.txt"
        write_atomic(refused, "\n".join([*faults, ""]).encode("utf-8", "backslashreplace"))
        for fault in faults[:SHOWN]:
            say(f"  refused: {fault}")
    _note(cfg, folder, of, labels, new, len(faults))
    if faults:
        raise DataError(
            f"{path}: {many(len(faults), 'row')} refused, each with its reason in {refused}; {others_are(new + there)}"
        )


def _check_page(cfg: DictConfig) -> None:
    from kmidi_lab.serving.server import check_free, check_packages

    check_packages("label")
    if cfg.label.by in BY_VOTES:
        raise ConfigError(
            f"label.by={cfg.label.by} needs task=queue; make a queue with queue.by={cfg.label.by} and give it by label.file"
        )
    if not 1 <= cfg.label.port <= _MOST_PORT:
        raise ConfigError(f"label.port={cfg.label.port} must be 1 to {_MOST_PORT}")
    check_free("label", str(cfg.label.host), int(cfg.label.port))


def _serve(cfg: DictConfig, of: Asker, labels: Labels) -> None:
    from kmidi_lab.serving.guards import Hosts, bracketed
    from kmidi_lab.serving.label_app import make_label_app
    from kmidi_lab.serving.labelling import Desk
    from kmidi_lab.serving.server import listen

    host, port = str(cfg.label.host), int(cfg.label.port)
    app = make_label_app(Desk(of, _items(cfg, of, labels), labels), Hosts(host, port))
    say(f"http://{bracketed(host)}:{port} - Ctrl-C ends it; labels are kept in {Path(cfg.paths.output_root) / FILE}")
    if host not in ("127.0.0.1", "localhost", "::1"):
        say(f"{host} can be reached from other machines, which can hear and read the material; there is no password")
    listen(app, "label", host, port)


def _items(cfg: DictConfig, of: Asker, labels: Labels) -> list[Item]:
    """Those of the queue, or those of data.root that nobody has labelled."""
    if not cfg.label.file:
        return to_ask(cfg, of, cfg.label.by, cfg.label.count, labels)
    refused: list[str] = []
    items = list(queue_items(Path(cfg.label.file), Path(cfg.data.root), of, refused.append))
    for line in refused[:SHOWN]:
        say(f"left out: {line}")
    if not items:
        raise DataError(
            f"label.file={cfg.label.file}: none of it is in data.root={cfg.data.root}; type data.root=FOLDER"
        )
    say(f"{len(items)} to label, {len(refused)} left out")
    return items
