"""Between the command line and the jobs: checks what is typed, and has Hydra run one job or a sweep."""

from __future__ import annotations

import logging
import os
import shlex
import sys
from argparse import Namespace
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig

from kmidi_lab import command_line, config, go_on, job, run_file, schema, stopping
from kmidi_lab.conf_dir import conf_dir, look_also_in
from kmidi_lab.errors import ConfigError, DataError, FileError, LabError, first_line
from kmidi_lab.files import check_writable
from kmidi_lab.sweeps import kept
from kmidi_lab.sweeps.choice import only_repeats
from kmidi_lab.sweeps.space import is_search
from kmidi_lab.sweeps.state import note_killed, record_of

log = logging.getLogger(__name__)


class BelowError(logging.Filter):
    """What goes to standard output; errors go to standard error alone (conf/config.yaml)."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno < logging.ERROR


def run(arguments: list[str]) -> int:
    """Checks every combination, then runs one job or a sweep; returns the exit code."""
    logging.raiseExceptions = False  # a log that can't be written, as on a full disk, is no reason to stop
    parsed = command_line.parse([command_line.with_home_of(argument) for argument in arguments])
    if parsed.shell_completion:
        return _complete(parsed.overrides)
    command_line.check_quotes(parsed.overrides)
    command_line.check_once([command_line.into_trainer(o) for o in parsed.overrides])
    parsed, begun = _gone_on(parsed)
    multirun = parsed.multirun
    look_also_in(parsed.config_dir, parsed.config_name)
    typed = [command_line.into_trainer(o) for o in parsed.overrides]
    overrides = command_line.with_model([command_line.quote_free_text(o, multirun) for o in typed])
    command_line.check_model(overrides)
    options = command_line.options(parsed)
    _name(begun, [*options, *overrides])
    os.environ["HYDRA_FULL_ERROR"] = "1"  # its errors come here, not on the screen
    combinations = config.check(overrides, multirun)
    if multirun and combinations[0].sweep.test == "auto":
        overrides.append(f"sweep.test={_tested(combinations)}")
    sys.argv = ["kmidi_lab", *options, *overrides]
    schema.register()
    if multirun and (parsed.cfg or parsed.info):
        raise ConfigError("--cfg and --info show one job; type them without -m")
    shown = bool(parsed.cfg or parsed.info)
    folder = Path(combinations[0].hydra.sweep.dir if multirun else combinations[0].hydra.run.dir)
    if not shown:
        check_writable(folder)
    results: list[int] = []
    try:
        hydra.main(config_path=str(conf_dir()), config_name="config", version_base="1.3")(
            lambda cfg: _counted(cfg, results)
        )()
    except KeyboardInterrupt:
        if multirun:
            _tell_rest(folder, combinations, is_search(overrides))
        raise
    except (LabError, BrokenPipeError):
        raise
    except OSError as error:
        raise FileError(
            f"{error.filename or folder}: {error.strerror or error}; free space, or choose another"
        ) from error
    except HydraException as error:
        raise ConfigError(first_line(error)) from error
    except Exception as error:
        if not multirun:
            raise
        # A launcher's own: the jobs keep theirs. A worker that was killed takes all others with it.
        log.error("the sweep ended early: %s: %s", type(error).__name__, first_line(error))
        _finish_sweep(folder, combinations[0].sweep.rank_by)
        return 1
    return max(results, default=0) if shown or not multirun else _finish_sweep(folder, combinations[0].sweep.rank_by)


def _gone_on(parsed: Namespace) -> tuple[Namespace, kept.KeptSweep | None]:
    """What is typed; with `sweep.resume` what was typed for the sweep that goes on, and that sweep."""
    resumed = kept.folder_to_resume(parsed.overrides)
    if resumed is None:
        return parsed, None
    begun = kept.read(resumed)
    typed = [command_line.quote_free_text(o, True) for o in parsed.overrides]
    if not parsed.multirun:
        raise ConfigError(f"sweep.resume goes on with several jobs; type -m {typed[0]}")
    said = [*command_line.config_options(parsed), *typed]
    parsed = command_line.parse(begun.words)
    kept.check_typed(begun, [*command_line.config_options(parsed), *parsed.overrides], said, resumed)
    parsed.overrides = kept.going_on(parsed.overrides, typed, resumed)
    return parsed, begun


def _name(begun: kept.KeptSweep | None, words: list[str]) -> None:
    """Tells all processes of the command its id and what it is; a sweep that goes on keeps its own."""
    os.environ["KMIDI_RUN_ID"] = begun.id if begun else config.new_run_id()
    os.environ[job.PROCESS] = str(os.getpid())
    os.environ[job.COMMAND] = shlex.join(["python", "-m", "kmidi_lab", *(begun.words if begun else words)])


def _tell_rest(folder: Path, combinations: list[DictConfig], searched: bool) -> None:
    """Of a sweep that is stopped: which job was cut off, and the command that goes on with it."""
    waiting = [] if searched else [list(cfg.hydra.overrides.task) for cfg in combinations]
    note_killed(folder, stopping.Stopped().reason)
    print("\n".join(go_on.rest_of_sweep(folder, waiting, job.kept_options())), file=sys.stderr)


def _complete(words: list[str]) -> int:
    """`-sc install=bash` and what a shell then asks: Hydra answers, and nothing is checked or run."""
    schema.register()
    os.environ.setdefault("KMIDI_RUN_ID", config.new_run_id())
    sys.argv = ["kmidi-lab", "--shell-completion", *words]
    hydra.main(config_path=str(conf_dir()), config_name="config", version_base="1.3")(lambda _: None)()
    return 0


def _tested(combinations: list[DictConfig]) -> str:
    """What sweep.test=auto means for these jobs."""
    if combinations[0].sweep.rank_by == "test":
        return "all"
    if combinations[0].sweep.name in ("optuna", "grid"):
        return "chosen"
    jobs = ((cfg.model.name, cfg.hydra.overrides.task) for cfg in combinations)
    return "all" if combinations[0].task != "train" or only_repeats(jobs) else "chosen"


def _counted(cfg: DictConfig, results: list[int]) -> float | None:
    """Runs a job; returns what a sweeper of Hydra asks for, the objective, and notes the exit code."""
    results.append(job.run(cfg))
    record = record_of(Path(HydraConfig.get().runtime.output_dir))
    return record.objective.value if record and record.objective else None


def _finish_sweep(folder: Path, rank_by: str) -> int:
    from kmidi_lab.report.leaderboard import write_leaderboard

    jobs = sorted(p for p in folder.glob("*") if p.is_dir() and p.name.isdigit())
    if not jobs:
        _, elsewhere = kept.choice_in(folder)
        if elsewhere:
            print(
                f"the study has all its trials, so none was run here; its best is {elsewhere}; sweep.trials=… adds some"
            )
        return 0 if elsewhere else 1
    print(f"{write_leaderboard(folder, rank_by)[0]}\nsweep: {folder}")
    statuses = [_status(p) for p in jobs]
    return 0 if all(s == "ok" for s in statuses) else 1


def _status(folder: Path) -> str:
    try:
        return run_file.read(folder / run_file.FILE).identity.status
    except DataError:
        return "no result"
