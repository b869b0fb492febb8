"""Which settings decide what is trained on: declared with each data module, told by the registry, taken over by
task=eval.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from omegaconf import OmegaConf
from support.run_fixture import run_files, run_record

import datamodules
from datamodules.groove.module import DrumPerformances
from datamodules.shared.module import LabData
from datamodules.shared.settings import COMMON_SETTINGS
from kmidi_lab.contracts import CONTRACTS, GROOVE
from kmidi_lab.registry.entry import registry_entry
from kmidi_lab.tasks import evaluate

DRUMMERS = ["drummer1", "drummer9"]


def data_modules() -> list[type[LabData[Any, Any]]]:
    """Every class that a config can name."""
    for module in pkgutil.walk_packages(datamodules.__path__, "datamodules."):
        importlib.import_module(module.name)
    classes, waiting = [], [LabData]
    while waiting:
        subclasses = waiting.pop().__subclasses__()
        classes += [c for c in subclasses if not inspect.isabstract(c) and "root" in inspect.signature(c).parameters]
        waiting += subclasses
    return classes


def test_all_data_modules_are_looked_at() -> None:
    assert {c.contract.model for c in data_modules()} == set(CONTRACTS)


@pytest.mark.parametrize("of", data_modules(), ids=lambda c: c.__name__)
def test_every_setting_is_said_to_decide_or_not(of: type[LabData[Any, Any]]) -> None:
    arguments = set(inspect.signature(of).parameters)
    decide, other = set(of.identity_settings), {*of.other_settings, *COMMON_SETTINGS}
    assert not decide & other
    assert arguments <= decide | other, f"say of {arguments - decide - other} whether they decide what is trained on"
    assert decide | set(of.other_settings) <= arguments, "names that are no argument"


@pytest.mark.slow
def test_the_registry_tells_the_drummers_and_eval_takes_them_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = {
        "_target_": "x",
        "root": "/",
        "sources": ["styles"],
        "test_drummers": DRUMMERS,
        "split_seed": 4,
        "window": 8,
    }
    run = run_record()
    assert run.data
    run.data.settings = DrumPerformances.identity(used)
    entry = registry_entry(run, GROOVE, run_files(GROOVE.id))
    assert entry["data_settings"] == {"sources": ["styles"], "test_drummers": DRUMMERS, "split_seed": 4}

    published = SimpleNamespace(call=None, head={}, entry=entry, contract=GROOVE, table=None)
    monkeypatch.setattr(evaluate, "load_published", lambda *_: published)
    (tmp_path / "registry.json").write_text("{}")
    target = {"_target_": "datamodules.groove.module.DrumPerformances"}
    cfg = OmegaConf.create(
        {"model": {"name": "groove"}, "eval": {"model": str(tmp_path)}, "data": target, "trusted": []}
    )
    settings = evaluate.load(cfg)[3]
    assert (settings.pop("version"), settings.pop("began_with_all")) == (run.data.version, False)
    again = DrumPerformances("/nowhere", str(tmp_path), **settings)
    again.setup("fit")
    assert again.describe()["version"] == trained_on(tmp_path, DRUMMERS) != trained_on(tmp_path, ["drummer2"])


def trained_on(cache: Path, drummers: list[str]) -> str:
    data = DrumPerformances("/nowhere", str(cache), sources=["styles"], test_drummers=drummers, split_seed=4)
    data.setup("fit")
    return str(data.describe()["version"])


def test_an_entry_of_0_1_0_has_fewer_settings() -> None:
    assert DrumPerformances.identity({"sources": ["groove_midi"], "split_seed": 0}) == {
        "sources": ["groove_midi"],
        "split_seed": 0,
    }
