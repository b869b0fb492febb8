"""POP909: the MELODY track on the beats of `beat_midi.txt`, chords of `chord_midi.txt`, key of `key_audio.txt`.

Z. Wang et al., ISMIR 2020. Onsets go to the nearest sixteenth between the beats; a gap of an eighth or more is a rest,
one of a quarter or more starts a phrase (`models.melody.finding.single`).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from datamodules.melody.reading import keep
from datamodules.shared.library import Reading
from datamodules.shared.pooled_reading import survived
from kmidi_lab.chords.chord import ChordError, Key, parse_key
from kmidi_lab.chords.harte import parse_harte
from kmidi_lab.midi.reading import read_piece
from kmidi_lab.models.melody.features import Melody
from kmidi_lab.models.melody.finding import key_of_chroma, single

_GRID, _MAX_TEXT = 4, 4 * 2**20


def files(root: Path) -> list[Path]:
    """MIDI and text files of every song; versions of a song are left out."""
    base = root / "pop909"
    names = ("chord_midi.txt", "beat_midi.txt", "key_audio.txt")
    paths = [p for folder in base.glob("*") for p in (folder / f"{folder.name}.mid", *(folder / n for n in names))]
    return sorted(p for p in paths if p.is_file())


def read(paths: Iterable[Path]) -> Reading[Melody]:
    """The melody of every `.mid` among `paths`."""
    reading: Reading[Melody] = Reading("pop909", "MIT")
    for path in paths:
        if path.suffix != ".mid":
            continue
        with survived(reading, path, path.stem):
            try:
                melody = _melody(path)
            except (OSError, ValueError, IndexError, OverflowError, ChordError) as error:
                reading.skip(path, path.stem, "beats, chords or key not readable", error)
                continue
            if melody is None:
                reading.skip(path, path.stem, "no MELODY track")
            else:
                keep(reading, melody, path)
    return reading


def _melody(path: Path) -> Melody | None:
    piece = read_piece(path)
    track = next((t for t in piece.tracks if t.name.strip().upper() == "MELODY"), None)
    if track is None:
        return None
    beats = _rows(path.with_name("beat_midi.txt"))
    times = np.array([float(r[0]) for r in beats])
    down = np.flatnonzero([float(r[2]) > 0 for r in beats])
    if len(times) < 2 or len(down) < 2 or (np.diff(times) <= 0).any():
        raise ValueError("no usable beats")
    starts = _beat(piece.seconds(track.notes["start"]), times)
    ends = _beat(piece.seconds(track.notes["start"] + track.notes["duration"]), times)
    voice = single(starts, ends, track.notes["pitch"], _GRID)
    bar_of = np.clip(np.searchsorted(down, voice.onset, side="right") - 1, 0, len(down) - 2)
    bar = (down[bar_of + 1] - down[bar_of]).astype(np.float32)
    key = stated_key(path.with_name("key_audio.txt"))
    if key is None:
        key = key_of_chroma(np.bincount(voice.pitch % 12, np.minimum(voice.duration, 4.0), 12))
    return Melody(
        f"pop909/{path.stem}", "pop909", path.stem, key, voice.pitch, voice.duration.astype(np.float32),
        np.mod(voice.onset - down[bar_of], bar).astype(np.float32), bar, voice.rest, voice.phrase,
        chord=_chords(path.with_name("chord_midi.txt"), times, voice.onset),
    )  # fmt: skip


def _beat(seconds: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Seconds to beats, linear between the beats and beyond them."""
    step = float(np.median(np.diff(times)))
    inside = np.interp(seconds, times, np.arange(len(times)))
    before, after = np.minimum(seconds - times[0], 0) / step, np.maximum(seconds - times[-1], 0) / step
    return np.asarray(inside + before + after)


def _chords(path: Path, times: np.ndarray, onset: np.ndarray) -> np.ndarray:
    """`[T, 12]` chroma of the chord that sounds at each onset, a sixteenth late at most; zeros without one."""
    rows = _rows(path)
    starts = _beat(np.array([float(r[0]) for r in rows]), times)
    chords = [parse_harte(r[2]) for r in rows]
    chroma = np.array([c.chroma() if c else (0.0,) * 12 for c in chords], np.float32)
    at = np.searchsorted(starts, onset + 0.5 / _GRID, side="right") - 1
    return np.asarray(np.where(at[:, None] >= 0, chroma[np.maximum(at, 0)], 0).astype(np.float32))


def stated_key(path: Path) -> Key | None:
    """The key that lasts longest in `key_audio.txt`, or None."""
    lasting: dict[Key, float] = {}
    for row in _rows(path) if path.is_file() else []:
        key = parse_key(row[2])
        lasting[key] = lasting.get(key, 0.0) + float(row[1]) - float(row[0])
    return max(lasting, key=lambda k: lasting[k], default=None)


def _rows(path: Path) -> list[list[str]]:
    if path.stat().st_size > _MAX_TEXT:
        raise ValueError(f"{path.name} is over {_MAX_TEXT >> 20} MiB")
    return [line.split() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
