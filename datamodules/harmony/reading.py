"""What every chord reader returns: songs, the files read and every problem met."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from datamodules.shared.problems import Report
from kmidi_lab.chords.song import Song

MIN_CHORDS = 2
MAX_EVENTS = 20_000
"""A longer 'song' is a broken file; nothing in the published sets comes near."""


@dataclass
class Reading(Report):
    """Songs of one source with a whole-file report of what could not be used."""

    songs: list[Song] = field(default_factory=list)

    def keep(self, song: Song, file: Path | str) -> None:
        """Adds the song, or reports why it can't be used."""
        if len(song.events) < MIN_CHORDS:
            self.skip(file, song.title, "fewer than two distinct chords in a row")
        elif len(song.events) > MAX_EVENTS:
            self.skip(file, song.title, f"more than {MAX_EVENTS} chords")
        else:
            self.songs.append(song)


def read_text(path: Path, reading: Reading, limit: int = 64 * 2**20) -> str | None:
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
