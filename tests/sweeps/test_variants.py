"""Jobs that differ in values alone are copies of the first: as Hydra composes them, with the same messages."""

from __future__ import annotations

import time

import pytest
from omegaconf import DictConfig, OmegaConf

from kmidi_lab import config
from kmidi_lab.errors import ConfigError
from kmidi_lab.sweeps import variants

SWEEPS = (
    ["model=harmony,groove", "hardware=cpu", "seed=1,2", "trainer.max_epochs=3,4"],
    ["model=harmony", "model.module.hidden=[16],[32,16]", "+trainer.more.overfit_batches=2", "logger=[tensorboard]"],
    ["model=harmony", "++trainer.max_epochs=1,2", "paths.output_root=a,'b c'", "sweep=seeds"],
    ["model=emotion", "data.folds=3,5", "hydra.sweep.dir=x"],
)


def _plain(cfg: DictConfig) -> dict:
    plain = OmegaConf.to_container(cfg, resolve=False)
    plain["hydra"]["job"].pop("override_dirname")
    return plain


@pytest.mark.parametrize("words", SWEEPS, ids=str)
def test_a_copy_is_what_hydra_composes(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    copies = list(map(_plain, config.check(words, True)))
    monkeypatch.setattr(variants, "variant", lambda *_: None)
    composed = list(map(_plain, config.check(words, True)))
    assert len(copies) >= 2 and copies == composed


@pytest.mark.parametrize(
    "words",
    [["trainer.max_epochs=1,x"], ["seed=1,-1"], ["model.module.dropout=0.1,a"], ["trainer.epochs=1,2"]],
    ids=str,
)
def test_a_wrong_value_is_told_as_hydra_tells_it(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def told() -> str:
        with pytest.raises(ConfigError) as caught:
            config.check(["model=harmony", *words], True)
        return str(caught.value)

    of_a_copy = told()
    monkeypatch.setattr(variants, "variant", lambda *_: None)
    assert told() == of_a_copy and words[0].partition("=")[0] in of_a_copy


def test_two_hundred_jobs_are_checked_within_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the first is composed by Hydra."""
    composed: list[list[str]] = []
    compose = config._compose
    monkeypatch.setattr(config, "_compose", lambda words: composed.append(words) or compose(words))
    began = time.process_time()
    assert len(config.check(["model=harmony", "seed=range(1,41)"], True)) == 40
    assert len(composed) == 1
    assert time.process_time() - began < 4, "a fifth of two hundred jobs, whose check is to take 20 s at the very most"
