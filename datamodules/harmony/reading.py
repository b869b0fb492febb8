"""What chord readers have in common: which songs are kept, their keys where a source leaves these open, and text files."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from datamodules.shared.library import Reading, Report
from datamodules.shared.texts import read_text
from kmidi_lab.chords.chord import Chord, Event, Key, Song, merge_repeats
from kmidi_lab.chords.key_finding import estimate_key

Placed = list[tuple[Chord, float, float]]
"""Chords with their start and length in bars."""
MIN_CHORDS = 2
MAX_EVENTS = 20_000
"""A longer 'song' is a broken file; nothing in the published sets comes near."""


def keep(reading: Reading[Song], song: Song, file: Path | str) -> None:
    """Adds the song, or reports why it can't be used."""
    if len(song.events) < MIN_CHORDS:
        reading.skip(file, song.title, "fewer than two distinct chords in a row")
    elif len(song.events) > MAX_EVENTS:
        reading.skip(file, song.title, f"more than {MAX_EVENTS} chords")
    else:
        reading.items.append(song)


def read_files(
    name: str, licence: str, note: str, paths: Sequence[Path], song_of: Callable[[Path, Reading[Song]], Song | None]
) -> Reading[Song]:
    """The songs of a source that has one in each file; `song_of` reports why a file has none, and gives None."""
    reading: Reading[Song] = Reading(name, licence)
    for path in paths:
        song = song_of(path, reading)
        if song is not None:
            keep(reading, song, path)
    reading.note = note
    return reading


def chart_song(
    id: str, title: str, placed: Placed, keys: Sequence[tuple[float, Sequence[Key]]], tags: tuple[str, ...]
) -> Song:
    """A song of a source that says some of its key.

    Args:
        id: with its source before the first slash.
        placed: one chord at least.
        keys: from a place in bars on, those that it can be in; the one that fits the chords from there best is taken.
            Nothing is known of chords before the first, which are in that key, too; without any, all 24 are tried.
    """
    starts = [start for start, _ in keys] or [0.0]
    chosen = []
    for i, candidates in enumerate([among for _, among in keys] or [()]):
        end = starts[i + 1] if i + 1 < len(starts) else float("inf")
        here = [(c, bars) for c, at, bars in placed if (starts[i] <= at or i == 0) and at < end]
        if here:
            chosen.append((starts[i], estimate_key([c for c, _ in here], [b for _, b in here], candidates)))
    events = []
    for chord, start, bars in placed:
        key = next((k for at, k in reversed(chosen) if at <= start), chosen[0][1])
        events.append(Event(chord, key, start, bars))
    return Song(id, id.partition("/")[0], title, merge_repeats(events), tags=tuple(t for t in tags if t))


def read_json(path: Path, reading: Report) -> Any:
    """What the file's JSON says, or None with the problem reported. Lone surrogates, which no text holds, become `?`."""
    text = read_text(path, reading)
    if text is None:
        return None
    try:
        said = _plain(json.loads(text))
        if said is None:
            reading.skip(path, "", "JSON that says nothing")
        return said
    except json.JSONDecodeError as error:
        reading.skip(path, "", "not JSON", error)
    except (RecursionError, ValueError) as error:
        reading.skip(path, "", "JSON that is nested too deep or holds absurd numbers", error)
    return None


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {_plain(k): _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list) else value
