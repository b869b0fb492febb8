"""A module through the whole export: streaming with a student, streaming without, and what stops it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from support.run_fixture import run_record
from torch import nn

from kmidi_lab.contracts import GROOVE, MELODY, Contract
from kmidi_lab.errors import ExportError
from kmidi_lab.export.onnx.runtime import OnnxModel
from kmidi_lab.export.proof.golden import verify_golden
from kmidi_lab.export.publish import Publication, export_module
from kmidi_lab.export.rtneural.reader import RTNeuralModel
from kmidi_lab.nn.layers import GRU, CausalAttention, CausalConv1d
from kmidi_lab.nn.module import LabModule
from kmidi_lab.nn.streaming import Chain, Residual
from kmidi_lab.registry.registry import load_registry
from kmidi_lab.run_record import RunRecord
from kmidi_lab.run_scores import Student


class Toy(LabModule):
    """Any network under any contract."""

    def __init__(self, contract: Contract, network: nn.Module, student: nn.Module | None = None) -> None:
        super().__init__(1e-3, 0.0)
        type(self).contract = contract
        self.network, self.student = network.eval(), student and student.eval()


def melody() -> Toy:
    torch.manual_seed(0)
    attention = Chain(nn.Linear(64, 32), Residual(CausalAttention(32, 2, 8)), nn.Linear(32, 128), nn.Softmax(-1))
    return Toy(MELODY, attention, Chain(GRU(64, 24), nn.Linear(24, 128), nn.Softmax(-1)))


def groove() -> Toy:
    torch.manual_seed(0)
    return Toy(GROOVE, Chain(CausalConv1d(64, 24, 3, 4), nn.PReLU(24), GRU(24, 24), nn.Linear(24, 32), nn.Sigmoid()))


def record_of(module: Toy, **student: Any) -> RunRecord:
    """The record of a run that beats its baselines, with the facts a distillation leaves."""
    run = run_record()
    run.identity.id, run.identity.model = module.contract.id, module.contract.model
    if module.student is not None:
        primary = replace(run.primary, **{"value": 6.2, "beats_baselines": True, **student})
        run.student = Student("GRU-24", 9000, 3, 2, 0.05, "KL divergence, nats")
        run.student.metrics, run.student.primary = {"test": {"perplexity": primary.value}}, primary
    return run


def published(module: Toy, folder, run=None) -> RunRecord:
    run = run or record_of(module)
    probes = np.random.default_rng(1).normal(size=(60, module.contract.input_size)).astype(np.float32)
    export_module(module, probes, run, Publication(folder, 1e-4, 20, release=False))
    return run


@pytest.fixture(scope="module")
def with_student(tmp_path_factory):
    folder = tmp_path_factory.mktemp("melody")
    module = melody()
    return folder, module, published(module, folder)


@pytest.mark.slow
def test_the_files_of_a_model_with_a_student(with_student):
    folder, _, run = with_student
    (entry,) = load_registry(folder)["models"]
    assert set(entry["files"]) == {
        "melodytransformer.onnx", "melodytransformer.json", "melodytransformer_model.h",
        "melodytransformer.card.md", "golden/melodytransformer.json", "golden/melodytransformer.onnx.json",
    }  # fmt: skip
    assert (entry["rtneural_is_student"], entry["onnx_golden_path"]) == (True, "golden/melodytransformer.onnx.json")
    assert entry["student"]["metrics"]["test"]["perplexity"] == 6.2 and "curve" not in entry["student"]
    assert run.export.receptive_field is None
    assert all((folder / name).stat().st_size for name in entry["files"])


@pytest.mark.slow
def test_each_file_is_its_own_network_and_golden_vectors_tell_them_apart(with_student):
    folder, _, _ = with_student
    student = RTNeuralModel.from_bytes((folder / "melodytransformer.json").read_bytes())
    teacher = OnnxModel((folder / "melodytransformer.onnx").read_bytes(), "melody")
    golden = {name: (folder / "golden" / f"melodytransformer{name}.json").read_bytes() for name in ("", ".onnx")}
    assert verify_golden(golden[""], student, 1e-5) < 1e-5
    assert verify_golden(golden[".onnx"], teacher, 1e-5) < 1e-5
    with pytest.raises(ExportError, match="golden call 0"):
        verify_golden(golden[".onnx"], student, 1e-5)


def test_the_card_says_that_the_file_holds_a_student(with_student):
    folder, _, _ = with_student
    card = (folder / "melodytransformer.card.md").read_text()
    assert "The student in the RTNeural file" in card
    assert "| student (RTNeural) | GRU-24 | 9,000 |" in card
    assert "0.0500 from its teacher's" in card
    assert "every call since the reset" in card


@pytest.mark.slow
def test_beside_a_student_that_does_not_beat_the_baselines_the_entry_is_the_onnx_files(tmp_path):
    module = melody()
    run = record_of(module, value=9.9, beats_baselines=False)
    published(module, tmp_path, run)
    (entry,) = load_registry(tmp_path)["models"]
    assert (entry["status"], entry["file"], entry["format"]) == ("trained", "melodytransformer.onnx", "onnx")
    assert entry["exports"]["sha256"] == entry["exports"]["onnx_sha256"]
    assert entry["rtneural_path"] == "melodytransformer.json" and not entry["student"]["primary"]["beats_baselines"]
    assert "the student in the RTNeural file does not beat" in entry["note"]


def test_with_a_student_that_beats_them_it_is_the_rtneural_files(with_student):
    (entry,) = load_registry(with_student[0])["models"]
    assert (entry["status"], entry["file"]) == ("trained", "melodytransformer.json")


@pytest.mark.slow
def test_a_streaming_model_is_published_whole(tmp_path):
    module = groove()
    run = published(module, tmp_path)
    (entry,) = load_registry(tmp_path)["models"]
    assert (entry["rtneural_is_student"], entry["student"], entry["onnx_golden_path"]) == (False, None, None)
    assert run.export.parity["chunking"] < 1e-5
    golden = (tmp_path / "golden" / "groovepredictor.json").read_bytes()
    for name, load in (("json", RTNeuralModel.from_bytes), ("onnx", lambda data: OnnxModel(data, "groove"))):
        assert verify_golden(golden, load((tmp_path / f"groovepredictor.{name}").read_bytes()), 1e-5) < 1e-5
    header = (tmp_path / "groovepredictor_model.h").read_text()
    assert entry["exports"]["sha256"] in header
    assert json.loads(golden)["sequence"]["inputs"]


def test_a_failed_gate_writes_nothing(tmp_path, monkeypatch):
    module = groove()
    monkeypatch.setattr(module, "export_network", lambda: groove_of_another_seed().network)
    with pytest.raises(ExportError, match="rewritten for export differs"):
        published(module, tmp_path)
    assert not list(tmp_path.iterdir())


def groove_of_another_seed() -> Toy:
    made = groove()
    with torch.no_grad():
        next(made.network.parameters()).mul_(2)
    return made
