"""The voice that stands in for people: eSpeak NG."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from datamodules.emotion.espeak import Prosody, open_espeak
from kmidi_lab.errors import DataError


def test_espeak_speaks_alike_in_every_run() -> None:
    program = """if True:
        import sys
        from datamodules.emotion.espeak import Prosody, open_espeak
        with open_espeak() as espeak:
            espeak._library.espeak_ng_SetRandSeed(int(sys.argv[1]))  # it starts with one from the time of day
            for text in ("She sees hushed shells.", "Dogs."):
                sys.stdout.buffer.write(espeak.say(text, "en-us+whisper", Prosody()).tobytes())
    """
    run = [sys.executable, "-c", program]
    one, other = (subprocess.run([*run, seed], capture_output=True, check=True).stdout for seed in "78")
    assert one == other and len(one) > 10_000


def test_espeak_says_what_it_is_told() -> None:
    with open_espeak() as espeak:
        slow, fast = (espeak.say("Dogs are sitting by the door.", "en-us+f3", Prosody(rate=r)) for r in (120, 300))
        assert len(slow) > 1.5 * len(fast) > 0.3 * espeak.rate
        loud, soft = (np.abs(espeak.say("Dogs.", "en-us+m3", Prosody(volume=v))).max() for v in (150, 30))
        assert 1 >= loud > 2 * soft > 0
        with pytest.raises(DataError, match="no voice 'xx-xx"):
            espeak.say("Dogs.", "xx-xx+nobody", Prosody())


def test_another_long_path_is_no_hindrance(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    import espeakng_loader

    far = tmp_path_factory.mktemp("a" * 100) / ("b" * 80)
    far.symlink_to(espeakng_loader.get_data_path())
    monkeypatch.setattr(espeakng_loader, "get_data_path", lambda: str(far))
    with open_espeak() as espeak:
        assert len(espeak.say("Dogs.", "en-us+m1", Prosody())) > 0
