"""docs/audio.md: its constants are the front-end's, its Python runs."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from support import warm

from datamodules.shared import audio_shards
from kmidi_lab.audio import mel
from kmidi_lab.audio.io import LONGEST_S


def page(repo: Path) -> str:
    return (repo / "docs" / "audio.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_its_python_runs(repo: Path, tmp_path: Path, lab: list[str]) -> None:
    (tmp_path / "sounds").mkdir()
    soundfile.write(tmp_path / "sounds" / "a.mp3", 0.1 * np.sin(np.arange(16_000) / 5), 16_000)
    programs = re.findall(r"```python\n(.*?)```", page(repo), re.S)
    assert len(programs) == 2
    said = [
        subprocess.run(warm.program(lab, code), cwd=tmp_path, check=True, capture_output=True, text=True).stdout.strip()
        for code in programs
    ]
    assert said == ["", "1 {}"]


def test_its_constants_are_the_front_ends(repo: Path) -> None:
    text = page(repo)
    assert f"FFT of {mel.FFT} points" in text and f"{mel.BANDS} triangles" in text
    assert f"{mel.HOP} *t* + {mel.WINDOW - 1}" in text
    assert f"{mel.LOWEST_HZ:.0f} Hz" in text and f"{mel.RATE} / {mel.FFT}" in text
    assert f"content of its {audio_shards._SHARD_FILES} files" in text
    assert f"`longest_s` ({LONGEST_S / 60:.0f} minutes)" in text
