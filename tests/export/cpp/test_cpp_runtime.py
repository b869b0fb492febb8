"""The C++ runtime against the lab's reader, ONNX Runtime, RTNeural's own models, golden files, and hostile files."""

from __future__ import annotations

import os
import struct
import subprocess
from pathlib import Path

import numpy as np
import orjson
import pytest
import torch
from support.cpp_runtime import read
from support.streaming_networks import NETWORKS, network
from torch import nn

from kmidi_lab.export.cpp.emit import kmw, runtime_header
from kmidi_lab.export.cpp.plan import Plan, plan_of
from kmidi_lab.export.onnx.runtime import OnnxModel
from kmidi_lab.export.rtneural.reader import RTNeuralModel
from kmidi_lab.export.rtneural.writer import export_rtneural

pytestmark = pytest.mark.slow
PROBES = np.random.default_rng(8).normal(size=(90, 6)).astype(np.float32)
RELEASED = [
    "dynamicsengine", "emotionnodeclassifier", "emotionrecognizer", "groovepredictor", "harmonypredictor",
    "instrumentrecognizer", "melodytransformer",
]  # fmt: skip


def test_every_layer_and_block(runner, run, make_contract):
    """In a row and with a reset before each call, over more calls than any dilation looks back."""
    for name in NETWORKS:
        net = network(name)
        contract = make_contract(6, net(torch.zeros(1, 1, 6)).shape[-1], state="one note a call")
        rtneural = export_rtneural(net, contract)
        for each in (False, True):
            got = run(runner, rtneural, PROBES, each)
            np.testing.assert_allclose(got, read(rtneural, PROBES, each), atol=3e-6, err_msg=name)


def test_sizes_that_fill_no_vector(runner, run, make_contract):
    """Every remainder of 1 to 40 channels, through each function that is written for vectors."""
    for size in range(1, 41):
        torch.manual_seed(size)
        net = nn.Sequential(
            nn.Linear(6, size), nn.Tanh(), nn.Linear(size, size), nn.Sigmoid(), nn.Linear(size, size), nn.ELU(),
            nn.PReLU(size), nn.Linear(size, size), nn.ReLU(), nn.Linear(size, size), nn.Softmax(-1),
        ).eval()  # fmt: skip
        rtneural = export_rtneural(net, make_contract(6, size))
        got = run(runner, rtneural, PROBES[:4], True)
        np.testing.assert_allclose(got, read(rtneural, PROBES[:4], True), atol=1e-6, err_msg=str(size))


@pytest.mark.parametrize("kind", ["tanh", "sigmoid", "elu", "relu", "softmax"])
def test_functions_over_the_whole_range(runner, run, kind):
    """Far values saturate, small ones keep their digits, NaN stays NaN; softmax bears logits that RTNeural does not."""
    x = np.concatenate([np.linspace(-200, 200, 801), np.logspace(-12, 0, 60), -np.logspace(-12, 0, 60)])
    rows = np.stack([x, x[::-1]]).astype(np.float32)
    layer = {"type": "activation", "activation": kind, "shape": [None, None, rows.shape[1]], "weights": []}
    file = orjson.dumps({"in_shape": [None, None, rows.shape[1]], "layers": [layer]})
    got, exact = run(runner, file, rows, True), torch.from_numpy(rows.astype(np.float64))
    wanted = exact.softmax(-1) if kind == "softmax" else getattr(nn.functional, kind)(exact)
    np.testing.assert_allclose(got, wanted, rtol=3e-7, atol=1.5e-7)
    rows[:, 3] = np.nan
    assert np.isnan(run(runner, file, rows, True)[:, 3]).all()


@pytest.mark.parametrize("model_id", RELEASED)
def test_released_models_give_their_golden_outputs(model_id, runner, run, repo: Path):
    rtneural = (repo / f"outputs/release/{model_id}.json").read_bytes()
    golden = orjson.loads((repo / f"outputs/release/golden/{model_id}.json").read_bytes())
    for part, each in (("sequence", False), ("typical", True)):
        inputs, outputs = (np.array(golden[part][key], np.float32) for key in ("inputs", "outputs"))
        got = run(runner, rtneural, inputs, each)
        np.testing.assert_allclose(got, outputs, rtol=1e-5, atol=2e-5)
        if model_id == "melodytransformer":
            continue  # its ONNX file holds the teacher
        onnx = OnnxModel((repo / f"outputs/release/{model_id}.onnx").read_bytes(), model_id)
        for frame, row in zip(inputs, got, strict=True):
            if each:
                onnx.reset()
            np.testing.assert_allclose(row, onnx(frame), rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("name", ["dense", "conv", "gru", "gru_1d", "lstm", "lstm_1d"])
def test_rtneurals_own_models(name, runner, run, golden_folder: Path):
    x, y = (
        np.loadtxt(golden_folder / f"{name}_{end}_python.csv", delimiter=",", ndmin=1, dtype=np.float32) for end in "xy"
    )
    rtneural = (golden_folder / f"{name}.json").read_bytes()
    got = run(runner, rtneural, x.reshape(-1, RTNeuralModel.from_bytes(rtneural).input_size), False)
    np.testing.assert_allclose(got.ravel(), y.ravel(), atol=2e-5)


def residual_file(make_contract) -> bytes:
    net = network("everything")
    return export_rtneural(net, make_contract(6, 5, state="one note a call"))


@pytest.mark.parametrize("runner", ["sanitized"], indirect=True)
def test_a_damaged_file_is_refused_or_runs(runner, tmp_path, make_contract):
    """Hundreds of changed words and cut files: the sanitizers see every access outside the arena."""
    rtneural = residual_file(make_contract)
    plan, rng = plan_of(rtneural), np.random.default_rng(0)
    whole = kmw(plan, rtneural)
    PROBES[:3].tofile(tmp_path / "frames")
    refused = 0
    for case in range(150):
        words = plan.words.copy()
        if case < 110:
            at = rng.integers(1, words.size)
            words[at] = rng.choice([-1, 0, 1, 2**31 - 1, 2**24, words[at] + 1, words[at] - 1, words[at] * 2, 64])
            data = kmw(Plan(words, plan.weights), rtneural)
        else:
            data = whole[: rng.integers(0, len(whole))] if case % 2 else whole + b"1234"
        (tmp_path / "bad.kmw").write_bytes(data)
        files = [str(tmp_path / name) for name in ("bad.kmw", "frames", "outputs", "timings")]
        done = subprocess.run([str(runner), *files, "6", "5", "3", "0", "0"], capture_output=True, text=True)
        assert done.returncode in (0, 1) and "Sanitizer" not in done.stderr, done.stderr
        assert done.returncode == 0 or "bad.kmw" in done.stderr.splitlines()[-1]
        refused += done.returncode
    assert refused > 80


@pytest.mark.parametrize("eigen", [False, True], ids=["own loops", "eigen"])
def test_headers_run_without_an_allocation(eigen, compiled, repo, tmp_path, make_contract):
    """Two models from headers; the program replaces `operator new` by one that counts."""
    # GCC takes the replaced operators, once inlined, for a mismatch of new and free.
    flags = ["-O1", "-Wno-mismatched-new-delete", "-DKMIDI_NO_ALLOC", f"-I{tmp_path}"]
    if eigen:
        flags += ["-DKMIDI_USE_EIGEN", "-isystem", f"{rtneural_sources()}/modules/Eigen"]
    files = {"everything": residual_file(make_contract)}
    files["groovepredictor"] = (repo / "outputs/release/groovepredictor.json").read_bytes()
    for name, rtneural in files.items():
        (tmp_path / f"{name}_runtime.h").write_bytes(runtime_header(plan_of(rtneural), rtneural, name))
    program = compiled(Path(__file__).with_name("no_alloc.cpp"), *flags)
    *outputs, counts = subprocess.run([str(program)], capture_output=True, text=True, check=True).stdout.splitlines()
    assert counts == "1 0"
    model = RTNeuralModel.from_bytes(files["everything"])
    for call in range(40):
        frame = ((call * 7 + np.arange(6) * 3) % 11 / np.float32(11) - np.float32(0.5)).astype(np.float32)
        if call == 20:
            model.reset()
        wanted = model(frame)
        model(frame)
    np.testing.assert_allclose(np.array(outputs, np.float32), wanted, atol=3e-6)


def rtneural_sources() -> str:
    if not os.environ.get("RTNEURAL_INCLUDE"):
        pytest.skip("needs RTNEURAL_INCLUDE, the folder of RTNeural's sources, which hold Eigen")
    return os.environ["RTNEURAL_INCLUDE"]


@pytest.mark.parametrize("size", ["words", "weights"])
def test_the_header_holds_every_value(size, make_contract):
    rtneural = residual_file(make_contract)
    plan = plan_of(rtneural)
    text = runtime_header(plan, rtneural, "toymodel").decode()
    body = text.split(f" {size}[] = {{")[1].split("};")[0].replace("f", "")
    kept = np.array(body.split(","), np.float32 if size == "weights" else np.int32)
    np.testing.assert_array_equal(kept, getattr(plan, size))
    assert max(map(len, text.splitlines())) <= 120


def test_head_of_the_file(make_contract):
    rtneural = residual_file(make_contract)
    plan = plan_of(rtneural)
    data = kmw(plan, rtneural)
    assert struct.unpack("<4sIII", data[:16]) == (b"KMW1", plan.words.size, plan.weights.size, 0)
    assert len(data) == 128 + 4 * (plan.words.size + plan.weights.size)
