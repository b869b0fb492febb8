"""task=predict model=instrument: answers are those of the network; slices without data are not asked."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from kmidi_lab.audio.mel import log_mel
from kmidi_lab.contracts import INSTRUMENT
from kmidi_lab.export.onnx.writer import export_onnx
from kmidi_lab.models.instrument.features import CLASSES
from kmidi_lab.models.instrument.module import InstrumentRecognizer


@pytest.fixture(scope="module")
def tone() -> np.ndarray:
    t = np.arange(16000) / 16000
    return (0.3 * np.sin(2 * np.pi * 440 * t) * np.exp(-2 * t)).astype(np.float32)


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> tuple[Path, InstrumentRecognizer]:
    """A folder with an untrained network that answers everything but the articulation."""
    torch.manual_seed(1)
    root = tmp_path_factory.mktemp("models")
    module = InstrumentRecognizer(channels=8, dilations=[1, 2], hidden=8).eval()
    technical, _ = [m for m in module.modules() if isinstance(m, torch.nn.Linear) and m.out_features == 80]
    with torch.no_grad():
        for m in module.modules():
            if isinstance(m, torch.nn.Linear) and m.out_features == 80:
                m.weight.normal_()
        technical.weight[INSTRUMENT.output("articulation").index] = 0
    (root / "instrumentrecognizer.onnx").write_bytes(export_onnx(module.export_network(), INSTRUMENT))
    entry = {
        "id": INSTRUMENT.id, "file": "instrumentrecognizer.onnx", "format": "onnx", "task": INSTRUMENT.task, "input_size": 128,
        "output_size": 160, "status": "training", "note": "made by a test", "exports": {"onnx_path": "instrumentrecognizer.onnx"},
    }  # fmt: skip
    registry = {"registry_version": "1.1", "generated_at": "2026-11-22T20:30:00+00:00", "models": [entry]}
    (root / "registry.json").write_text(json.dumps(registry))
    return root, module


@pytest.mark.slow
def test_answers_are_the_networks_and_flat_slices_are_left_out(cli, models, tone, tmp_path):
    root, module = models
    soundfile.write(tmp_path / "tone.wav", tone, 16000, subtype="FLOAT")
    done = cli("task=predict", "model=instrument", f"models_root={root}", f"predict.audio={tmp_path / 'tone.wav'}")
    assert done.returncode == 0, done.stderr
    [path] = tmp_path.rglob("reading.json")
    assert path.with_name("timeline.png").read_bytes().startswith(b"\x89PNG")
    said = json.loads(path.read_text())["summary"]["answers"]
    assert list(said) == ["family", "instrument", "technique", "register", "energy"]
    with torch.no_grad():
        whole = module.export_network()(torch.from_numpy(log_mel(tone))[None])[0].mean(0)
    for name, answer in said.items():
        p = whole[INSTRUMENT.output(name).index].softmax(0)
        assert answer["answer"] == CLASSES[name][int(p.argmax())]
        assert answer["probability"] == pytest.approx(float(p.max()), abs=1e-4)
        assert answer["answer"] in done.stdout


@pytest.mark.slow
def test_without_a_model_it_says_what_to_do(cli, tone, tmp_path):
    soundfile.write(tmp_path / "tone.wav", tone, 16000)
    done = cli("task=predict", "model=instrument", "models_root=empty", f"predict.audio={tmp_path / 'tone.wav'}")
    assert done.returncode == 2, done.stdout + done.stderr
    said = done.stdout + done.stderr
    assert "no trained instrument model" in said and "Traceback" not in said
