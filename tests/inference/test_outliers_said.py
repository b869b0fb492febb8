"""A sound that is not like those of the training is answered as unsure, in text and JSON; its head file is checked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from kmidi_lab.contracts import EMOTION, INSTRUMENT
from kmidi_lab.errors import RegistryError
from kmidi_lab.export.onnx.writer import export_onnx
from kmidi_lab.inference.outliers import KEY, OutlierDetector
from kmidi_lab.inference.published import Published, load_onnx
from kmidi_lab.inference.session import Session
from kmidi_lab.models.emotion.features import EMOTIONS
from kmidi_lab.models.emotion.module import EmotionRecognizer
from kmidi_lab.models.emotion.predict import HeardEmotion
from kmidi_lab.verify.beside import check_head
from kmidi_lab.verify.findings import Checks

T = np.arange(3 * 16000) / 16000
VOICE = (0.3 * np.sin(2 * np.pi * (150 + 40 * np.sin(5 * T)) * T) * (1 + np.sin(9 * T)) / 2).astype(np.float32)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """An untrained network and the content of its head file, by which one label stands out."""
    folder = tmp_path_factory.mktemp("model")
    module = EmotionRecognizer(channels=4, dilations=[1]).eval()
    path = folder / "emotionrecognizer.onnx"
    path.write_bytes(export_onnx(module.export_network(), EMOTION))
    head = {**module.head_layout(), **module.head(), "labels": list(EMOTIONS)}
    head["bias"] = head["bias"] + 9 * np.eye(len(EMOTIONS))[0]
    return path, json.loads(orjson.dumps(head, option=orjson.OPT_SERIALIZE_NUMPY))


def detector(threshold: float) -> dict[str, object]:
    whitening = np.eye(64, dtype=np.float32)
    layout = OutlierDetector(np.zeros((1, 64), np.float32), whitening, threshold, 0.05).layout()
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in layout.items()}


def model(files: tuple[Path, dict[str, Any]], **more: object) -> Published:
    path, head = files
    path.with_name("emotionrecognizer.head.json").write_text(json.dumps({**head, **more}))
    return load_onnx(path, EMOTION)


def answer(published: Published, folder: Path) -> dict[str, Any]:
    request, session = HeardEmotion(VOICE, rate=16000), Session("emotion", folder, folder)
    request.show(request.run(published, session), session)
    return dict(json.loads((folder / "reading.json").read_text()))


@pytest.mark.slow
def test_a_sound_unlike_the_training_is_answered_as_unsure(
    files: tuple[Path, dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    far = answer(model(files, outliers=detector(1e-4)), tmp_path)
    assert far["distance"] > 1
    assert far["unsure"].startswith("not like the sounds it was trained on (distance ")
    assert f"unsure: {far['unsure']}" in capsys.readouterr().out


def test_a_sound_like_the_training_is_not(files: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    near = answer(model(files, outliers=detector(1e4)), tmp_path)
    assert 0 < near["distance"] < 1
    assert near["unsure"] is None


def test_a_model_that_can_not_tell_says_nothing(files: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    told = answer(model(files), tmp_path)
    assert told["distance"] is None
    assert told["unsure"] is None


def test_a_damaged_detector_is_an_error_of_one_line(files: tuple[Path, dict[str, Any]]) -> None:
    for broken in ({**detector(1.0), "threshold": -1}, {**detector(1.0), "means": [[1.0]]}, [], None):
        with pytest.raises(RegistryError, match=r"not a head file .*export the model again"):
            model(files, outliers=broken)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda layout: layout, ""),
        (lambda layout: layout.update(threshold=0), "outliers.threshold must be above 0"),
        (lambda layout: layout["means"][0].pop(), "outliers.means must be rows of 64"),
    ],
)
def test_verify_checks_it(
    files: tuple[Path, dict[str, Any]], change: Callable[[dict[str, Any]], object], fault: str
) -> None:
    layout, checks = detector(1.0), Checks("a model")
    change(layout)
    check_head(checks, "x.head.json", json.dumps({**files[1], KEY: layout}).encode(), EMOTION)
    assert [fault in found.message for found in checks.faults] == ([True] if fault else [])


def test_a_model_without_a_head_of_its_own_may_have_one(tmp_path: Path) -> None:
    """What the contract asks for is the map; a detector alone is fine where it asks for none."""
    checks, layout = Checks("a model"), detector(1.0)
    size = INSTRUMENT.output_size
    layout |= {"means": [[0.0] * size], "whitening": np.eye(size).tolist()}
    check_head(checks, "y.head.json", json.dumps({"version": 1, KEY: layout}).encode(), INSTRUMENT)
    assert not checks.faults
