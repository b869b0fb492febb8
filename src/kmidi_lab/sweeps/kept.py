"""sweep.json in a sweep's folder: the command and its jobs, written before the first begins, so that it can go on."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path

from filelock import FileLock, Timeout

from kmidi_lab.errors import ConfigError, one_line
from kmidi_lab.files import write_atomic
from kmidi_lab.launcher_schema import RayConfig, SlurmConfig, WorkersConfig
from kmidi_lab.overrides import quoted, unquoted
from kmidi_lab.registry.files import read_bounded
from kmidi_lab.typed_json import MisfitError, from_json, to_json

FILE = "sweep.json"
RESUME = "sweep.resume="
_SAID_BY_THE_USER = ("trusted", "hydra", "task=")
_HARMLESS = ("hydra.sweep.dir=", "hydra.sweep.subdir=", "hydra/launcher=")
_OF_LAUNCHERS = tuple(
    f"hydra.launcher.{setting.name}"
    for kind in (WorkersConfig, SlurmConfig, RayConfig)
    for setting in fields(kind)
    if setting.name not in ("_target_", "address")  # a class, and a machine that would be sent the jobs
)
_PLAIN = re.compile(r"[\w.,:+-]+", re.ASCII)
"""A number, a time or a name: what a launcher of someone else's may take for it starts nothing."""
_LOOKED_UP = re.compile(r"\$\{[^}]*:")
_LAUNCHER = ("launcher=", "hydra/launcher=")
_MAY_BE_TYPED = ("sweep.", *_LAUNCHER, "logger=", "logger.", "hydra.launcher.", "trainer.progress=")


@dataclass
class KeptSweep:
    """A sweep as it began.

    Attributes:
        id: of the sweep, the first part of its runs' ids.
        words: of the command line, options first.
        jobs: the overrides of every job; its place is its number and the name of its folder.
        schema: of this file.
        chosen: the numbers of the jobs that validation has chosen; empty before.
        elsewhere: of a study that several folders share, its best trial and the folder of that where it is another one.
    """

    id: str
    words: list[str]
    jobs: list[list[str]]
    schema: int = 1
    chosen: list[int] = field(default_factory=list)
    elsewhere: str = ""

    def to_type_again(self, words: Iterable[str]) -> list[str]:
        """Of the words of its command and its jobs those that a file is not believed.

        Args:
            words: of the command, as they are read.
        """
        return to_type_again([*words, *(word for job in self.jobs for word in job)])


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Makes the folder, and keeps other processes from this sweep meanwhile. Raises ConfigError: one is at it."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / ".lock", timeout=0):
            yield
    except Timeout:
        raise ConfigError(f"{folder}: another process runs this sweep; wait for its end, or stop it") from None


def begin(folder: Path, jobs: list[list[str]]) -> KeptSweep:
    """Writes sweep.json of the command that this process runs. Raises FileError as `write_atomic`."""
    begun = KeptSweep(os.environ["KMIDI_RUN_ID"], shlex.split(os.environ["KMIDI_COMMAND"])[3:], jobs)
    write(begun, folder)
    return begun


def write(kept: KeptSweep, folder: Path) -> None:
    """Writes sweep.json whole or not at all. Raises FileError as `write_atomic`."""
    write_atomic(folder / FILE, json.dumps(to_json(kept), indent=1, ensure_ascii=False).encode())


def read(folder: Path) -> KeptSweep:
    """What `write` has written. Raises ConfigError: there is none, or it is not whole."""
    try:
        kept = from_json(KeptSweep, json.loads(read_bounded(folder / FILE).decode()))
    except (OSError, ValueError, RecursionError, MisfitError) as error:
        why = "no such file" if isinstance(error, FileNotFoundError) else str(error)
        raise ConfigError(
            f"{RESUME}{folder}: no sweep that can go on ({FILE}: {why}); give the folder of one, such as outputs/sweeps/…"
        ) from None
    if kept.schema != 1:
        raise ConfigError(f"{RESUME}{folder}: its {FILE} is of a later kmidi_lab; update kmidi_lab")
    return kept


def choice_in(folder: Path) -> tuple[list[int], str]:
    """The jobs that validation has chosen, and the best trial elsewhere; nothing where the folder keeps no choice."""
    try:
        kept = read(folder)
    except ConfigError:
        return [], ""
    return kept.chosen, kept.elsewhere


def folder_to_resume(words: Iterable[str]) -> Path | None:
    """The folder that `sweep.resume=…` names, None where nothing does."""
    values = [word.partition("=")[2].strip("'\"") for word in words if word.startswith(RESUME)]
    return Path(values[-1]) if values and values[-1] not in ("", "null") else None


def to_type_again(words: Iterable[str]) -> list[str]:
    """Of the words of a sweep, those that a file is not believed: code, another task, or a look into the environment."""
    bare = {word: word.lstrip("+~") for word in words}
    return [
        word
        for word, key in bare.items()
        if (key.startswith(_SAID_BY_THE_USER) and not _is_harmless(key) and key != "task=train")
        or _LOOKED_UP.search(word)
    ]


def _is_harmless(word: str) -> bool:
    key, _, value = unquoted(word).partition("=")
    return word.startswith(_HARMLESS) or (key in _OF_LAUNCHERS and bool(_PLAIN.fullmatch(value.strip("'"))))


def check_typed(begun: KeptSweep, wanted: Sequence[str], typed: Sequence[str], folder: Path) -> None:
    """A sweep's folder may come from someone else, so what could run code is typed again.

    Args:
        begun: what its sweep.json holds.
        wanted: the options and overrides of its command.
        typed: those of today's.
        folder: of the sweep.

    Raises:
        ConfigError: a word is missing.
    """
    # The options come in pairs of which both are words of their own.
    named = [w for w, before in zip(wanted, ["", *wanted], strict=False) if "--config-" in w or "--config-" in before]
    again = dict.fromkeys([*named, *begun.to_type_again(wanted)])
    said = {*map(unquoted, typed)}
    missing = [word for word in again if unquoted(word) not in said]
    if missing:
        raise ConfigError(
            f"{RESUME}{folder}: its {FILE} has {one_line(missing[0], 120)}, which could run what whoever wrote it likes; "
            f"if that was you, type {one_line(shlex.join(['-m', f'{RESUME}{folder}', *again]), 1000)}"
        )


def going_on(kept: Sequence[str], typed: Sequence[str], folder: Path) -> list[str]:
    """The overrides of a sweep that goes on: its own, and those typed now that leave its jobs what they are.

    Args:
        kept: the overrides that it began with.
        typed: those of today's command line.
        folder: of the sweep.

    Raises:
        ConfigError: a word that would change its jobs.
    """
    own = {*map(unquoted, kept)}
    for word in typed:
        if unquoted(word) not in own and not word.lstrip("+").startswith(_MAY_BE_TYPED):
            raise ConfigError(
                f"{RESUME}{folder} goes on with the jobs that the sweep began with; leave out {word}, or begin another sweep"
            )
    keys = {*map(_key, typed), "hydra.sweep.dir"}
    another = any(word.startswith(_LAUNCHER) and unquoted(word) not in own for word in typed)
    former = ("launcher", "hydra/launcher", "hydra.launcher.") if another else ()
    return [
        *(w for w in kept if _key(w) not in keys and not _key(w).startswith(former)),
        *typed,
        f"hydra.sweep.dir={quoted(folder)}",
    ]


def _key(word: str) -> str:
    """What an override is of, whether it changes, adds or removes it."""
    return word.lstrip("+~").partition("=")[0]
