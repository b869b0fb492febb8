"""task=predict model=instrument: answers are those of the network; slices without data are not asked."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch

from kmidi_lab.audio.conditions import room_tone, surrounded
from kmidi_lab.audio.mel import log_mel
from kmidi_lab.contracts import INSTRUMENT
from kmidi_lab.export.onnx.writer import export_onnx
from kmidi_lab.inference.published import Published
from kmidi_lab.inference.session import Session
from kmidi_lab.models.instrument.features import CLASSES
from kmidi_lab.models.instrument.hearing import heard_sounds
from kmidi_lab.models.instrument.module import InstrumentRecognizer
from kmidi_lab.models.instrument.predict import HeardInstruments


@pytest.fixture(scope="module")
def tone() -> np.ndarray:
    t = np.arange(16000) / 16000
    return (0.3 * np.sin(2 * np.pi * 440 * t) * np.exp(-2 * t)).astype(np.float32)


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> tuple[Path, InstrumentRecognizer]:
    """A folder with an untrained network that answers everything but the articulation."""
    torch.manual_seed(1)
    root = tmp_path_factory.mktemp("models")
    module = InstrumentRecognizer(8, 3, dilations=[1, 2], hidden=8).eval()
    technical, _ = [m for m in module.modules() if isinstance(m, torch.nn.Linear) and m.out_features == 80]
    with torch.no_grad():
        for m in module.modules():
            if isinstance(m, torch.nn.Linear) and m.out_features == 80:
                m.weight.normal_()
        technical.weight[INSTRUMENT.output("articulation").index] = 0
    (root / "instrumentrecognizer.onnx").write_bytes(export_onnx(module.export_network(), INSTRUMENT))
    entry = {
        "id": INSTRUMENT.id, "file": "instrumentrecognizer.onnx", "format": "onnx", "task": INSTRUMENT.task, "input_size": 128,
        "output_size": 160, "contract_version": "2", "status": "training", "note": "made by a test", "exports": {"onnx_path": "instrumentrecognizer.onnx"},
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
    [heard] = heard_sounds([log_mel(tone)], INSTRUMENT.features)
    with torch.no_grad():
        whole = module.export_network()(torch.from_numpy(heard.inputs)[None])[0][torch.from_numpy(heard.counts)].mean(0)
    for name, answer in said.items():
        p = whole[INSTRUMENT.output(name).index].softmax(0)
        assert answer["answer"] == CLASSES[name][int(p.argmax())]
        assert answer["probability"] == pytest.approx(float(p.max()), abs=1e-4)
        assert answer["answer"] in done.stdout


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_recording_and_live_sound_are_heard_alike(version: str, tone: np.ndarray) -> None:
    contract, inputs, resets = INSTRUMENT.at(version), list[np.ndarray](), list[int]()

    class Model:
        def reset(self) -> None:
            resets.append(len(inputs))

        def __call__(self, x: np.ndarray) -> np.ndarray:
            inputs.append(x)
            return np.arange(160, dtype=np.float32) * x.mean()

    published = Published(contract, {}, {}, Model(), Path())  # type: ignore[arg-type]
    sound = room_tone(surrounded(tone, 1.0, 0.5), -60.0, np.random.default_rng(0))
    session = SimpleNamespace(model="instrument", say=lambda line: True)
    answer = HeardInstruments(sound, rate=16000).run(published, session)  # type: ignore[arg-type]
    once, onsets = np.stack(inputs), resets[:]
    [heard] = heard_sounds([log_mel(sound)], contract.features)
    if version == "2":
        assert 57 <= onsets[-1] <= 64 and len(once) - onsets[-1] == len(heard.inputs)
        np.testing.assert_allclose(once[onsets[-1] :], heard.inputs, atol=1e-5)
        assert not answer.unsure
    else:
        np.testing.assert_allclose(once, log_mel(sound), atol=1e-5)
    inputs.clear()
    stream = HeardInstruments.stream(published, rate=16000)
    for block in np.array_split(sound, 9):
        stream.push(block)
    np.testing.assert_allclose(np.stack(inputs), once[: len(inputs)], atol=1e-4)
    assert len(inputs) >= len(once) - 1


@pytest.mark.parametrize(
    ("logit", "seconds", "family", "unsure"),
    [
        (2.0, 1.0, "woodwind_flute", "no instrument stands out (flute has 0.19, 0.54 is needed)"),
        (4.0, 1.0, "woodwind_flute", None),
        (4.0, 0.3, "woodwind_flute", "no instrument stands out (flute has 0.64, 0.80 is needed for 0.34 s)"),
        (6.0, 0.3, "woodwind_flute", None),
        (4.0, 1.0, "piano", "family and instrument disagree (piano, flute)"),
        (None, 1.0, "piano", None),
    ],
)
def test_an_answer_that_does_not_stand_out_or_contradicts_itself_is_unsure(
    logit: float | None,
    seconds: float,
    family: str,
    unsure: str | None,
    tone: np.ndarray,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Of 32 places one has e^2 / (e^2 + 31) = 0.19, e^4 0.64 or e^6 0.93; where the slice is flat it isn't asked."""
    outputs = np.zeros(160, np.float32)
    outputs[INSTRUMENT.output("family").start + CLASSES["family"].index(family)] = 1
    outputs[INSTRUMENT.output("instrument").start + CLASSES["instrument"].index("flute")] = logit or 0

    class Model:
        def reset(self) -> None:
            pass

        def __call__(self, x: np.ndarray) -> np.ndarray:
            return outputs

    published = Published(INSTRUMENT, {}, {}, Model(), Path())  # type: ignore[arg-type]
    sound = np.pad(tone[: round(16000 * seconds)], (0, 8000))
    request, session = HeardInstruments(sound, rate=16000), Session("instrument", tmp_path, tmp_path)
    request.show(request.run(published, session), session)
    said = json.loads((tmp_path / "reading.json").read_text())["unsure"]
    assert said == unsure
    assert (f"unsure: {said}" in capsys.readouterr().out) == (unsure is not None)


@pytest.mark.slow
def test_without_a_model_it_says_what_to_do(cli, tone, tmp_path):
    soundfile.write(tmp_path / "tone.wav", tone, 16000)
    (tmp_path / "empty").mkdir()
    done = cli("task=predict", "model=instrument", "models_root=empty", f"predict.audio={tmp_path / 'tone.wav'}")
    assert done.returncode == 2, done.stdout + done.stderr
    said = done.stdout + done.stderr
    assert "no trained instrument model" in said and "Traceback" not in said
