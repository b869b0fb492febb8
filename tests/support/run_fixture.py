"""The record of a harmony run as the export sees it, its artefacts' bytes, and tiny ONNX files."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from support.sample_run import sample_run

from kmidi_lab.contracts import Contract
from kmidi_lab.registry.policy import entry_status
from kmidi_lab.run_record import RunRecord


def run_record(*, beats: bool = True, run_id: str = "20261122-203000-123-ab12") -> RunRecord:
    """A fresh record whose verdict is the same on every metric; not finished yet, as when a run publishes."""
    run = sample_run()
    assert run.scores and run.primary and run.export
    own = run.identity
    own.run_id, own.status, own.finished_at, own.duration_seconds = run_id, "running", None, None
    run.code.sha256 = "9f86d081" * 8
    assert run.data
    run.data.settings = {"sources": ["pop909"], "split_seed": 0}
    run.machine = {"id": "0123456789ab", "cpu": "AMD EPYC 9254", "cores": 2, "os": "Debian 12", "gpu": []}
    for told in run.primary.comparisons:
        rival, lower = told.best_baseline_value, told.mode == "min"
        if told.beats_baselines != beats:
            told.value = rival * (0.9 if beats == lower else 1.1)
            run.scores.metrics["test"][told.metric] = told.value
        told.beats_baselines = beats
    run.export.status, run.export.reason = entry_status(run)
    run.export.files = {}
    return run


def run_files(model_id: str, mark: str = "") -> dict[str, bytes]:
    """Stand-ins for the artefacts of one model; another mark gives other contents."""
    names = (".onnx", ".json", ".head.json", ".card.md")
    files = {f"{model_id}{name}": f"{model_id}{name} {mark}".encode() for name in names}
    return {**files, f"golden/{model_id}.json": f"golden {model_id} {mark}".encode()}


def tiny_onnx(contract: Contract) -> bytes:
    """`output = input @ ones`, the contract's sizes and names."""
    sizes = [contract.input_size, contract.output_size]
    weight = numpy_helper.from_array(np.ones(sizes, np.float32), "weight")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["input", "weight"], ["output"])],
        "tiny",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, sizes[0]])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, sizes[1]])],
        [weight],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    data: bytes = model.SerializeToString()
    onnx.checker.check_model(data)
    return data
