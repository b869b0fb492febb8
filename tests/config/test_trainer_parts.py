"""What a user adds to the Trainer by config: arguments, callbacks, loggers."""

from __future__ import annotations

import sys
from pathlib import Path

import lightning as L
import pytest
from lightning.pytorch.callbacks import LearningRateMonitor
from lightning.pytorch.demos.boring_classes import BoringModel
from lightning.pytorch.loggers import CSVLogger
from omegaconf import DictConfig

from kmidi_lab import command_line, config, trainer_parts
from kmidi_lab.conf_dir import options
from kmidi_lab.errors import ConfigError


def composed(*words: str) -> DictConfig:
    [cfg] = config.check([command_line.into_trainer(word) for word in words], False)
    return cfg


def test_arguments_are_typed_as_lightning_has_them() -> None:
    cfg = composed("+trainer.strategy=fsdp", "++trainer.profiler._target_=lightning.pytorch.profilers.SimpleProfiler")
    made = trainer_parts.arguments(cfg)
    assert made["strategy"] == "fsdp"
    assert type(made["profiler"]).__name__ == "SimpleProfiler"
    assert trainer_parts.arguments(composed()) == {}


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("+trainer.strateg=ddp", "Did you mean 'strategy'"),
        ("+trainer.plugins=x", "the lab sets it"),
        ("+trainer.devices=2", "the lab sets it"),
        ("+trainer.profiler._target_=os.system", "not a class of kmidi_lab"),
        ("+callbacks.x._target_=lightning.pytorch.Trainer", "Callback is wanted there"),
        ("+callbacks.x._target_=lightning.pytorch.callbacks.Nothing", "has no Nothing"),
        ("+logger.more.x._target_=lightning.pytorch.callbacks.Timer", "name a class that is one"),
    ],
)
def test_mistakes_are_one_helpful_line(word: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        cfg = composed(word)
        trainer_parts.arguments(cfg)
        trainer_parts.callbacks(cfg)
        trainer_parts.loggers(cfg, tmp_path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_callbacks_and_loggers_are_made_where_the_run_is(tmp_path: Path) -> None:
    cfg = composed("callbacks=rates", "+callbacks.timer._target_=lightning.pytorch.callbacks.Timer")
    assert [type(c) for c in trainer_parts.callbacks(cfg)] == [LearningRateMonitor, L.pytorch.callbacks.Timer]
    [logger] = trainer_parts.loggers(composed("+logger.more.x._target_=lightning.pytorch.loggers.CSVLogger"), tmp_path)
    assert isinstance(logger, CSVLogger) and Path(logger.save_dir) == tmp_path
    assert trainer_parts.callbacks(composed()) == [] and trainer_parts.loggers(composed(), tmp_path) == []


def test_strategies_and_profilers_are_groups() -> None:
    made = trainer_parts.arguments(composed("strategy=fsdp", "profiler=simple"))
    assert {name: type(one).__name__ for name, one in made.items()} == {
        "strategy": "FSDPStrategy", "profiler": "SimpleProfiler",
    }  # fmt: skip
    assert trainer_parts.arguments(composed("strategy=auto", "profiler=none")) == {}
    assert trainer_parts.arguments(composed("strategy=ddp", "++trainer.strategy=auto")) == {"strategy": "auto"}


def test_what_is_there_already_is_replaced_by_two_plus_signs() -> None:
    with pytest.raises(ConfigError, match=r"^\+trainer\.strategy: there is one already; type \+\+trainer\.strategy=…"):
        composed("strategy=ddp", "+trainer.strategy=fsdp")
    assert trainer_parts.arguments(composed("strategy=ddp", "++trainer.strategy=fsdp")) == {"strategy": "fsdp"}


@pytest.mark.parametrize("name", [name for name in options("profiler") if name != "none"])
def test_a_profiler_writes_into_the_run_folder(name: str, tmp_path: Path) -> None:
    cfg = composed(f"profiler={name}")
    trainer = trainer_parts.trainer(
        cfg, **trainer_parts.arguments(cfg), accelerator="cpu", max_steps=1, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, default_root_dir=tmp_path,
    )  # fmt: skip
    trainer.fit(BoringModel())
    [written] = tmp_path.glob("fit-profile*.txt")
    assert written.read_text().startswith("FIT Profiler Report")


class OwnTrainer(L.Trainer):
    """What a user puts in the place of Lightning's."""


def test_a_trainer_of_one_s_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "own_trainers", sys.modules[__name__])
    monkeypatch.setattr(OwnTrainer, "__module__", "own_trainers")
    words = ["trainer._target_=own_trainers.OwnTrainer", "trusted=[own_trainers]"]
    assert type(trainer_parts.trainer(composed(*words), logger=False)) is OwnTrainer
    for word, said in (
        (words[0], "not a class of kmidi_lab"),
        ("trainer._target_=lightning.pytorch.callbacks.Timer", "Trainer; name a class that is one"),
    ):
        with pytest.raises(ConfigError, match=said):
            trainer_parts.trainer(composed(word), logger=False)


def test_what_lightning_refuses_is_one_line() -> None:
    with pytest.raises(ConfigError, match="trainer: You selected an invalid strategy name"):
        trainer_parts.trainer(composed(), strategy="nope", logger=False)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("+trainer.strategy=ddp", "+trainer.more.strategy=ddp"), ("trainer.max_epochs=1", "trainer.max_epochs=1"),
        ("+trainer.more.a=1", "+trainer.more.a=1"), ("++trainer.a=trainer.b", "++trainer.more.a=trainer.b"),
        ("+data.trainer.x=1", "+data.trainer.x=1"),
    ],
)  # fmt: skip
def test_a_key_that_is_added_to_the_trainer_is_lightnings(typed: str, meant: str) -> None:
    assert command_line.into_trainer(typed) == meant


def test_keys_are_added_and_removed_where_a_class_takes_them_alone() -> None:
    cfg = composed("+model.module.size=3", "~model.module.dropout")
    assert cfg.model.module.size == 3 and "dropout" not in cfg.model.module
    for word in ("+seeds=1", "~trainer.max_epochs", "+paths.x=1", "~sweep"):
        with pytest.raises(ConfigError, match="can't be added or removed"):
            composed(word)
