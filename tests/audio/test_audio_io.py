"""Recordings that lie about themselves or stop in the middle: read as far as they go or refused, at once and in little
memory.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from kmidi_lab.audio.io import CUT, AudioError, read_audio, read_recording

RATE = 16_000
TONE = 0.5 * np.sin(np.arange(3 * RATE) / 20)
_STREAMINFO = 8
"""Where FLAC's block of facts begins; the count of samples is its bits 108 to 143."""


def wav(path: Path, channels: int = 1, rate: int = RATE, bits: int = 16, claimed: int | None = None) -> Path:
    data = (TONE * 32767).astype("<i2").tobytes()
    block = channels * bits // 8
    facts = struct.pack("<IHHIIHH", 16, 1, channels, rate, rate * block % 2**32, block % 2**16, bits)
    body = b"WAVEfmt " + facts + b"data" + struct.pack("<I", len(data) if claimed is None else claimed) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path


def flac(path: Path, claimed: int) -> Path:
    soundfile.write(path, TONE, RATE)
    data = bytearray(path.read_bytes())
    data[_STREAMINFO + 13] = data[_STREAMINFO + 13] & 0xF0 | claimed >> 32
    data[_STREAMINFO + 14 : _STREAMINFO + 18] = struct.pack(">I", claimed % 2**32)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"channels": 0}, "not readable as audio"),
        ({"channels": 65_535}, "not readable as audio"),
        ({"rate": 0}, "not readable as audio"),
        ({"bits": 0}, "not readable as audio"),
        ({"rate": 7_999}, "sample rate not between 8000 and 192000 Hz"),
        ({"rate": 2**31 - 1}, "sample rate not between 8000 and 192000 Hz"),
    ],
)
def test_absurd_facts_are_refused(tmp_path, facts, reason):
    with pytest.raises(AudioError) as caught:
        read_audio(wav(tmp_path / "x.wav", **facts), RATE)
    assert caught.value.reason == reason


def test_a_wav_that_claims_gigabytes_is_as_long_as_it_is(tmp_path):
    assert len(read_audio(wav(tmp_path / "x.wav", claimed=2**32 - 2), RATE)) == len(TONE)


@pytest.mark.parametrize(("claimed", "cut"), [(0, False), (100, False), (2**36 - 1, True), (RATE * 29 * 60, True)])
def test_a_flac_that_claims_another_length_is_as_long_as_it_is(tmp_path, claimed, cut):
    """Also one without a length, as encoders that write to a pipe leave it."""
    got = read_recording(flac(tmp_path / "x.flac", claimed), RATE)
    assert len(got.samples) == len(TONE) and [CUT] * cut == [note for note, _ in got.notes]


@pytest.mark.parametrize("kind", ["flac", "ogg", "mp3"])
@pytest.mark.parametrize("share", [0.0005, 0.01, 0.5, 0.999])
def test_a_recording_cut_short_is_read_as_far_as_it_goes_or_refused(tmp_path, kind, share):
    path = tmp_path / f"x.{kind}"
    soundfile.write(path, TONE, RATE)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    try:
        assert 0 < len(read_audio(path, RATE)) <= len(TONE) + 2304
    except AudioError as error:
        assert error.reason in ("not readable as audio", "no samples")


@pytest.mark.parametrize("kind", ["wav", "flac", "ogg", "mp3"])
def test_damaged_bytes_never_raise_anything_else(tmp_path, kind):
    path, rng = tmp_path / f"x.{kind}", np.random.default_rng(0)
    soundfile.write(path, TONE[:RATE], RATE)
    whole = path.read_bytes()
    for turn in range(30):
        data = bytearray(whole)
        for at in rng.integers(0, 150 if turn % 2 else len(data), 6):
            data[at] = rng.integers(256)
        path.write_bytes(data)
        try:
            assert np.isfinite(read_audio(path, RATE)).all()
        except AudioError as error:
            assert error.reason


@pytest.mark.parametrize("kind", ["wav", "flac", "ogg"])
def test_channels_are_averaged(tmp_path, kind):
    path = tmp_path / f"x.{kind}"
    soundfile.write(path, np.stack([TONE, -TONE / 2], 1), RATE)
    np.testing.assert_allclose(read_audio(path, RATE)[2000:-2000], (TONE / 4)[2000:-2000], atol=0.03)


def test_mp3_is_read(tmp_path):
    path = tmp_path / "x.mp3"
    soundfile.write(path, np.repeat(TONE, 3)[: len(TONE)], 48_000)
    got = read_audio(path, RATE)
    assert abs(len(got) - RATE) < 1500 and np.abs(got).max() == pytest.approx(0.5, abs=0.1)


def test_no_header_and_numbers_beyond_sound_are_refused(tmp_path):
    (tmp_path / "x.raw").write_bytes(np.zeros(1000, "<f4").tobytes())
    with pytest.raises(AudioError, match="not readable as audio"):
        read_audio(tmp_path / "x.raw", RATE)
    soundfile.write(tmp_path / "x.wav", np.array([3e38, -3e38] * 4000, np.float32), 48_000, subtype="FLOAT")
    with pytest.raises(AudioError, match="not finite"):
        read_audio(tmp_path / "x.wav", RATE)
