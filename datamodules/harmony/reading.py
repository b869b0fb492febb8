"""What chord readers have in common: which songs are kept, and text files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from datamodules.shared.library import Reading, Report
from kmidi_lab.chords.chord import Song

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


def read_text(path: Path, reading: Report, limit: int = 64 * 2**20) -> str | None:
    """The file's text, or None with the problem reported: missing rights, too large, not UTF-8."""
    try:
        if path.stat().st_size > limit:
            reading.skip(path, "", f"larger than {limit >> 20} MiB")
            return None
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        reading.skip(path, "", "not UTF-8 text", error)
    except OSError as error:
        reading.skip(path, "", "cannot be read", error)
    return None


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
