"""`--config-name`: a main config of a user's own, which takes the lab's into its defaults."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from kmidi_lab import config
from kmidi_lab.conf_dir import look_also_in
from kmidi_lab.errors import ConfigError

MINE = """
defaults:
  - config
  - _self_
  - override model: groove
  - override data: groove_styles
trainer:
  max_epochs: 7
"""


@pytest.fixture
def conf(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "mine.yaml").write_text(MINE)
    yield tmp_path / "conf"
    look_also_in(None)


@pytest.mark.slow
def test_it_is_composed_and_what_is_typed_goes_before_it(conf: Path) -> None:
    look_also_in(str(conf), "mine")
    [cfg] = config.check(["seed=5", "data.batch_size=8"], False)
    assert (cfg.model.name, cfg.trainer.max_epochs, cfg.seed, cfg.data.batch_size) == ("groove", 7, 5, 8)
    assert "LabSweeper" in cfg.hydra.sweeper._target_
    assert len(config.check(["seed=1,2"], True)) == 2
    with pytest.raises(ConfigError, match="does not exist"):
        config.check(["trainer.max_epoch=5"], False)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("seed: 1", "let its defaults begin with config"),
        ("defaults: [config, {override model: grove}, _self_]", "grove"),
        ("defaults: [config, _self_]\ntrainer: {max_epochs: many}", "many"),
        ("defaults: [config, _self_]\ntrainer: {max_epoch: 3}", "max_epoch"),
        ("defaults: [confg, _self_]", "confg"),
        ("a: [", "mine"),
    ],
)
def test_one_that_is_wrong_is_one_line(conf: Path, text: str, line: str) -> None:
    (conf / "mine.yaml").write_text(text)
    look_also_in(str(conf), "mine")
    with pytest.raises(ConfigError) as caught:
        config.check([], False)
    assert line in str(caught.value) and "\n" not in str(caught.value)


def test_a_name_that_is_not_there(conf: Path) -> None:
    with pytest.raises(ConfigError, match="Did you mean 'mine'"):
        look_also_in(str(conf), "mime")
    with pytest.raises(ConfigError, match="type --config-dir DIR, too"):
        look_also_in(None, "mine")
    look_also_in(str(conf), "config")
    assert config.check([], False)[0].model.name == "harmony"


@pytest.mark.slow
def test_a_job_runs_with_it_and_its_command_names_it(called: Callable, conf: Path, tmp_path: Path) -> None:
    done = called("task=info", "--config-dir", "conf", "-cn", "mine", "hydra.run.dir=out")
    assert done.returncode == 0, done.stderr
    shown = called("--config-dir", "conf", "--config-name=mine", "--cfg", "job")
    assert shown.returncode == 0, shown.stderr
    cfg = yaml.safe_load(shown.stdout)
    assert cfg["model"]["name"] == "groove" and cfg["trainer"]["max_epochs"] == 7
