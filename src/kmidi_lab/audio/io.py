"""Recordings of any kind to mono samples at one rate, read with soundfile (WAV, FLAC, OGG, MP3, AIFF, CAF …)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from kmidi_lab.audio.containers import Part, parts_of
from kmidi_lab.audio.foreign import HEAD, conversion, foreign_format
from kmidi_lab.audio.mixdown import Mix, Recording
from kmidi_lab.errors import UserError

LONGEST_S = 30 * 60.0
SLOWEST_HZ, FASTEST_HZ = 8_000, 192_000
SILENCE = 1e-4
"""Swinging by less than this to both sides, -80 dB, is silence."""
LOUDEST = 1e6
"""Finite numbers beyond this are no sound, and a resampler or a power spectrum of them overflows."""
MEASURED = frozenset(("WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC", "OGG", "MP3"))
"""Formats of soundfile of which `parts_of` sees whether a file is whole. Of the others, most of them rare, half a file
looks like a whole one, so they must be converted."""
CUT = "cut short: what there is was read"
_BLOCK = 65_536
_MOST_NUMBERS = 2**30
"""Of all channels together: 30 minutes of six channels at 96 kHz are less."""


class AudioError(UserError):
    """A recording that can't be used; `reason` is short and countable."""

    def __init__(
        self, path: Path, reason: str, detail: object = "", remedy: str = "leave the file out or replace it"
    ) -> None:
        super().__init__(f"{path}: {reason}{f' ({detail})' if detail else ''}; {remedy}")
        self.reason, self.detail = reason, str(detail)


def read_audio(path: Path, rate: int, longest_s: float = LONGEST_S) -> NDArray[np.float32]:
    """The samples of `read_recording`, `[S]`."""
    return read_recording(path, rate, longest_s).samples


def read_recording(path: Path, rate: int, longest_s: float = LONGEST_S) -> Recording:
    """Mono samples in -1..1 at `rate` Hz: the mean of the channels, or the loudest where they cancel each other.

    The file is read a block at a time and to its end, whatever its header says of the length; memory holds the result
    and a block. What was read of a file that is cut short is used, and `notes` says so.

    Raises:
        AudioError: not audio, empty, silent, not finite, longer than `longest_s`, or an absurd sample rate.
    """
    if not path.is_file():
        raise AudioError(path, "a folder" if path.is_dir() else "not a file", remedy="name a recording")
    mixed = _read(path, rate, longest_s, None)
    if (loudest := mixed.to_take()) is not None:
        note = mixed.taken(loudest)
        mixed = _read(path, rate, longest_s, loudest)
        mixed.notes.append(note)
    if (mixed.highest - mixed.lowest) / 2 < SILENCE:  # also a constant other than 0
        raise AudioError(path, "silent")
    return Recording(np.concatenate(mixed.parts), tuple(mixed.notes))


def _read(path: Path, rate: int, longest_s: float, channel: int | None) -> Mix:
    mix = Mix(rate, channel)
    seconds, cut = 0.0, False
    try:
        with path.open("rb") as file:
            for part in parts_of(file, path):
                cut |= part.cut
                seconds += _add(mix, part, path, longest_s - seconds, longest_s)
    except (soundfile.LibsndfileError, OSError, RuntimeError, TypeError) as error:  # TypeError: .raw has no header
        raise _refused(path, error, cut) from None
    if not seconds:
        raise AudioError(path, "no samples", "cut short" if cut else "")
    return mix


class _Forward(soundfile.SoundFile):
    """Read from the beginning to the end: seeking between blocks fails at the end of a file that is cut short."""

    def seekable(self) -> bool:
        return False


def _add(mix: Mix, part: Part, path: Path, left_s: float, longest_s: float) -> float:
    """Mixes a part in; returns its seconds."""
    with _Forward(part.source) as opened:
        if opened.format not in MEASURED:
            raise _to_convert(path, opened.format_info)
        rate, channels = opened.samplerate, opened.channels
        if not SLOWEST_HZ <= rate <= FASTEST_HZ:
            raise AudioError(path, f"sample rate not between {SLOWEST_HZ} and {FASTEST_HZ} Hz", rate)
        most = int(left_s * rate)
        count, broken = 0, False

        def blocks() -> Iterator[NDArray[np.float32]]:
            nonlocal count, broken
            while not broken:
                block, broken = _block(opened)
                count += len(block)
                if count > most:
                    raise AudioError(path, f"longer than {longest_s:g} s")
                if count * channels > _MOST_NUMBERS:
                    raise AudioError(path, "too many channels for its length", f"{channels} channels")
                if not (np.abs(block) <= LOUDEST).all():
                    raise AudioError(path, "samples that are not finite")
                if not len(block):
                    return
                yield block

        mix.add(blocks(), rate)
    claimed = part.claimed or 0
    if count and (part.cut or count < claimed or (broken and not claimed)):
        of = f"{count / rate:.2f} of {claimed / rate:.2f} s" if count < claimed else f"{count / rate:.2f} s"
        mix.notes.append((CUT, of))
    return count / rate


def _block(opened: soundfile.SoundFile) -> tuple[NDArray[np.float32], bool]:
    """(the next samples `[S, C]`, whether reading broke off behind them)."""
    block = np.full((_BLOCK, opened.channels), np.nan, np.float32)
    try:
        return opened.read(dtype="float32", always_2d=True, out=block), False
    except soundfile.LibsndfileError:
        # What was decoded before the fault is there; how much, libsndfile no longer says.
        missing = np.isnan(block).all(1)
        return block[: int(missing.argmax()) if missing.any() else len(block)], True


def _refused(path: Path, error: Exception, cut: bool) -> AudioError:
    """Why soundfile can't read a file, and what to do then."""
    if cut:
        return AudioError(path, "no samples", "cut short")
    why = getattr(error, "error_string", "") or (str(error).splitlines() or [type(error).__name__])[0]
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError:
        head = b""
    if head[:4] == b"MThd" or head[8:12] == b"RMID":
        return AudioError(path, "a MIDI file, not a recording", remedy="render it to audio first")
    if head and "does not exist" in why:  # what libsndfile says where libmpg123 finds no sound
        why = "no MPEG sound in it"
    name = foreign_format(head, path.suffix, getattr(error, "code", 0)) if head else None
    if name is None:
        return AudioError(path, "not readable as audio", why)
    return _to_convert(path, name)


def _to_convert(path: Path, kind: str) -> AudioError:
    return AudioError(path, "must be converted", kind, f"convert it with ffmpeg: {conversion(path)}")
