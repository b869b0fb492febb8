"""What an online run sends to Weights & Biases, read from a server on loopback that speaks its protocol."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from omegaconf import OmegaConf
from support.fake_wandb import FakeWandb, fake_wandb  # noqa: F401  fixture
from support.sample_run import sample_run

from kmidi_lab.registry.registry import load_registry
from kmidi_lab.run_analysis import WorstItem
from kmidi_lab.wandb_results import finish_wandb
from kmidi_lab.wandb_run import wandb_logger

CFG = {
    "model": {"name": "harmony", "init_from": None}, "seed": 3, "task": "train", "preset": "none",
    "logger": {"project": "p", "entity": None, "tags": ["mine"], "offline": False},
}  # fmt: skip


@pytest.mark.slow
def test_config_history_summary_and_artefacts_with_their_lineage(
    fake_wandb: FakeWandb,  # noqa: F811
    tmp_path: Path,
    repo: Path,
) -> None:
    record = sample_run()
    assert record.export and record.data
    record.export.models_root = str(tmp_path)
    for name in record.export.files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    entry = next(e for e in load_registry(repo / "outputs/release")["models"] if e["id"] == record.identity.id)
    (tmp_path / "registry.json").write_text(json.dumps({"registry_version": "1.1", "models": [entry]}))
    (tmp_path / "report.html").write_text("<h1>report</h1>")
    (tmp_path / "worst.svg").write_text("<svg/>")
    record.analysis.worst = [WorstItem("Giant Steps", "jazz", 3.5, 12, figure="worst.svg")]

    logger = wandb_logger(OmegaConf.create(CFG), tmp_path, "sweep-1")
    for step in (50, 100):
        logger.log_metrics({"train/step_loss": 1.0 / step, "train/learning_rate": 0.01}, step)
    logger.log_metrics({"val/loss": 0.5, "epoch": 0}, 100)
    finish_wandb(logger, record, tmp_path, failed=False)

    [run] = fake_wandb.runs.values()
    assert fake_wandb.unknown == []
    assert run.about["group_name"] == "sweep-1" and run.about["job_type"] == "train"
    assert set(run.about["tags"]) >= {"harmony", "sweep", "mine"} and run.about["project"] == "p"
    assert {"model": "harmony", "seed": 3, "sweep_id": "sweep-1"}.items() <= run.config.items()
    curve = [(row["trainer/global_step"], row["train/step_loss"]) for row in run.history if "train/step_loss" in row]
    assert curve == [(50, 0.02), (100, 0.01)]
    assert [row["val/loss"] for row in run.history if "val/loss" in row] == [0.5]
    assert [row["_step"] for row in run.history] == sorted(row["_step"] for row in run.history)
    assert run.summary["status"] == "ok" and run.summary["data_version"] == record.data.version
    assert run.exit_code == 0

    artifacts = list(fake_wandb.artifacts.values())
    assert all(one.committed for one in artifacts)
    [data] = [one for one in artifacts if one.used]
    assert data.kind == "dataset" and data.metadata["version"] == record.data.version
    [model] = [one for one in artifacts if one.kind == "model"]
    assert set(model.aliases) == {"latest", record.export.status} and not model.used
    assert model.metadata["data_version"] == record.data.version and model.metadata["run"] == record.identity.run_id
    manifest = json.loads(model.files["wandb_manifest.json"])
    assert set(manifest["contents"]) == {*record.export.files, "registry_entry.json"}
    assert (
        json.loads(model.files["registry_entry.json"]) == entry and model.metadata["registry_entry"] == entry["digest"]
    )
    assert all(model.files[name] == name.encode() for name in record.export.files)
    tables = {key for row in run.history for key in row if isinstance(row[key], dict)}
    assert {"baselines", "latency", "report", "worst_test_items"} <= tables
    assert any(name.startswith("media/table/worst_test_items") for name in run.files)
