"""`wandb sweep` files: read by what W&B's agent and scheduler read them with, and their commands composed by ours."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from kmidi_lab import config
from kmidi_lab.conf_dir import options
from kmidi_lab.report.wandb_sweep import as_yaml, sweep_spec
from kmidi_lab.sweeps.space import Span, searched

SAMPLES = 2


@pytest.fixture(scope="module")
def utils() -> Any:
    """What W&B's agent reads the file with; its import takes seconds."""
    return pytest.importorskip("wandb.sdk.launch.sweeps.utils")


def _as_wandb_reads(utils: Any, spec: dict[str, Any], folder: Path) -> dict[str, Any]:
    path = folder / "sweep.yaml"
    path.write_text(as_yaml(spec, str(path)))
    read = utils.load_sweep_config(str(path))
    assert read is not None
    return dict(read)


def _words(utils: Any, spec: dict[str, Any], draw: random.Random) -> list[str]:
    """The command of one run as the agent makes it, from `kmidi_lab` on."""
    scheduler = pytest.importorskip("wandb.sdk.sweeps.scheduler.optuna")
    space = scheduler.search_space_from_sweep_config(spec["parameters"])
    values = {}
    for key, kind in space.items():
        choices = getattr(kind, "choices", None)
        values[key] = {"value": draw.choice(choices) if choices else draw.choice([kind.low, kind.high])}
    made = utils.create_sweep_command_args({"args": values})
    entry, arguments = utils.make_launch_sweep_entrypoint(made, list(spec["command"]))
    assert entry[:4] == ["${env}", "python", "-m", "kmidi_lab"]
    return [*entry[4:], *arguments]


@pytest.mark.slow
@pytest.mark.parametrize("model", sorted(options("search")))
def test_every_search_is_read_by_wandb_and_its_commands_compose(model: str, utils: Any, tmp_path: Path) -> None:
    _, dimensions = searched([], model, None)
    spec = _as_wandb_reads(utils, sweep_spec([f"model={model}"], dimensions, "s", "p", None), tmp_path)
    assert list(spec["parameters"]) == [d.key for d in dimensions] and "entity" not in spec
    words = _words(utils, spec, random.Random(0))
    [cfg] = config.check(words, False)
    assert cfg.model.name == model and cfg.logger.wandb and not cfg.export.enabled


@pytest.mark.slow
def test_ranges_and_choices_are_what_hydra_s_were(utils: Any, tmp_path: Path) -> None:
    _, dimensions = searched(["a=range(1,5)", "b=choice(true,x,1e-3)"], "harmony", [])
    made = [*dimensions, Span("c", 1, 64, log=True, whole=True)]
    spec = _as_wandb_reads(utils, sweep_spec([], made, "s", "p", "me"), tmp_path)
    assert spec["parameters"] == {
        "a": {"distribution": "int_uniform", "min": 1, "max": 4},
        "b": {"values": [True, "x", 0.001]},
        "c": {"distribution": "q_log_uniform_values", "min": 1, "max": 64},
    }
    assert spec["entity"] == "me" and spec["metric"] == {"name": "val/loss", "goal": "minimize"}


@pytest.mark.slow
def test_the_task_writes_what_was_typed_and_nothing_else(called: Callable[..., Any], tmp_path: Path) -> None:
    words = ("model=harmony", "data.sources=[embedded]", "trainer.max_epochs=4", "logger.project=mine")
    done = called("task=dashboard", "dashboard.sweep=a/sweep.yaml", *words, "sweep.only=[model.module.dropout]")
    assert done.returncode == 0, done.stderr
    assert "1 setting of model=harmony to search" in done.stdout
    spec = yaml.safe_load((tmp_path / "a" / "sweep.yaml").read_text())
    assert list(spec["parameters"]) == ["model.module.dropout"] and spec["project"] == "mine"
    assert spec["command"][4:7] == list(words[:3]) and not any("dashboard" in word for word in spec["command"])
    assert not (tmp_path / "outputs" / "dashboard" / "index.html").exists()


@pytest.mark.slow
def test_a_key_that_was_typed_is_not_searched(called: Callable[..., Any], tmp_path: Path) -> None:
    words = ("task=dashboard", "dashboard.sweep=sweep.yaml", "model=harmony", "model.module.dropout=0.3")
    assert called(*words).returncode == 0
    assert "model.module.dropout" not in yaml.safe_load((tmp_path / "sweep.yaml").read_text())["parameters"]
    done = called(*words, "sweep.only=[model.module.dropout]")
    assert done.returncode == 2 and "nothing is left to search" in done.stderr


def test_a_key_that_the_search_does_not_have(refusal: Callable[..., str]) -> None:
    assert "sweep.only" in refusal("task=dashboard", "dashboard.sweep=s.yaml", "model=harmony", "sweep.only=[x]")
