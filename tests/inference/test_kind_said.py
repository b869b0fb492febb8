"""What kind of sound it is stands in text, JSON and the Python API of all models that listen; silence stays an error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kmidi_lab.audio.mel import RATE
from kmidi_lab.errors import ConfigError
from kmidi_lab.inference.api import load, request_of
from kmidi_lab.inference.listening import Listening
from kmidi_lab.inference.session import Session

MODELS = {"emotion": "speech", "instrument": "music", "emotion_node": "music", "feel": "music"}
STEADY = np.random.default_rng(1).normal(0, 0.1, 5 * RATE).astype(np.float32)


def shown(model: str, samples: np.ndarray, folder: Path) -> dict[str, Any]:
    """The JSON that the released model writes."""
    released = load(model, "outputs/release")
    request = request_of(model)(samples, rate=RATE)
    assert isinstance(request, Listening)
    session = Session(model, folder, folder)
    request.show(request.run(released._published, session), session)
    return dict(json.loads((folder / "reading.json").read_text()))


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_noise_is_answered_as_unsure(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also by the model of voices, for which no frame of it counts."""
    told = shown(model, STEADY, tmp_path)
    assert set(told["kind"]) == {"speech", "music", "neither"} and told["kind"]["neither"] > 0.8
    said = f"sounds like neither speech nor music ({told['kind']['neither']:.2f}), this model takes {MODELS[model]}"
    assert said in told["unsure"]
    assert f"unsure: {told['unsure']}" in capsys.readouterr().out
    assert load(model, "outputs/release").predict(STEADY, rate=RATE).kind == pytest.approx(told["kind"], abs=1e-6)
    assert told["summary"]["values"] or told["summary"]["answers"]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("samples", [np.zeros(3 * RATE, np.float32), STEADY[:900]], ids=["silence", "no frame"])
def test_silence_is_an_error_of_one_line(model: str, samples: np.ndarray) -> None:
    with pytest.raises(ConfigError, match="nothing to read: silent, or too short") as error:
        load(model, "outputs/release").predict(samples, rate=RATE)
    needed = "0.15" if model == "instrument" else "1"
    assert f"too short ({needed} s of sound are needed); give more sound" in str(error.value)


def test_a_short_sound_is_left_alone() -> None:
    t = np.arange(RATE // 2) / RATE
    answer = load("instrument", "outputs/release").predict(
        (0.3 * np.sin(2 * np.pi * 440 * t) * np.exp(-3 * t)).astype(np.float32), rate=RATE
    )
    assert answer.kind is None and "sounds like" not in answer.unsure


def test_what_the_quadrant_is_learnt_from_is_said(tmp_path: Path) -> None:
    """The entry of the release says that nothing is of what listeners feel; its quadrant is."""
    released = load("emotion_node", "outputs/release")
    [line] = [line for line in released.warnings if line.startswith("Stand-in data")]
    assert "The quadrant is also learnt from what listeners said of piano clips (EMOPIA)" in line
    assert released.predict(STEADY, rate=RATE).record("emotion_node", "x", 0.5)["warnings"] == [line]
