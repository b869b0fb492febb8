"""task=eval of a sweep: every job that went well is scored anew, as today's evaluator does it, and its run.json says so."""

from __future__ import annotations

import logging
from pathlib import Path

from omegaconf import DictConfig

from kmidi_lab import run_file
from kmidi_lab.after_fit import evaluate
from kmidi_lab.errors import ConfigError
from kmidi_lab.report.leaderboard import finished, write_leaderboard
from kmidi_lab.scoring.evaluation import Evaluator
from kmidi_lab.targets import build
from kmidi_lab.tasks.run_data import data_of
from kmidi_lab.tasks.run_weights import load_run
from kmidi_lab.wording import many

log = logging.getLogger(__name__)


def score_again(sweep: Path, cfg: DictConfig) -> None:
    """Scores the jobs one by one, each on the test of its own data; weights, and what was kept of training, stay.

    Args:
        sweep: its folder, which holds the jobs' folders 0, 1, …
        cfg: of the command: where data and cache are, which packages are trusted.

    Raises:
        ConfigError: no job went well, or the data are others now.
    """
    jobs = finished(sweep) if sweep.is_dir() else []
    if not jobs:
        raise ConfigError(f"eval.sweep={sweep}: no finished job there; give a sweep's folder, which holds 0, 1, …")
    for folder, record in jobs:
        module, config, _ = load_run(folder, cfg.trusted)
        data, before = data_of(folder, config, module, record, cfg, scoring=True), record.analysis
        evaluate(record, module, build(config["model"].get("evaluator"), Evaluator, cfg.trusted), data)
        record.analysis.worst, record.analysis.heard = before.worst, before.heard
        record.analysis.unheard = before.unheard
        run_file.write(record, folder)
        log.info("job %s is scored anew", folder.name)
    text, _ = write_leaderboard(sweep)
    print(f"{many(len(jobs), 'job')} of {sweep} scored anew\n{text}")
