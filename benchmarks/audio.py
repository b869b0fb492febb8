"""mel128-v1: hours of audio framed in a minute against librosa and against torchaudio used naively; a live frame's
time.

    python benchmarks/audio.py

Files: recordings below DATA_ROOT (RAVDESS, Philharmonia), a sample of each; without it, noise made here. Makers and
stream are timed by the processor's clock, which other programs disturb little, on one core; the bulk job by the wall's,
with two workers. librosa and torchaudio compute in float32, ours in float64.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import soundfile

from datamodules.shared.audio_shards import prepare_frames
from kmidi_lab.audio.io import AudioError, read_audio
from kmidi_lab.audio.mel import BANDS, FFT, FLOOR, HIGHEST_HZ, HOP, LOWEST_HZ, RATE, WINDOW, MelStream, log_mel
from kmidi_lab.provenance import machine_fingerprint

_EACH, _ROUNDS = 60, 3
_SETS = ("ravdess/**/*.flac", "philharmonia/**/*.mp3")
_BLOCKS = (64, 512, 4096)
_TIMES = (1, 10)


def recordings(folder: Path) -> list[Path]:
    """Some of every set below DATA_ROOT; else noise bursts in `folder`, whose cost is that of any sound."""
    root = os.environ.get("DATA_ROOT")
    found = [path for pattern in _SETS for path in sorted(Path(root).glob(pattern))[::20][:_EACH]] if root else []
    if found:
        print(f"{len(found)} recordings of {root}")
        return [path for path in found if path.stat().st_size]
    for i in range(_EACH):
        noise = 0.1 * np.random.default_rng(i).normal(size=3 * RATE)
        soundfile.write(folder / f"{i}.flac", noise.clip(-1, 1), RATE)
    print(f"{_EACH} files of noise made here (DATA_ROOT is not set)")
    return sorted(folder.iterdir())


def ours(path: Path) -> np.ndarray:
    return log_mel(read_audio(path, RATE))


def with_librosa(path: Path) -> np.ndarray:
    import librosa

    samples, _ = librosa.load(path, sr=RATE, mono=True)
    mel = librosa.feature.melspectrogram(
        y=samples, sr=RATE, n_fft=FFT, hop_length=HOP, win_length=WINDOW, center=False, n_mels=BANDS, fmin=LOWEST_HZ,
        fmax=HIGHEST_HZ,
    )  # fmt: skip
    return np.log(np.maximum(mel, FLOOR)).T


def with_naive_torchaudio(path: Path) -> np.ndarray:
    """A transform and a resampler made for every file, as in many notebooks."""
    import torch
    import torchaudio

    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = torch.from_numpy(samples.mean(1))
    resampled = torchaudio.transforms.Resample(rate, RATE)(mono)
    mel = torchaudio.transforms.MelSpectrogram(RATE, FFT, WINDOW, HOP, LOWEST_HZ, HIGHEST_HZ, n_mels=BANDS)(resampled)
    return np.asarray(mel.clamp_min(FLOOR).log().T)


def readable(path: Path) -> bool:
    try:
        return len(read_audio(path, RATE)) >= WINDOW
    except AudioError:
        return False


def compare(paths: list[Path]) -> None:
    hours = sum(soundfile.info(path).duration for path in paths) / 3600
    makers: dict[str, Callable[[Path], np.ndarray]] = {
        "mel128-v1": ours, "librosa": with_librosa, "torchaudio, naively": with_naive_torchaudio,
    }  # fmt: skip
    speeds = {}
    for name, make in makers.items():
        make(paths[0])
        times = []
        for _ in range(_ROUNDS):
            began = time.process_time()
            for path in paths:
                make(path)
            times.append(time.process_time() - began)
        speeds[name] = hours / median(times) * 60
    for name, speed in speeds.items():
        print(
            f"{name:<22} {speed:6.1f} hours of audio a core minute; ours in {speed / speeds['mel128-v1']:.2f} of its time"
        )


def streaming() -> None:
    """The processor's time of a block divided by its frames: a block of 4,096 samples completes 16 of them."""
    noise = (0.1 * np.random.default_rng(0).normal(size=RATE * 20)).astype(np.float32)
    for rate in (RATE, 48_000):
        for block in _BLOCKS:
            stream, times, frames = MelStream(rate), [], 0
            for at in range(0, len(noise) - block, block):
                began = time.thread_time_ns()
                frames += len(stream.push(noise[at : at + block]))
                times.append(time.thread_time_ns() - began)
            each = sum(times) / frames / 1000
            worst = np.percentile(times, 99) / 1000
            print(f"streaming, {rate} Hz, blocks of {block:>4}: {each:6.1f} µs a frame, p99 of a block {worst:7.1f} µs")


def bulk(folder: Path, cache: Path) -> None:
    """One job in a process of its own, so that its peak is its own; prints what it took."""
    from midi import peak_mb

    began = time.perf_counter()
    found = prepare_frames(sorted(folder.iterdir()), folder, cache)
    hours = sum(len(found[i].arrays["mel"]) for i in range(len(found))) * HOP / RATE / 3600
    print(
        json.dumps(
            {"files": len(found), "hours": hours, "seconds": time.perf_counter() - began, "parent_mb": peak_mb()}
        )
    )


def measure_bulk(paths: list[Path], temp: Path) -> None:
    for times in _TIMES:
        folder = temp / f"{times}x"
        folder.mkdir()
        for i in range(times * len(paths)):
            source = paths[i % len(paths)]
            (folder / f"{i:06}{source.suffix}").write_bytes(source.read_bytes())
        command = [sys.executable, __file__, "--bulk", str(folder), str(temp / f"cache{times}")]
        job = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        print(
            f"bulk, 2 workers, {job['files']} files: {job['hours'] / job['seconds'] * 60:.1f} hours of audio a minute "
            f"into shards, peak {job['parent_mb']:.0f} MiB"
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--bulk", nargs=2, type=Path, metavar=("FOLDER", "CACHE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.bulk:
        bulk(*arguments.bulk)
        return
    warnings.simplefilter("ignore")
    machine = machine_fingerprint()
    print(f"{machine['cpu']}, {machine['id']}")
    with tempfile.TemporaryDirectory() as name:
        temp = Path(name)
        (temp / "made").mkdir()
        paths = [path for path in recordings(temp / "made") if readable(path)]
        compare(paths)
        streaming()
        measure_bulk(paths, temp)


if __name__ == "__main__":
    main()
