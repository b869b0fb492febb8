"""The command that goes on with a job which was stopped, as it can be copied from the screen."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from kmidi_lab import command_line, run_config
from kmidi_lab.errors import ConfigError
from kmidi_lab.files import ROOTS
from kmidi_lab.overrides import unquoted
from kmidi_lab.sweeps import kept
from kmidi_lab.sweeps.state import state_of

_OF_THE_SWEEP = ("sweep=", "sweep.", "launcher=", "trainer.resume=", "hydra.run.", "hydra.sweep.")


def command(overrides: Iterable[str], folder: Path, options: Sequence[str] = ()) -> str | None:
    """The same settings from the last checkpoint in `folder`; from where the job itself went on where it kept none.

    Args:
        overrides: of the job, as Hydra has them.
        folder: of the job.
        options: of the command line, such as `--config-dir`.

    Returns:
        One line for a shell; None where nothing was trained yet.
    """
    words = [word for word in overrides if not word.startswith(_OF_THE_SWEEP)]
    resumed = [word for word in overrides if word.startswith("trainer.resume=") and not word.endswith("=null")]
    if (folder / "checkpoints" / "last.ckpt").is_file():
        resumed = [f"trainer.resume={folder.resolve()}"]
    return line([*options, *words, *resumed]) if resumed else None


def line(words: Iterable[str]) -> str:
    """A call of the lab for a shell, with the folders that the environment names."""
    roots = [f"{key}={shlex.quote(os.environ[key])}" for key in ROOTS if os.environ.get(key)]
    return " ".join([*roots, shlex.join([sys.executable, "-m", "kmidi_lab", *map(unquoted, words)])])


def rest_of_sweep(folder: Path, jobs: Sequence[Sequence[str]], options: Sequence[str] = ()) -> list[str]:
    """How to go on with a sweep, and one line for each of its jobs that is not done: how to go on with it, or begin it.

    Args:
        folder: of the sweep.
        jobs: the overrides of every job.
        options: of the command line.
    """
    begun = set()
    lines = _whole_sweep(folder, options)
    for own in sorted((p for p in folder.glob("*") if p.name.isdigit()), key=lambda p: int(p.name)):
        overrides = run_config.overrides(own)
        begun.add(_of_the_job(overrides))
        if (there := state_of(own)) != "done":
            again = command(overrides, own, options) or line([*options, *_alone(overrides)])
            what = "failed; to try it again" if there == "failed" else "was stopped; to resume"
            lines.append(f"job {own.name} {what}, type: {again}")
    waiting = [job for job in jobs if _of_the_job(job) not in begun]
    return [*lines, *(f"not begun: {line([*options, *_alone(job)])}" for job in waiting)]


def _whole_sweep(folder: Path, options: Sequence[str]) -> list[str]:
    try:
        begun = kept.read(folder)
        again = begun.to_type_again(command_line.parse(begun.words).overrides)
    except ConfigError:
        return []
    words = ["-m", *options, f"{kept.RESUME}{folder.resolve()}", *again]
    return [f"to go on with the whole sweep, type: {line(words)}"]


def _of_the_job(overrides: Iterable[str]) -> frozenset[str]:
    """Without what a sweep adds by itself."""
    return frozenset(word for word in overrides if not word.startswith(("sweep.", "trainer.resume=")))


def _alone(overrides: Iterable[str]) -> list[str]:
    return [word for word in overrides if not word.startswith(("sweep=", "sweep.", "launcher="))]
