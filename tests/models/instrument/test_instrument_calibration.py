"""The instrument model is made as sure as clips that it has not heard allow, in the network that is exported."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar

from kmidi_lab.after_fit import numpy_call
from kmidi_lab.audio.clips import Clip, Sound
from kmidi_lab.contracts import INSTRUMENT
from kmidi_lab.export.onnx.runtime import OnnxModel
from kmidi_lab.export.onnx.writer import export_onnx
from kmidi_lab.models.instrument.hearing import heard_sounds
from kmidi_lab.models.instrument.module import InstrumentRecognizer

PART = INSTRUMENT.output("instrument").index


def recognizer(seed: int, size: float) -> InstrumentRecognizer:
    """An untrained network whose logits are of about a size."""
    torch.manual_seed(seed)
    module = InstrumentRecognizer(8, 3, dilations=[1, 2], hidden=8).eval()
    with torch.no_grad():
        for m in module.modules():
            if isinstance(m, torch.nn.Linear) and m.out_features == 80:
                m.weight.normal_(0, size)
                m.bias.normal_(0, size)
    return module


def clips_told_by(module: InstrumentRecognizer, right: float) -> list[Clip]:
    """Sounds whose labels are what the network says for a share of them, and anything for the others."""
    rng = np.random.default_rng(0)
    sounds = [rng.normal(-6, 2, (40, 128)).astype(np.float32) for _ in range(60)]
    means = outputs_of(module, sounds)
    clips = []
    for i, (frames, mean) in enumerate(zip(sounds, means, strict=True)):
        told = rng.random() < right
        labels = {"instrument": int(mean[PART].argmax()) if told else int(rng.integers(32))}
        clips.append(Clip(f"gm-{i}", "gm", "", labels, Sound(frames)))
    return clips


def outputs_of(module: InstrumentRecognizer, sounds: list[np.ndarray]) -> np.ndarray:
    call = numpy_call(module.export_network())
    heard = heard_sounds(sounds, INSTRUMENT.features)
    return np.stack([call(sound.inputs[None])[0][sound.counts].mean(0) for sound in heard])


def data_of(clips: list[Clip]) -> Any:
    return SimpleNamespace(contract=INSTRUMENT, songs=lambda split: clips if split == "val" else [])


def best_scale(logits: np.ndarray, true: list[int]) -> float:
    """Of scipy: for which multiple the labels are likeliest."""

    def loss(log_scale: float) -> float:
        scaled = np.exp(log_scale) * logits
        logs = (
            scaled
            - np.log(np.exp(scaled - scaled.max(1, keepdims=True)).sum(1, keepdims=True))
            - scaled.max(1, keepdims=True)
        )
        return -float(np.mean([row[k] for row, k in zip(logs, true, strict=True)]))

    return float(np.exp(minimize_scalar(loss, bounds=(np.log(0.2), np.log(5)), method="bounded").x))


@pytest.mark.slow
@pytest.mark.parametrize("size", [0.4, 4.0], ids=["too unsure", "too sure"])
def test_the_exported_logits_of_what_plays_are_as_sure_as_they_are_right(size: float) -> None:
    module = recognizer(1, size)
    clips = clips_told_by(module, 0.6)
    sounds = [clip.sound.frames for clip in clips]
    before = outputs_of(module, sounds)
    [note] = module.calibrate(numpy_call(module.export_network()), data_of(clips))
    after = outputs_of(module, sounds)
    wanted = best_scale(before[:, PART], [clip.labels["instrument"] for clip in clips])
    assert wanted != pytest.approx(1, abs=0.1)
    np.testing.assert_allclose(after[:, PART], wanted * before[:, PART], rtol=0.03, atol=1e-4)
    assert float(re.findall(r"multiplied by ([\d.]+)", note.text)[0]) == pytest.approx(wanted, rel=0.03)
    others = np.delete(np.arange(INSTRUMENT.output_size), np.arange(PART.start, PART.stop))
    np.testing.assert_array_equal(after[:, others], before[:, others])
    frame = np.zeros(128, np.float32)
    with torch.no_grad():
        own = module(torch.from_numpy(frame)[None, None])[0, 0]
    np.testing.assert_allclose(OnnxModel(export_onnx(module.export_network(), INSTRUMENT), "x")(frame), own, atol=1e-5)


def test_what_has_heard_the_validation_is_scaled_by_a_network_that_has_not() -> None:
    released, of_split = recognizer(1, 1.0), recognizer(2, 4.0)
    clips = clips_told_by(of_split, 0.6)
    sounds = [clip.sound.frames for clip in clips]
    logits, before = (outputs_of(m, sounds)[:, PART] for m in (of_split, released))
    folds = [(of_split, numpy_call(of_split.export_network()), data_of(clips))]
    [note] = released.calibrate(numpy_call(released.export_network()), data_of(clips), folds)
    wanted = best_scale(logits, [clip.labels["instrument"] for clip in clips])
    np.testing.assert_allclose(outputs_of(released, sounds)[:, PART], wanted * before, rtol=0.03, atol=1e-4)
    assert "a network of the same settings, which has not learnt from them, finds" in note.text


def test_without_validation_nothing_is_scaled() -> None:
    module = recognizer(1, 1.0)
    kept = {name: values.clone() for name, values in module.state_dict().items()}
    assert module.calibrate(numpy_call(module.export_network()), data_of([])) == []
    assert all(torch.equal(values, kept[name]) for name, values in module.state_dict().items())
