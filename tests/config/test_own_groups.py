"""Several loggers by name, and trainers and loggers from a folder of a user's own."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lightning.pytorch.callbacks import ModelCheckpoint

from kmidi_lab import config
from kmidi_lab.conf_dir import look_also_in
from kmidi_lab.errors import ConfigError
from kmidi_lab.trainer_parts import arguments, check_loggers, curves, loggers
from kmidi_lab.wandb_run import wandb_logger


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Path]:
    """A folder as `--config-dir` names one."""
    for name, text in (
        ("trainer/mine.yaml", "defaults: [default, _self_]\nmax_epochs: 3\nmore: {profiler: simple}\n"),
        ("logger/mine.yaml", "more:\n  mine:\n    _target_: lightning.pytorch.loggers.CSVLogger\n    name: mine\n"),
    ):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    look_also_in(str(tmp_path))
    yield tmp_path
    look_also_in(None)


@pytest.mark.parametrize("typed", ["[csv,wandb,tensorboard]", "[tensorboard,wandb,csv]"])
def test_several_loggers_in_any_order(typed: str) -> None:
    [cfg] = config.check([f"logger={typed}", "logger.project=mine"], False)
    assert cfg.logger.wandb and set(cfg.logger.more) == {"csv", "wandb", "tensorboard"} and cfg.logger.project == "mine"


@pytest.mark.parametrize("name", ["tensorboard", "mlflow"])
def test_a_logger_without_its_package_is_refused_before_any_work(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    [cfg] = config.check([f"logger=[csv,{name}]"], False)
    with pytest.raises(ConfigError, match=rf"logger={name} needs .*; type pip install {name}"):
        check_loggers(cfg)


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("logger=[csv,tensorbord]", "Did you mean 'tensorboard'"),
        ("logger=[]", "logger: [] is not allowed"),
        ("logger=[[csv]]", "Allowed: csv"),
        ("callbacks=[rates,rate]", "Did you mean 'rates'"),
        ("hardware=[cpu,cuda]", "hardware: ['cpu', 'cuda'] is not allowed"),
    ],
)
def test_lists_that_are_none(typed: str, line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config.check([typed], False)
    assert line in str(caught.value) and "\n" not in str(caught.value)


def test_trainers_and_loggers_of_a_user_s_own(own: Path, tmp_path: Path) -> None:
    [cfg] = config.check(["trainer=mine", "logger=[wandb,mine]", "trainer.patience=4"], False)
    assert (cfg.trainer.max_epochs, cfg.trainer.patience, cfg.logger.wandb) == (3, 4, True)
    assert arguments(cfg) == {"profiler": "simple"}
    assert type(curves(cfg, tmp_path)).__name__ == "CurvesLogger", "whatever is chosen"
    [made] = loggers(cfg, tmp_path)
    assert type(made).__name__ == "CSVLogger" and made.save_dir == str(tmp_path)


def test_arguments_of_csv_and_wandb_are_typed_as_lightning_names_them(tmp_path: Path) -> None:
    typed = [
        "logger=wandb",
        "logger.more.wandb.log_model=all",
        "+logger.more.wandb.project=mine",
        "logger.offline=true",
    ]
    [cfg] = config.check(typed, False)
    check_loggers(cfg)
    made = wandb_logger(cfg, tmp_path / "run", None)
    assert (made._log_model, made._project, made.save_dir) == ("all", "mine", str(tmp_path / "run"))
    last, best = ModelCheckpoint(tmp_path), ModelCheckpoint(tmp_path, monitor="val/loss")
    sent: list[ModelCheckpoint] = []
    made._scan_and_log_checkpoints = sent.append  # type: ignore[method-assign]
    for kept in (last, best):
        made.after_save_checkpoint(kept)
    assert sent == [best]
    [cfg] = config.check(["logger=csv", "logger.more.csv._target_=lightning.pytorch.loggers.CSVLogger"], False)
    with pytest.raises(ConfigError, match="CSVLogger"):
        curves(cfg, tmp_path)


def test_one_that_is_not_there_names_what_is(own: Path, refusal: Callable[..., str]) -> None:
    assert "Allowed: default, mine" in refusal("task=info", "trainer=ddp")


@pytest.mark.slow
def test_tensorboard_holds_the_curves_of_the_csv(cli: Callable[..., Any], tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX", reason="needs tensorboardX: pip install tensorboardX")
    from tensorboardX.proto.event_pb2 import Event

    done = cli(
        "model=harmony", "data.sources=[embedded]", "hardware=cpu", "trainer.max_epochs=40", "trainer.limit_train_batches=2",
        "trainer.patience=0", "trainer.progress=false", "export.enabled=false", "model.module.hidden=[16]", "logger=[csv,tensorboard]",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    [folder] = (tmp_path / "outputs/runs/harmony").iterdir()
    # More than one file: the scores of the test come when the fit's file is closed. Files are named by the second in
    # which they begin, and one of the same second replaces the other, so the fit is long enough to last for several.
    content = b"".join(path.read_bytes() for path in sorted((folder / "tensorboard").glob("events.out.tfevents.*")))
    place, told = 0, list[float]()
    while place < len(content):  # a record: its length in 8 bytes, 4 of a checksum, itself, 4 of another
        end = place + 12 + int.from_bytes(content[place : place + 8], "little")
        for value in Event.FromString(content[place + 12 : end]).summary.value:
            told += [value.simple_value] if value.tag == "val/loss" else []
        place = end + 4
    with (folder / "curves/metrics.csv").open() as file:
        expected = [float(row["val/loss"]) for row in csv.DictReader(file) if row["val/loss"]]
    assert len(expected) == 40 and told == pytest.approx(expected, rel=1e-6)
