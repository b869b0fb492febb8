"""run.json of schema 1 (kmidi_lab 0.1.0): one flat object, read by name, any part of it possibly absent or null."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from kmidi_lab.conf_dir import conf_dirs, models
from kmidi_lab.contracts import CONTRACTS
from kmidi_lab.errors import ConfigError
from kmidi_lab.run_analysis import Analysis
from kmidi_lab.run_record import DataDescription, Identity, RunRecord
from kmidi_lab.targets import find
from kmidi_lab.typed_json import from_json

if TYPE_CHECKING:
    from kmidi_lab.scoring.evaluation import Evaluator

_IDENTITY = [field.name for field in fields(Identity)]


def upgrade(run: Mapping[str, Any]) -> RunRecord:
    """The record of a run of schema 1. Raises MisfitError.

    Directions of metrics and notes were not kept: they are asked of the model's evaluator of today.
    """
    evaluator = evaluator_of(run.get("model"))
    analysis = run.get("analysis") or {}
    record = from_json(RunRecord, {name: value for name, value in _sections(run).items() if value is not None})
    if run.get("data"):
        record.data = DataDescription.of({**_there(run["data"]), "settings": run.get("data_settings") or {}})
    record.analysis = Analysis.of(analysis, evaluator.notes(analysis) if evaluator else [])
    if record.scores:
        record.scores.directions = directions_of(run.get("model"))
    return record


def _sections(run: Mapping[str, Any]) -> dict[str, Any]:
    """All but the data and the analysis; None for what the run has not got to."""
    export, training, spread = (_there(run.get(key)) for key in ("export", "training", "spread"))
    student = {**_there(run.get("student")), **_there(run.get("student_scores"))}
    scores = _there({key: run.get(key) for key in ("metrics", "baselines", "primary")})
    return {
        "identity": _there({key: run.get(key) for key in _IDENTITY}),
        "code": _there(
            {
                "git_commit": run.get("git_commit"),
                "git_dirty": run.get("git_dirty"),
                "sha256": run.get("code_sha256"),
                "versions": run.get("versions"),
            }
        ),
        "machine": run.get("machine"),
        "hardware": run.get("hardware"),
        "config": run.get("config"),
        "network": {"params": run["params"], "arch": run.get("arch")} if run.get("params") is not None else None,
        "training": {**training, "seconds": run.get("training_seconds")} if training else None,
        "scores": scores or None,
        "student": student or None,
        "spread": spread or None,
        "export": {**export, "latency": _latency(export)} if export else None,
    }


def _latency(export: Mapping[str, Any]) -> dict[str, Any]:
    latency = _there(export.get("latency"))
    return {**latency, "backends": {name: _there(b) for name, b in _there(latency.get("backends")).items()}}


def _there(part: Mapping[str, Any] | None) -> dict[str, Any]:
    """Without what is null; nothing of a part that is null itself."""
    return {key: value for key, value in (part or {}).items() if value is not None}


def evaluator_of(model: Any) -> type[Evaluator] | None:
    """The class that conf/model names as a model's evaluator; None where there is none, or it can't be imported here."""
    from kmidi_lab.scoring.evaluation import Evaluator

    if model not in CONTRACTS:
        return None
    try:
        return find(models(conf_dirs())[model]["model"]["evaluator"]["_target_"], Evaluator, ())
    except ConfigError:
        return None


def directions_of(model: Any) -> dict[str, str]:
    """Which way each metric of a model improves, min or max; nothing of a model that isn't there."""
    evaluator = evaluator_of(model)
    return dict(evaluator.METRICS) if evaluator else {}
