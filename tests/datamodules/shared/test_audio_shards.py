"""Prepared frames: once, by content, whatever is broken, broken off or changed; memory as small for many as for few."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from datamodules.shared import audio_shards
from datamodules.shared.audio_shards import prepare_frames
from kmidi_lab.audio.io import CUT
from kmidi_lab.audio.mel import log_mel


def noise(seconds: float, seed: int) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).normal(size=int(seconds * 16000))).astype(np.float32)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Twelve recordings of four formats and rates, and one of each kind of trouble."""
    root = tmp_path / "sounds"
    root.mkdir()
    for i in range(12):
        ending, rate = (("wav", 16000), ("flac", 44100), ("ogg", 48000), ("mp3", 22050))[i % 4]
        soundfile.write(root / f"{i:02}.{ending}", noise(0.5, i), rate)
    soundfile.write(root / "silent.wav", np.zeros(9000), 16000)
    soundfile.write(root / "short.wav", noise(0.05, 1), 16000)
    soundfile.write(root / "long.wav", noise(3, 1), 16000)
    soundfile.write(root / "nan.wav", np.full(9000, np.nan, np.float32), 16000, subtype="FLOAT")
    soundfile.write(root / "slow.wav", noise(0.5, 1), 4000)
    (root / "cut.wav").write_bytes((root / "00.wav").read_bytes()[:20])
    (root / "text.mp3").write_bytes(b"not a recording")
    (root / "empty.flac").touch()
    soundfile.write(root / "none.wav", np.zeros(0), 16000)
    return root


def files_in(root: Path) -> list[Path]:
    return sorted(root.iterdir())


def test_every_recording_is_framed_and_every_trouble_counted(root, tmp_path):
    found = prepare_frames(files_in(root), root, tmp_path / "cache", longest_s=2)
    assert [found[i].name for i in range(len(found))] == [p.name for p in files_in(root) if p.stem.isdigit()]
    np.testing.assert_allclose(found[0].arrays["mel"], log_mel(soundfile.read(root / "00.wav")[0]), atol=5e-3)
    assert found[0].arrays["mel"].dtype == np.float16
    assert sum(found.reasons().values()) == 9
    reasons = {p.file: p.reason for p in found.problems()}
    assert reasons["silent.wav"] == "silent" and reasons["short.wav"] == "shorter than a frame"
    assert reasons["long.wav"] == "longer than 2 s" and reasons["nan.wav"] == "samples that are not finite"
    assert reasons["slow.wav"].startswith("sample rate not between")
    assert reasons["none.wav"] == "no samples"
    assert {reasons[n] for n in ("cut.wav", "text.mp3", "empty.flac")} <= {"not readable as audio", "no samples"}


def test_nothing_is_heard_twice_and_a_changed_file_makes_its_shard_anew(root, tmp_path, monkeypatch):
    monkeypatch.setattr(audio_shards, "_SHARD_FILES", 5)
    cache = tmp_path / "cache"
    first = prepare_frames(files_in(root), root, cache)
    made = {p: p.stat().st_mtime_ns for p in cache.rglob("*.json")}
    again = prepare_frames(files_in(root), root, cache)
    assert again.version == first.version and {p: p.stat().st_mtime_ns for p in cache.rglob("*.json")} == made
    soundfile.write(root / "00.wav", noise(0.5, 99), 16000)
    changed = prepare_frames(files_in(root), root, cache)
    assert changed.version != first.version
    assert len(set(changed.indexes) - set(first.indexes)) == 1


@pytest.mark.slow
def test_a_killed_job_goes_on_where_it_stopped(tmp_path):
    root, cache = tmp_path / "sounds", tmp_path / "cache"
    root.mkdir()
    for i in range(320):
        soundfile.write(root / f"{i:03}.wav", noise(1, i), 16000)
    job = subprocess.Popen([sys.executable, "-c", _JOB, str(root), str(cache)])
    until = time.monotonic() + 120
    while not list(cache.rglob("*.json")) and time.monotonic() < until:
        time.sleep(0.02)
    os.kill(job.pid, signal.SIGKILL)
    job.wait()
    kept = {p: p.stat().st_mtime_ns for p in cache.rglob("*.json")}
    assert 0 < len(kept) < 10, "the job was killed too late to show anything"
    found = prepare_frames(files_in(root), root, cache)
    assert len(found) == 320
    assert all(p.stat().st_mtime_ns == at for p, at in kept.items())


_JOB = """
import sys
from pathlib import Path
from datamodules.shared.audio_shards import prepare_frames
if __name__ == "__main__":
    root = Path(sys.argv[1])
    prepare_frames(sorted(root.iterdir()), root, Path(sys.argv[2]))
"""


def test_a_recording_cut_short_is_used_and_counted(tmp_path):
    root = tmp_path / "sounds"
    root.mkdir()
    tone = 0.3 * np.sin(np.arange(32_000) / 9)
    for name in ("a", "b"):
        soundfile.write(root / f"{name}.wav", tone, 16_000)
    data = (root / "a.wav").read_bytes()
    (root / "a.wav").write_bytes(data[: len(data) // 2])
    for _ in range(2):  # what is kept says it, too
        made = prepare_frames(sorted(root.glob("*")), root, tmp_path / "cache", workers=1)
        [problem] = made.problems()
        assert len(made) == 2 and (problem.file, problem.reason, problem.used) == ("a.wav", CUT, True)
        assert made.reasons() == {CUT: 1}
