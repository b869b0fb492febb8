"""MIDI that is written is also heard: the WAV file, and the line that stands for it where there can be none."""

from __future__ import annotations

import ast
import base64
import io
import re
from importlib import util
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile
from support.smf import END, midi, note, tempo, track

from kmidi_lab import file_sets
from kmidi_lab.errors import FileError
from kmidi_lab.inference.session import Session
from kmidi_lab.midi import sound
from kmidi_lab.midi.sound import NoSoundError, wav_bytes

CHORD = midi(track(tempo(500_000) + note(60, 90, 0, 480) + note(67, 90, 0, 480) + END))
"""A second of two notes."""


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def session(tmp_path: Path, said: list[str]) -> Session:
    return Session("any", tmp_path / "run", tmp_path, say=lambda line: said.append(line) or True, sound=True)


def test_a_midi_file_is_written_with_its_sound_which_rings_out(session: Session, tmp_path: Path) -> None:
    written = session.write_midi(tmp_path / "mine.mid", CHORD)
    assert written == f"{tmp_path / 'mine.mid'}, {tmp_path / 'mine.wav'}"
    assert (tmp_path / "mine.mid").read_bytes() == CHORD
    heard, rate = soundfile.read(tmp_path / "mine.wav")
    assert rate == 48000 and 0.85 < np.abs(heard).max() <= 0.95
    assert 2.9 < len(heard) / rate < 3.3
    assert np.abs(heard[int(1.1 * rate) : int(1.3 * rate)]).max() > 1e-3, "cut where the last note ends"


def test_a_file_that_was_there_stays_and_a_line_says_where_the_new_one_is(
    session: Session, said: list[str], tmp_path: Path
) -> None:
    (tmp_path / "mine.wav").write_bytes(b"a take of my own")
    written = session.write_midi(tmp_path / "mine.mid", CHORD)
    own = tmp_path / "run" / "mine.wav"
    assert written == f"{tmp_path / 'mine.mid'}, {own}" and own.read_bytes()[:4] == b"RIFF"
    assert (tmp_path / "mine.wav").read_bytes() == b"a take of my own"
    assert said == [
        f"beside {tmp_path / 'mine.mid'}, mine.wav was there before and stays; what goes with the new mine.mid is in {tmp_path / 'run'}"
    ]
    assert session.write_midi(tmp_path / "run" / "mine.mid", CHORD).endswith(str(own)), "the run's own is written anew"


def test_a_link_to_a_disk_that_is_away_stays(session: Session, said: list[str], tmp_path: Path) -> None:
    (tmp_path / "mine.wav").symlink_to(tmp_path / "away" / "mine.wav")
    session.write_midi(tmp_path / "mine.mid", CHORD)
    assert (tmp_path / "mine.wav").is_symlink() and len(said) == 1
    assert (tmp_path / "run" / "mine.wav").is_file() and not (tmp_path / "away").exists()


@pytest.mark.parametrize("there", ["mine.wav", "mine.png"])
def test_sound_and_picture_stay_together(session: Session, said: list[str], tmp_path: Path, there: str) -> None:
    """Else the new picture would stand beside the sound of another song."""
    (tmp_path / there).write_bytes(b"of another song")
    own = tmp_path / "run"
    written = session.write_midi(tmp_path / "mine.mid", CHORD, b"\x89PNG")
    assert written == f"{tmp_path / 'mine.mid'}, {own / 'mine.wav'}, {own / 'mine.png'}"
    assert (own / "mine.png").read_bytes() == b"\x89PNG" and len(said) == 1
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["mine.mid", there]


def test_a_full_disk_leaves_the_whole_set_of_before(
    session: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own = tmp_path / "run"
    session.write_midi(own / "mine.mid", CHORD, b"\x89PNG")
    before = {path: path.read_bytes() for path in own.iterdir()}
    write_new = file_sets.write_new

    def fill(path: Path, data: bytes) -> None:
        if ".png" in path.name:
            raise OSError(28, "No space left on device")
        write_new(path, data)

    monkeypatch.setattr(file_sets, "write_new", fill)
    with pytest.raises(
        FileError, match=r"mine\.png: can't be written \(No space left on device\); what was there is as it"
    ):
        session.write_midi(own / "mine.mid", CHORD * 2, b"another")
    assert {path: path.read_bytes() for path in own.iterdir()} == before


def test_without_sound_only_the_midi_file_is_written(tmp_path: Path) -> None:
    assert Session("any", tmp_path, tmp_path).write_midi(tmp_path / "a.mid", CHORD) == str(tmp_path / "a.mid")
    assert [path.name for path in tmp_path.iterdir()] == ["a.mid"]


def test_without_the_packages_a_line_says_what_to_type(
    session: Session, said: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sound._font.cache_clear()
    monkeypatch.setattr(sound, "find_spec", lambda name: None if name == "midirenderer" else util.find_spec(name))
    assert session.write_midi(tmp_path / "a.mid", CHORD) == str(tmp_path / "a.mid")
    assert said == ["no sound: midirenderer not installed; type pip install 'kmidi_lab[sound]'"]
    monkeypatch.setattr(sound, "SOUND_FONT", "Nowhere")
    monkeypatch.setattr(sound, "find_spec", util.find_spec)
    with pytest.raises(NoSoundError, match=r"without Nowhere\.sf2; type pip install --force-reinstall"):
        wav_bytes(CHORD)


@pytest.mark.parametrize(
    "long",
    [
        midi(track(tempo(500_000) + note(60, 90, 0, 480) + note(62, 90, 480 * 2 * 1500, 480) + END)),
        midi(track(note(60)), track(b"\x83\xff\xff\x7f\xff\x2f\x00")),
    ],
    ids=["a late note", "a late end of a track"],
)
def test_what_is_too_long_has_a_line_instead_of_hours_of_silence(
    session: Session, said: list[str], long: bytes, tmp_path: Path
) -> None:
    session.write_midi(tmp_path / "a.mid", long)
    [line] = said
    assert line.startswith("no sound: the MIDI lasts ") and line.endswith("and up to 10 are made sound")
    assert (tmp_path / "a.mid").exists() and not (tmp_path / "run").exists()


def test_what_the_synthesizer_or_the_lab_cannot_read_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoSoundError, match="no sound: "):
        wav_bytes(b"no MIDI")
    import midirenderer

    def refuse(*_: object) -> bytes:
        raise RuntimeError("MIDI error: odd\nand more")

    monkeypatch.setattr(midirenderer, "render_wave_from", refuse)
    with pytest.raises(NoSoundError) as caught:
        wav_bytes(CHORD)
    assert str(caught.value) == "no sound: the synthesizer can't play it (MIDI error: odd)"


@pytest.mark.parametrize("form", [0, 1])
def test_files_of_one_and_of_several_tracks_are_heard(form: int) -> None:
    file = mido.MidiFile(type=form, ticks_per_beat=96)
    file.tracks.append(mido.MidiTrack([mido.Message(kind, note=69, time=96) for kind in ("note_on", "note_off")]))
    out = io.BytesIO()
    file.save(file=out)
    heard, _ = soundfile.read(io.BytesIO(wav_bytes(out.getvalue())))
    assert np.abs(heard).max() > 0.8


def test_every_model_writes_its_midi_with_its_sound(repo: Path) -> None:
    """`write_atomic(…, something.midi)` in a model would be MIDI that nobody hears."""
    silent = []
    for path in sorted((repo / "src" / "kmidi_lab" / "models").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "write_atomic":
                names = {getattr(part, "attr", getattr(part, "id", "")) for part in ast.walk(node.args[1])}
                silent += [f"{path.name}:{node.lineno}"] if "midi" in names else []
    assert not silent, f"{silent}: use session.write_midi"
    written = [p.parent.name for p in repo.glob("src/kmidi_lab/models/*/predict.py") if "write_midi" in p.read_text()]
    assert len(written) > 2


@pytest.mark.slow
def test_the_task_makes_sound_unless_it_is_told_not_to(called, tmp_path: Path) -> None:
    asked = ("task=predict", "model=melody", "predict.chords=Am F", "predict.length=8")
    runs = tmp_path / "outputs" / "predict" / "melody"
    assert "melody.wav" in called(*asked).stdout
    [wav] = runs.glob("*/melody.wav")
    assert soundfile.info(wav).duration > 3
    silent = called(*asked, "predict.sound=false")
    assert silent.returncode == 0 and "melody.wav" not in silent.stdout
    assert (len(list(runs.glob("*/melody.mid"))), len(list(runs.glob("*/melody.wav")))) == (2, 1)
    odd = called(*asked, "predict.sound=perhaps")
    assert odd.returncode == 2 and "predict.sound='perhaps' must be of type bool" in odd.stderr
    harmony = called("task=predict", "model=harmony", "predict.chords=Dm7 G7", "predict.sound=false")
    assert harmony.returncode == 0, harmony.stderr


def test_a_player_holds_the_beginning_of_the_sound() -> None:
    long = midi(track(tempo(500_000) + note(60, 90, 480 * 20, 0) + END))
    element = sound.player(long, seconds=4)
    data = base64.b64decode(re.fullmatch(r'<audio controls src="data:audio/ogg;base64,(.*)"></audio>', element)[1])
    heard, rate = soundfile.read(io.BytesIO(data))
    assert rate == 24_000 and abs(len(heard) / rate - 4) < 0.1
    assert np.abs(heard).max() > 0.3 and len(element) < 60_000
