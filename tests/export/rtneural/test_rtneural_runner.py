from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from torch import nn

from kmidi_lab.errors import ExportError, UserError
from kmidi_lab.export.onnx.writer import export_onnx
from kmidi_lab.export.proof.parity import check_parity
from kmidi_lab.export.rtneural.reader import RTNeuralFormatError, RTNeuralModel
from kmidi_lab.export.rtneural.runner import VARIABLE, run_rtneural, runner_from_env
from kmidi_lab.export.rtneural.writer import export_rtneural

FRAMES = np.random.default_rng(6).normal(size=(5, 3)).astype(np.float32)
GOOD = """\
y = np.fromfile(frames, "<f4").reshape(t, n)[:, :m] * 2
y.astype("<f4").tofile(outputs)
with open(timings, "w") as file:
    json.dump({"version": "v", "backend": "fake", "flags": "-O0", "first_ns": 9, "ns": [1] * t}, file)
"""


@pytest.fixture
def model(make_contract) -> bytes:
    return export_rtneural(nn.Linear(3, 2).eval(), make_contract(3, 2))


@pytest.fixture
def fake(tmp_path):
    """Makes a runner of a Python body that sees the protocol's nine arguments."""

    def make(body: str) -> Path:
        path = tmp_path / "runner"
        path.write_text(
            f"#!{sys.executable}\nimport json, os, sys, time\nimport numpy as np\n"
            "model, frames, outputs, timings = sys.argv[1:5]\n"
            "n, m, t, warmup, reset = map(int, sys.argv[5:])\n" + body
        )
        path.chmod(0o755)
        return path

    return make


def test_result(fake, model):
    result = run_rtneural(fake(GOOD), model, FRAMES, reset_each=False, warmup=0)
    np.testing.assert_array_equal(result.outputs, FRAMES[:, :2] * 2)
    assert (result.first_ns, result.ns.tolist()) == (9, [1] * 5)
    assert (result.backend, result.flags, result.version) == ("fake", "-O0", "v")


def test_arguments(fake, model):
    body = GOOD + "\nassert (n, m, t, warmup, reset) == (3, 2, 5, 7, 1) and os.path.getsize(frames) == 60, sys.argv"
    run_rtneural(fake(body), model, FRAMES, reset_each=True, warmup=7)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("print('first', file=sys.stderr)\nsys.exit('the last line')", "exit code 1: the last line"),
        ("sys.exit(3)", "exit code 3: nothing on stderr"),
        ("os.abort()", "signal 6"),
        ("pass", "wrote no outputs.f32"),
        ("open(outputs, 'w').close()", "wrote no timings.json"),
        (GOOD + "\nopen(outputs, 'ab').write(b'1234')", "has 44 bytes.* needs 40"),
        (GOOD + "\nopen(outputs, 'wb').close()", "has 0 bytes"),
        (GOOD + "\nopen(timings, 'w').write('{')", "not as the protocol says"),
        (GOOD + "\nopen(timings, 'w').write('[]')", "not as the protocol says"),
        (GOOD.replace('"backend": "fake", ', ""), "not as the protocol says: KeyError.*backend"),
        (GOOD.replace("[1] * t", "[1]"), "must hold 5 times"),
        (GOOD.replace("[1] * t", "[-1] * t"), "must hold 5 times of 0 ns or more"),
        (GOOD.replace("[1] * t", "['a'] * t"), "not as the protocol says"),
    ],
)
def test_what_breaks_the_protocol_is_named(fake, model, body, reason):
    with pytest.raises(ExportError, match=reason):
        run_rtneural(fake(body), model, FRAMES, reset_each=False, warmup=0)


def test_timeout(fake, model):
    with pytest.raises(ExportError, match=r"no answer within 0\.2 s"):
        run_rtneural(fake("time.sleep(20)"), model, FRAMES, reset_each=False, warmup=0, timeout_s=0.2)


def test_missing_and_not_executable(tmp_path, model, monkeypatch):
    with pytest.raises(UserError, match=r"RTNEURAL_RUNNER: .*nowhere does not exist"):
        run_rtneural(tmp_path / "nowhere", model, FRAMES, reset_each=False, warmup=0)
    (tmp_path / "text").write_text("hello")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "text"))
    with pytest.raises(UserError, match="not executable"):
        runner_from_env()
    (tmp_path / "text").chmod(0o755)
    with pytest.raises(UserError, match="cannot be started"):
        run_rtneural(tmp_path / "text", model, FRAMES, reset_each=False, warmup=0)


def test_environment(fake, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert runner_from_env() is None
    monkeypatch.setenv(VARIABLE, "")
    assert runner_from_env() is None
    path = fake("")
    monkeypatch.setenv(VARIABLE, str(path))
    assert runner_from_env() == path


@pytest.mark.parametrize("frames", [np.zeros((2, 4)), np.zeros(3), np.zeros((0, 3))])
def test_frames_must_fit(fake, model, frames):
    with pytest.raises(ValueError, match="frames"):
        run_rtneural(fake(GOOD), model, frames, reset_each=False, warmup=0)


def test_a_malformed_model_never_reaches_the_runner(fake):
    with pytest.raises(RTNeuralFormatError):
        run_rtneural(fake(GOOD), b"{}", FRAMES, reset_each=False, warmup=0)


def test_parity_blames_the_runner_when_only_it_is_wrong(fake, make_contract):
    network, contract = nn.Linear(3, 2).eval(), make_contract(3, 2)
    with pytest.raises(ExportError, match=r"RTNeural \(runner\) is off by .*suspect the runner"):
        check_parity(
            network,
            contract,
            export_onnx(network, contract),
            export_rtneural(network, contract),
            FRAMES,
            runner=fake(GOOD),
        )


@pytest.fixture(scope="session")
def real_runner() -> Path:
    runner = runner_from_env()
    if runner is None:
        pytest.skip(f"{VARIABLE} is not set; see docs/rtneural_runner.md")
    return runner


def test_real_rtneural_agrees_on_the_dense_path(real_runner, dense_network, make_contract):
    contract = make_contract(6, 4)
    probes = np.random.default_rng(8).normal(size=(200, 6))
    rtneural = export_rtneural(dense_network, contract)
    report = check_parity(
        dense_network, contract, export_onnx(dense_network, contract), rtneural, probes, runner=real_runner
    )
    assert report["rtneural"] < 1e-5


@pytest.mark.parametrize("reset_each", [False, True])
@pytest.mark.parametrize("stem", ["conv", "dense", "full_model", "gru", "gru_1d", "lstm", "lstm_1d"])
def test_real_rtneural_agrees_with_the_reader_on_its_own_models(real_runner, golden_folder, stem, reset_each):
    data = (golden_folder / f"{stem}.json").read_bytes()
    frames = np.loadtxt(golden_folder / "conv_x_python.csv", np.float32)[:, None]
    result = run_rtneural(real_runner, data, frames, reset_each, warmup=5)
    reader, want = RTNeuralModel.from_bytes(data), []
    for frame in frames:
        if reset_each:
            reader.reset()
        want.append(reader(frame))
    np.testing.assert_allclose(result.outputs, want, atol=2e-6)
    assert (result.ns > 0).all()
    assert result.first_ns > 0
