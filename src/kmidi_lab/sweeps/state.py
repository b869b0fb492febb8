"""How far a job of a sweep has come, and the words that go on with it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from kmidi_lab import run_file
from kmidi_lab.errors import ConfigError, DataError, FileError
from kmidi_lab.overrides import quoted
from kmidi_lab.run_record import RunRecord

State = Literal["done", "cut off", "failed", "waiting"]
_LAST = Path("checkpoints", "last.ckpt")
_CHANGES_NOTHING = (
    "sweep", "launcher", "logger", "models_root", "trainer.resume", "trainer.progress",
    "paths.output_root", "paths.models_root", "paths.cache_dir", "data.cache_dir", "data.progress",
)  # fmt: skip
"""Settings that a job may have otherwise and still be the same."""


def state_of(folder: Path) -> State:
    """`cut off` is a job that was killed or stopped, `waiting` one that has left nothing."""
    record = record_of(folder)
    if record is None:
        return "cut off" if (folder / _LAST).is_file() else "waiting"
    own = record.identity
    if own.status == "ok":
        return "done"
    stopped = own.status == "running" or (own.error or "").startswith("stopped")
    return "cut off" if stopped else "failed"


def record_of(folder: Path) -> RunRecord | None:
    """What its run.json says; None where there is none, or it is of no use."""
    try:
        return run_file.read(folder / run_file.FILE)
    except DataError:
        return None


def note_killed(sweep: Path, reason: str) -> None:
    """Records why the jobs of a stopped sweep ended that were killed before they could write it down themselves."""
    for folder in (path for path in sweep.glob("*") if path.name.isdigit()):
        record = record_of(folder)
        if record and record.identity.status == "running":
            with suppress(FileError):  # the stop is told all the same
                run_file.write_failure(folder, record.identity, reason)


def words_to_go_on(words: Sequence[str], folder: Path) -> list[str]:
    """The same job in the same folder, from its last checkpoint where it has kept one."""
    if not (folder / _LAST).is_file():
        return list(words)
    return [*(word for word in words if not word.startswith("trainer.resume=")), f"trainer.resume={quoted(folder)}"]


def words_to_test(words: Sequence[str], folder: Path) -> list[str]:
    """The same job in the same folder with what a job that was only trained has left: student, test, export."""
    return words_to_go_on([*(word for word in words if not word.startswith("sweep.test=")), "sweep.test=all"], folder)


def config_hash(config: Mapping[str, Any]) -> str:
    """Of the settings that decide what a job computes."""
    return sha256(json.dumps(compared(config), sort_keys=True).encode()).hexdigest()


def check_same(folder: Path, config: Mapping[str, Any]) -> None:
    """Raises ConfigError: the job in `folder` was run with other settings than `config`, so it is not this one."""
    record = record_of(folder)
    if record is None or not record.config or config_hash(record.config) == config_hash(config):
        return
    before, now = compared(record.config), compared(config)
    key = min(key for key in {*before, *now} if before.get(key) != now.get(key))
    raise ConfigError(
        f"{folder}: was run with {key}={before.get(key)}, which is {now.get(key)} now; set it as it was, or remove the "
        "folder to have this job run again"
    )


def compared(config: Mapping[str, Any], more: Sequence[str] = ()) -> dict[str, Any]:
    """The settings that decide what a job computes, by key; one that is None counts as absent, as a later kmidi_lab's
    does.

    Args:
        config: plain, as a record keeps it.
        more: further keys, or nodes, that may differ.
    """
    flat = dict(_leaves(json.loads(json.dumps(config, default=str)), ""))
    keys = (*_CHANGES_NOTHING, *more)
    skipped = [*keys, *(f"{key}." for key in keys)]
    return {
        key: value
        for key, value in flat.items()
        if value is not None and not any(key == s or (s.endswith(".") and key.startswith(s)) for s in skipped)
    }


def _leaves(node: Any, prefix: str) -> list[tuple[str, Any]]:
    if not isinstance(node, dict):
        return [(prefix, node)]
    return [leaf for key, value in node.items() for leaf in _leaves(value, f"{prefix}.{key}" if prefix else str(key))]
