"""POP909: `chord_midi.txt` (start, end, Harte chord), `beat_midi.txt`, `key_audio.txt` of each song.

Z. Wang et al., *POP909: A Pop-song Dataset for Music Arrangement Generation*, ISMIR 2020. Bars are the
downbeats of `beat_midi.txt` (third column). A song that changes key carries the key of the moment.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from datamodules.harmony.reading import keep
from datamodules.shared.library import Reading
from datamodules.shared.texts import read_text
from kmidi_lab.chords.chord import Chord, ChordError, Event, Key, Song, merge_repeats, parse_key
from kmidi_lab.chords.harte import parse_harte
from kmidi_lab.chords.key_finding import estimate_key

_LICENCE = "MIT"


def files(root: Path) -> list[Path]:
    base = root / "pop909"
    names = ("chord_midi.txt", "beat_midi.txt", "key_audio.txt")
    return sorted(p for folder in base.glob("*") for name in names if (p := folder / name).is_file())


def read(root: Path) -> Reading[Song]:
    """Every song folder under `root/pop909`."""
    reading: Reading[Song] = Reading("pop909", _LICENCE)
    estimated = 0
    for path in sorted((root / "pop909").glob("*/chord_midi.txt")):
        song, guessed = _song(path, reading)
        if song is not None:
            estimated += guessed
            keep(reading, song, path)
    reading.note = f"key estimated for {estimated} songs that state none"
    return reading


def _song(path: Path, reading: Reading[Song]) -> tuple[Song | None, bool]:
    rows = _rows(path, reading)
    placed: list[tuple[Chord, float, float]] = []
    for number, row in enumerate(rows, 1):
        try:
            start, end = float(row[0]), float(row[1])
            chord = parse_harte(row[2])
        except (IndexError, ValueError) as error:
            reading.skip(path, f"line {number}", "line is not 'start end chord'", error)
            continue
        except ChordError as error:
            reading.skip(path, f"line {number}", "unreadable chord symbol", error)
            continue
        if not (np.isfinite([start, end]).all() and 0 <= start < end):
            reading.skip(path, f"line {number}", "times are not ordered", row[:2])
        elif chord is not None:
            placed.append((chord, start, end))
    if not placed:
        reading.skip(path, path.parent.name, "no chords")
        return None, False
    bars = _downbeats(path.with_name("beat_midi.txt"), reading)
    keys = _keys(path.with_name("key_audio.txt"), reading)
    guessed = not keys
    if guessed:
        keys = [(0.0, estimate_key([c for c, _, _ in placed], [b - a for _, a, b in placed]))]
    events = []
    for chord, start, end in placed:
        key = next((k for t, k in reversed(keys) if t <= start + 1e-6), keys[0][1])
        if bars is None:
            events.append(Event(chord, key))
        else:
            first, last = (round(float(bars.at(t)) * 8) / 8 for t in (start, end))
            events.append(Event(chord, key, first, max(last - first, 0.125)))
    name = path.parent.name
    return Song(f"pop909/{name}", "pop909", name, merge_repeats(events)), guessed


class _Bars:
    """Time in seconds to position in bars, linear between downbeats and beyond them."""

    def __init__(self, downbeats: np.ndarray) -> None:
        self._times = downbeats
        self._step = float(np.median(np.diff(downbeats)))

    def at(self, time: float) -> float:
        t = self._times
        if time < t[0]:
            return float((time - t[0]) / self._step)
        if time > t[-1]:
            return float(len(t) - 1 + (time - t[-1]) / self._step)
        return float(np.interp(time, t, np.arange(len(t))))


def _downbeats(path: Path, reading: Reading[Song]) -> _Bars | None:
    times = []
    for row in _rows(path, reading) if path.is_file() else []:
        try:
            if float(row[2]) > 0:
                times.append(float(row[0]))
        except (IndexError, ValueError):
            continue
    t = np.array(times)
    if len(t) < 2 or not np.isfinite(t).all() or (np.diff(t) <= 0).any():
        reading.skip(path, path.parent.name, "no usable downbeats: positions unknown")
        return None
    return _Bars(t)


def _keys(path: Path, reading: Reading[Song]) -> list[tuple[float, Key]]:
    out = []
    for row in _rows(path, reading) if path.is_file() else []:
        try:
            out.append((float(row[0]), parse_key(row[2])))
        except (IndexError, ValueError, ChordError) as error:
            reading.skip(path, path.parent.name, "unreadable key line", error)
    return sorted(out, key=lambda pair: pair[0])


def _rows(path: Path, reading: Reading[Song]) -> list[list[str]]:
    text = read_text(path, reading)
    return [line.split() for line in text.splitlines() if line.strip()] if text else []
