"""A MIDI file as a `Piece`: the file's frame is checked here, its events are parsed by symusic.

symusic is C++ and fast; many files that nobody has looked at belong into the processes of `bulk.read_many`, where one
that kills the parser costs only itself.
"""

from __future__ import annotations

import stat
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from symusic import Score

from kmidi_lab.errors import UserError
from kmidi_lab.midi.piece import NOTE, Notes, Piece, Track

MAX_BYTES = 32 * 2**20
MAX_TRACKS = 256
MAX_NOTES = 200_000
MAX_HOURS = 24.0
_MAX_NAME = 120
_DEFAULT_TEMPO = 120.0
_TONICS_A_FIFTH_APART, _RELATIVE_MINOR = 7, 9


class MidiError(UserError):
    """A file that can't be used. `reason` is short and the same for all files with that fault, so it can be counted."""

    def __init__(self, reason: str, detail: str = "", file: str = "") -> None:
        super().__init__(reason, detail, file)
        self.reason, self.detail, self.file = reason, detail, file

    def __str__(self) -> str:
        detail = f" ({self.detail})" if self.detail else ""
        return f"{self.file or 'MIDI data'}: {self.reason}{detail}; leave it out or export it again"


def read_piece(source: Path | bytes) -> Piece:
    """The notes, pedals, tempos, metres and keys of a Standard MIDI File (format 0 or 1, also RIFF-wrapped).

    A note that is struck again before it ends closes first in, first out. Notes that never end are left out. Metres and
    keys outside what the format allows are left out; of several at one tick the last counts.

    Raises:
        MidiError: missing, unreadable, not MIDI, truncated, SMPTE time, zero tempo, no notes, or beyond these limits.
    """
    if isinstance(source, bytes):
        return _parse(source)
    try:
        return _parse(_read(source))
    except MidiError as error:
        raise MidiError(error.reason, error.detail, str(source)) from error


def _read(path: Path) -> bytes:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise MidiError("not a file")
        if status.st_size > MAX_BYTES:
            raise MidiError("too large", f"{status.st_size >> 20} MiB, at most {MAX_BYTES >> 20}")
        return path.read_bytes()
    except OSError as error:
        raise MidiError("cannot be read", error.strerror or str(error)) from error


def _parse(data: bytes) -> Piece:
    data = _framed(data)
    try:
        score: Any = Score.from_midi(data)
    except Exception as error:  # symusic raises whatever its C++ threw
        raise MidiError("broken events", str(error).splitlines()[0][:200] if str(error) else "") from error
    count = score.note_num()
    if count == 0:
        raise MidiError("no notes")
    if count > MAX_NOTES:
        raise MidiError("too many notes", f"{count}, at most {MAX_NOTES}")
    tracks = tuple(_track(track) for track in score.tracks if len(track.notes))
    piece = Piece(score.tpq, tracks, _tempos(score), _metres(score), _keys(score))
    _check_times(piece)
    return piece


def _framed(data: bytes) -> bytes:
    """The header and its tracks alone: without a RIFF wrapper, foreign chunks and what follows the last track."""
    if len(data) == 0:
        raise MidiError("empty file")
    if len(data) > MAX_BYTES:
        raise MidiError("too large", f"{len(data) >> 20} MiB, at most {MAX_BYTES >> 20}")
    if data[:4] == b"RIFF" and data[8:16] == b"RMIDdata":
        data = data[20 : 20 + int.from_bytes(data[16:20], "little")]
    if data[:4] != b"MThd":
        raise MidiError("not a MIDI file")
    if len(data) < 14:
        raise MidiError("truncated", "in the header")
    length, form, declared, division = struct.unpack_from(">IHHH", data, 4)
    if length < 6:
        raise MidiError("not a MIDI file", f"a header of {length} bytes")
    if form == 2:
        raise MidiError("format 2", "its tracks are pieces of their own")
    if form > 2:
        raise MidiError("not a MIDI file", f"format {form}")
    if division & 0x8000:
        raise MidiError("SMPTE time")
    if division == 0:
        raise MidiError("zero ticks per quarter")
    if declared > MAX_TRACKS:
        raise MidiError("too many tracks", f"{declared}, at most {MAX_TRACKS}")
    tracks: list[bytes] = []
    at = 8 + length
    while len(tracks) < declared and at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "big")
        if at + 8 + size > len(data):
            raise MidiError("truncated", f"track {len(tracks) + 1} of {declared}")
        if data[at : at + 4] == b"MTrk":
            tracks.append(data[at : at + 8 + size])
        at += 8 + size
    if declared == 0:
        raise MidiError("no tracks")
    if len(tracks) < declared:
        raise MidiError("truncated", f"{len(tracks)} of {declared} tracks")
    return struct.pack(">4sIHHH", b"MThd", 6, min(form, 1), len(tracks), division) + b"".join(tracks)


def _track(track: Any) -> Track:
    arrays = track.notes.numpy()
    notes: Notes = np.empty(len(arrays["time"]), NOTE)
    notes["start"], notes["duration"] = arrays["time"], arrays["duration"]
    notes["pitch"], notes["velocity"] = arrays["pitch"], arrays["velocity"]
    order = np.argsort(notes["start"].astype(np.int64) * 256 + notes["pitch"], kind="stable")
    pedals = track.pedals.numpy()
    spans = np.stack([pedals["time"], pedals["time"] + pedals["duration"]], 1).astype(np.int64)
    return Track(
        _name(track), track.program, track.is_drum, notes[order], spans[np.argsort(spans[:, 0], kind="stable")]
    )


def _name(track: Any) -> str:
    try:
        name = str(track.name)
    except UnicodeDecodeError:
        return ""
    return "".join(c for c in name if c.isprintable()).strip()[:_MAX_NAME]


def _tempos(score: Any) -> NDArray[np.float64]:
    events = score.tempos.numpy()
    if np.any(events["mspq"] <= 0):
        raise MidiError("zero tempo")
    tempos = _last_at_each_tick(np.stack([events["time"], 60e6 / events["mspq"]], 1))
    if len(tempos) == 0 or tempos[0, 0] > 0:
        tempos = np.concatenate([[[0.0, _DEFAULT_TEMPO]], tempos])
    return tempos


def _metres(score: Any) -> NDArray[np.int64]:
    events = score.time_signatures.numpy()
    rows = np.stack([events["time"], events["numerator"], events["denominator"]], 1).astype(np.int64)
    return _last_at_each_tick(rows[(rows[:, 1] > 0) & (rows[:, 2] > 0)])


def _keys(score: Any) -> NDArray[np.int64]:
    events = score.key_signatures.numpy()
    tick, fifths, minor = (events[name].astype(np.int64) for name in ("time", "key", "tonality"))
    tonic = (fifths * _TONICS_A_FIFTH_APART + minor * _RELATIVE_MINOR) % 12
    return _last_at_each_tick(np.stack([tick, tonic, minor], 1)[(np.abs(fifths) <= 7) & (minor <= 1)])


def _last_at_each_tick(rows: np.ndarray) -> np.ndarray:
    """Rows by their first column, the last of those with the same one."""
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    return rows[np.append(rows[1:, 0] != rows[:-1, 0], True)] if len(rows) else rows


def _check_times(piece: Piece) -> None:
    starts = np.concatenate([t.notes["start"].astype(np.int64) for t in piece.tracks])
    durations = np.concatenate([t.notes["duration"].astype(np.int64) for t in piece.tracks])
    maps = (piece.tempos, piece.metres, piece.keys, *(t.pedals for t in piece.tracks))
    # Ticks are 32 bits in symusic: a sum of deltas beyond them comes back negative.
    if durations.min() < 0 or starts.min() < 0 or any(len(m) and m[:, 0].min() < 0 for m in maps):
        raise MidiError("absurd times", "ticks beyond 32 bits")
    hours = float(piece.seconds((starts + durations).max())) / 3600
    if not hours <= MAX_HOURS:
        raise MidiError("absurd times", f"{hours:.0f} hours, at most {MAX_HOURS:.0f}")
