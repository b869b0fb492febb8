"""A MIDI file as sound, through the SoundFont TimGM6mb (T. Brechbill, GPL-2) that comes with pretty_midi."""

from __future__ import annotations

import io
from base64 import b64encode
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.errors import LabError, first_line
from kmidi_lab.midi.events import MidiError
from kmidi_lab.midi.reading import open_file
from kmidi_lab.midi.writing import NOTHING, Edit, rewrite

SOUND_FONT = "TimGM6mb"
LONGEST_S = 600
"""Seconds of a MIDI file that is made sound: 115 MB as a WAV file, and five times that in memory."""
_NEEDED = ("midirenderer", "pretty_midi")
_PLAYER_HZ, _BLOCK = 24_000, 1 << 14
_PEAK = 0.9
"""Of full scale, which the loudest sample gets."""
_TAIL_S = 2.0
"""What is heard after the last event, so that strings and cymbals ring out."""


class NoSoundError(LabError):
    """Why a MIDI file can't be heard, in one line; the file itself is none the worse."""


@dataclass(frozen=True)
class Sound:
    """What a MIDI file sounds like: `samples` `[T, 2]`, their peak at `_PEAK`, and their `rate` in Hz."""

    samples: NDArray[np.float32]
    rate: int

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate

    def wav(self) -> bytes:
        """A WAV file, stereo, 16 bits."""
        import soundfile

        out = io.BytesIO()
        soundfile.write(out, self.samples, self.rate, format="WAV", subtype="PCM_16")
        return out.getvalue()

    def ogg(self, seconds: float) -> bytes:
        """Its first seconds as Ogg Vorbis, mono, 24 kHz: about 6 kB a second."""
        import soundfile
        import soxr

        mono = soxr.resample(self.samples[: int(seconds * self.rate)].mean(1), self.rate, _PLAYER_HZ)
        out = io.BytesIO()
        with soundfile.SoundFile(out, "w", _PLAYER_HZ, 1, "VORBIS", format="OGG") as file:
            for start in range(0, len(mono), _BLOCK):  # libsndfile's encoder takes no long blocks
                file.write(mono[start : start + _BLOCK])
        return out.getvalue()


def wav_bytes(midi: bytes) -> bytes:
    """A WAV file, 48 kHz, stereo, 16 bits, its peak at nine tenths of full scale. All that is written sounds, and its tail.

    Args:
        midi: a MIDI file's bytes.

    Raises:
        NoSoundError: as `rendered`.
    """
    return rendered(midi).wav()


def player(midi: bytes, seconds: float = 30.0) -> str:
    """An HTML `<audio>` element for a page or a notebook that holds the sound itself: about 8 kB a second.

    Args:
        midi: a MIDI file's bytes.
        seconds: how much of it is heard, from its beginning.

    Returns:
        The element, with the sound as Ogg Vorbis, mono, 24 kHz.

    Raises:
        NoSoundError: as `rendered`.
    """
    return f'<audio controls src="{held(rendered(midi).ogg(seconds))}"></audio>'


def held(ogg: bytes) -> str:
    """Ogg Vorbis as an address that holds it."""
    return f"data:audio/ogg;base64,{b64encode(ogg).decode()}"


def rendered(midi: bytes) -> Sound:
    """A MIDI file's sound, 48 kHz.

    Raises:
        NoSoundError: the packages are not installed, it lasts more than `LONGEST_S`, or can't be played.
    """
    font = _font()
    try:
        ringing = _with_tail(midi)
    except MidiError as error:
        raise NoSoundError(f"no sound: {error}") from error
    import midirenderer
    import soundfile

    try:
        wave = bytes(midirenderer.render_wave_from(font, ringing))
    except RuntimeError as error:
        raise NoSoundError(f"no sound: the synthesizer can't play it ({first_line(error)})") from error
    sound, rate = soundfile.read(io.BytesIO(wave), dtype="float32", always_2d=True)
    peak = float(np.abs(sound).max(initial=0.0))
    return Sound(sound * np.float32(_PEAK / peak) if peak else sound, int(rate))


def _with_tail(midi: bytes) -> bytes:
    """The file with one more track, which ends `_TAIL_S` after all others. Raises NoSoundError: it is too long."""
    file = open_file(midi)
    last = max((int(events.tick[-1]) for events in file.file.tracks if len(events)), default=0)
    seconds = float(file.piece.seconds(np.array(last)))
    if seconds > LONGEST_S:
        raise NoSoundError(
            f"no sound: the MIDI lasts {seconds / 60:.0f} minutes, and up to {LONGEST_S // 60} are made sound"
        )
    end = int(np.ceil(file.piece.ticks(np.array(seconds + _TAIL_S))))
    return rewrite(file.file, {}, [Edit(added=[(end, NOTHING)])])


@lru_cache(1)
def _font() -> bytes:
    """Raises NoSoundError: what to install so that MIDI can be heard."""
    lacking = [name for name in _NEEDED if find_spec(name) is None]
    font = None if lacking else find_spec("pretty_midi")
    if font is None or font.origin is None:
        raise NoSoundError(f"no sound: {' and '.join(lacking)} not installed; type pip install 'kmidi_lab[sound]'")
    path = Path(font.origin).with_name(f"{SOUND_FONT}.sf2")
    if not path.is_file():
        raise NoSoundError(
            f"no sound: pretty_midi came without {path.name}; type pip install --force-reinstall pretty_midi"
        )
    return path.read_bytes()
