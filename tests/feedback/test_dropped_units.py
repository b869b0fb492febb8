"""BALD for models that hear frame by frame: draws of dropout in the published file, one for all frames of a recording."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import onnx
import pytest
import soundfile
from onnx import TensorProto, helper, numpy_helper

from kmidi_lab.inference.dropping import DROPPED, _without
from kmidi_lab.inference.published import release_root

SOUNDING = ("emotion", "instrument", "feel")


def _two_heads(*, arranged: bool = False) -> bytes:
    """x [1, 4] through a first layer, then two last layers that take the same, whose outputs may be put in another
    order.
    """
    rng = np.random.default_rng(0)
    arrays = {"first": rng.normal(size=(40, 4)), "a": rng.normal(size=(2, 40)), "b": rng.normal(size=(3, 40))}
    nodes = [
        helper.make_node("Gemm", ["x", "first"], ["h"], transB=1),
        helper.make_node("Gemm", ["h", "a"], ["left"], transB=1),
        helper.make_node("Gemm", ["h", "b"], ["right"], transB=1),
        helper.make_node("Concat", ["left", "right"], ["y"], axis=1),
    ]
    if arranged:
        arrays["order"] = 2 * np.eye(5)[[4, 2, 0, 1, 3]]
        nodes = [*nodes, helper.make_node("Gemm", ["y", "order"], ["z"], transB=1)]
    graph = helper.make_graph(
        nodes, "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor_value_info("z" if arranged else "y", TensorProto.FLOAT, [1, 5])],
        [numpy_helper.from_array(values.astype(np.float32), name) for name, values in arrays.items()],
    )  # fmt: skip
    return bytes(helper.make_model(graph).SerializeToString())


@pytest.mark.parametrize("arranged", [False, True])
def test_one_mask_is_on_all_last_layers_that_take_the_same_and_on_no_other(arranged: bool) -> None:
    """A layer that only puts outputs in their places has no units."""
    data = _two_heads(arranged=arranged)
    arrays = lambda raw: {v.name: numpy_helper.to_array(v) for v in onnx.load_from_string(raw).graph.initializer}
    before, after = arrays(data), arrays(_without(data, np.random.default_rng(1)))
    assert all((after[name] == before[name]).all() for name in after if name not in ("a", "b"))
    ratio = {name: after[name] / before[name] for name in "ab"}
    assert (ratio["a"][0] == pytest.approx(ratio["b"][2], abs=1e-5)) and 0 < (ratio["a"] == 0).mean() < 0.4
    kept = ratio["a"][ratio["a"] > 0]
    assert kept == pytest.approx(1 / (1 - DROPPED), abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("model", SOUNDING)
def test_recordings_are_ranked_by_what_draws_dispute(job, refusal, monkeypatch, tmp_path: Path, model: str) -> None:
    monkeypatch.setattr("kmidi_lab.tasks.asking.models_root", lambda *_: release_root())
    monkeypatch.setattr("kmidi_lab.tasks.members._PASSES", 3)
    folder, rng = tmp_path / "sounds", np.random.default_rng(0)
    folder.mkdir()
    t = np.arange(2 * 48_000) / 48_000
    for number in range(2):
        tone = np.sin(2 * np.pi * 220 * (number + 1) * t) * np.exp(-3 * (t % 0.5)) * 0.3
        soundfile.write(folder / f"{number}.wav", tone + rng.normal(size=len(t)) * 1e-3, 48_000)
    words = ("task=queue", f"model={model}", "queue.by=bald", f"data.root={folder}")

    def scores() -> dict[str, float]:
        job(*words)
        return {row["source"]: float(row["score"]) for row in csv.DictReader((tmp_path / "queue.csv").open())}

    first = scores()
    assert len(first) == 2 and max(first.values()) > 0
    assert first == scores(), "the seed decides"
    assert "leave it out" in refusal(*words, f"queue.checkpoint={folder}")
