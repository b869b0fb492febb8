"""A clean models folder of real exports, what plants a fault in it, and that verifying changes nothing."""

from __future__ import annotations

import functools
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from omegaconf import OmegaConf
from support.run_fixture import run_record
from torch import nn

from kmidi_lab.contracts import DYNAMICS, GROOVE, Contract
from kmidi_lab.errors import ExportError, RegistryError
from kmidi_lab.export.onnx.writer import export_onnx
from kmidi_lab.export.proof.golden import golden_vectors
from kmidi_lab.export.proof.random_calls import answers
from kmidi_lab.export.rtneural.cpp_header import cpp_header
from kmidi_lab.export.rtneural.reader import RTNeuralModel
from kmidi_lab.export.rtneural.writer import export_rtneural
from kmidi_lab.nn.layers import GRU
from kmidi_lab.nn.streaming import Chain, TorchModel
from kmidi_lab.registry.entry import registry_entry, sha256
from kmidi_lab.registry.registry import publish
from kmidi_lab.registry.versions import sealed
from kmidi_lab.report.card import model_card
from kmidi_lab.run_scores import Student
from kmidi_lab.tasks import verify as task
from kmidi_lab.verify.folder import verify_folder

MODELS = "models"
"""The folder's name below the working directory; the entries' top-level onnx_path starts with it."""
D, G = DYNAMICS.id, GROOVE.id
HEAD = {  # of a small harmony model
    "input": {"slice": "chord_embedding", "start": 36, "stop": 64},
    "degrees": [0, 1],
    "qualities": ["major", "minor"],
    "weight": [[0.5] * 28] * 4,
    "bias": [0, 1, 2, 3],
}


def dynamics(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(32, 24), nn.Tanh(), nn.Linear(24, 16), nn.Sigmoid()).eval()


def groove(seed: int = 0, hidden: int = 8) -> nn.Module:
    torch.manual_seed(seed)
    return Chain(GRU(64, hidden), nn.Linear(hidden, 32), nn.Tanh()).eval()


def golden(network: nn.Module, contract: Contract, alone: bool = False) -> bytes:
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(2, 8, contract.input_size)).astype(np.float32)
    random = answers(TorchModel(network), contract) if alone else None
    return golden_vectors(TorchModel(network), contract, vectors[0], vectors[1], random=random)


def put(
    root: Path,
    contract: Contract,
    network: nn.Module,
    student: nn.Module | None = None,
    prefix: str | None = MODELS,
) -> None:
    """Publishes real exports of a network; with a student, that one is the RTNeural file."""
    recurrent, name = student or network, contract.id
    rtneural, run = export_rtneural(recurrent, contract), run_record()
    files = {
        f"{name}.onnx": export_onnx(network, contract),
        f"{name}.json": rtneural,
        f"{name}_model.h": cpp_header(rtneural, contract).encode(),
        f"{name}.head.json": json.dumps(HEAD if contract.head else {"version": 1}).encode(),
        f"golden/{name}.json": golden(recurrent, contract, alone=student is not None),
    }
    if student is not None:
        files[f"golden/{name}.onnx.json"] = golden(network, contract, alone=True)
        run.student = Student("GRU", sum(p.numel() for p in student.parameters()), 3, 2, 0.05, "KL divergence, nats")
        run.student.metrics, run.student.primary = run.scores.metrics, run.primary
    run.network.params = sum(p.numel() for p in network.parameters())
    stored = RTNeuralModel.from_bytes(rtneural)
    run.export.stored_params, run.export.receptive_field = stored.parameters, stored.receptive_field
    run.export.onnx_receptive_field = stored.receptive_field
    run.export.latency.budget_ms = contract.budget_ms
    files[f"{name}.card.md"] = model_card(run, contract).encode()
    publish(root, registry_entry(run, contract, files), files, onnx_prefix=prefix)


def edit(root: Path, change: Callable[[dict[str, Any]], object], model_id: str = D) -> None:
    """Changes the entry of a model, and seals it anew."""
    registry = json.loads((root / "registry.json").read_bytes())
    change(next(e for e in registry["models"] if e["id"] == model_id))
    put_registry(root, registry)


def put_registry(root: Path, registry: dict[str, Any]) -> None:
    """Writes it with the entries sealed, as someone does who hides a change."""
    models = registry.get("models")
    if isinstance(models, list):
        models[:] = [sealed(e) if isinstance(e, dict) and "digest" in e else e for e in models]
    (root / "registry.json").write_text(json.dumps(registry))


def swap(root: Path, name: str, data: bytes, model_id: str = D) -> None:
    """Another content for a file, with its hashes and size in the registry corrected."""
    (root / name).write_bytes(data)

    def correct(entry: dict[str, Any]) -> None:
        entry["files"][name] = {"sha256": sha256(data), "bytes": len(data)}
        for path, key in ((entry["file"], "sha256"), (entry["exports"].get("onnx_path"), "onnx_sha256")):
            if path == name:
                entry["exports"][key] = sha256(data)

    edit(root, correct, model_id)


def json_file(root: Path, name: str, change: Callable[[dict[str, Any]], object], model_id: str = D) -> None:
    """Changes a JSON file of a model, with its hashes corrected."""
    content = json.loads((root / name).read_bytes())
    change(content)
    swap(root, name, json.dumps(content).encode(), model_id)


def onnx_file(root: Path, change: Callable[[Any], object], model_id: str = D) -> None:
    """Changes the ONNX file of a model as a ModelProto, with its hashes corrected."""
    model = onnx.load_from_string((root / f"{model_id}.onnx").read_bytes())
    change(model)
    swap(root, f"{model_id}.onnx", model.SerializeToString(), model_id)


def scale_weights(model: Any, factor: float) -> None:
    """Multiplies every float initializer with more than one value."""
    for tensor in model.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.size > 1:
            tensor.CopyFrom(onnx.numpy_helper.from_array((values * factor).astype(np.float32), tensor.name))


def rename_value(model: Any, old: str, new: str) -> None:
    """An input or output under another name, wherever it is used."""
    for value in (*model.graph.input, *model.graph.output):
        if value.name == old:
            value.name = new
    for node in model.graph.node:
        for names in (node.input, node.output):
            for at, name in enumerate(names):
                if name == old:
                    names[at] = new


def snapshot(root: Path) -> dict[str, Any]:
    """Content of every file, and when every folder last changed."""
    return {
        str(p.relative_to(root)): p.read_bytes() if p.is_file() else p.stat().st_mtime_ns
        for p in (root, *root.rglob("*"))
    }


@functools.cache
def _clean_files() -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        put(root, DYNAMICS, dynamics())
        put(root, GROOVE, groove())
        return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def write_clean(root: Path) -> Path:
    """The clean folder, of a model without state and one with state; returns `root`."""
    for name, data in _clean_files().items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RTNEURAL_RUNNER", raising=False)
    return write_clean(tmp_path / MODELS)


def run_task(root: Path, folder: Path) -> dict[str, Any]:
    """Runs the task; its report."""
    try:
        task.main(OmegaConf.create({"models_root": str(root)}), {"folder": folder})
    finally:
        report = json.loads((folder / "verify.json").read_bytes())
    return dict(report)


@pytest.mark.slow
def test_a_clean_folder(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = run_task(root, tmp_path / "out")
    assert (report["models"], report["faults"], report["notes"]) == (2, 0, 1)
    assert [f["check"] for f in report["findings"]] == ["real RTNeural"]
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == f"2 models, 0 faults, 1 note | written: {tmp_path / 'out' / 'verify.json'}"
    for model_id in (D, G):
        passed = report["passed"][model_id]
        assert passed > 60
        assert lines[lines.index(model_id) + 1] == f"  OK     {passed} checks passed"


def test_faults_are_printed_written_and_raised(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    swap(root, f"{D}.json", b"{}")
    edit(root, lambda e: e.update(onnx_path="/gone.onnx"))
    with pytest.raises(ExportError, match=r"models: 1 fault; .*verify\.json") as caught:
        run_task(root, tmp_path / "out")
    assert "\n" not in str(caught.value)
    report = json.loads((tmp_path / "out" / "verify.json").read_bytes())
    assert [(f["subject"], f["severity"]) for f in report["findings"][1:]] == [(D, "note"), (D, "fault")]
    lines = capsys.readouterr().out.splitlines()
    at = lines.index(D)
    assert [line.split()[0] for line in lines[at + 1 : at + 4]] == ["OK", "FAULT", "NOTE"]


@pytest.mark.parametrize("broken", [False, True])
def test_verifying_changes_nothing_and_needs_no_writing(root: Path, broken: bool) -> None:
    if broken:
        (root / ".staging" / D).mkdir(parents=True)
        (root / ".staging" / "journal.json").write_text(json.dumps({"run": D, "files": [f"{D}.json"]}))
        (root / ".staging" / D / f"{D}.json").write_bytes(b"new")
        (root / f"{D}.onnx").write_bytes(b"broken")
    before = snapshot(root)
    folders = [p for p in (root, *root.rglob("*")) if p.is_dir()]
    for folder in folders:
        folder.chmod(0o555)
    try:
        found = verify_folder(root, None)
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert bool(found.faults) == broken
    assert snapshot(root) == before


def test_a_folder_without_a_registry(tmp_path: Path) -> None:
    write_clean(tmp_path)
    (tmp_path / "registry.json").unlink()
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / f"{G}.json").write_bytes(export_rtneural(dynamics(), DYNAMICS))
    (tmp_path / "broken.json").write_bytes(b'{"layers": [')
    (tmp_path / "gone.onnx").symlink_to("nowhere")
    (tmp_path / "package.json").write_text('{"name": "not a model"}')
    found = verify_folder(tmp_path, None)
    assert [f.check for f in found.folder.notes] == ["registry", "real RTNeural"]
    assert {c.subject for c in found.models} == {D, G, f"below/{G}", "broken", "gone"}
    faults = {(f.subject, f.check) for f in found.faults}
    assert faults == {(f"below/{G}", "size"), ("broken", "rtneural"), ("gone", "file")}


@pytest.mark.parametrize("what", ["missing", "empty", "file", "other files"])
def test_nothing_to_check(tmp_path: Path, what: str) -> None:
    root = tmp_path / "models"
    if what == "file":
        root.write_text("")
    elif what != "missing":
        root.mkdir()
    if what == "other files":
        (root / "README.md").write_text("")
        (root / "settings.json").write_text("{}")
    with pytest.raises(RegistryError, match=r"type models_root=\S*outputs/release$"):
        verify_folder(root, None)
