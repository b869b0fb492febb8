"""What is asked for and what is written: rhythms, chords, notes, their spelling, the picture and the MIDI file."""

from __future__ import annotations

import io
import json
from pathlib import Path

import mido
import numpy as np
import pytest
from support.melody_tunes import melody

from kmidi_lab.chords.chart import read_chart
from kmidi_lab.chords.chord import Key, plain_chord
from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.chords.spelling import Spelling, parse_spelling
from kmidi_lab.contracts import MELODY
from kmidi_lab.inference.session import Session
from kmidi_lab.models.melody.piano_roll import note_name
from kmidi_lab.models.melody.predict import MelodyOverChords
from kmidi_lab.models.melody.rhythm import BAR, BARS, bars_of, compose, keep_bars, known_bars, plain_bars
from kmidi_lab.models.melody.writing import TimedChord, chord_at, in_quarters, midi_bytes, repeat, write


def test_rhythms_have_the_asked_number_of_notes_and_fill_bars() -> None:
    for notes in (1, 7, 32, 100):
        r = compose(plain_bars(), notes, 0.0, np.random.default_rng(notes))
        assert len(r.onset) == len(r.duration) == notes
        assert (np.diff(r.onset) > 0).all()
        assert (r.onset[1:] >= (r.onset + r.duration)[:-1] - 1e-9).all()
        assert (r.onset + r.duration)[-1] % BAR == 0
        assert r.phrase[0]
    calm, lively = (compose(plain_bars(), 200, a, np.random.default_rng(1)).onset[-1] for a in (-0.8, 0.8))
    assert calm > 1.3 * lively


def test_a_density_says_how_many_notes_a_bar_has(tmp_path: Path) -> None:
    """About so many, whatever the emotion; a tune without one has those of its emotion."""
    session = Session("melody", tmp_path, tmp_path, 3)

    def notes(**wishes: object) -> float:
        return len(MelodyOverChords("C | F", bars=32, **wishes).run(None, session).notes) / 32  # type: ignore[arg-type]

    sparse, dense = notes(density=2.0), notes(density=7.0, emotion="calm")
    assert 1.5 < sparse < 3.5 and 5.5 < dense < 8
    assert notes() == notes(density=0.0) and sparse < notes() < dense


def test_chords_are_laid_out_bar_by_bar() -> None:
    progression = in_quarters(read_chart("Am | F G", "Am", bar_each=True))
    assert [(*c[:2], c.name) for c in progression] == [(0, 4, "Am"), (4, 2, "F"), (6, 2, "G")]
    assert [(c.start, c.name) for c in repeat(progression, 10.0)] == [(0, "Am"), (4, "F"), (6, "G"), (8, "Am")]
    bare = in_quarters(read_chart("C G", "C", bar_each=True))
    assert [(c.start, c.name) for c in bare] == [(0, "C"), (4, "G")]
    assert in_quarters(read_chart("", bar_each=True)) == []


def test_what_is_written_is_what_was_drawn() -> None:
    rng = np.random.default_rng(1)
    rhythm = compose(plain_bars(), 24, 0.0, rng)
    chords = repeat(
        [TimedChord(0.0, 4.0, plain_chord(0, "major"), "C"), TimedChord(4.0, 4.0, plain_chord(7, "dom7"), "G7")], 64.0
    )
    for ask in (None, lambda x: np.full(128, 1 / 128)):
        pitches = write(ask, rhythm, chords, Key(0, 1), (0.5, 0.5), rng, 1.0, 0, 1.0)
        assert len(pitches) == 24
        assert int(pitches[-1]) % 12 in chord_at(chords, float(rhythm.onset[-1])).chord.tones
        file = mido.MidiFile(file=io.BytesIO(midi_bytes(rhythm, pitches, chords, 100, Spelling(Key(0, 1), "C"))))
        on, tick = [], 0
        for message in file.tracks[1]:
            tick += message.time
            if message.type == "note_on":
                on.append((tick / file.ticks_per_beat, message.note))
        assert [p for _, p in on] == pitches.tolist()
        assert [t for t, _ in on] == pytest.approx(rhythm.onset.tolist())


@pytest.mark.parametrize("key", [Key(0, 1), Key(9, -1), Key(6, 1)])
def test_a_tune_without_chords_ends_on_the_tonic(key: Key) -> None:
    for seed in range(40):
        rng = np.random.default_rng(seed)
        for ask in (None, lambda x: np.full(128, 1 / 128)):
            pitches = write(ask, compose(plain_bars(), 12, 0.0, rng), [], key, None, rng, 1.0, 0, 1.0)
            assert pitches[-1] % 12 == key.tonic


def test_notes_are_spelt_as_the_key_has_them() -> None:
    assert [note_name(p, Spelling(Key(9, -1), "A")) for p in (60, 68, 70)] == ["C4", "G♯4", "B♭4"]
    assert [note_name(p, Spelling(Key(2, 1), "D")) for p in (66, 73)] == ["F♯4", "C♯5"]
    assert note_name(71, Spelling(Key(0, -1), "C")) == "B4"


def test_bars_are_taken_from_melodies_that_fill_them() -> None:
    whole = melody([60, 62, 64] * 25, [2.0, 1.0, 1.0] * 25)
    over = melody([60, 62] * 25, [3.0, 2.0] * 25)
    assert bars_of([whole, over]) == {((0.0, 2.0), (2.0, 1.0), (3.0, 1.0)): 25}


def test_bars_that_are_kept_are_the_bars_that_are_read(tmp_path: Path) -> None:
    assert known_bars(tmp_path) == (plain_bars(), "the lab's plain rhythms")
    whole = melody([60, 62, 64] * 25, [2.0, 1.0, 1.0] * 25)
    keep_bars(tmp_path, [whole])
    assert known_bars(tmp_path) == (bars_of([whole]), "bars of the prepared training melodies")
    (tmp_path / BARS).write_text('[[1, "no bar"]]')
    assert known_bars(tmp_path)[0] == plain_bars()


def test_the_model_hears_the_pitch_it_has_drawn() -> None:
    asked: list[np.ndarray] = []

    def ask(x: np.ndarray) -> np.ndarray:
        asked.append(x)
        p = np.zeros(128)
        p[60 + len(asked) % 3] = 1.0
        return p

    rhythm = compose(plain_bars(), 9, 0.0, np.random.default_rng(2))
    pitches = write(ask, rhythm, [], Key(0, 1), None, np.random.default_rng(0), 1.0, 0, 1.0)
    previous = ("previous_pitch_class", "previous_octave", "previous_duration", "previous_dotted")
    assert not any(asked[0][MELODY.input(name).index].any() for name in previous)
    assert [int(x[:12].argmax()) for x in asked[1:]] == [int(p) % 12 for p in pitches[:-1]]
    assert all(not x[61:64].any() for x in asked)


@pytest.mark.parametrize(
    "bad",
    [
        "length=-1",
        "length=9999",
        "temperature=0",
        "temperature=nan",
        "top_k=-1",
        "top_p=0",
        "top_p=1.5",
        "density=17",
        "out=x.wav",
        "key=H",
    ],
)
def test_invalid_wishes_are_one_line(bad: str, tmp_path: Path) -> None:
    from kmidi_lab.errors import UserError
    from kmidi_lab.models.melody.predict import MelodyOverChords

    name, value = bad.split("=")
    with pytest.raises(UserError) as caught:
        MelodyOverChords(**{name: value if name in ("out", "key") else float(value)})
    assert "\n" not in str(caught.value)


def test_the_melody_is_shown_as_the_key_and_the_chart_spell_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    request = MelodyOverChords("Am | E7/G# | Dm7b5 F#m7b5 | N.C. | Cmaj9", key="Am", length=24)
    session = Session("melody", tmp_path, tmp_path)
    request.show(request.run(None, session), session)
    out = capsys.readouterr().out
    assert all(name in out for name in ("A minor, 24 notes", "E7/G#", "Dm7b5 F#m7b5", "N.C.", "Cmaj9"))
    assert "Key:" not in out and "G♭" not in out and "A♭" not in out
    record = json.loads((tmp_path / "melody.json").read_text())
    assert [c["name"] for c in record["chords"][:6]] == ["Am", "E7/G#", "Dm7b5", "F#m7b5", "N.C.", "Cmaj9"]
    assert (tmp_path / "melody.png").read_bytes().startswith(b"\x89PNG")
    file = mido.MidiFile(tmp_path / "melody.mid")
    [key] = [m.key for m in file.tracks[0] if m.type == "key_signature"]
    assert key == "Am"
    struck = [m.note % 12 for m in file.tracks[2] if m.type == "note_on"]
    assert 8 in struck and 1 not in struck


def test_the_picture_stands_beside_the_file_that_was_named_and_takes_the_place_of_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    request = MelodyOverChords("C", length=4, out=str(tmp_path / "other.mid"))
    session = Session("melody", tmp_path / "run", tmp_path)
    request.show(request.run(None, session), session)
    assert (tmp_path / "other.png").read_bytes().startswith(b"\x89PNG")
    (tmp_path / "mine.png").write_bytes(b"a cover")
    request = MelodyOverChords("C", length=4, out=str(tmp_path / "mine.mid"))
    session = Session("melody", tmp_path / "run", tmp_path)
    request.show(request.run(None, session), session)
    assert (tmp_path / "mine.png").read_bytes() == b"a cover"
    assert (tmp_path / "run" / "mine.png").read_bytes().startswith(b"\x89PNG")
    assert str(tmp_path / "run" / "mine.png") in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize(
    ("key", "signature"),
    [("Gb", "Gb"), ("F#", "F#"), ("Cb", "Cb"), ("ebm", "Ebm"), ("d#", "D#m"), ("G#", "Ab"), ("a", "Am"), ("C#", "C#")],
)
def test_the_midi_key_is_spelled_as_it_was_typed(key: str, signature: str) -> None:
    rhythm = compose(plain_bars(), 8, 0.0, np.random.default_rng(0))
    file = mido.MidiFile(
        file=io.BytesIO(midi_bytes(rhythm, np.full(8, 60), in_quarters(read_chart("", key)), 100, parse_spelling(key)))
    )
    assert [m.key for m in file.tracks[0] if m.type == "key_signature"] == [signature]


def test_octaves_go_with_the_letter() -> None:
    assert note_name(60, parse_spelling("C#")) == "B♯3"
    assert note_name(71, parse_spelling("Gb")) == "C♭5"
    assert note_name(61, parse_spelling("C"), parse_jazz("A7"), "A") == "C♯4"
