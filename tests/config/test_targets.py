"""Classes by name: the lab's own of the right kind, those of packages that the user trusts, and nothing else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf
from torch import nn

from datamodules.emotion.module import ActedSpeech
from datamodules.shared.module import LabData
from kmidi_lab.contracts import CONTRACTS
from kmidi_lab.errors import ConfigError
from kmidi_lab.models.harmony.evaluation import HarmonyEvaluator
from kmidi_lab.scoring.evaluation import Evaluator
from kmidi_lab.targets import build, find
from kmidi_lab.tasks import evaluate, run_data
from kmidi_lab.tasks.run_weights import load_run

HARMONY = "kmidi_lab.models.harmony.module.HarmonyPredictor"
AUGMENT = "datamodules.shared.augmentation.Augmentation"
RAVDESS = {"_target_": "datamodules.emotion.module.ActedSpeech", "root": "nowhere", "cache_dir": "nowhere"}
PACKAGE = """
from kmidi_lab.models.harmony.evaluation import HarmonyEvaluator
from pathlib import Path
class Mine(HarmonyEvaluator):
    def __init__(self, other: "Mine | None" = None, many: "list[Mine]" = (), anything=None): self.other, self.many = other, many
class Part: pass
"""


def refused(node: Any, base: type = Evaluator, trusted: Sequence[str] = (), says: str = "") -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        build(node, base, trusted)
    assert "\n" not in str(caught.value)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of the user's own; importing `loud` leaves a mark."""
    folder = tmp_path / "my_models"
    folder.mkdir()
    (folder / "__init__.py").write_text(PACKAGE)
    (folder / "loud.py").write_text(f"open({str(tmp_path / 'mark')!r}, 'w')\nfrom os import system\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("my_models")]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("os.system", r"not a class of kmidi_lab or datamodules; if you trust all code of os, type trusted=\[os\]"),
        ("subprocess.Popen", "not a class of"),
        ("kmidi_labs.x.Y", "not a class of"),
        ("kmidi_lab.lab.hydra.utils.call", "can't be imported"),
        ("kmidi_lab.provenance.subprocess.Popen", "can't be imported"),
        ("kmidi_lab.provenance.subprocess", "no class of"),
        ("kmidi_lab.lab.Path", "no class of"),
        ("kmidi_lab.lab.train", "no class of"),
        ("kmidi_lab.lab.L.Trainer", "can't be imported"),
        ("kmidi_lab.checkpoints.ModelCheckpoint", "no class of"),
        ("kmidi_lab.models.harmony.evaluation.Nothing", "has no Nothing"),
        ("kmidi_lab.nothing.Nothing", "can't be imported"),
        (HARMONY, "no kmidi_lab.scoring.evaluation.Evaluator|Evaluator is wanted"),
        ("kmidi_lab.best_checkpoint.BestCheckpoint", "Evaluator is wanted"),
        ("kmidi_lab", "no name of a class"),
        ("kmidi_lab..x", "no name of a class"),
        (".kmidi_lab.x", "no name of a class"),
        ("kmidi_lab.lab.train\n", "no name of a class"),
        ("kmidi_lab.lab:train", "no name of a class"),
        ("", "no name of a class"),
        (None, "no name of a class"),
        (["kmidi_lab.lab.train"], "no name of a class"),
    ],
)
def test_what_a_config_may_not_name(target: object, says: str) -> None:
    refused({"_target_": target}, says=says)
    with pytest.raises(ConfigError):
        find(target, Evaluator, ())


@pytest.mark.parametrize("key", ["_args_", "_partial_", "_convert_", "_recursive_", "__class__", "_x", 3])
def test_no_other_key_of_hydras(key: object) -> None:
    node = {"_target_": "kmidi_lab.models.harmony.evaluation.HarmonyEvaluator", key: True}
    refused(node, says="is no argument")
    refused({**RAVDESS, "augment": {"_target_": AUGMENT, key: []}}, LabData, says="is no argument")


@pytest.mark.parametrize("value", ["${oc.env:HOME}", "${oc.decode:'{a: 1}'}", "x${.y}", ["${a}"], {"${a}": 1}])
def test_nothing_is_looked_up(value: object) -> None:
    refused({**RAVDESS, "root": value}, LabData, says="is not a value")


def test_the_command_lines_own_references_are_followed() -> None:
    cfg = OmegaConf.create({"size": 8, "data": {**RAVDESS, "frames": "${size}", "labels": "${oc.decode:'7'}"}})
    assert build(cfg.data, LabData, ()).view == 7
    cfg = OmegaConf.create({"name": "os.system", "data": {"_target_": "${name}"}})
    refused(cfg.data, LabData, says="_target_=os.system: not a class of")


def test_all_is_checked_before_anything_is_imported_or_made(package: Path) -> None:
    """The last part is wrong: the first one's module, which leaves a mark, is not imported."""
    node = {
        "_target_": "my_models.Mine",
        "many": [{"_target_": "my_models.loud.system"}, {"_target_": "os.system", "command": "true"}],
    }
    refused(node, trusted=["my_models"], says="_target_=os.system")
    assert not (package / "mark").exists() and "my_models" not in sys.modules
    refused({**node, "many": node["many"][:1]}, trusted=["my_models"], says="no class of")
    assert (package / "mark").exists()


def test_a_trusted_package(package: Path) -> None:
    node = {
        "_target_": "my_models.Mine",
        "other": {"_target_": "my_models.Mine"},
        "many": [{"_target_": "my_models.Mine"}],
    }
    refused(node, says=r"if you trust all code of my_models, type trusted=\[my_models\]")
    made: Any = build(node, Evaluator, ["my_models"])
    assert type(made).__name__ == type(made.other).__name__ == type(made.many[0]).__name__ == "Mine"
    refused({"_target_": "my_models.Part"}, trusted=["my_models"], says="Evaluator is wanted")
    refused({"_target_": "my_models.Path"}, trusted=["my_models"], says="no class of")
    for name in ("my_models.loud", "my-models", "", "*"):
        refused(node, trusted=[name], says="not a top-level package")


@pytest.mark.parametrize("argument", ["other", "many", "anything", "unknown"])
def test_an_object_inside_is_of_the_type_that_is_asked_for(package: Path, argument: str) -> None:
    """The lab's own classes, too: one that opens or removes files has no business there."""
    node = {"_target_": "my_models.Mine", argument: {"_target_": "kmidi_lab.checkpoints.LastCheckpoint", "folder": "x"}}
    refused(node, trusted=["my_models"], says="is wanted there")


def test_the_lab_s_own_nested_class_and_wrong_arguments() -> None:
    made = build({**RAVDESS, "augment": {"_target_": AUGMENT, "pitch": 1.5}}, LabData, ())
    assert isinstance(made, ActedSpeech) and made._showing.augment.pitch == 1.5
    refused({**RAVDESS, "augment": {"_target_": HARMONY}}, LabData, says="Augmentation is wanted there")
    refused({**RAVDESS, "sources": [{"_target_": AUGMENT}]}, LabData, says="is wanted there")
    refused(
        {**RAVDESS, "speed": 3},
        LabData,
        says="datamodules.emotion.module.ActedSpeech: .*unexpected keyword argument 'speed'",
    )
    refused({**RAVDESS, "folds": -1}, LabData, says="folds")
    for node in (None, [], "x", {}, OmegaConf.create([1])):
        refused(node, says="_target_")


def test_extra_arguments_win() -> None:
    assert build(RAVDESS, LabData, (), batch_size=7).batch_size == 7
    assert isinstance(build({"_target_": HarmonyEvaluator.__module__ + ".HarmonyEvaluator"}, Evaluator, ()), Evaluator)


def write_run(folder: Path, module: str, data: str = "{}") -> Path:
    (folder / "checkpoints").mkdir(parents=True)
    torch.save({"state_dict": nn.Linear(2, 2).state_dict()}, folder / "checkpoints" / "best.ckpt")
    (folder / "config.yaml").write_text(
        f"model:\n  module: {module}\ndata: {data}\ntrusted: [os, shutil, torch, logging]\n"
    )
    (folder / "run.json").write_text("{}")
    return folder


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("a: [", "not the config of a run"),
        ("[1]", "not the config of a run"),
        ("", "not the config of a run"),
        ("model: {module: 3}\ndata: {}", "not the config of a run"),
        ("model: {module: {}}", "not the config of a run"),
        ("model: {module: !!python/object/apply:os.system [touch mark]}\ndata: {}", "not the config of a run"),
        ("[" * 5000, "not the config of a run"),
        ("model: {module: {_target_: " + HARMONY + ", hidden: '${oc.env:HOME}'}}\ndata: {}", "is not a value"),
        ("model: {module: {}}\ndata: {root: '${oc.env:HOME}'}", "is not a value"),
        ("model: {module: {}}\ndata: {}", "no name of a class"),
        ("model: {module: {}}\ndata: {}\na: &a [1]\nb: [*a, *a]", "it has aliases"),
        ("model: &m {module: {}}\ndata: {<<: *m}", "it has aliases"),
        ("a: &a [*a]", "it has aliases"),
        ("model: {module: {}}\ndata: {a: " + "x" * 300_000 + "}", "larger than 256 KiB"),
    ],
)
def test_a_runs_config_that_is_none(tmp_path: Path, content: str, says: str) -> None:
    folder = write_run(tmp_path / "run", "{}")
    (folder / "config.yaml").write_text(content)
    with pytest.raises(ConfigError, match=says) as caught:
        load_run(folder, ())
    assert "\n" not in str(caught.value)


def test_an_entry_from_someone_else_chooses_no_class_and_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {"_target_": "os.system", "root": "/", "cache_dir": "/", "fetch": "CC", "split_seed": 3}
    entry = {"data_settings": told, "training": {"dataset_version": "v"}}
    found = SimpleNamespace(call=None, head={}, entry=entry, contract=CONTRACTS["harmony"], table=None)
    monkeypatch.setattr(evaluate, "load_published", lambda *_: found)
    (tmp_path / "registry.json").write_text("{}")
    data = {"_target_": "datamodules.harmony.module.ChordSongs"}
    cfg = OmegaConf.create(
        {"model": {"name": "harmony"}, "eval": {"model": str(tmp_path)}, "data": data, "trusted": []}
    )
    assert evaluate.load(cfg)[3] == {"split_seed": 3, "version": "v", "began_with_all": False}


@pytest.mark.parametrize(("told", "heard"), [({"heard_all": True}, True), ({}, False)])
def test_a_file_beside_its_registry_is_what_its_entry_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: dict[str, Any], heard: bool
) -> None:
    file = tmp_path / "harmonypredictor.onnx"
    entry: dict[str, Any] = {"exports": {"onnx_path": file.name}, "contract_version": "1", **told}
    monkeypatch.setattr(evaluate, "published_entry", lambda *_: entry)
    monkeypatch.setattr(evaluate, "load_onnx", lambda *_: SimpleNamespace(call=None, head={}, table=None))
    data = {"_target_": "datamodules.harmony.module.ChordSongs"}
    cfg = OmegaConf.create({"model": {"name": "harmony"}, "eval": {"model": str(file)}, "data": data, "trusted": []})
    (tmp_path / "registry.json").write_text("{}")
    assert [evaluate.load(cfg)[n] for n in (3, 4)] == [{"began_with_all": heard}, CONTRACTS["harmony"].at("1")]
    entry["exports"] = {"onnx_path": "other.onnx"}
    assert [evaluate.load(cfg)[n] for n in (3, 4)] == [{"began_with_all": False}, CONTRACTS["harmony"]]


def test_a_network_is_no_larger_than_its_checkpoint(tmp_path: Path) -> None:
    """Refused before the memory is asked for."""
    for hidden in ("[60000, 60000]", "[1099511627776]"):
        folder = write_run(tmp_path / hidden, "{_target_: " + HARMONY + f", hidden: {hidden}}}")
        with pytest.raises(ConfigError, match=r"the network is larger than best\.ckpt"):
            load_run(folder, ())


def test_a_run_chooses_no_folder_to_write_a_stream_to() -> None:
    told = {"stream": True, "stream_dir": "/home/me/thesis", "fetch": True}
    cfg = OmegaConf.create({"data": {}})
    assert run_data._on_this_machine(told, cfg) == {"stream": True, "stream_dir": "", "fetch": False}
    cfg.data.stream_dir = "mine"
    assert run_data._on_this_machine(told, cfg)["stream_dir"] == "mine"
    assert run_data._on_this_machine({"a": 1}, cfg) == {"a": 1}


ATTACKS = {
    "os.system": "{_target_: os.system, command: 'touch mark'}",
    "subprocess": "{_target_: kmidi_lab.provenance.subprocess.check_output, _args_: [[touch, mark]]}",
    "a file emptied": "{_target_: logging.FileHandler, filename: mark}",
    "pickle": "{_target_: torch.load, f: evil.pickle, weights_only: false}",
    "inside": "{_target_: " + HARMONY + ", hidden: {_target_: logging.FileHandler, filename: mark}}",
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_a_run_folder_from_someone_else_runs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attack: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_run(tmp_path / "run", attack)
    torch.save(Evil(str(tmp_path / "mark")), tmp_path / "evil.pickle")
    with pytest.raises(ConfigError, match=r"_target_|is no argument"):
        load_run(tmp_path / "run", ())
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize("ask", ["task=export export.source=run", "task=eval eval.model=run"])
def test_tasks_that_read_a_run_trust_only_the_command_line(
    refusal: Callable[..., str], tmp_path: Path, ask: str
) -> None:
    write_run(tmp_path / "run", ATTACKS["inside"])
    assert "_target_" in refusal(*ask.split())
    assert not (tmp_path / "mark").exists()


class Evil:
    def __init__(self, mark: str) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return open, (self.mark, "w")


@pytest.mark.parametrize(
    ("argument", "says"),
    [
        ("data._target_=nope.Nope", "type trusted=[nope]"),
        ("data._target_=os.system", "type trusted=[os]"),
        ("data._target_=datamodules.harmony.module.Nope", "has no Nope"),
        ("model.module._target_=datamodules.harmony.module.ChordSongs", "LabModule is wanted there"),
    ],
)
def test_the_command_line_is_held_to_the_same(refusal: Callable[..., str], argument: str, says: str) -> None:
    assert says in refusal(argument, "data.sources=[embedded]", "hardware=cpu", "trainer.progress=false")
