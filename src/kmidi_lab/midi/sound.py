"""A MIDI file as sound, through the SoundFont TimGM6mb (T. Brechbill, GPL-2) that comes with pretty_midi."""

from __future__ import annotations

import io
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import soundfile

SOUND_FONT = "TimGM6mb"
_NEEDED = ("midirenderer", "pretty_midi")
_PEAK = 0.9
"""Of full scale, which the loudest sample gets."""


def missing() -> str | None:
    """One line that says what to install so that MIDI can be heard; None where all is there."""
    lacking = [name for name in _NEEDED if find_spec(name) is None]
    return f"no sound: {' and '.join(lacking)} not installed; type pip install 'kmidi_lab[sound]'" if lacking else None


def wav_bytes(midi: bytes) -> bytes:
    """A WAV file, 48 kHz, stereo, 16 bits, its peak at nine tenths of full scale. All that is written sounds, and its tail.

    Raises:
        ModuleNotFoundError: a package that `missing` names.
    """
    import midirenderer

    sound, rate = soundfile.read(
        io.BytesIO(bytes(midirenderer.render_wave_from(_font(), midi))), dtype="float32", always_2d=True
    )
    peak = float(np.abs(sound).max(initial=0.0))
    out = io.BytesIO()
    soundfile.write(out, sound * (_PEAK / peak) if peak else sound, rate, format="WAV", subtype="PCM_16")
    return out.getvalue()


@lru_cache(1)
def _font() -> bytes:
    spec = find_spec("pretty_midi")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(missing())
    return Path(spec.origin).with_name(f"{SOUND_FONT}.sf2").read_bytes()
