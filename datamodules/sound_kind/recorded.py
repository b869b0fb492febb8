"""Recordings: acted speech, song, single notes, and the pauses of speech, in which only the room is heard.

EMOVO and SAVEE are in the test alone: neither their voices nor their rooms were met.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from datamodules.sound_kind.sounds import Amounts, Item, Samples, Sound, Source, drawn, trimmed
from kmidi_lab.audio.io import read_recording
from kmidi_lab.audio.level import level_of
from kmidi_lab.audio.mel import FRAME_S, HOP, RATE, log_mel

_RAVDESS = "CC BY-NC-SA 4.0"
_CORPORA = {
    "nemo": ("speech", "nEMO", Amounts(150, 40, 60)),
    "ased": ("speech", "ASED", Amounts(150, 40, 60)),
    "emovo": ("speech", "EMOVO", Amounts(0, 0, 80)),
    "savee": ("speech", "SAVEE", Amounts(0, 0, 80)),
    "ravdess_song": ("music", "RAVDESS, song", Amounts(240, 60, 80)),
}
_LONGEST_S, _PAUSE_S, _BELOW, _STEPS = 120.0, 0.5, 3.5, 8


def sounds(root: Path) -> Iterator[Sound]:
    """Of what is there below the folder that holds the data sets."""
    files = sorted((root / "ravdess").glob("Actor_*/03-01-*.flac"))
    voices = [f"ravdess-{path.parent.name[-2:]}" for path in files]
    spoken = [Item(voice, path.stem, partial(_read, path)) for voice, path in zip(voices, files, strict=True)]
    yield from drawn(Source("speech", "RAVDESS, speech", _RAVDESS), spoken, Amounts(240, 60, 80))
    pauses = [Item(voice, f"pause {p.stem}", partial(_pause, p)) for voice, p in zip(voices, files, strict=True)]
    yield from drawn(Source("neither", "RAVDESS, pauses", _RAVDESS), pauses, Amounts(100, 30, 40))
    table = root / "speech_emotion" / "metadata.csv"
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines())) if table.is_file() else []
    for corpus, (kind, name, amounts) in _CORPORA.items():
        own = [row for row in rows if row["corpus"] == corpus]
        items = [Item(row["speaker"], row["path"], partial(_read, table.parent / row["path"])) for row in own]
        if own:
            yield from drawn(Source(kind, name, own[0]["licence"]), items, amounts)
    notes = [
        Item(_take(path.stem), path.stem, partial(_read, path)) for path in sorted(root.glob("philharmonia/*/*.mp3"))
    ]
    yield from drawn(
        Source("music", "Philharmonia, notes", "free to use, not to be sold as samples"), notes, Amounts(160, 60, 80)
    )


def _take(stem: str) -> str:
    """The instrument, pitch and dynamic of `bassoon_A2_025_forte_normal`."""
    instrument, pitch, _, dynamic, _ = stem.rsplit("_", 4)
    return f"{instrument} {pitch} {dynamic}"


def _samples(path: Path) -> Samples:
    return np.asarray(read_recording(path, RATE, _LONGEST_S).samples, np.float32)


def _read(path: Path) -> Samples:
    return trimmed(_samples(path))


def _pause(path: Path) -> Samples:
    """The softest half second, made audible; empty where it holds speech or digital silence."""
    samples = _samples(path)
    level = level_of(log_mel(samples))
    frames = round(_PAUSE_S / FRAME_S)
    means = np.convolve(level, np.full(frames, 1 / frames), "valid")
    at = int(means.argmin())
    part = samples[at * HOP : at * HOP + round(_PAUSE_S * RATE)]
    if means[at] > level.max() - _BELOW or len(np.unique(np.round(part * 32768))) <= _STEPS:
        return np.zeros(0, np.float32)
    return np.asarray(part * (0.05 / np.abs(part).max()), np.float32)
