"""Runs that were trained on a split, which say what another run of the same settings is worth: their spread and scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from kmidi_lab import ancestry, mixed_start, run_file
from kmidi_lab.after_fit import evaluate, numpy_call
from kmidi_lab.errors import ConfigError
from kmidi_lab.files import sha256_file
from kmidi_lab.nn.module import LabModule, Trained
from kmidi_lab.report.leaderboard import finished, leaderboard
from kmidi_lab.run_record import RunRecord
from kmidi_lab.run_scores import SplitRun, Spread
from kmidi_lab.scoring.evaluation import Evaluator
from kmidi_lab.targets import as_first_named
from kmidi_lab.tasks.run_data import data_of
from kmidi_lab.tasks.run_weights import load_run

_FREE = {
    "model.module": ("learning_rate",),
    "data": ("root", "cache_dir", "split", "train_on", "workers", "progress", "conditions"),
}
"""Settings in which a run on all of the data may differ from the one on the split. One that goes on from its weights has a
lower learning rate, and is trained for a shorter time; the others teach nothing else."""


def spread_of(sweep: Path, record: RunRecord) -> Spread:
    """Over the runs of another sweep of the same model, such as the folds before a training on nearly all speakers.

    Raises:
        ConfigError: no sweep, one of another model, or one without a spread.
    """
    first = sweep / "0" / run_file.FILE
    if not first.is_file():
        raise ConfigError(
            f"export.spread={sweep}: no sweep there; give its folder, which holds the jobs' folders 0, 1, …"
        )
    model = run_file.read(first).identity.model
    if model != record.identity.model:
        raise ConfigError(
            f"export.spread={sweep}: a sweep of {model}, not of {record.identity.model}; give another one"
        )
    text, spread = leaderboard(sweep)
    if spread is None:
        raise ConfigError(f"export.spread={sweep}: {text.strip().splitlines()[-1]}")
    return spread


def folds_of(sweep: Path, cfg: DictConfig) -> Iterator[Trained]:
    """The networks of a sweep's jobs that went well, each with its own data."""
    for job, record in finished(sweep):
        module, config, _ = load_run(job, cfg.trusted)
        data = data_of(job, config, module, record, cfg, scoring=True)
        data.use_table(module.table())
        yield module, numpy_call(module.export_network()), data


def score_by_split_run(
    record: RunRecord, module: LabModule, config: Mapping[str, Any], evaluator: Evaluator, cfg: DictConfig
) -> None:
    """Gives a run that was trained on all of its data the scores and the calibration of one that has a test.

    Args:
        record: of the run on all data; gets the other's scores and analysis, and says whose they are.
        module: with its weights, to be calibrated by what the other network says of clips that it has not heard.
        config: of the run.
        evaluator: of the model.
        cfg: of the task; `export.spread` is a run on the split, or a sweep of such runs, of which the best by validation
            is scored.

    Raises:
        ConfigError: there is no such run, or it has other settings.
    """
    source = cfg.export.spread
    if not source:
        raise ConfigError(
            f"export.source={cfg.export.source}: it was trained on all of its data (data.train_on=all), so no score of its "
            "own is one; add export.spread=RUN, the run or sweep of the same settings on the split"
        )
    folder, split_run = _best_of(Path(source))
    other, other_config, checkpoint = load_run(folder, cfg.trusted)
    differences = _differences(config, other_config)
    if share_of(config, record) != share_of(other_config, split_run):
        differences.append(mixed_start.KEY)
    if differences:
        raise ConfigError(
            f"export.spread={source}: its scores are not those of this run's settings ({', '.join(differences)} differ); "
            "give the run on the split that has the same"
        )
    data = data_of(folder, other_config, other, split_run, cfg, scoring=True)
    assert record.data and split_run.data
    if split_run.data.version != record.data.version:
        raise ConfigError(f"export.spread={source}: trained on other data than {cfg.export.source}; give another run")
    # Before the other network is calibrated itself.
    remarks = module.calibrate(
        numpy_call(module.export_network()), data, [(other, numpy_call(other.export_network()), data)]
    )
    evaluate(split_run, other, evaluator, data)
    record.scores, record.analysis = split_run.scores, split_run.analysis
    record.analysis.notes = [*evaluator.notes(record.analysis.more), *remarks]
    trained_on = split_run.data.split["train"]["songs"], record.data.split["train"]["songs"]
    began = ancestry.began_with(record.data).get("sha256")
    record.split_run = SplitRun(split_run.identity.run_id, *trained_on, began == sha256_file(checkpoint))
    record.spread = None if folder == Path(source) else spread_of(Path(source), record)


def _best_of(source: Path) -> tuple[Path, RunRecord]:
    """The folder and record of a run, or of the run of a sweep whose validation loss is least. Raises ConfigError."""
    jobs = [(source, run_file.read(source / run_file.FILE))] if (source / run_file.FILE).is_file() else []
    jobs = jobs or (finished(source) if source.is_dir() else [])
    scored = [(run.objective.value, str(folder), folder, run) for folder, run in jobs if run.objective]
    if not scored:
        raise ConfigError(f"export.spread={source}: no run there that was trained and validated; give a run or a sweep")
    *_, folder, run = min(scored, key=lambda job: job[:2])
    return folder, run


def share_of(config: Mapping[str, Any], record: RunRecord) -> float | None:
    """Of what was learnt, in a mixture with the start; None of a run that doesn't mix."""
    shares: list[float] = list(config["model"].get("mix_with_start") or [])
    if len(shares) == 1:
        return shares[0]
    return ancestry.began_with(record.data).get("share_learnt") if shares else None


def _differences(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """Settings of network and data by which two runs learn different things, as they are typed."""
    out = []
    for name, own, other in (
        ("model.module", ours["model"]["module"], theirs["model"]["module"]),
        ("data", ours["data"], theirs["data"]),
    ):
        own, other = as_first_named(own), as_first_named(other)
        keys = [key for key in {**own, **other} if own.get(key) != other.get(key) and key not in _FREE[name]]
        out += [f"{name}.{key}" for key in keys]
    return out
