"""mel128-v1 against an independent reference (librosa and plain NumPy), and the streaming front-end against the whole."""

from __future__ import annotations

import json

import librosa
import numpy as np
import pytest
import soxr
import torch
import torchaudio
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from kmidi_lab.audio.mel import (
    BANDS,
    FFT,
    FLOOR,
    GOLDEN_PATH,
    HIGHEST_HZ,
    HOP,
    LOWEST_HZ,
    RATE,
    WINDOW,
    MelStream,
    frame_count,
    golden,
    log_mel,
    mel_triangles,
)
from kmidi_lab.errors import UserError


class LogMel(nn.Module):
    """The same as a torchaudio transform: samples `[..., S]` at 16 kHz to frames `[..., T, 128]`.

    In float32, bands far below the loudest are off by some thousandths.
    """

    def __init__(self) -> None:
        super().__init__()
        self.mel = torchaudio.transforms.MelSpectrogram(
            RATE, FFT, WINDOW, HOP, LOWEST_HZ, HIGHEST_HZ, n_mels=BANDS, power=2.0, center=False, norm="slaney",
            mel_scale="slaney",
        )  # fmt: skip
        # torchaudio computes the corners of the triangles in float32.
        self.mel.mel_scale.fb.copy_(torch.from_numpy(mel_triangles()))

    def forward(self, samples: torch.Tensor) -> torch.Tensor:
        if samples.shape[-1] < WINDOW:
            return samples.new_zeros(*samples.shape[:-1], 0, BANDS)
        # torchaudio puts a window that is shorter than the FFT in the middle of it: 512 samples late.
        late = (FFT - WINDOW) // 2
        mel: torch.Tensor = self.mel(F.pad(samples, (late, late)))
        return mel.clamp_min(FLOOR).log().transpose(-1, -2)


def sound(seconds: float, rate: int = RATE, seed: int = 0) -> np.ndarray:
    """A rising tone, a click and noise that grows: tonal, sudden and loud parts."""
    t = np.arange(int(seconds * rate)) / rate
    wave = 0.4 * np.sin(2 * np.pi * (110 + 900 * t) * t) + 0.2 * t / seconds * np.random.default_rng(seed).normal(
        size=len(t)
    )
    wave[len(t) // 2] += 0.5
    return wave.clip(-1, 1).astype(np.float32)


def reference(samples: np.ndarray) -> np.ndarray:
    """Contract §3, word for word, with librosa's mel triangles."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1024) / 1024)
    frames = np.stack([samples[256 * t : 256 * t + 1024] * window for t in range((len(samples) - 1024) // 256 + 1)])
    power = np.abs(np.fft.rfft(frames, 2048)) ** 2
    triangles = librosa.filters.mel(sr=16000, n_fft=2048, n_mels=128, fmin=30, fmax=8000, htk=False, norm="slaney")
    return np.log(np.maximum(power @ triangles.T, 1e-6))


def test_frames_are_those_of_the_reference():
    samples = sound(2)
    assert log_mel(samples).shape == (frame_count(len(samples)), 128)
    np.testing.assert_allclose(log_mel(samples), reference(samples), atol=1e-4)


def test_triangles_are_librosas():
    expected = librosa.filters.mel(sr=16000, n_fft=2048, n_mels=128, fmin=30, fmax=8000, htk=False, norm="slaney")
    np.testing.assert_allclose(mel_triangles(), expected.T, atol=1e-7)


def test_a_pure_tone_is_loudest_in_its_own_band_and_silence_is_the_floor():
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE).astype(np.float32)
    band = int(log_mel(tone)[10].argmax())
    centres = librosa.mel_frequencies(130, fmin=30, fmax=8000)[1:-1]
    assert abs(centres[band] - 1000) < 30
    assert np.all(log_mel(np.zeros(4000, np.float32)) == np.float32(np.log(1e-6)))


@pytest.mark.parametrize("samples", [0, 1, WINDOW - 1, WINDOW, WINDOW + HOP - 1, WINDOW + HOP])
def test_only_whole_frames_count(samples):
    expected = (samples - 1024) // 256 + 1 if samples >= 1024 else 0
    assert frame_count(samples) == expected == len(log_mel(np.zeros(samples, np.float32)))
    assert len(MelStream().push(np.zeros(samples, np.float32))) == expected


def test_batches_keep_their_shape():
    both = torch.from_numpy(np.stack([sound(1, seed=1), sound(1, seed=2)]))
    frames = LogMel()(both[:, None])
    assert frames.shape == (2, 1, frame_count(RATE), 128)
    np.testing.assert_allclose(frames[1, 0].numpy(), log_mel(both[1].numpy()), atol=5e-3)


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100, 48000, 96000, 192000])
@pytest.mark.parametrize("block", [64, 480, 4096])
def test_streaming_equals_the_whole_at_every_rate_and_block(rate, block):
    samples = sound(1.3, rate)
    stream = MelStream(rate)
    frames = [stream.push(samples[i : i + block]) for i in range(0, len(samples), block)]
    frames = np.concatenate([*frames, stream.finish()])
    whole = log_mel(samples if rate == RATE else soxr.resample(samples, rate, RATE))
    np.testing.assert_allclose(frames, whole, atol=1e-4)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(1, 3000), min_size=1, max_size=20), st.sampled_from([16000, 44100]))
def test_however_the_sound_is_cut(sizes, rate):
    samples = sound(sum(sizes) / rate + 0.01, rate)[: sum(sizes)]
    stream, at, frames = MelStream(rate), 0, []
    for size in sizes:
        frames.append(stream.push(samples[at : at + size]))
        at += size
    whole = log_mel(samples if rate == RATE else soxr.resample(samples, rate, RATE))
    np.testing.assert_allclose(np.concatenate([*frames, stream.finish()]), whole, atol=1e-4)


def test_a_reset_forgets():
    stream = MelStream(48000)
    first = stream.push(sound(0.5, 48000))
    stream.reset()
    np.testing.assert_array_equal(stream.push(sound(0.5, 48000)), first)


@pytest.mark.parametrize("block", [np.full(300, np.nan), np.full(300, np.inf), np.zeros((2, 300))])
def test_a_bad_block_is_refused_and_the_stream_goes_on(block):
    samples, stream = sound(1), MelStream()
    first = stream.push(samples[:5000])
    with pytest.raises(UserError, match="one row of finite numbers"):
        stream.push(block.astype(np.float32))
    np.testing.assert_allclose(np.concatenate([first, stream.push(samples[5000:])]), log_mel(samples), atol=1e-4)


@pytest.mark.parametrize("largest", [1.1e6, 3e38])
def test_numbers_beyond_sound_are_refused_and_overflow_nothing(largest: float) -> None:
    """A resampler makes infinity of the largest finite ones."""
    samples, stream = sound(1, 48000), MelStream(48000)
    first = stream.push(samples[:15000])
    with pytest.raises(UserError, match="are no sound"):
        stream.push(np.float32([largest, -largest] * 9000))
    assert np.isfinite(np.concatenate([first, stream.push(samples[15000:])])).all()


@pytest.mark.parametrize("rate", [0, -1, 7999, 192001])
def test_absurd_rates_are_refused(rate):
    with pytest.raises(UserError, match="give 8000 to 192000 Hz"):
        MelStream(rate)


def test_golden_vectors_are_the_contracts():
    """The file's frames from its own input, by the reference and by the front-end; every sample is an exact fraction."""
    told = json.loads(GOLDEN_PATH.read_text())
    samples = np.array(told["input"], np.float32)
    assert np.array_equal(samples * 4096, np.round(samples * 4096))
    np.testing.assert_allclose(told["output"], reference(samples), atol=1e-4)
    np.testing.assert_allclose(told["output"], log_mel(samples), atol=2e-6)
    assert {k: v for k, v in golden().items() if k not in ("input", "output")} == {
        k: v for k, v in told.items() if k not in ("input", "output")
    }
    np.testing.assert_allclose(golden()["input"], told["input"], atol=1 / 4096)
