"""What tests compose from kept files (support/composing.py) is what Hydra composes of them."""

from __future__ import annotations

import pytest
from hydra import compose, initialize_config_dir
from hydra._internal.core_plugins import basic_launcher
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf
from support import composing

from kmidi_lab import schema
from kmidi_lab.conf_dir import conf_dir, options


def composed(words: list[str]) -> DictConfig:
    schema.register()
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return compose("config", words, return_hydra_config=True)


@pytest.mark.parametrize(
    "words",
    [
        ["model=harmony", "seed=3", "preset=smoke", "+trainer.more.detect_anomaly=true", "~model.module.dropout"],
        ["task=predict", "model=groove", "predict.style=funk", "launcher=workers", "hydra.launcher.n_jobs=3"],
    ],
)
def test_it_is_what_hydra_composes(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    composed([word for word in words if "=" in word and "." not in word])  # the same choices, no values
    kept = composed(words)
    with monkeypatch.context() as patch:
        composing.as_hydra_does(patch.setattr)
        fresh = composed(words)
    assert OmegaConf.to_yaml(kept) == OmegaConf.to_yaml(fresh)


@pytest.mark.parametrize("sweep", options("sweep"))
def test_no_file_of_the_lab_says_that_jobs_are_several(sweep: str) -> None:
    schema.register()
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        words = ["model=harmony", f"sweep={sweep}"]
        assert composing._typed_mode(hydra, "config", words) == composing._mode(hydra, "config", words)


def test_it_is_kept_where_hydra_has_read_its_plugins_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the class of a setting is no more the one of that name, which pickle refuses."""
    monkeypatch.setattr(composing, "_configs", {})
    words = ["model=groove", "preset=smoke"]
    first = composed(words)
    composing._configs.clear()
    monkeypatch.setattr(basic_launcher, "BasicLauncherConf", type("BasicLauncherConf", (), {}))
    assert OmegaConf.to_yaml(composed(words)) == OmegaConf.to_yaml(composed(words)) == OmegaConf.to_yaml(first)
