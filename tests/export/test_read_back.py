"""Released weights, read back from the published files into the network that trains."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from kmidi_lab import config, start_weights
from kmidi_lab.after_fit import numpy_call
from kmidi_lab.conf_dir import conf_dirs, models
from kmidi_lab.errors import ConfigError
from kmidi_lab.export.onnx.runtime import OnnxModel
from kmidi_lab.export.read_back import read_back
from kmidi_lab.inference.published import load_published
from kmidi_lab.nn.module import LabModule
from kmidi_lab.targets import build

REPO = Path(__file__).resolve().parents[2]
RELEASE = REPO / "outputs" / "release"
RUN = REPO / "tests" / "fixtures" / "run_of_0_1_0"
MODELS = sorted(models(conf_dirs()))


def _module(*words: str) -> LabModule:
    """As a training with these words begins; built once, a copy for each test."""
    return deepcopy(_built(*words))


@cache
def _built(*words: str) -> LabModule:
    [cfg] = config.check(list(words), False)
    return build(cfg.model.module, LabModule, ())


@cache
def _experiment(model: str) -> str:
    """The experiment with the layers of the release."""
    published = load_published(RELEASE, model)
    assert published is not None
    for file in sorted((REPO / "conf" / "experiment").glob(f"{model}_*.yaml")):
        if file.stem.startswith("emotion_node") == (model == "emotion_node"):
            module = _module(f"experiment={file.stem}")
            module.use_contract(published.contract.version)
            if module.architecture == published.entry["arch_hint"]:
                return file.stem
    raise AssertionError(f"no experiment has the layers of {model}")


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_the_network_computes_what_the_published_file_does(model: str) -> None:
    module = _module(f"experiment={_experiment(model)}")
    before = torch.get_rng_state()
    start = start_weights.load(module, str(RELEASE))
    assert torch.equal(torch.get_rng_state(), before), "a training from it draws what it drew"
    published = load_published(RELEASE, model)
    assert published is not None and start.licence == published.entry["license"]
    assert all(name.startswith(("heads.", "to_teacher.")) for name in start.anew) and bool(start.anew) == (
        model == "intent"
    )
    golden = json.loads((RELEASE / published.entry["golden_path"]).read_text())
    x = np.asarray([v["input"] for v in golden["vectors"]], np.float32) if "vectors" in golden else _draws(module)
    shaped = x[None] if module.contract.streaming else x
    own = numpy_call(module.eval().export_network())(shaped)
    right = published.call(shaped)
    assert np.abs(own - right).max() < 1e-4 * max(1, np.abs(right).max())
    for name, values in module.head().items():
        assert name not in published.head or np.allclose(values, published.head[name], atol=1e-6), name
    table = module.table()
    assert (table is None) == (published.table is None)
    if table is not None and published.table is not None:
        text = "I miss the sea and I am not sad"
        assert np.abs(table.vector(text) - published.table.vector(text)).max() < 1e-6
        assert table.coverage(text) == published.table.coverage(text)


def _draws(module: LabModule) -> np.ndarray:
    return np.random.default_rng(0).random((40, module.contract.input_size), np.float32)


def _line(module: LabModule, source: object) -> str:
    before = _bytes(module)
    with pytest.raises(ConfigError) as caught:
        start_weights.load(module, str(source))
    line = str(caught.value)
    assert "\n" not in line and line.startswith(f"model.init_from={source}: ")
    assert _bytes(module) == before
    return line


def _bytes(module: LabModule) -> dict[str, bytes]:
    return {name: values.numpy().tobytes() for name, values in module.state_dict().items()}


@pytest.mark.slow
def test_other_sizes_or_another_model_are_one_line(tmp_path: Path) -> None:
    harmony = _module("model=harmony")
    assert "is [128, 599], this network's" in _line(harmony, RELEASE) or "sizes" in _line(harmony, RELEASE)
    assert "of another model; harmony starts from harmonypredictor of such a folder" in _line(
        harmony, RELEASE / "groovepredictor.json"
    )
    assert "of another model" in _line(_module("model=groove"), RUN / "checkpoints" / "best.ckpt")
    assert "no weights there" in _line(harmony, tmp_path)
    (tmp_path / "registry.json").write_text('{"registry_version": "1.1", "description": "", "models": []}')
    assert "harmonypredictor is not published there" in _line(harmony, tmp_path)
    (tmp_path / "x.ckpt").write_bytes(b"PK no archive")
    assert "no weights there, or damaged" in _line(harmony, tmp_path / "x.ckpt")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "sizes"), [("groove", "inner=40"), ("instrument", "channels=16"), ("harmony", "hidden=[40]")]
)
def test_sizes_that_do_not_fit_name_the_experiment_that_does(model: str, sizes: str) -> None:
    line = _line(_module(f"model={model}", f"model.module.{sizes}"), RELEASE)
    assert f"experiment={_experiment(model)}" in line and line.endswith(" fits")


def test_changed_files_are_refused(tmp_path: Path) -> None:
    shutil.copytree(RELEASE, tmp_path / "m")
    (tmp_path / "m" / "groovepredictor.onnx").write_bytes(b"{}")
    assert "groovepredictor.onnx" in _line(_module("experiment=groove_drummers"), tmp_path / "m")


@pytest.mark.slow
def test_a_file_of_the_same_shapes_that_is_computed_otherwise_is_refused() -> None:
    """Structure's last layer holds constants; a file with others is of another network."""
    published = load_published(RELEASE, "structure")
    assert published is not None
    model = onnx.load(RELEASE / "structurepredictor.onnx")
    [last] = [tensor for tensor in model.graph.initializer if tensor.name == "7.weight"]
    values = onnx.numpy_helper.to_array(last).copy()
    values[0, 0] += 0.5
    last.CopyFrom(onnx.numpy_helper.from_array(values, last.name))
    changed = model.SerializeToString()
    published.model = OnnxModel(changed, "changed")
    with pytest.raises(ConfigError, match="another form"):
        read_back(_module("experiment=structure_real"), changed, published)


def test_a_run_gives_its_best_weights() -> None:
    cfg = RUN / "config.yaml"
    hidden = "[" + ",".join(map(str, _hidden(cfg))) + "]"
    module = _module("model=harmony", f"model.module.hidden={hidden}")
    start = start_weights.load(module, str(RUN))
    stored = torch.load(RUN / "checkpoints" / "best.ckpt", map_location="cpu", weights_only=True)["state_dict"]
    assert all(torch.equal(module.state_dict()[name], values) for name, values in stored.items())
    assert start.source.endswith("best.ckpt") and start.licence and module.contract.version == "1"


def _hidden(cfg: Path) -> list[int]:
    from omegaconf import OmegaConf

    return list(OmegaConf.load(cfg).model.module.hidden)


def test_a_wrong_source_ends_before_anything_is_loaded(refusal: Callable[..., str]) -> None:
    assert "model.init_from=nowhere: no weights there" in refusal("model=harmony", "model.init_from=nowhere")
    assert "model.layer_rate=2" in refusal("model=harmony", "model.layer_rate=2.0")


@pytest.mark.slow
def test_a_training_starts_from_the_release_and_leaves_what_is_frozen(called: Callable, tmp_path: Path) -> None:
    words = [
        "experiment=harmony_real",
        "data.sources=[embedded]",
        "preset=smoke",
        "hardware=cpu",
        f"model.init_from={RELEASE}",
        "export.enabled=false",
    ]
    done = called(*words, "model.freeze=[network]", "model.layer_rate=0.5")
    assert done.returncode == 0, done.stdout + done.stderr
    [folder] = (tmp_path / "outputs/runs/harmony").iterdir()
    record = json.loads((folder / "run.json").read_text())
    assert "research use" in record["data"]["licence"]
    assert record["data"]["more"]["started_from"]["source"].startswith("harmonypredictor in ")
    released = _module("experiment=harmony_real")
    start_weights.load(released, str(RELEASE))
    tuned = torch.load(folder / "checkpoints" / "best.ckpt", map_location="cpu", weights_only=True)["state_dict"]
    for name, values in released.state_dict().items():
        assert torch.equal(tuned[name], values) == name.startswith("network."), name
    assert called(*words, "model.freeze=[netwrok]").returncode == 2
    assert called("model=harmony", "hardware=cpu", f"model.init_from={RELEASE}").returncode == 2
    assert list((tmp_path / "outputs/runs/harmony").iterdir()) == [folder], "what was refused leaves no folder"
