"""export.cpp: the runtime's file is proved, timed, published and verified with the others."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from support.run_fixture import run_record
from torch import nn

from kmidi_lab.contracts import GROOVE
from kmidi_lab.errors import ExportError
from kmidi_lab.export.cpp.emit import runtime_file
from kmidi_lab.export.publish import Publication, export_module
from kmidi_lab.export.rtneural.runner import CPP_VARIABLE
from kmidi_lab.export.rtneural.writer import export_rtneural
from kmidi_lab.nn.layers import GRU
from kmidi_lab.nn.module import LabModule
from kmidi_lab.nn.streaming import Chain
from kmidi_lab.registry.registry import load_registry
from kmidi_lab.run_record import RunRecord
from kmidi_lab.verify.folder import verify_folder

ID = GROOVE.id


class Toy(LabModule):
    """A small network under the contract of groove."""

    contract = GROOVE

    def __init__(self, seed: int) -> None:
        super().__init__(1e-3, 0.0)
        torch.manual_seed(seed)
        self.network = Chain(nn.Linear(64, 8), GRU(8, 8), nn.Linear(8, 32), nn.Sigmoid()).eval()


def published(folder: Path, cpp: str | None) -> RunRecord:
    run = run_record()
    run.identity.id, run.identity.model = ID, GROOVE.model
    probes = np.random.default_rng(1).normal(size=(30, 64)).astype(np.float32)
    export_module(Toy(0), probes, run, Publication(folder, 1e-4, 20, release=False, cpp=cpp))
    return run


def runtime_faults(folder: Path) -> list[str]:
    return [f.message for f in verify_folder(folder, None).faults if f.check == "runtime"]


@pytest.mark.slow
def test_published_with_the_rest(tmp_path, monkeypatch, compiled, repo):
    monkeypatch.setenv(CPP_VARIABLE, str(compiled(repo / "runner/kmidi_runner.cpp", "-O1")))
    run = published(tmp_path, "kmw")
    assert run.export.parity["kmidi_runtime"] < 1e-5
    assert run.export.latency.backends["kmidi_runtime"].median_us > 0
    (entry,) = load_registry(tmp_path)["models"]
    assert f"{ID}.kmw" in entry["files"] and (tmp_path / f"{ID}.kmw").is_file()
    assert runtime_faults(tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize(("form", "name"), [("kmw", f"{ID}.kmw"), ("header", f"{ID}_runtime.h")])
def test_verify_finds_a_file_of_another_model(tmp_path, monkeypatch, form, name):
    monkeypatch.delenv(CPP_VARIABLE, raising=False)
    run = published(tmp_path / "a", form)
    assert "kmidi_runtime" not in run.export.parity and "kmidi_runtime" not in run.export.latency.backends
    other = runtime_file(export_rtneural(Toy(1).network, GROOVE), ID, form)
    assert other[0] == name
    (tmp_path / "a" / name).write_bytes(other[1])
    (fault,) = runtime_faults(tmp_path / "a")
    assert fault.startswith(f"{name}: not made from this RTNeural file")


@pytest.mark.slow
def test_a_runtime_that_is_off_stops_the_export(tmp_path, monkeypatch):
    runner = tmp_path / "runner"
    runner.write_text(
        f"#!{sys.executable}\nimport json, sys\nimport numpy as np\n_, model, frames, outputs, timings, n, m, t, w, r = sys.argv\n"
        "np.full((int(t), int(m)), 0.5, '<f4').tofile(outputs)\n"
        "json.dump({'version': '1', 'backend': 'b', 'flags': '', 'first_ns': 1, 'ns': [1] * int(t)}, open(timings, 'w'))\n"
    )
    runner.chmod(0o755)
    monkeypatch.setenv(CPP_VARIABLE, str(runner))
    with pytest.raises(ExportError, match=r"the C\+\+ runtime is off by 0\.\d+ on the golden vectors"):
        published(tmp_path / "models", "kmw")
    assert not (tmp_path / "models").exists()
