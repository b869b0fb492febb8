"""What a run sends to Weights & Biases: points by step, and tables and artefacts at its end."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from lightning.pytorch.loggers import CSVLogger, WandbLogger
from omegaconf import OmegaConf
from support.sample_run import sample_run

from kmidi_lab import wandb_rounds
from kmidi_lab.feedback.rounds import Rounds
from kmidi_lab.run_analysis import WorstItem
from kmidi_lab.wandb_results import _name, finish_wandb
from kmidi_lab.wandb_run import EVERY, StepCurves, _tags


class _Wandb(WandbLogger):
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.rows: list[tuple[dict[str, float], int | None]] = []

    def log_metrics(self, metrics: Any, step: int | None = None) -> None:
        self.rows.append((dict(metrics), step))


class _Csv(CSVLogger):
    def __init__(self) -> None:
        pass

    def log_metrics(self, metrics: Any, step: int | None = None) -> None:
        raise AssertionError("the CSV holds epochs")


def test_a_point_every_fifty_steps_and_none_between() -> None:
    logger = _Wandb()
    optimizer = SimpleNamespace(param_groups=[{"lr": 0.1}, {"lr": 0.2}])
    trainer: Any = SimpleNamespace(global_step=0, loggers=[_Csv(), logger], optimizers=[optimizer])
    curves = StepCurves(examples=8)
    curves.on_train_start(trainer, None)  # type: ignore[arg-type]
    for batch in range(4 * EVERY + 10):
        trainer.global_step = (batch + 1) // 2  # two batches are accumulated for a step
        curves.on_train_batch_end(trainer, None, {"loss": torch.tensor(1.5)}, None, batch)  # type: ignore[arg-type]
    assert [step for _, step in logger.rows] == [EVERY, 2 * EVERY]
    for row, _ in logger.rows:
        assert row["train/step_loss"] == 1.5 and row["train/learning_rate"] == 0.2
        assert row["train/examples_per_s"] == 8 * row["train/steps_per_s"] > 0


class _Run:
    """A run of W&B that keeps what it is given."""

    def __init__(self, offline: bool) -> None:
        self.settings = SimpleNamespace(_offline=offline)
        self.summary: dict[str, Any] = {}
        self.rows: dict[str, Any] = {}
        self.made: list[Any] = []
        self.used: list[Any] = []
        self.code: int | None = None

    def log(self, rows: dict[str, Any]) -> None:
        self.rows |= rows

    def log_artifact(self, artifact: Any, aliases: list[str] | None = None) -> None:
        self.made.append(artifact)

    def use_artifact(self, artifact: Any) -> None:
        self.used.append(artifact)

    def finish(self, exit_code: int) -> None:
        self.code = exit_code


def _finished(folder: Path, offline: bool, failed: bool = False) -> _Run:
    record, run = sample_run(), _Run(offline)
    assert record.export
    record.export.models_root = str(folder)
    for name in record.export.files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    (folder / "report.html").write_text('<h1>report</h1><audio controls src="data:audio/ogg;base64,T2dn"></audio>')
    (folder / "run.json").write_text("{}")
    (folder / "worst").mkdir()
    (folder / "worst" / "01.svg").write_text("<svg/>")
    record.analysis.worst = [WorstItem("Giant Steps", "jazz", 3.5, 12, figure=f"worst/0{n}.svg") for n in (1, 2)]
    record.analysis.worst.append(WorstItem("isear/7", "isear", 2.0, 1, figure="worst/01.svg", quoted=True))
    finish_wandb(SimpleNamespace(experiment=run), record, folder, failed)  # type: ignore[arg-type]
    return run


@pytest.mark.slow
def test_tables_report_and_artefacts_with_what_they_were_made_from(tmp_path: Path) -> None:
    run = _finished(tmp_path, offline=False)
    record = sample_run()
    assert {"baselines", "latency", "latency_histogram", "report"} <= set(run.rows)
    assert {f"confusion/{name}" for name in record.analysis.confusions} <= set(run.rows)
    names = {(row[0], row[1]) for row in run.rows["baselines"].data}
    assert ("test", "harmony") in names and ("test", "4-gram+cache") in names
    [worst, text] = run.rows["worst_test_items"].data  # those whose picture is there
    assert worst[:4] == ["Giant Steps", "jazz", 3.5, 12.0]
    assert worst[5].html == "<svg/>" and text[0] == "isear/7" and "svg" not in text[5].html
    [data] = run.used
    assert data.type == "dataset" and data.metadata["version"] == record.data.version
    assert [artifact.type for artifact in run.made] == ["model", "report"]
    model, report = run.made
    sent = Path(report.manifest.entries["report.html"].local_path).read_text()
    assert "<h1>report</h1>" in sent and "audio/ogg" not in sent and "run.json" in report.manifest.entries
    assert model.metadata["data_version"] == record.data.version and model.metadata["run"] == record.identity.run_id
    assert set(model.manifest.entries) == set(record.export.files)
    assert run.code == 0 and run.summary["data_version"] == record.data.version


def test_offline_the_data_are_made_not_used(tmp_path: Path) -> None:
    run = _finished(tmp_path, offline=True, failed=True)
    assert not run.used and [artifact.type for artifact in run.made] == ["dataset", "model", "report"]
    assert run.code == 1 and run.summary["status"] == "failed"


def test_names_and_tags_are_such_as_are_taken() -> None:
    assert _name("Größe/ε x.y-z_1" * 40)[:15] == "Gr__e___x.y-z_1" and len(_name("a" * 300)) == 128
    model = {"name": "m" * 90, "init_from": "outputs/release"}
    cfg = OmegaConf.create({"model": model, "preset": "smoke", "logger": {"tags": ["mine", "sweep"]}})
    assert _tags(cfg, "sweep-1") == ["m" * 64, "preset smoke", "sweep", "fine-tuned", "mine"]


def test_a_step_of_a_round_has_such_tags_too(tmp_path: Path) -> None:
    logger = {"project": "p", "entity": None, "tags": ["m" * 90, "", "harmony"], "offline": True}
    own = wandb_rounds.settings(
        OmegaConf.create({"seed": 1, "logger": logger}), tmp_path, Rounds(tmp_path, "harmony"), 1, "queue"
    )
    assert own["tags"] == ["harmony", "active learning", "m" * 64]
