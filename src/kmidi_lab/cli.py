"""Between the command line and the tasks: Hydra runs the jobs, this file guards them.

A job never raises into Hydra: its error goes into its own log and its own run.json at once, so that the other
jobs of a sweep go on and the exit code still tells.
"""

from __future__ import annotations

import logging
import os
import shlex
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from kmidi_lab import config, run_record, schema
from kmidi_lab.conf_dir import conf_dir, look_also_in
from kmidi_lab.errors import ConfigError, DataError, LabError, UserError
from kmidi_lab.report.cells import printable

log = logging.getLogger(__name__)
_COMMAND = "KMIDI_COMMAND"


class BelowError(logging.Filter):
    """What goes to standard output; errors go to standard error alone (conf/config.yaml)."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno < logging.ERROR


def run(arguments: list[str]) -> int:
    """Checks every combination, then runs one job or a sweep; returns the exit code."""
    multirun = bool({"-m", "--multirun"} & set(arguments))
    arguments = [config.with_home_of(argument) for argument in arguments]
    look_also_in(get_args_parser().parse_args(arguments).config_dir)
    arguments = config.with_model([config.quote_free_text(a, multirun) for a in arguments])
    parsed = get_args_parser().parse_args(arguments)
    os.environ["KMIDI_RUN_ID"] = config.new_run_id()
    os.environ[_COMMAND] = shlex.join(["python", "-m", "kmidi_lab", *arguments])
    combinations = config.check(list(parsed.overrides), multirun)
    sys.argv = ["kmidi_lab", *arguments]
    schema.register()
    if multirun and (parsed.cfg or parsed.info):
        raise ConfigError("--cfg and --info show one job; type them without -m")
    results: list[int] = []
    hydra.main(config_path=str(conf_dir()), config_name="config", version_base="1.3")(
        lambda cfg: results.append(job(cfg))
    )()
    if parsed.cfg or parsed.info or not multirun:
        return max(results, default=0)
    return _finish_sweep(Path(combinations[0].paths.output_root) / "sweeps" / os.environ["KMIDI_RUN_ID"])


def job(cfg: DictConfig) -> int:
    """One job: runs its task, keeps its error. Returns 0, 1 (it failed) or 2 (wrong input); raises KeyboardInterrupt when stopped."""
    from kmidi_lab.tasks import run_task

    started = datetime.now(UTC)
    folder = Path(HydraConfig.get().runtime.output_dir)
    sweep = HydraConfig.get().mode == RunMode.MULTIRUN
    context = {
        "folder": folder,
        "command": os.environ[_COMMAND],
        "started": started,
        "group": os.environ["KMIDI_RUN_ID"] if sweep else None,
    }
    try:
        config.bring_contract(cfg)  # a worker of a launcher is a new process
        run_task(cfg, context)
        if sweep and not (folder / run_record.FILE).exists():
            done = run_record.RunRecord(_identity(cfg, folder, started))
            run_record.finish(done)
            run_record.write(done, folder)
    except UserError as error:
        log.error("%s", printable(str(error)))
        run_record.write_failure(folder, _identity(cfg, folder, started), str(error))
        return 2
    except LabError as error:
        log.error("%s", printable(str(error)))
        run_record.write_failure(folder, _identity(cfg, folder, started), str(error))
        return 1
    except BrokenPipeError:
        # Whoever read the output has gone, as `head` does; what is printed later is lost in silence.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (KeyboardInterrupt, SystemExit):  # Lightning turns Ctrl-C during training into SystemExit
        run_record.write_failure(folder, _identity(cfg, folder, started), "stopped")
        if (folder / "checkpoints/last.ckpt").is_file():
            log.warning("go on with it by trainer.resume=%s", folder)
        raise KeyboardInterrupt from None
    except Exception as error:
        log.error("%s", traceback.format_exc())
        run_record.write_failure(folder, _identity(cfg, folder, started), f"{type(error).__name__}: {error}")
        return 1
    return 0


def _identity(cfg: DictConfig, folder: Path, started: datetime) -> run_record.Identity:
    """Of a job that has no record of its own."""
    return run_record.Identity(
        run_id=folder.name,
        model=OmegaConf.select(cfg, "model.name"),
        seed=OmegaConf.select(cfg, "seed"),
        command=os.environ[_COMMAND],
        started_at=started.isoformat(),
    )


def _finish_sweep(folder: Path) -> int:
    from kmidi_lab.report.leaderboard import write_leaderboard

    jobs = sorted(p for p in folder.glob("*") if p.is_dir() and p.name.isdigit())
    if not jobs:
        return 1
    print(f"{write_leaderboard(folder)[0]}\nsweep: {folder}")
    statuses = [_status(p) for p in jobs]
    return 0 if all(s == "ok" for s in statuses) else 1


def _status(folder: Path) -> str:
    try:
        return run_record.read(folder / run_record.FILE).identity.status
    except DataError:
        return "no result"
