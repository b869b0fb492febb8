"""The workspaces of Weights & Biases that a registry leads to; `pip install 'kmidi_lab[dashboards]'` brings the package."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kmidi_lab.errors import UserError
from kmidi_lab.registry.registry import load_registry
from kmidi_lab.report import wandb_report, wandb_workspaces

RELEASE = Path(__file__).resolve().parents[2] / "outputs" / "release"
there = importlib.util.find_spec("wandb_workspaces") is not None
with_package = pytest.mark.skipif(not there, reason="needs wandb-workspaces")


@pytest.mark.skipif(there, reason="wandb-workspaces is installed")
def test_without_the_package_one_line_says_what_to_install(refusal: Callable[..., str]) -> None:
    assert "pip install 'kmidi_lab[dashboards]'" in refusal("task=dashboard", "logger=wandb", "dashboard.dry_run=true")


@pytest.mark.slow
@with_package
def test_a_workspace_for_each_model_and_one_for_all(tmp_path: Path) -> None:
    entries = load_registry(RELEASE)["models"]
    made = wandb_workspaces.views(entries, "mine", "me")
    assert list(made) == [wandb_workspaces.OVERVIEW, *(entry["id"] for entry in entries), wandb_report.NAME]
    wandb_workspaces.write_specs(made, tmp_path / "a.json")
    wandb_workspaces.write_specs(wandb_workspaces.views(entries, "mine", "me"), tmp_path / "b.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes(), "the same each time"
    specs = json.loads((tmp_path / "a.json").read_text())
    for entry in entries:
        text, primary = json.dumps(specs[entry["id"]]), entry["primary"]
        assert specs[entry["id"]]["project"] == "mine" and specs[entry["id"]]["entity"] == "me"
        for metric in ("val/loss", "train/step_loss", "train/learning_rate", f"test/{primary['metric']}"):
            assert f'"{metric}"' in text
        assert f'"baseline/{primary["best_baseline"]}/{primary["metric"]}"' in text
        assert entry["id"] in json.dumps(specs[wandb_workspaces.OVERVIEW])
    assert '"harmony"' in json.dumps(specs["harmonypredictor"]), "its runs alone, by their tag"


@with_package
def test_the_report_tells_every_model_its_data_and_what_it_has_replaced() -> None:
    entries = load_registry(RELEASE)["models"]
    hostile = {**entries[0], "id": "odd", "status_reason": "<script>|x", "history": [{"status": "a|b"}]}
    spec = wandb_workspaces.spec(wandb_report.report([*entries, hostile], "mine", None))
    text = json.dumps(spec)
    assert spec["displayName"] == "kmidi_lab: the registry" and "<script>" not in text
    for entry in entries:
        assert text.count(entry["id"]) > 1 and entry["training"]["dataset_version"] in text
        assert f"test/{entry['primary']['metric']}" in text
        for line in entry["history"][:1]:
            assert line["replaced_at"] in text


@with_package
def test_an_empty_registry_has_the_overview() -> None:
    assert list(wandb_workspaces.views([], "mine", None)) == [wandb_workspaces.OVERVIEW, wandb_report.NAME]


class _Saved:
    """A workspace at W&B: counts how often it is made and saved."""

    def __init__(self, url: str | None = None) -> None:
        self.url, self.sections, self.runset_settings, self.saves = url, ["old"], None, 0

    def save(self) -> None:
        self.saves += 1
        self.url = self.url or f"https://wandb.example/{id(self)}"


@with_package
def test_what_was_saved_before_is_saved_again_and_not_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wandb_workspaces import workspaces as ws

    first = _Saved()
    [url] = wandb_workspaces.send({"a": first}, tmp_path / "kept.json")
    monkeypatch.setattr(ws.Workspace, "from_url", lambda url: _Saved(url))
    again, new = _Saved(), _Saved()
    assert wandb_workspaces.send({"a": again, "b": new}, tmp_path / "kept.json")[0] == url
    assert (first.saves, again.saves, new.saves) == (1, 0, 1)


@with_package
def test_a_refusal_of_the_service_is_one_line(tmp_path: Path) -> None:
    class Refused(_Saved):
        def save(self) -> None:
            raise RuntimeError("not logged in\nmore")

    with pytest.raises(UserError, match="W&B did not take the views") as caught:
        made: dict[str, Any] = {"a": Refused()}
        wandb_workspaces.send(made, tmp_path / "kept.json")
    assert "\n" not in str(caught.value) and not (tmp_path / "kept.json").exists()


@with_package
def test_the_dry_run_writes_the_specification(answer: Callable[..., str], tmp_path: Path) -> None:
    out = answer("task=dashboard", "logger=wandb", "dashboard.dry_run=true", f"models_root={RELEASE}")
    number = len(load_registry(RELEASE)["models"]) + 2
    assert f"{number} views written, none sent" in out
    assert len(json.loads((tmp_path / "outputs/dashboard/wandb.json").read_text())) == number
