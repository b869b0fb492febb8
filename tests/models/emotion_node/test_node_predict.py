"""task=predict model=emotion_node: each head's answer is the network's, by the contract's names and ids."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch

from kmidi_lab.audio.front_end import MusicEar
from kmidi_lab.audio.level import adapted_sounds
from kmidi_lab.audio.mel import log_mel
from kmidi_lab.contract_features import LEVEL_FEATURES
from kmidi_lab.contract_types import Contract
from kmidi_lab.contracts import EMOTION_NODE
from kmidi_lab.export.onnx.writer import export_onnx
from kmidi_lab.inference.published import Published
from kmidi_lab.models.emotion_node.features import (
    BASES,
    INTENSITIES,
    KEYS,
    QUADRANTS,
    SUBS,
    load_thesaurus,
    node_quadrants,
)
from kmidi_lab.models.emotion_node.module import EmotionNodeClassifier
from kmidi_lab.models.emotion_node.predict import HeardNodes


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> tuple[Path, EmotionNodeClassifier]:
    torch.manual_seed(1)
    root = tmp_path_factory.mktemp("models")
    module = EmotionNodeClassifier(channels=8, dilations=[1, 2]).eval()
    (root / "emotionnodeclassifier.onnx").write_bytes(export_onnx(module.export_network(), EMOTION_NODE))
    entry = {
        "id": EMOTION_NODE.id, "file": "emotionnodeclassifier.onnx", "format": "onnx", "task": EMOTION_NODE.task,
        "input_size": 128, "output_size": 258, "status": "training", "note": "made by a test",
        "exports": {"onnx_path": "emotionnodeclassifier.onnx"}, "contract_version": EMOTION_NODE.version,
    }  # fmt: skip
    registry = {"registry_version": "1.1", "generated_at": "2026-11-22T20:30:00+00:00", "models": [entry]}
    (root / "registry.json").write_text(json.dumps(registry))
    return root, module


@pytest.mark.parametrize("contract", [EMOTION_NODE, *EMOTION_NODE.earlier])
def test_music_of_one_level_counts_where_the_frames_are_levelled(contract: Contract) -> None:
    model = SimpleNamespace(reset=lambda: None)
    hear, _, _ = HeardNodes(np.zeros(1)).hearing(Published(contract, {}, {}, model))  # type: ignore[arg-type]
    assert isinstance(hear, MusicEar) is (contract.features == LEVEL_FEATURES)


@pytest.mark.slow
def test_answers_are_the_networks(cli, models, tmp_path):
    root, module = models
    chord = sum(np.sin(2 * np.pi * hz * np.arange(24000) / 16000) for hz in (220, 277.2, 329.6)) / 6
    soundfile.write(tmp_path / "chord.wav", chord.astype(np.float32), 16000, subtype="FLOAT")
    done = cli("task=predict", "model=emotion_node", f"models_root={root}", f"predict.audio={tmp_path / 'chord.wav'}")
    assert done.returncode == 0, done.stderr
    [path] = tmp_path.rglob("reading.json")
    assert path.with_name("timeline.png").read_bytes().startswith(b"\x89PNG")
    summary = json.loads(path.read_text())["summary"]
    said = summary["answers"]
    with torch.no_grad():
        [frames] = adapted_sounds([log_mel(chord.astype(np.float32))])
        whole = module.export_network()(torch.from_numpy(frames)[None])[0].mean(0)
    p = {s.name: whole[s.index].softmax(0) for s in EMOTION_NODE.outputs}
    best = {name: int(values.argmax()) for name, values in p.items()}
    base = BASES[best["base"]]
    assert said["base"]["answer"] == base and said["sub"]["answer"] == SUBS[base][best["sub"]]
    assert said["intensity"]["answer"] == INTENSITIES[best["intensity"]] and said["key"]["answer"] == KEYS[best["key"]]
    node = load_thesaurus()[best["node"]]
    assert said["node"]["answer"].startswith(f"{node.name} (")
    nodes = load_thesaurus()
    for name in ("valence", "arousal", "dominance"):
        mean = sum(float(chance) * getattr(one, name) for chance, one in zip(p["node"], nodes, strict=True))
        assert summary["values"][name] == pytest.approx(mean, abs=1e-4)
    p["quadrant"] = torch.bincount(torch.tensor(node_quadrants()), p["node"], 4)
    assert said["quadrant"]["answer"] == QUADRANTS[int(p["quadrant"].argmax())]
    for name, answer in said.items():
        assert answer["probability"] == pytest.approx(float(p[name].max()), abs=1e-4)
