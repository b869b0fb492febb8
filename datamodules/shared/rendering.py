"""Notes played on General MIDI programs through a SoundFont, as mono samples at 16 kHz.

The SoundFont is TimGM6mb (T. Brechbill, GPL-2), which comes with pretty_midi; midirenderer plays it at 48 kHz.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, TypeVar

import midirenderer
import mido
import numpy as np
import pretty_midi
import soundfile
import soxr
from numpy.typing import NDArray

from datamodules.shared.pool import Readers
from datamodules.shared.pooled_reading import counted
from kmidi_lab.audio.mel import RATE
from kmidi_lab.errors import DataError, LabError
from kmidi_lab.midi.piece import Piece

Task = TypeVar("Task")
T = TypeVar("T")
SOUND_FONT = "TimGM6mb"
LICENCE = "TimGM6mb (GPL-2) as packaged in pretty_midi; what it plays is not restricted by that licence"
BEND_RANGE = 2.0
"""Semitones of a full bend."""
TAIL_S = 1.0
"""Rendered after the last event, for what sounds on."""
_TICKS, _BPM = 480, 125
_TICK_S = 60 / _BPM / _TICKS
_DRUM_CHANNEL = 9
_CHANNELS = tuple(c for c in range(16) if c != _DRUM_CHANNEL)


class Note(NamedTuple):
    """`start`, `end` in seconds; `pitch`, `velocity` as in MIDI."""

    start: float
    end: float
    pitch: int
    velocity: int


@dataclass(frozen=True)
class Part:
    """What one channel plays.

    Args:
        program: General MIDI program from 0; of drums the kit.
        controls: (seconds, controller, value 0..127).
        bends: (seconds, semitones within ±BEND_RANGE), held until the next.
    """

    program: int
    notes: Sequence[Note]
    drums: bool = False
    controls: Sequence[tuple[float, int, int]] = field(default=())
    bends: Sequence[tuple[float, float]] = field(default=())


def sound_font(key: str, path: str, package: str, without: str) -> Path:
    """A SoundFont that a config names.

    Args:
        key: of the config.
        path: what it says.
        package: which brings such files.
        without: the value that needs none.

    Raises:
        DataError: it is not there.
    """
    if not Path(path).is_file():
        raise DataError(f"data.{key}: {path} is not there; install it ({package}) or type data.{key}={without}")
    return Path(path)


def render_all(
    play: Callable[[Task], T],
    tasks: Sequence[Task],
    name: Callable[[Task], str],
    workers: int,
    limits: tuple[float, int],
    progress: bool,
    text: str,
) -> Iterator[tuple[Task, T]]:
    """Every task with its rendering by processes of their own, in order of completion.

    Args:
        play: renders one.
        tasks: to render.
        name: of a task, for the error.
        workers: processes.
        limits: seconds and MiB that a task may take.
        progress: whether a bar is shown.
        text: before the bar.

    Raises:
        LabError: one can't be rendered.
    """
    with Readers[Task, T](play, workers, *limits) as players:
        for read in counted(players.read(tasks), len(tasks), progress, text):
            if read.value is None:
                raise LabError(f"rendering {name(read.task)}: {read.reason} {read.detail}; is there memory left?")
            yield read.task, read.value


def parts_of(piece: Piece) -> list[Part]:
    """The tracks that have notes, in their order and in seconds, on program 0."""
    parts = []
    for track in piece.tracks:
        start = piece.seconds(track.notes["start"])
        end = piece.seconds(track.notes["start"] + track.notes["duration"])
        pitches, velocities = map(int, track.notes["pitch"]), map(int, track.notes["velocity"])
        notes = [Note(*row) for row in zip(start, end, pitches, velocities, strict=True)]
        parts += [Part(0, notes)] if notes else []
    return parts


def render(parts: Sequence[Part], sound_font: Path | None = None) -> NDArray[np.float32]:
    """Samples in -1..1 from time 0 until TAIL_S after the last event.

    Args:
        parts: played together.
        sound_font: another than TimGM6mb.

    Raises:
        DataError: more than 15 parts that are not drums, or no note.
    """
    if not any(part.notes for part in parts):
        raise DataError("nothing to render: no part has a note")
    return render_midi(midi_bytes(parts), sound_font)


def render_midi(midi: bytes, sound_font: Path | None = None) -> NDArray[np.float32]:
    """Samples in -1..1 of a MIDI file's bytes, through TimGM6mb or another SoundFont."""
    font = _sound_font(sound_font or Path(pretty_midi.__file__).with_name(f"{SOUND_FONT}.sf2"))
    wave, rate = soundfile.read(io.BytesIO(bytes(midirenderer.render_wave_from(font, midi))), dtype="float32")
    mono = wave.mean(1) if wave.ndim > 1 else wave
    return np.clip(np.asarray(soxr.resample(mono, rate, RATE), np.float32), -1, 1)


def midi_bytes(parts: Sequence[Part]) -> bytes:
    """The parts as a MIDI file of one track, to the millisecond. Raises DataError as `render`."""
    if sum(not part.drums for part in parts) > len(_CHANNELS):
        raise DataError(
            f"{len(parts)} parts can't be rendered together: MIDI has {len(_CHANNELS)} channels beside drums"
        )
    free = iter(_CHANNELS)
    events: list[tuple[int, int, mido.Message]] = []
    for part in parts:
        events += _events(part, _DRUM_CHANNEL if part.drums else next(free))
    events.sort(key=lambda event: event[:2])
    track, now = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(_BPM))]), 0
    for tick, _, message in events:
        track.append(message.copy(time=tick - now))
        now = tick
    track.append(mido.MetaMessage("end_of_track", time=_tick(TAIL_S)))
    out = io.BytesIO()
    mido.MidiFile(type=0, ticks_per_beat=_TICKS, tracks=[track]).save(file=out)
    return out.getvalue()


def _events(part: Part, channel: int) -> Iterator[tuple[int, int, mido.Message]]:
    """Tick, rank among the events of a tick (an end before a start), message."""
    yield 0, 0, mido.Message("program_change", channel=channel, program=part.program)
    for seconds, control, value in part.controls:
        yield _tick(seconds), 1, mido.Message("control_change", channel=channel, control=control, value=value)
    for seconds, semitones in part.bends:
        amount = int(np.clip(round(semitones / BEND_RANGE * 8192), -8192, 8191))
        yield _tick(seconds), 1, mido.Message("pitchwheel", channel=channel, pitch=amount)
    for note in part.notes:
        facts = {"channel": channel, "note": note.pitch}
        start, end = _tick(note.start), _tick(note.end)
        yield max(end, start + 1), -1, mido.Message("note_off", **facts)
        yield start, 2, mido.Message("note_on", velocity=note.velocity, **facts)


def _tick(seconds: float) -> int:
    return round(seconds / _TICK_S)


@lru_cache(1)
def _sound_font(path: Path) -> bytes:
    return path.read_bytes()
