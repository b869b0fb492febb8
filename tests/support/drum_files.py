"""Small MIDI files and a table in the layout of the Groove MIDI set."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import mido

COLUMNS = (
    "drummer", "session", "id", "style", "bpm", "beat_type", "time_signature", "midi_filename", "audio_filename",
    "duration", "split",
)  # fmt: skip


def write_drums(
    path: Path,
    strokes: Sequence[tuple[int, int, int]],
    metre: tuple[int, int] | None = (4, 4),
    channel: int = 9,
    length: int = 30,
    bpm: float = 120.0,
    ticks: int = 480,
    format_: int = 1,
) -> None:
    """Strokes are (tick, pitch, velocity); each sounds for `length` ticks."""
    file = mido.MidiFile(type=format_, ticks_per_beat=ticks)
    events: list[tuple[int, int, int, int]] = []
    for tick, pitch, velocity in strokes:
        events += [(tick, 1, pitch, velocity), (tick + length, 0, pitch, 0)]
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(bpm))])
    if metre:
        track.append(mido.MetaMessage("time_signature", numerator=metre[0], denominator=metre[1]))
    now = 0
    for tick, kind, pitch, velocity in sorted(events):
        name = "note_on" if kind else "note_off"
        track.append(mido.Message(name, channel=channel, note=pitch, velocity=velocity, time=tick - now))
        now = tick
    file.tracks.append(track)
    path.parent.mkdir(parents=True, exist_ok=True)
    file.save(path)


def write_table(path: Path, rows: Sequence[dict[str, str]]) -> None:
    with path.open("w", newline="") as out:
        writer = csv.DictWriter(out, COLUMNS)
        writer.writeheader()
        for row in rows:
            plain = {"drummer": "drummer1", "style": "rock", "bpm": "120", "beat_type": "beat", "time_signature": "4-4", "split": "train"}  # fmt: skip
            writer.writerow({**dict.fromkeys(COLUMNS, "x"), **plain, "id": row["midi_filename"], **row})
