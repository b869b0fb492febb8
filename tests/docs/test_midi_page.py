"""docs/midi.md: its commands run, its reasons are those that the readers give."""

from __future__ import annotations

import hashlib
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.smf import END, midi, name, note, track

from datamodules.shared.pool import DIED, MEMORY, TIMEOUT
from kmidi_lab.midi import file, reading, scanning

SMALL = [
    "trainer.max_epochs=1", "trainer.limit_train_batches=5", "export.enabled=false", "model.module.size=16",
    "model.module.heads=2", "model.module.layers=1", "model.module.student_size=8", "model.module.student_epochs=1",
]  # fmt: skip
Cli = Callable[..., subprocess.CompletedProcess[str]]


def page(repo: Path) -> str:
    return (repo / "docs" / "midi.md").read_text(encoding="utf-8")


def commands(repo: Path) -> list[str]:
    return [line for block in re.findall(r"```bash\n(.*?)```", page(repo), re.S) for line in block.splitlines()]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Sixty small files in Lakh's layout: two piano voices with varied velocities."""
    for seed in range(60):
        rng = np.random.default_rng(seed)
        upper, lower = (low + np.cumsum(rng.choice([-3, -1, 1, 2, 4], 80)) % 20 for low in (62, 42))
        voices = [b"".join(note(int(p), int(rng.integers(40, 110)), 240) for p in line) for line in (upper, lower)]
        content = midi(*(track(name(n) + v + END) for n, v in zip(("Melody", "Left"), voices, strict=True)))
        stem = hashlib.md5(content).hexdigest()
        path = tmp_path / "data" / "lmd_full" / stem[0] / f"{stem}.mid"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "data"


@pytest.mark.slow
def test_every_command_runs(repo: Path, called: Cli, root: Path) -> None:
    listed = commands(repo)
    assert len(listed) >= 3
    for line in listed:
        words = shlex.split(line)
        assert words[:3] == ["python", "-m", "kmidi_lab"], line
        shorter = [] if any(w.startswith("task=") for w in words) else SMALL
        done = called(*words[3:], *shorter, env={"DATA_ROOT": str(root)})
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        if {"task=prepare", "data=lakh"} <= set(words):
            assert "all 176581 would take" in done.stdout + done.stderr


def test_every_reason_is_in_the_table(repo: Path) -> None:
    listed = set(re.findall(r"`([^`\n]+)`", page(repo).replace("```", "")))
    code = "".join(path.read_text(encoding="utf-8") for path in Path(reading.__file__).parent.glob("*.py"))
    given = set(re.findall(r"MidiError\(\"([^\"]+)\"", code))
    assert len(given) > 10
    assert given | {DIED, MEMORY, TIMEOUT} <= listed
    assert {
        scanning.CLIPPED,
        scanning.AFTER_END,
        scanning.UNFINISHED,
        file.MORE_TRACKS,
        file.ODD,
        reading.NEVER_END,
    } <= listed


def test_its_limits_are_the_readers(repo: Path) -> None:
    text = page(repo)
    assert f"over {reading.MAX_BYTES >> 20} MiB" in text
    assert f"over {reading.MAX_NOTES:,} notes" in text
    assert f"over {reading.MAX_TRACKS} tracks" in text
    assert f"over {reading.MAX_HOURS:.0f} hours" in text
