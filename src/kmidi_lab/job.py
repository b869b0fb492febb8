"""One job of a command: its task, and what is kept of how it ended.

A job never raises into Hydra: its error goes into its own log and its own run.json at once, so that the other jobs of a
sweep go on and the exit code still tells.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import shlex
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from kmidi_lab import command_line, config, go_on, run_file, run_record, stopping, streams
from kmidi_lab.config_rules import bring_contract
from kmidi_lab.errors import FileError, LabError, UserError
from kmidi_lab.files import remove_folder
from kmidi_lab.report.formats import printable

log = logging.getLogger(__name__)
_OF_HYDRA = (".hydra", "cli.log")
"""What every job's folder holds."""
COMMAND, PROCESS = "KMIDI_COMMAND", "KMIDI_PROCESS"
"""Variables of the environment: the command as it was typed, and the process that reads it."""


def run(cfg: DictConfig) -> int:
    """One job: runs its task, keeps its error.

    Returns:
        0, 1 (it failed) or 2 (wrong input).

    Raises:
        Stopped: a signal has ended it.
    """
    if os.environ[PROCESS] == str(os.getpid()):
        return _job(cfg)
    # A worker of a launcher, a new process.
    logging.raiseExceptions = False
    streams.make_safe()
    if multiprocessing.current_process().name.startswith("Loky"):
        stopping.end_with_parent()
    try:
        with stopping.heard():
            return _job(cfg)
    except KeyboardInterrupt:
        sys.stdout.flush()
        os._exit(stopping.Stopped().exit_code)  # or it would take the next job


def _job(cfg: DictConfig) -> int:
    from kmidi_lab.tasks import run_task

    started = datetime.now(UTC)
    folder = Path(HydraConfig.get().runtime.output_dir)
    sweep = HydraConfig.get().mode == RunMode.MULTIRUN
    context = {
        "folder": folder,
        "command": os.environ[COMMAND],
        "started": started,
        "group": os.environ["KMIDI_RUN_ID"] if sweep else None,
    }

    def failed(why: str) -> None:
        try:
            run_file.write_failure(folder, _identity(cfg, folder, started), why)
        except FileError as error:
            log.error("%s", error)

    def is_gone() -> bool:
        """Whether the folder is removed, which nothing but what every job's folder holds was written into."""
        fresh = not sweep and folder.name == os.environ["KMIDI_RUN_ID"]
        return fresh and remove_folder(folder, _OF_HYDRA, Path(cfg.paths.output_root))

    try:
        with stopping.recording(failed):
            bring_contract(cfg)  # a worker of a launcher is a new process
            run_task(cfg, context)
        if sweep and not (folder / run_file.FILE).exists():
            done = run_record.RunRecord(_identity(cfg, folder, started))
            run_file.finish(done)
            run_file.write(done, folder)
    except LabError as error:
        log.error("%s", printable(str(error)))
        # What was asked wrongly, and had not begun, leaves nothing worth a folder; a run that had keeps its failure.
        if not (isinstance(error, UserError) and is_gone()):
            failed(str(error))
        return 2 if isinstance(error, UserError) else 1
    except BrokenPipeError as error:
        if _reader_has_gone():
            failed("whoever read its output has gone")
        else:
            log.error("%s", traceback.format_exc())
            failed(f"BrokenPipeError: {error}")
        return 1
    except (KeyboardInterrupt, SystemExit):  # Lightning turns a signal during training into SystemExit
        stopped = stopping.Stopped()
        if not (config.answers(cfg) and is_gone()):  # nobody looks for a question that was taken back
            failed(stopped.reason)
        if not (sweep or config.serves(cfg)):
            overrides, options = list(HydraConfig.get().overrides.task), kept_options()
            again = go_on.command(overrides, folder, options)
            begin = go_on.line([*options, *overrides])
            log.warning("to resume, type: %s" if again else "to begin again, type: %s", again or begin)
        raise stopped from None
    except Exception as error:
        log.error("%s", traceback.format_exc())
        failed(f"{type(error).__name__}: {error}")
        return 1
    return 0


def _reader_has_gone() -> bool:
    """Whether standard output is closed at its other end, as by `head`; what is printed later is lost in silence then."""
    try:
        sys.stdout.write("\n")
        sys.stdout.flush()
    except BrokenPipeError:
        streams.lose_output()
        return True
    return False


def kept_options() -> list[str]:
    """Options of the command line that the same job needs again."""
    return command_line.config_options(command_line.parse(shlex.split(os.environ[COMMAND])[3:]))


def _identity(cfg: DictConfig, folder: Path, started: datetime) -> run_record.Identity:
    """Of a job that has no record of its own."""
    return run_record.Identity(
        run_id=folder.name,
        model=OmegaConf.select(cfg, "model.name"),
        seed=OmegaConf.select(cfg, "seed"),
        command=os.environ[COMMAND],
        started_at=started.isoformat(),
    )
