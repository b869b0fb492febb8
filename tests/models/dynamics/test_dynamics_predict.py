"""task=predict model=dynamics: every note stays, at most 50 ms moved, faults in one line."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from symusic import KeySignature, Note, Score, Tempo, TimeSignature, Track

from kmidi_lab.inference.session import Session
from kmidi_lab.midi.piece import Piece
from kmidi_lab.midi.reading import open_file, read_piece
from kmidi_lab.midi.score import flaws_for_timing, score_of
from kmidi_lab.models.dynamics import predict
from kmidi_lab.models.dynamics.performing import heuristic, perform
from kmidi_lab.models.dynamics.targets import Expression

Cli = Callable[..., subprocess.CompletedProcess[str]]


def write_score(path: Path, notes: list[tuple[int, int, int]], drums: bool = False, tempo: float = 90.0) -> Path:
    out = Score(480)
    out.tempos.append(Tempo(0, tempo))
    out.time_signatures.append(TimeSignature(0, 3, 4))
    for number, part in enumerate((notes[::2], notes[1::2])):
        track = Track(f"part {number}", 5, False)
        for start, duration, pitch in part:
            track.notes.append(Note(start, duration, pitch, 64))
        out.tracks.append(track)
    if drums:
        track = Track("drums", 0, True)
        track.notes.append(Note(960, 120, 36, 99))
        out.tracks.append(track)
    out.dump_midi(str(path))
    return path


SCALE = [(k * 240, 240, 60 + (k * 5) % 13) for k in range(32)]


def counted(piece: Piece) -> list[tuple[int, int]]:
    return sorted((number, int(n["pitch"])) for number, t in enumerate(piece.tracks) for n in t.notes)


def expression(n: int, seed: int) -> Expression:
    rng = np.random.default_rng(seed)
    return Expression(rng.integers(1, 128, n), rng.uniform(-0.05, 0.05, n), rng.random(n), rng.random(n) > 0.5)


NOTES = st.lists(st.tuples(st.integers(0, 4000), st.integers(1, 2000), st.integers(0, 127)), min_size=2, max_size=30)


@settings(max_examples=60, deadline=None)
@given(NOTES, st.floats(30, 250), st.integers(0, 99))
def test_every_note_stays_within_fifty_milliseconds(
    tmp_path_factory: pytest.TempPathFactory, notes: list[tuple[int, int, int]], tempo: float, seed: int
) -> None:
    file = open_file(write_score(tmp_path_factory.mktemp("score") / "a.mid", notes, tempo=tempo))
    piece, sounding = file.piece, score_of(file.piece)
    back = read_piece(perform(file, sounding, expression(len(sounding.score), seed))[0])
    assert counted(back) == counted(piece)
    assert back.metres.tolist() == piece.metres.tolist()
    for before, after in zip(piece.tracks, back.tracks, strict=True):
        for pitch in np.unique(before.notes["pitch"]):
            a, b = (
                np.sort(p.seconds(t.notes["start"][t.notes["pitch"] == pitch]))
                for p, t in ((piece, before), (back, after))
            )
            assert np.abs(a - b).max() <= 0.05 + 0.003


def test_drums_and_maps_stay(tmp_path: Path) -> None:
    file = open_file(write_score(tmp_path / "a.mid", SCALE, drums=True))
    piece, notes = file.piece, score_of(file.piece)
    assert len(notes.score) == 32
    played = heuristic(notes)
    back = read_piece(perform(file, notes, played)[0])
    drums = next(t for t in back.tracks if t.is_drum)
    assert drums.notes.tolist() == [(960, 120, 36, 99)] and not len(drums.pedals)
    np.testing.assert_allclose(back.tempos, piece.tempos, rtol=1e-5)
    assert len(np.unique(played.velocity)) > 3


def test_a_score_of_one_velocity_stays_as_loud_beside_its_drums(tmp_path: Path) -> None:
    source = write_score(tmp_path / "in.mid", SCALE, drums=True)
    answer = predict.PerformedScore(str(source)).run(None, Session(tmp_path, "", False))
    assert not answer.follows and answer.drums and abs(answer.velocity.mean() - 64) < 1
    assert len(set(answer.velocity.tolist())) > 3


def test_coarse_ticks_are_said_and_the_shifts_are_those_of_the_file(tmp_path: Path) -> None:
    """24 ticks a quarter note at 90 a minute are 28 ms each."""
    data = write_score(tmp_path / "a.mid", [(start // 20, 12, pitch) for start, _, pitch in SCALE]).read_bytes()
    assert data[12:14] == (480).to_bytes(2)
    fine = open_file(data)
    file = open_file(data[:12] + (24).to_bytes(2) + data[14:])
    notes = score_of(file.piece)
    midi, shift, _ = perform(file, notes, expression(len(notes.score), 1))
    assert set(np.round(1000 * np.abs(shift)).astype(int).tolist()) <= {0, 28, 56}
    before, after = (
        np.concatenate([p.seconds(t.notes["start"]) for t in p.tracks]) for p in (file.piece, read_piece(midi))
    )
    np.testing.assert_allclose(np.sort(after - before), np.sort(shift), atol=1e-6)
    assert flaws_for_timing(file.piece) == {
        "ticks a quarter note, so onsets move in steps of 28 ms (export it with 480)": 24
    }
    assert flaws_for_timing(fine.piece) == {}


def test_the_pedal_goes_down_and_up(tmp_path: Path) -> None:
    file = open_file(write_score(tmp_path / "a.mid", SCALE))
    notes = score_of(file.piece)
    n = len(notes.score)
    down = Expression(np.full(n, 64), np.zeros(n), np.ones(n), np.ones(n, bool))
    pedals = read_piece(perform(file, notes, down)[0]).tracks[0].pedals
    assert len(pedals) == 6  # changed on each of the downbeats of 16 quarter notes in 3/4
    assert pedals[0, 0] == 0 and pedals[-1, 1] == 32 * 240
    up = Expression(np.full(n, 64), np.zeros(n), np.ones(n), np.zeros(n, bool))
    assert not len(read_piece(perform(file, notes, up)[0]).tracks[0].pedals)


def test_a_chord_whose_notes_are_played_apart_presses_the_pedal_once(tmp_path: Path) -> None:
    chords = [(bar * 1440, 1400, pitch) for bar in range(4) for pitch in (60, 64, 67)]
    file = open_file(write_score(tmp_path / "a.mid", chords))
    notes = score_of(file.piece)
    apart = np.tile([0.004, -0.004, 0.0], 4)  # seconds; two of three ask for the pedal
    asked = Expression(np.full(12, 64), apart, np.ones(12), np.tile([True, True, False], 4))
    pedals = read_piece(perform(file, notes, asked)[0]).tracks[0].pedals
    assert len(pedals) == 4
    assert (np.diff(pedals, axis=1) > 1300).all()


@pytest.mark.slow
def test_the_command_without_a_model(called: Cli, tmp_path: Path) -> None:
    source = write_score(tmp_path / "in.mid", SCALE)
    ask = ("task=predict", "model=dynamics", f"predict.midi={source}")
    (tmp_path / "empty").mkdir()
    done = called(*ask, "models_root=empty", "predict.emotion=joyful", "predict.out=out.mid")
    assert done.returncode == 0, done.stderr
    assert "No trained dynamics model" in done.stderr and "32 notes of in.mid" in done.stdout
    assert counted(read_piece(tmp_path / "out.mid")) == counted(read_piece(source))
    drums = Score(480)
    drums.tracks.append(Track("", 0, True))
    drums.tracks[0].notes.append(Note(0, 10, 36, 64))
    drums.dump_midi(str(tmp_path / "drums.mid"))
    for wrong, said in (
        (["task=predict", "model=dynamics"], "predict.midi is empty"),
        ([*ask, f"predict.out={source}"], "is predict.midi itself"),
        ([*ask, "predict.out=nowhere/x.mid"], "is not a folder"),
        ([*ask, "predict.out=x.wav"], "must end in .mid"),
        ([*ask, "predict.emotion=xyzzy"], "is not known"),
        ([*ask[:2], f"predict.midi={tmp_path / 'none.mid'}"], "no such file; name a MIDI file"),
        ([*ask[:2], f"predict.midi={tmp_path / 'drums.mid'}"], "only drums"),
    ):
        failed = called(*wrong)
        assert failed.returncode == 2 and said in failed.stderr and said not in failed.stdout, (wrong, failed.stderr)
        assert "Traceback" not in failed.stdout + failed.stderr


def test_key_signatures_stay_and_only_pianos_are_pedalled(tmp_path: Path) -> None:
    path = write_score(tmp_path / "a.mid", SCALE)
    score = Score(str(path))
    score.key_signatures.append(KeySignature(0, -3, 1))
    score.key_signatures.append(KeySignature(960, 3, 0))
    score.tracks[1].program = 40
    score.dump_midi(str(path))
    file = open_file(path)
    notes = score_of(file.piece)
    down = Expression(*(np.full(len(notes.score), v) for v in (64, 0.0, 1.0, True)))
    played = read_piece(perform(file, notes, down)[0])
    assert played.keys.tolist() == file.piece.keys.tolist() == [[0, 0, 1], [960, 9, 0]]
    assert [len(track.pedals) > 0 for track in played.tracks] == [True, False]


@pytest.mark.parametrize("timing", [True, False])
def test_without_timing_every_onset_stays_where_it_is_written(
    timing: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_score(tmp_path / "in.mid", SCALE)
    monkeypatch.setattr(predict, "heuristic", lambda notes: expression(len(notes.score), 1))
    answer = predict.PerformedScore(path, timing=timing).run(None, Session("dynamics", tmp_path, tmp_path))
    assert bool(np.any(answer.shift)) is timing
    (tmp_path / "out.mid").write_bytes(answer.midi)
    starts = [
        sorted(n["start"] for t in read_piece(tmp_path / f).tracks for n in t.notes) for f in ("in.mid", "out.mid")
    ]
    assert (starts[0] == starts[1]) is not timing
