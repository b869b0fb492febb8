"""How live listening ends: Ctrl-C and a reader that goes away leave whole files, no traceback and nothing told twice."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support import ctrl_c

from kmidi_lab.inference import listening
from kmidi_lab.inference.listener import Listener, Reading, listen
from kmidi_lab.inference.recognition import Recognition
from kmidi_lab.inference.session import Session
from kmidi_lab.inference.timeline import timeline_png
from kmidi_lab.models.emotion.predict import HeardEmotion

SAMPLES = (0.1 * np.random.default_rng(0).normal(size=48_000)).astype("<f4").tobytes()


@pytest.fixture
def job(tmp_path: Path, lab: list[str]):
    command = [*lab, "task=predict", "model=emotion", "predict.audio=-"]
    pipe = subprocess.PIPE
    (tmp_path / "empty").mkdir()
    with subprocess.Popen(
        [*command, "predict.rate=16000", "paths.output_root=out", "models_root=empty"], stdin=pipe, stdout=pipe, stderr=pipe, cwd=tmp_path,
        preexec_fn=ctrl_c.heard,
    ) as job:  # fmt: skip
        yield job
        job.kill()


def seconds_told(folder: Path) -> list[float]:
    [path] = folder.rglob("reading.json")
    assert path.with_name("timeline.png").is_file()
    return [reading["seconds"] for reading in json.loads(path.read_text())["readings"]]


@pytest.mark.slow
def test_ctrl_c_writes_what_was_heard(job, tmp_path):
    job.stdin.write(SAMPLES)
    job.stdin.flush()
    while b"0.54 s" not in (line := job.stdout.readline()):
        assert line, job.stderr.read()
    job.send_signal(signal.SIGINT)
    assert job.wait(120) == 0
    assert b"stopped" in job.stdout.read() and b"Traceback" not in job.stderr.read()
    assert seconds_told(tmp_path)


@pytest.mark.slow
def test_a_reader_that_goes_away_ends_it(job, tmp_path):
    assert b"guess" in job.stderr.readline()
    job.stdout.close()
    with pytest.raises(BrokenPipeError):
        for _ in range(1000):
            job.stdin.write(SAMPLES)
    assert job.wait(120) == 0
    assert job.stderr.read() == b""
    assert len(seconds_told(tmp_path)) == 1


def test_a_reading_stopped_while_it_is_told_is_not_told_again():
    said = []

    def say(line: str) -> bool:
        said.append(line)
        if len(said) == 1:
            raise KeyboardInterrupt
        return True

    listener = Listener(np.sum, lambda mean: Reading({"x": float(mean[0])}), 0.08)
    readings = listen(iter([np.ones((5, 128), np.float32)]), listener, say)
    assert [seconds for seconds, _ in readings] == [(4 * 256 + 1024) / 16000] * 2
    assert readings[-1][1].values["x"] == 128
    assert said[1:] == ["stopped"]


def test_the_model_is_reset_where_sound_begins():
    told = []
    frames = np.zeros((40, 128), np.float32)
    frames[[2, 3, 6, 38]] = 1

    def step(frame: np.ndarray) -> np.ndarray:
        told.append(float(frame[0]))
        return frame

    def read(mean: np.ndarray) -> Reading:
        return Reading({"x": float(mean[0])})

    listener = Listener(step, read, 9, lambda frame: frame[0] > 0, lambda: told.append("reset"))
    listen(iter([frames]), listener, lambda _: True)
    assert told == [0, 0, "reset", 1, 1, 0, 0, 1, *[0] * 31, "reset", 1, 0]


def test_what_was_background_is_forgotten():
    told, heard = [], iter([False, True, True, False, True, False])
    frames = np.array([1, 2, 3, 4, 5, 6], np.float32)[:, None] * np.ones(128, np.float32)
    afresh = [False, False, False, False, True, False]
    listener = Listener(
        lambda frame: frame, lambda mean: Reading({"x": float(mean[0])}), 0.05, lambda frame: next(heard),
        lambda: told.append("reset"), lambda: afresh.pop(0),
    )  # fmt: skip
    readings = listen(iter([frames]), listener, lambda line: told.append(line) or True)
    assert [reading.values["x"] for _, reading in readings] == [2.5, 5.0, 5.0]
    assert [line for line in told if line == "reset"] == ["reset", "reset"]


@pytest.mark.parametrize(
    ("least_s", "frames", "mean", "counted"),
    [
        pytest.param(0.096, 8, 2.5, 4, id="three frames are 96 ms: of 4, 2 and 2 the first are read"),
        pytest.param(0.096, 9, 8.0, 3, id="three at the end are enough"),
        pytest.param(0.2, 9, 8.0, 3, id="ten are nowhere: the end is read"),
        pytest.param(0.0, 7, 7.0, 1, id="one is enough"),
    ],
)
def test_the_longest_before_a_loud_onset_is_read_where_too_little_follows(
    least_s: float, frames: int, mean: float, counted: int
) -> None:
    number = 0

    def count(frame: np.ndarray) -> bool:
        nonlocal number
        number += 1
        return True

    listener = Listener(
        lambda frame: frame, lambda m: Reading({"x": float(m[0])}), 9, count, afresh=lambda: number in (5, 7),
        least_s=least_s,
    )  # fmt: skip
    for value in range(1, frames + 1):
        listener.push(np.full(128, value, np.float32))
    whole = listener.whole()
    assert whole is not None and whole[1].values["x"] == mean and listener.counted == counted


@pytest.mark.slow
def test_a_closed_standard_input_is_said_to_be(tmp_path):
    command = f"exec {sys.executable} -m kmidi_lab task=predict model=emotion predict.audio=- <&-"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2 and "which is closed" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_silence_is_not_drawn_as_what_follows_it(monkeypatch):
    spans = []
    monkeypatch.setattr("matplotlib.axes.Axes.axvspan", lambda axis, start, end, **_: spans.append((start, end)))
    readings = [(2.5, Reading({}, {"label": ("sad", 0.5)})), (22.5, Reading({}, {"label": ("calm", 0.5)}))]
    timeline_png(readings, "x", 2.0)
    assert spans == [(0.5, 2.5), (20.5, 22.5)]


def test_the_picture_is_named_after_the_recording_without_its_folders(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With all of them the name of the model would be cut off."""
    titles = []
    monkeypatch.setattr(listening, "timeline_png", lambda readings, title, every: titles.append(title) or b"")
    (tmp_path / "voice.wav").write_bytes(b"")
    nothing = Recognition([], 1.0, Reading({}, {}), None, "no model")
    HeardEmotion(str(tmp_path / "voice.wav")).show(nothing, Session("emotion", tmp_path, tmp_path))
    assert titles == ["emotion: voice.wav"]
