"""Where a MIDI file may be written to."""

import os
from pathlib import Path

import pytest

from kmidi_lab.errors import ConfigError
from kmidi_lab.midi.score import midi_target


def test_a_folder_that_cant_be_written_to_is_refused_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert midi_target(str(tmp_path), Path("song.mid")) == tmp_path / "song.mid"
    monkeypatch.setattr(
        os, "access", lambda path, mode: (Path(path), mode) != (tmp_path, os.W_OK)
    )  # no mode stops root
    with pytest.raises(ConfigError, match="can't be written to; give another folder"):
        midi_target(str(tmp_path), Path("song.mid"), name="compose.out")
