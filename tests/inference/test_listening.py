"""task=predict for models that listen: files and live samples, with state, beside the network run on the whole."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from kmidi_lab.audio.mel import log_mel
from kmidi_lab.audio.voice_activity import speech_of
from kmidi_lab.contracts import EMOTION
from kmidi_lab.emotion_embedding import read_emotion
from kmidi_lab.export.onnx.writer import export_onnx
from kmidi_lab.models.emotion.module import EmotionRecognizer

LABELS = ["neutral", "calm", "happy", "sad", "angry", "fear", "disgust", "surprise"]


@pytest.fixture(scope="module")
def voice() -> np.ndarray:
    t = np.arange(int(1.7 * 16000)) / 16000
    return (0.3 * np.sin(2 * np.pi * (150 + 40 * np.sin(5 * t)) * t) * (1 + np.sin(3 * t)) / 2).astype(np.float32)


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> tuple[Path, EmotionRecognizer]:
    """A folder with an untrained network, for what matters here is what is done with its outputs."""
    torch.manual_seed(1)
    root = tmp_path_factory.mktemp("models")
    module = EmotionRecognizer(channels=8, dilations=[1, 2]).eval()
    (root / "emotionrecognizer.onnx").write_bytes(export_onnx(module.export_network(), EMOTION))
    head = {name: values.tolist() for name, values in module.head().items()}
    (root / "emotionrecognizer.head.json").write_text(json.dumps({**head, "labels": LABELS}))
    entry = {
        "id": EMOTION.id, "file": "emotionrecognizer.onnx", "format": "onnx", "task": EMOTION.task, "input_size": 128,
        "output_size": 64, "status": "training", "note": "made by a test", "exports": {"onnx_path": "emotionrecognizer.onnx"},
    }  # fmt: skip
    registry = {"registry_version": "1.1", "generated_at": "2026-11-22T20:30:00+00:00", "models": [entry]}
    (root / "registry.json").write_text(json.dumps(registry))
    return root, module


def report(folder: Path) -> dict:
    [path] = folder.rglob("reading.json")
    assert path.with_name("timeline.png").read_bytes().startswith(b"\x89PNG")
    return json.loads(path.read_text())


@pytest.mark.slow
def test_a_recording_reads_like_the_network_run_on_the_whole(called, models, voice, tmp_path):
    root, module = models
    soundfile.write(tmp_path / "voice.wav", voice, 16000, subtype="FLOAT")
    asked = f"models_root={root}", f"predict.audio={tmp_path / 'voice.wav'}"
    done = called("task=predict", "model=emotion", *asked, "predict.every=0.4")
    assert done.returncode == 0, done.stderr
    assert "does not beat its baselines: made by a test" in done.stderr and "the whole recording:" in done.stdout
    told = report(tmp_path)
    with torch.no_grad():
        outputs = module.export_network()(torch.from_numpy(log_mel(voice))[None])[0].numpy()
    heard = speech_of(log_mel(voice))
    with torch.no_grad():
        label = module.label(torch.from_numpy(outputs[heard].mean(0))).softmax(0).numpy()
    stretches = [(outputs[i : i + 25], heard[i : i + 25]) for i in range(0, len(outputs), 25)]
    parts = [of[counted].mean(0) for of, counted in stretches if counted.any()]
    assert told["readings"][0]["seconds"] == pytest.approx((24 * 256 + 1024) / 16000)
    assert len(told["readings"]) == len(parts)
    for part, said in zip(parts, told["readings"], strict=True):
        assert said["values"] == pytest.approx(read_emotion(part), abs=1e-4)
    assert told["summary"]["values"] == pytest.approx(read_emotion(outputs[heard].mean(0)), abs=1e-4)
    said = told["summary"]["answers"]["label"]
    assert said["answer"] == LABELS[int(label.argmax())] and said["probability"] == pytest.approx(label.max(), abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("cut", [4000, 4003])
def test_live_samples_give_what_the_file_gives(models, voice, tmp_path, lab, cut):
    """Also when a sample is cut in two between two writes."""
    root, _ = models
    raw = np.repeat(voice, 3).astype("<f4").tobytes()  # 48 kHz, as crude as it is
    command = [*lab, "task=predict", "model=emotion", f"models_root={root}"]
    job = subprocess.Popen(
        [*command, "predict.audio=-", "predict.rate=48000", "paths.output_root=out"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=False, cwd=tmp_path,
    )  # fmt: skip
    assert job.stdin is not None
    for at in range(0, len(raw), cut):
        job.stdin.write(raw[at : at + cut])
        job.stdin.flush()
    job.stdin.close()
    assert job.wait(120) == 0
    soundfile.write(tmp_path / "x.wav", np.frombuffer(raw, "<f4"), 48000, subtype="FLOAT")
    told = report(tmp_path / "out")
    done = subprocess.run(
        [*command, f"predict.audio={tmp_path / 'x.wav'}", "paths.output_root=file"], cwd=tmp_path, check=True
    )
    assert done.returncode == 0
    whole = report(tmp_path / "file")
    assert told["source"] == "standard input"
    assert told["summary"]["values"] == pytest.approx(whole["summary"]["values"], abs=1e-4)
    assert len(told["readings"]) == len(whole["readings"])


@pytest.mark.slow
def test_without_a_model_loudness_speaks_and_says_so(called, voice, tmp_path):
    soundfile.write(tmp_path / "voice.wav", voice, 16000)
    (tmp_path / "empty").mkdir()
    done = called("task=predict", "model=emotion", "models_root=empty", f"predict.audio={tmp_path / 'voice.wav'}")
    assert done.returncode == 0, done.stderr
    assert "a guess from how loud it is" in done.stderr
    assert report(tmp_path)["status"] == "no model"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "predict.audio=x.wav"),
        (["predict.audio=none.wav"], "none.wav: no such file"),
        (["predict.audio=-", "predict.rate=4000"], "give 8000 to 192000 Hz"),
        (["predict.audio=-", "predict.every=0"], "predict.every=0 must be 0.016 to 3600"),
        (
            ["predict.audio=-", "predict.midi=x.mid"],
            "Allowed here: predict.adapter, predict.audio, predict.every, predict.rate",
        ),
        (["predict.audio=-"], "standard input: nothing to read"),
    ],
)
def test_wrong_input_is_one_line_and_exit_2(cli, arguments, said):
    done = cli("task=predict", "model=emotion", *arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in done.stderr and said not in done.stdout and "Traceback" not in done.stdout + done.stderr


@pytest.mark.slow
def test_a_live_block_that_is_not_finite_is_left_out(models, voice, tmp_path, lab):
    root, _ = models
    broken = voice.copy()
    broken[6000] = np.nan
    done = subprocess.run(
        [*lab, "task=predict", "model=emotion", f"models_root={root}", "predict.audio=-", "predict.rate=16000"],
        input=np.concatenate([voice, broken, voice]).astype("<f4").tobytes(), capture_output=True, cwd=tmp_path, check=True,
    )  # fmt: skip
    assert b"no sound (NaN, infinite, huge) was left out" in done.stderr
    told = report(tmp_path)
    assert told["summary"]["seconds"] > 2 * len(voice) / 16000
    assert all(np.isfinite(v) for reading in told["readings"] for v in reading["values"].values())
