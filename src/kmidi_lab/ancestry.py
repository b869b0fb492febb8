"""What a run takes over with the weights that it begins with or goes on from: their licence, and whether they have heard all."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kmidi_lab import resume, run_file
from kmidi_lab.data import ALL, SPLIT
from kmidi_lab.errors import ConfigError, DataError
from kmidi_lab.files import sha256_file
from kmidi_lab.licences import joined
from kmidi_lab.nn.module import HEARD_ALL
from kmidi_lab.run_record import DataDescription, RunRecord

log = logging.getLogger(__name__)
_BEGAN = "started_from"
_NOT_RECORDED = "the start weights' data: not recorded"


@dataclass(frozen=True)
class Start:
    """Where the weights came from, as a record tells it: the file, its hash, and the licence of what it was trained on.

    `anew` names weights that no file holds, as only training uses them; they are as they are drawn for a new network.
    `heard_all`: they were trained on all of their data, validation and test included, or began with such weights.
    """

    source: str
    sha256: str
    licence: str | None
    anew: tuple[str, ...] = ()
    heard_all: bool = False


def record_beside(checkpoint: Path) -> RunRecord | None:
    """Of the run that wrote a checkpoint; None where that is not there or can't be read."""
    try:
        return run_file.read(checkpoint.parent.parent / run_file.FILE)
    except DataError:
        return None


def heard_all(checkpoint: Path, kept: Mapping[str, Any], data: DataDescription | None) -> bool:
    """Whether weights were trained on all of their data, or began with such weights; so it is where nothing tells.

    Args:
        checkpoint: their file.
        kept: what is in it; one of an earlier release doesn't tell.
        data: what the record beside it tells, if there is one.
    """
    if data is not None:
        return data.settings.get("train_on") == ALL or data.began_with_all
    if isinstance(kept.get(HEARD_ALL), bool):
        return bool(kept[HEARD_ALL])
    log.warning(
        "%s: no run.json tells what it was trained on, so it counts as one that has heard all of its data", checkpoint
    )
    return True


def check_resumed(resumed: resume.ResumePoint, start: Start | None, train_on: str) -> None:
    """Before a run goes on from another.

    Args:
        resumed: the other run's checkpoint.
        start: the weights that the command names.
        train_on: the part of the data that the command trains on.

    Raises:
        ConfigError: that run was trained on another part, so that its test would have been heard, or began with other weights.
    """
    record = record_beside(resumed.path)
    if record is None:
        return
    before = record.config.get("data", {}).get("train_on", SPLIT)
    if before != train_on:
        raise ConfigError(f"trainer.resume={resumed.source}: that run has data.train_on={before}; type the same")
    began = began_with(record.data)
    if start is None or began.get("sha256") == start.sha256:
        return
    if not began:
        raise ConfigError(
            f"trainer.resume={resumed.source}: that run began with no other weights; leave out model.init_from"
        )
    theirs = f"{began.get('source')} (SHA-256 {str(began.get('sha256'))[:8]}…)"
    raise ConfigError(
        f"trainer.resume={resumed.source}: that run began with {theirs}, not with {start.source} ({start.sha256[:8]}…); "
        "give that start in model.init_from"
    )


def tell_start(record: RunRecord, start: Start) -> None:
    """The start weights' data have taught this model, too, so their licence goes on with it."""
    assert record.data
    began = {"source": start.source, "sha256": start.sha256, "licence": start.licence}
    record.data.more[_BEGAN] = began | ({HEARD_ALL: True} if start.heard_all else {})
    record.data.licence = joined(record.data.licence, start.licence or _NOT_RECORDED)
    log.info("training starts from the weights of %s", start.source)
    if start.anew:
        log.info("what only training uses is not published and begins anew: %s", ", ".join(start.anew))


def tell_resumed(record: RunRecord, resumed: resume.ResumePoint) -> None:
    """What the run that is gone on from began with, and what has taught it, whatever this command says."""
    assert record.data
    before = record_beside(resumed.path)
    if before is not None and before.data is not None:
        began, licence = began_with(before.data), before.data.licence
        began.pop("share_learnt", None)  # of that run's mixture; this one has its own
    else:
        began, licence = tell_lone(resumed.path, record.config["data"].get("train_on", SPLIT)), _NOT_RECORDED
    if began:
        record.data.more[_BEGAN] = began
    record.data.licence = joined(record.data.licence, licence)


def tell_lone(checkpoint: Path, train_on: str) -> dict[str, Any]:
    """What is told of weights without the record of their run."""
    began = {"source": str(checkpoint), "sha256": sha256_file(checkpoint), "licence": None}
    # A run on all data has no test of its own that could have been heard.
    heard = train_on != ALL and heard_all(checkpoint, resume.read(checkpoint) or {}, None)
    return began | ({HEARD_ALL: True} if heard else {})


def began_with(data: DataDescription | None) -> dict[str, Any]:
    """What a record tells of the start weights; nothing where there were none."""
    told = data.more.get(_BEGAN) if data else None
    return dict(told) if isinstance(told, Mapping) else {}
