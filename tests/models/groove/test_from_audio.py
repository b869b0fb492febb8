"""Grooves heard in recordings whose truth is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from support.drum_recording import BARS, BPM, recording

from kmidi_lab.audio.io import AudioError, read_audio
from kmidi_lab.models.groove.from_audio import RATE, band_onsets, groove_of

pytestmark = pytest.mark.slow  # the first of a machine compiles librosa's beat tracker


def test_onsets_are_found_to_a_few_milliseconds():
    samples, truth = recording({})
    for found, wanted in zip(band_onsets(samples), truth.values(), strict=True):
        assert len(found) >= len(wanted)
        nearest = np.abs(found[:, 0][None] - np.array(wanted)[:, None]).min(1)
        assert np.median(nearest) < 0.008
        assert ((found[:, 1] > 0) & (found[:, 1] <= 1)).all()


def test_tempo_bars_and_pattern():
    groove = groove_of(recording({})[0])
    assert groove is not None and groove.bpm == pytest.approx(BPM, rel=0.02)
    bars = groove.bars
    assert len(bars.hit) >= BARS - 2
    strength = bars.velocity.mean(0)
    # The bar begins on a kick and has snares on two and four, eighths of hi-hat.
    assert strength[[0, 8], 0].min() > strength[[4, 12], 0].max()
    assert strength[[4, 12], 1].min() > strength[[0, 8], 1].max()
    assert bars.hit[:, ::2, 2].mean() > 0.9 and bars.hit[:, 1::2, 2].mean() < 0.1


def test_a_late_snare_is_heard_late():
    late, even = groove_of(recording({"mid": 20.0})[0]), groove_of(recording({})[0])
    assert late is not None and even is not None
    milliseconds = 60_000 / BPM / 8

    def delay(groove) -> float:
        """Of the snare against the kick."""
        hit, timing = groove.bars.hit, groove.bars.timing
        return float(
            np.median(timing[:, [4, 12], 1][hit[:, [4, 12], 1]]) - np.median(timing[:, [0, 8], 0][hit[:, [0, 8], 0]])
        )

    assert (delay(late) - delay(even)) * milliseconds == pytest.approx(20.0, abs=5.0)


@pytest.mark.parametrize("swing", [0.0, 0.5, 1.0])
def test_swing(swing):
    groove = groove_of(recording({}, swing)[0])
    assert groove is not None and groove.swing == pytest.approx(swing, abs=0.12)


@pytest.mark.parametrize("samples", [np.zeros(RATE, np.float32), np.random.default_rng(0).normal(0, 0.1, 2 * RATE)])
def test_no_beat_is_none(samples):
    assert groove_of(samples.astype(np.float32)) is None


@pytest.mark.parametrize(("rate", "channels", "kind"), [(44_100, 2, "WAV"), (48_000, 1, "FLAC"), (8_000, 1, "OGG")])
def test_reads_to_mono_at_the_rate_asked_for(tmp_path: Path, rate, channels, kind):
    t = np.arange(rate) / rate
    tone = np.stack([0.5 * np.sin(2 * np.pi * 440 * t)] * channels, 1)
    path = tmp_path / f"tone.{kind.lower()}"
    soundfile.write(path, tone, rate)
    got = read_audio(path, RATE)
    assert got.ndim == 1 and got.dtype == np.float32 and abs(len(got) - RATE) <= 2
    assert np.argmax(np.abs(np.fft.rfft(got))) == pytest.approx(440, abs=2)
    assert np.abs(got).max() == pytest.approx(0.5, abs=0.05)


def write(path: Path, samples: np.ndarray, rate: int = 16_000) -> Path:
    soundfile.write(path, samples, rate, subtype="FLOAT")
    return path


def bad_files(folder: Path) -> dict[str, Path]:
    good = write(folder / "good.wav", np.sin(np.arange(16_000) / 20)).read_bytes()
    for name, data in {"empty.wav": b"", "noise.mp3": bytes(range(256)) * 40, "header.wav": good[:20]}.items():
        (folder / name).write_bytes(data)
    nan = np.zeros(100, np.float32)
    nan[7] = np.nan
    return {
        "not readable as audio": folder / "empty.wav",
        "not readable as audio ": folder / "noise.mp3",
        "not readable as audio  ": folder / "header.wav",
        "not a file": folder / "absent.wav",
        "a folder": folder,
        "no samples": write(folder / "none.wav", np.zeros(0)),
        "silent": write(folder / "silent.wav", np.zeros(500)),
        "samples that are not finite": write(folder / "nan.wav", nan),
        "sample rate not between 8000 and 192000 Hz": write(folder / "slow.wav", np.ones(100), 4_000),
        "longer than 2 s": write(folder / "long.wav", np.ones(16_000 * 3)),
    }


def test_bad_recordings_are_refused_with_a_countable_reason(tmp_path: Path):
    for reason, path in bad_files(tmp_path).items():
        with pytest.raises(AudioError) as caught:
            read_audio(path, RATE, longest_s=2.0)
        assert caught.value.reason == reason.strip(), path


def test_a_wav_cut_short_is_read_as_far_as_it_goes_or_refused(tmp_path: Path):
    data = write(tmp_path / "good.wav", np.sin(np.arange(16_000) / 20)).read_bytes()
    cut = tmp_path / "cut.wav"
    cut.write_bytes(data[: len(data) // 2])
    try:
        assert 0 < len(read_audio(cut, 16_000)) <= 16_000
    except AudioError as error:
        assert error.reason == "not readable as audio"
