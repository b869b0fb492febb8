"""What a listener is given: raw samples or something else, too little of it, cut short, under any name."""

from __future__ import annotations

import io
import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile
from support.sound_files import encoded

from kmidi_lab.audio.io import CUT
from kmidi_lab.audio.mel import MelStream
from kmidi_lab.audio.mixdown import CANCELLED
from kmidi_lab.errors import ConfigError, UserError
from kmidi_lab.inference.listener import Reading
from kmidi_lab.inference.live import live
from kmidi_lab.inference.session import Session
from kmidi_lab.inference.timeline import timeline_png
from kmidi_lab.models.emotion.predict import HeardEmotion
from kmidi_lab.models.emotion_node.predict import HeardNodes
from kmidi_lab.models.instrument.predict import HeardInstruments

RATE = 16_000
VOICE = (0.3 * np.sin(np.arange(3 * RATE) / 20) * (1 + np.sin(np.arange(3 * RATE) / 3000)) / 2).astype(np.float32)
NOISE = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)


def frames_of(data: bytes, rate: int = RATE) -> int:
    return sum(len(frames) for frames in live(io.BytesIO(data), MelStream(rate)))


def heard(audio: object, folder: Path, **settings: object) -> dict:
    """reading.json of what a guess makes of it."""
    request, session = HeardEmotion(audio, **settings), Session("emotion", folder, folder)
    request.show(request.run(None, session), session)
    return json.loads((folder / "reading.json").read_text())


@pytest.mark.parametrize("kind", ["WAV", "WAVEX", "RF64", "AIFF", "FLAC", "OGG", "MP3", "AU", "CAF", "W64"])
def test_a_sound_file_on_standard_input_is_said_to_be_one(kind):
    data = encoded(VOICE, RATE, kind)
    with pytest.raises(ConfigError, match="expects f32le") as caught:
        frames_of(data)
    assert "ffmpeg -i FILE -f f32le -ac 1 -ar 16000" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("mark", [b"\0\0\0\x20ftypM4A ", b"MThd\0\0\0\x06", b"ID3\x04\0\0\0", b"\x1a\x45\xdf\xa3"])
def test_other_files_are_told_by_their_first_bytes(mark):
    with pytest.raises(ConfigError, match="expects f32le"):
        frames_of(mark + bytes(5000))


@pytest.mark.parametrize(
    "sound", [VOICE, NOISE, 0.001 * NOISE, np.clip(9 * VOICE, -1, 1), np.concatenate([np.zeros(RATE), VOICE])]
)
@pytest.mark.parametrize("dtype", ["<i2", ">i2", "<i4", ">f4", "<f8", "u1"])
def test_samples_of_another_kind_are_refused(sound, dtype):
    scale = {"<i2": 2**15 - 1, ">i2": 2**15 - 1, "<i4": 2**31 - 1, "u1": 127}.get(dtype, 1)
    data = (0.999 * sound.astype(np.float64) * scale + (128 if dtype == "u1" else 0)).astype(dtype).tobytes()
    with pytest.raises(ConfigError, match=r"no float samples .*expects f32le"):
        frames_of(data)


@pytest.mark.parametrize("sound", [VOICE, NOISE, 1e-5 * NOISE, np.zeros(RATE), np.clip(20 * VOICE, -1, 1), 5 * VOICE])
def test_real_samples_are_never_refused(sound):
    assert frames_of(sound.astype("<f4").tobytes()) == (len(sound) - 1024) // 256 + 1


def test_a_bad_block_later_on_is_left_out_and_said_once(capsys):
    broken = VOICE.copy()
    broken[[5000, 30_000]] = np.nan
    got = frames_of(np.concatenate([VOICE, broken, VOICE]).astype("<f4").tobytes())
    assert got > 2.5 * len(VOICE) // 256
    assert capsys.readouterr().err.count("was left out") == 1


def test_integers_in_python_are_refused():
    with pytest.raises(UserError, match="divide 16-bit integers by 32768"):
        MelStream(RATE).push((VOICE * 32767).astype(np.int16))
    with pytest.raises(UserError, match=r"must be floats in -1\.\.1, not bytes; name a file"):
        MelStream(RATE).push(b"RIFF")  # type: ignore[arg-type]


def test_an_address_is_said_to_be_one():
    with pytest.raises(ConfigError, match="an address, which the lab does not open; download it"):
        HeardInstruments("https://example.org/a.wav")


@pytest.mark.parametrize(("seconds", "unsure"), [(0.1, True), (0.5, True), (3.0, False)])
def test_too_little_sound_is_answered_as_unsure(tmp_path, seconds, unsure, capsys):
    told = heard(NOISE.repeat(3)[: int(seconds * RATE)], tmp_path, rate=RATE)
    assert told["summary"]["values"]
    assert ("unsure: too short: 0." in capsys.readouterr().out) == unsure
    assert (told["unsure"] or "").startswith("too short: 0.") == unsure


def test_silence_around_a_word_makes_it_no_longer(tmp_path):
    word = np.concatenate([np.zeros(2 * RATE), NOISE[: RATE // 4], np.zeros(2 * RATE)]).astype(np.float32)
    assert heard(word, tmp_path, rate=RATE)["unsure"].startswith("too short: 0.")


def test_every_listening_model_says_what_it_needs():
    assert all(model.least_s > 0.1 and model.takes for model in (HeardEmotion, HeardInstruments, HeardNodes))


def test_notes_on_the_recording_are_told(tmp_path):
    data = encoded(np.stack([VOICE, -VOICE], 1), RATE, "WAV")
    (tmp_path / "x.wav").write_bytes(data[: len(data) * 2 // 3])
    told = heard(tmp_path / "x.wav", tmp_path)
    assert [note.split(" (")[0] for note in told["notes"]] == [CUT, CANCELLED]


@pytest.mark.parametrize(
    "name",
    [
        "メロディ.wav",
        "노래.wav",
        "$x^{.wav",
        "a$b$c.wav",
        "tab\tand\nline.wav",
        "😀.wav",
        "bad\udcff.wav",
        "x" * 200 + ".wav",
    ],
)
def test_any_file_name_is_drawn_without_a_warning(name, monkeypatch):
    titles = []
    from matplotlib.axes import Axes

    draw = Axes.set_title
    monkeypatch.setattr(Axes, "set_title", lambda axis, text, **more: titles.append(text) or draw(axis, text, **more))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture = timeline_png([(1.0, Reading({"x": 0.5}, {"label": ("sad", 0.5)}))], f"emotion: {name}")
    assert picture.startswith(b"\x89PNG") and titles[0].endswith(".wav") and len(titles[0]) < 120


def test_a_cut_recording_is_told_on_the_terminal(tmp_path, capsys):
    soundfile.write(tmp_path / "x.wav", VOICE, RATE)
    data = (tmp_path / "x.wav").read_bytes()
    (tmp_path / "x.wav").write_bytes(data[: len(data) // 2])
    heard(tmp_path / "x.wav", tmp_path)
    assert f"note: {CUT}" in capsys.readouterr().out
