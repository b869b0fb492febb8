"""Recordings that a browser sends: read in memory, for nothing of them reaches the disk."""

from __future__ import annotations

import io

import soundfile

from kmidi_lab.audio.mixdown import Recording, mixed_down
from kmidi_lab.errors import DataError
from kmidi_lab.midi.sound import LONGEST_S

_MOST_RATE = 96_000
"""Samples a second, of all channels together in the longest recording."""


def sent_recording(data: bytes) -> tuple[Recording, int]:
    """Mono samples of a recording's bytes with their rate, and what is to be known of it.

    Raises:
        DataError: not readable, or too long.
    """
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as sound:
            rate, channels = sound.samplerate, sound.channels
            most = LONGEST_S * min(rate, _MOST_RATE // channels)
            if sound.frames > most:
                longest = f"{LONGEST_S // 60} minutes" if most == LONGEST_S * rate else f"{most // rate} s"
                of = "" if most == LONGEST_S * rate else f" with {channels} x {rate} samples a second"
                raise DataError(f"more than {longest} of sound{of}; send a shorter recording")
            return mixed_down(sound.read(dtype="float32", always_2d=True)), rate
    except (soundfile.SoundFileError, OSError, RuntimeError) as error:
        raise DataError("not a recording that can be read; send WAV, FLAC, OGG or MP3") from error
