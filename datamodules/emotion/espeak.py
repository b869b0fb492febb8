"""Speech from eSpeak NG (as packaged in espeakng-loader), one sentence at a time, through ctypes."""

from __future__ import annotations

import ctypes
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.errors import DataError

_SYNCHRONOUS, _UTF8, _POSITION_CHARACTER = 2, 1, 1
_RATE, _VOLUME, _PITCH, _RANGE = 1, 2, 3, 4
_LONGEST_PATH = 140
"""The library keeps the path of its data in 160 characters, file names included, and fails beyond."""
_SEED = 1
_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


@dataclass(frozen=True)
class Prosody:
    """`rate` 80..450 words a minute; `pitch` and `range` 0..100, 50 is usual; `volume` 0..200, 100 is usual."""

    rate: int = 175
    pitch: int = 50
    range: int = 50
    volume: int = 100


class Espeak:
    """The synthesiser; a process has one at a time, so use `open_espeak`."""

    def __init__(self, library: Any, rate: int) -> None:
        self._library, self.rate = library, rate
        self._chunks: list[NDArray[np.int16]] = []
        self._callback = _Callback(self._hear)  # kept alive as long as the library may call it
        library.espeak_SetSynthCallback(self._callback)

    def _hear(self, samples: Any, count: int, events: Any) -> int:
        if samples and count > 0:
            self._chunks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    def say(self, text: str, voice: str, prosody: Prosody) -> NDArray[np.float32]:
        """Samples in -1..1 at `rate` Hz.

        Args:
            voice: a language and a variant, such as `en-us+f3`.

        Raises:
            DataError: there is no such voice.
        """
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise DataError(f"espeak-ng has no voice {voice!r}; install espeakng-loader again")
        settings = ((_RATE, prosody.rate), (_PITCH, prosody.pitch), (_RANGE, prosody.range), (_VOLUME, prosody.volume))
        for parameter, value in settings:
            self._library.espeak_SetParameter(parameter, value, 0)
        self._chunks.clear()
        self._library.espeak_ng_SetRandSeed(_SEED)  # its noise is drawn from the time of day otherwise
        raw = text.encode()
        self._library.espeak_Synth(raw, len(raw) + 1, 0, _POSITION_CHARACTER, 0, _UTF8, None, None)
        self._library.espeak_Synchronize()
        samples = np.concatenate(self._chunks) if self._chunks else np.zeros(0, np.int16)
        return np.asarray(samples / 32768, np.float32)


@contextmanager
def open_espeak() -> Iterator[Espeak]:
    """The synthesiser, closed at the end. Raises DataError where the library can't be loaded."""
    import espeakng_loader

    library = espeakng_loader.load_library()
    if library is None:
        raise DataError("espeak-ng can't be loaded on this machine; set DATA_ROOT to a folder with ravdess/ instead")
    library.espeak_Synth.argtypes = [
        ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint, ctypes.c_uint,
        ctypes.c_void_p, ctypes.c_void_p,
    ]  # fmt: skip
    library.espeak_ng_SetRandSeed.argtypes = [ctypes.c_long]
    with _short_path(Path(espeakng_loader.get_data_path())) as data:
        rate = library.espeak_Initialize(_SYNCHRONOUS, 0, str(data).encode(), 0)
        if rate <= 0:
            raise DataError(f"espeak-ng can't read its data in {data}; install espeakng-loader again")
        try:
            yield Espeak(library, rate)
        finally:
            library.espeak_Terminate()


@contextmanager
def _short_path(data: Path) -> Iterator[Path]:
    """The data folder, copied to where its path is short if it is not."""
    if len(str(data)) <= _LONGEST_PATH:
        yield data
        return
    with tempfile.TemporaryDirectory(prefix="espeak") as folder:
        yield Path(shutil.copytree(data, Path(folder) / data.name))
