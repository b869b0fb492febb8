"""Ten times the recordings take no more memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

_JOB = """
import sys
from pathlib import Path
from datamodules.shared import audio_shards
if __name__ == "__main__":
    audio_shards._SHARD_FILES = 8
    root = Path(sys.argv[1])
    frames = audio_shards.prepare_frames(sorted(root.iterdir()), root, Path(sys.argv[2]))
    seconds = sum(len(frame.arrays["mel"]) for frame in frames) * 256 / 16000
    status = Path("/proc/self/status").read_text().split()
    print(len(frames), seconds, int(status[status.index("VmHWM:") + 1]) / 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc: the peak of a process by itself")
def test_memory_does_not_grow_with_the_number_of_recordings(tmp_path: Path):
    noise = 0.1 * np.random.default_rng(0).normal(size=20 * 16000).astype(np.float32)
    peaks = []
    for count in (8, 80):
        root = tmp_path / str(count)
        root.mkdir()
        for i in range(count):
            soundfile.write(root / f"{i:03}.wav", np.roll(noise, i), 16000)
        command = [sys.executable, "-c", _JOB, str(root), str(tmp_path / f"cache{count}")]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        assert int(said[0]) == count and float(said[1]) > 19 * count
        peaks.append(float(said[2]))
    # All frames of the larger job are 25 MB, those of a shard 2.5.
    assert peaks[1] < peaks[0] + 15, peaks
