"""A MIDI file as a `Piece`: its parts with the state of their channels, and its maps of tempo, metre and key.

Many files that nobody has looked at belong into the processes of `datamodules.shared.pool`, where one that takes too
long or too much memory costs only itself.
"""

from __future__ import annotations

import stat
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.midi import channels
from kmidi_lab.midi.channels import Settings, ports
from kmidi_lab.midi.events import KEY, METRE, TEMPO, TRACK_NAME, Events
from kmidi_lab.midi.events import MidiError as MidiError
from kmidi_lab.midi.file import MAX_BYTES as MAX_BYTES
from kmidi_lab.midi.file import MAX_TRACKS as MAX_TRACKS
from kmidi_lab.midi.file import MidiFile, parse
from kmidi_lab.midi.names import decoded
from kmidi_lab.midi.notes import UNENDED, Sounding, sounding, with_strokes
from kmidi_lab.midi.piece import DRUM_CHANNEL, NOTE, Notes, Piece, Track, are_drums

MAX_NOTES = 200_000
MAX_HOURS = 24.0
MAX_TICKS = 2**31 - 1
_DEFAULT_TEMPO = 120.0
_TONICS_A_FIFTH_APART, _RELATIVE_MINOR = 7, 9
NEVER_END = "notes that never end"


@dataclass(frozen=True)
class OpenFile:
    """A file that can be written again: its piece, its events, and where each note of the piece stands among them.

    `places` has for each track of the piece `[N, 5]`: the track of the file, the event that begins the note, the one
    that ends it or -1, and the first and the last tick that the note may move to, between the choice of its program and
    that of the next. `ports` are of the tracks of the file, `pedalled` says whether any channel uses the sustain pedal.
    """

    piece: Piece
    file: MidiFile
    places: tuple[NDArray[np.int64], ...]
    ports: tuple[int, ...]
    pedalled: bool


def read_piece(source: Path | bytes) -> Piece:
    """The notes, pedals, tempos, metres and keys of a Standard MIDI File (format 0 or 1, also RIFF-wrapped).

    A note that is struck again before it ends closes first in, first out. A note that no event ends lasts to the next
    stroke of its drum or a sixteenth where it is a drum's, else it is left out and counted in `Piece.flaws`. Program,
    pedal and the end of a note may stand in another track of the same channel. Metres and keys outside what the format
    allows are left out; of several at one tick the last counts.

    Raises:
        MidiError: missing, unreadable, not MIDI, truncated, SMPTE time, zero tempo, no notes, or beyond these limits.
    """
    return open_file(source).piece


def open_file(source: Path | bytes) -> OpenFile:
    """As `read_piece`, with the events that the piece was read from. Raises MidiError."""
    if isinstance(source, bytes):
        return _open(source)
    try:
        return _open(_read(source))
    except MidiError as error:
        raise MidiError(error.reason, error.detail, str(source), error.remedy) from error


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
    except ValueError as error:
        raise MidiError("cannot be read", str(error)) from error


def _open(data: bytes) -> OpenFile:
    file = parse(data)
    if any(len(events) and events.tick[-1] > MAX_TICKS for events in file.tracks):
        raise MidiError("absurd times", "ticks beyond 32 bits")
    flaws = Counter(file.flaws)
    port = ports(file.tracks)
    notes = sounding(file.tracks, port)
    if len(notes) > MAX_NOTES:
        raise MidiError("too many notes", f"{len(notes)}, at most {MAX_NOTES}")
    pedals = channels.pedals(file.tracks, port)
    tracks, places = _parts(file, notes, port, pedals, flaws)
    if not tracks:
        raise MidiError("no notes", f"{flaws[NEVER_END]} that never end" if flaws[NEVER_END] else "")
    piece = Piece(file.division, tracks, *_maps(file.tracks), dict(+flaws))
    _check_times(piece)
    used = any(settings.value.any() for settings in pedals.values())
    return OpenFile(piece, file, places, tuple(port), used)


def _parts(
    file: MidiFile,
    notes: Sounding,
    port: Sequence[int],
    pedals: Mapping[tuple[int, int], Settings],
    flaws: Counter[str],
) -> tuple[tuple[Track, ...], tuple[NDArray[np.int64], ...]]:
    """Notes by track, channel and program, in that order, and their places."""
    names = [_name(events) for events in file.tracks]
    programs, banks = channels.programs(file.tracks, port), channels.banks(file.tracks, port)
    part = notes.track * 16 + notes.channel
    pairs = [divmod(key, 16) for key in np.flatnonzero(np.bincount(part)).tolist()]
    with_kit = {number for number, channel in pairs if channel == DRUM_CHANNEL}
    drum_ports = {port[number] for number in with_kit}
    parts: list[Track] = []
    places: list[NDArray[np.int64]] = []
    for number, channel in pairs:
        where = port[number], channel
        own = notes.taken(part == 16 * number + channel)
        chosen = programs.get(where, channels.NOTHING)
        program = chosen.before(number, own.on, own.start)
        bank = int(banks.get(where, channels.NOTHING).before(number, own.on, own.start).max())
        named = "" if number in with_kit else names[number]  # of a whole song, such as "Drum Song", it names no part
        drums = are_drums(named, channel, int(program.max()), own.pitch, port[number] in drum_ports, bank)
        spans = pedals.get(where, channels.NOTHING).spans(number)
        if drums:
            own = with_strokes(own, file.division)
        else:
            flaws[NEVER_END] += int((own.end == UNENDED).sum())
        for sound in np.flatnonzero(np.bincount(program)).tolist():
            rows = np.flatnonzero((program == sound) & (own.end != UNENDED))
            rows = rows[np.lexsort((own.pitch[rows], own.start[rows]))]
            if len(rows):
                parts.append(Track(names[number], sound, drums, _rows(own.taken(rows)), spans, channel))
                start = own.start[rows]
                between = chosen.since(start), chosen.until(start) - 1
                places.append(np.stack([own.track[rows], own.on[rows], own.off[rows], *between], 1))
    return tuple(parts), tuple(places)


def _rows(notes: Sounding) -> Notes:
    rows: Notes = np.empty(len(notes), NOTE)
    rows["start"], rows["duration"] = notes.start, notes.end - notes.start
    rows["pitch"], rows["velocity"] = notes.pitch, notes.velocity
    return rows


def _name(events: Events) -> str:
    named = events.metas(TRACK_NAME)
    return decoded(events.content(int(named[-1]))) if len(named) else ""


def _maps(tracks: Sequence[Events]) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """The tempos, metres and keys of a Piece."""
    micros = [(tick, int.from_bytes(c[:3], "big")) for tick, c in _contents(tracks, TEMPO)]
    if any(length <= 0 for _, length in micros):
        raise MidiError("zero tempo")
    tempos = _last_at_each_tick(np.array([(tick, 60e6 / length) for tick, length in micros]).reshape(-1, 2))
    if len(tempos) == 0 or tempos[0, 0] > 0:
        tempos = np.concatenate([[[0.0, _DEFAULT_TEMPO]], tempos])
    metres = np.array([(tick, c[0], 1 << c[1]) for tick, c in _contents(tracks, METRE)], np.int64).reshape(-1, 3)
    signs = [(tick, int.from_bytes(c[:1], "big", signed=True), c[1]) for tick, c in _contents(tracks, KEY)]
    tonics = [
        (tick, (fifths * _TONICS_A_FIFTH_APART + minor * _RELATIVE_MINOR) % 12, minor) for tick, fifths, minor in signs
    ]
    keys = np.array(tonics, np.int64).reshape(-1, 3)
    return tempos, _last_at_each_tick(metres), _last_at_each_tick(keys)


def _contents(tracks: Sequence[Events], kind: int) -> list[tuple[int, bytes]]:
    """(tick, content) of all meta events of a kind that mean something, track by track."""
    return [
        (int(events.tick[i]), events.content(i))
        for events in tracks
        for i in events.metas(kind).tolist()
        if i not in events.odd
    ]


def _last_at_each_tick(rows: np.ndarray) -> np.ndarray:
    """Rows by their first column, the last of those with the same one."""
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    return rows[np.append(rows[1:, 0] != rows[:-1, 0], True)] if len(rows) else rows


def _check_times(piece: Piece) -> None:
    last = max(int((t.notes["start"].astype(np.int64) + t.notes["duration"]).max()) for t in piece.tracks)
    hours = float(piece.seconds(np.array(last))) / 3600
    if not hours <= MAX_HOURS:
        raise MidiError("absurd times", f"{hours:.0f} hours, at most {MAX_HOURS:.0f}")
