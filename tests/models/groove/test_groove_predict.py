"""task=predict model=groove: no note lost, order kept, at most 50 ms, the rest untouched, faults in one line."""

from __future__ import annotations

import io
from pathlib import Path

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.drum_files import write_drums

from kmidi_lab.errors import UserError
from kmidi_lab.inference.session import Session
from kmidi_lab.midi.piece import Piece
from kmidi_lab.midi.reading import read_piece
from kmidi_lab.models.groove.file_drums import with_flams
from kmidi_lab.models.groove.onsets import new_onsets
from kmidi_lab.models.groove.predict import HumanisedDrums

ROCK = [(bar * 1920 + step * 120, pitch, 100) for bar in range(4) for step, pitch in [(0, 36), (4, 38), (8, 36), (12, 38), *((s, 42) for s in range(0, 16, 2))]]  # fmt: skip


def piece(*tempos: tuple[float, float], ticks: int = 480) -> Piece:
    none = np.zeros((0, 3), np.int64)
    return Piece(ticks, (), np.array(tempos or [(0.0, 120.0)]), none, none)


def test_a_note_goes_to_the_grid_plus_its_timing() -> None:
    starts = np.array([0, 480, 960])
    moved = new_onsets(starts, np.array([90, 90, 90]), np.array([0.5, 0.25, -0.5]), piece())
    assert moved.tolist() == [30, 495, 930]
    # One that was late already goes where the one on the grid goes; a flam keeps its distance.
    assert new_onsets(np.array([500]), np.array([90]), np.array([0.25]), piece()).tolist() == [495]
    assert new_onsets(np.array([460, 490]), np.array([30, 90]), np.array([0.0, 0.0]), piece()).tolist() == [450, 480]
    # 50 ms are 48 ticks at 120 and 24 at 60.
    assert new_onsets(np.array([480]), np.array([90]), np.array([1.0]), piece()).tolist() == [528]
    assert new_onsets(np.array([480]), np.array([90]), np.array([1.0]), piece((0.0, 60.0))).tolist() == [504]


def test_the_grace_note_of_a_flam_stays_softer() -> None:
    drawn, written = np.array([80, 100, 60, 90]), np.array([30, 90, 100, 50])
    assert with_flams(drawn, written, np.array([7, 7, 8, 9])).tolist() == [33, 100, 60, 90]
    assert with_flams(drawn, np.full(4, 90), np.zeros(4, int)).tolist() == drawn.tolist()


@pytest.mark.parametrize("loud", [1, 64, 127])
def test_velocities_are_the_drummer_s_whatever_was_written(loud: int, tmp_path: Path) -> None:
    write_drums(
        tmp_path / "in.mid", [(tick + bar * 1920, pitch, loud) for bar in range(16) for tick, pitch, _ in ROCK[:12]]
    )

    def made(seed: int) -> list[tuple[int, int, int]]:
        return strokes_of(
            HumanisedDrums(tmp_path / "in.mid").run(None, Session("groove", tmp_path, tmp_path, seed)).midi
        )

    velocities = np.array([v for _, _, v in made(1)])
    assert 15 <= velocities.std() <= 38
    assert 50 <= velocities.mean() <= 100
    assert made(1) == made(1)
    assert made(1) != made(2)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_order_and_limit_hold_for_any_notes_and_tempos(data: st.DataObject) -> None:
    ticks = data.draw(st.sampled_from([1, 24, 96, 480, 960]))
    starts = np.array(sorted(data.draw(st.lists(st.integers(0, 8 * ticks), min_size=1, max_size=40))))
    loud = np.array(data.draw(st.lists(st.integers(1, 127), min_size=len(starts), max_size=len(starts))))
    timing = np.array(data.draw(st.lists(st.floats(-1, 1), min_size=len(starts), max_size=len(starts))))
    changes = data.draw(st.dictionaries(st.integers(1, 8 * ticks), st.floats(20, 400), max_size=4))
    where = piece((0.0, 100.0), *((float(t), bpm) for t, bpm in sorted(changes.items())), ticks=ticks)
    moved = new_onsets(starts, loud, timing, where)
    assert (moved >= 0).all()
    assert (np.sign(np.diff(moved)) == np.sign(np.diff(starts))).all()
    assert np.abs(where.seconds(moved) - where.seconds(starts)).max() <= 0.05 + 1e-6


def strokes_of(data: bytes | Path) -> list[tuple[int, int, int]]:
    """(start, pitch, velocity) of every drum note, by mido."""
    file = mido.MidiFile(file=io.BytesIO(data if isinstance(data, bytes) else data.read_bytes()))
    out = []
    for track in file.tracks:
        now = 0
        for message in track:
            now += message.time
            if message.type == "note_on" and message.velocity > 0 and message.channel == 9:
                out.append((now, message.note, message.velocity))
    return sorted(out)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 2000), st.sampled_from([36, 38, 42]), st.integers(1, 400)), min_size=1, max_size=30
    )
)
def test_rewriting_loses_no_note_and_every_note_ends(strokes: list[tuple[int, int, int]]) -> None:
    events = []
    for tick, pitch, length in strokes:
        events += [(tick, 1, pitch), (tick + length, 0, pitch)]
    track, now = mido.MidiTrack(), 0
    for tick, kind, pitch in sorted(events):
        track.append(mido.Message("note_on", channel=9, note=pitch, velocity=90 * kind, time=tick - now))
        now = tick
    file, out = mido.MidiFile(ticks_per_beat=480), io.BytesIO()
    file.tracks.append(track)
    file.save(file=out)
    made = HumanisedDrums(out.getvalue()).run(None, Session("groove", Path(), Path()))
    before, after = read_piece(out.getvalue()), read_piece(made.midi)
    assert sorted(n["pitch"] for t in after.tracks for n in t.notes) == sorted(p for _, p, _ in strokes)
    assert not after.flaws and not before.flaws
    assert all((t.notes["duration"] > 0).all() for t in after.tracks)


@pytest.fixture
def song(tmp_path: Path) -> Path:
    """Drums, a piano and a tempo map."""
    path = tmp_path / "in.mid"
    write_drums(path, ROCK)
    file = mido.MidiFile(path)
    file.tracks[0].insert(0, mido.Message("program_change", channel=9, program=8))
    file.tracks[0].insert(3, mido.MetaMessage("set_tempo", tempo=600_000, time=0))
    piano = mido.MidiTrack(
        [mido.MetaMessage("track_name", name="Piano"), mido.Message("control_change", control=64, value=90)]
    )
    piano += [mido.Message("note_on", note=60, velocity=70), mido.Message("note_off", note=60, time=1920)]
    file.tracks.append(piano)
    file.save(path)
    return path


@pytest.mark.slow
def test_a_file_is_humanised_and_the_rest_is_left_alone(cli, song: Path, tmp_path: Path) -> None:
    asked = (f"predict.midi={song}", "predict.style=jazz", "predict.out=out.mid")
    (tmp_path / "empty").mkdir()
    ran = cli("task=predict", "model=groove", "models_root=empty", *asked)
    assert ran.returncode == 0, ran.stderr
    assert "No trained groove model" in ran.stderr
    assert "48 drum notes in 4 bars, style jazz" in ran.stdout
    before, after = mido.MidiFile(song), mido.MidiFile(tmp_path / "out.mid")
    assert after.tracks[1] == before.tracks[1]
    assert after.ticks_per_beat == before.ticks_per_beat
    assert [m for m in after.tracks[0] if m.is_meta and m.type != "end_of_track"] == [
        m for m in before.tracks[0] if m.is_meta and m.type != "end_of_track"
    ]
    old, new = strokes_of(song), strokes_of(tmp_path / "out.mid")
    assert sorted(pitch for _, pitch, _ in old) == sorted(pitch for _, pitch, _ in new)
    assert old != new


FAULTS = {
    "piano": ({"strokes": [(0, 60, 90)], "channel": 0}, "no notes on the drum channel"),
    "waltz": ({"strokes": ROCK, "metre": (3, 4)}, "in 3/4 from bar 1 on.*model=microtiming"),
    "far": ({"strokes": [(0, 36, 90), (1920 * 6000, 36, 90)]}, "at most 5000"),
    "none": ({"strokes": []}, "no notes"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_files_that_can_not_be_humanised_are_one_line(name: str, tmp_path: Path) -> None:
    settings_, said = FAULTS[name]
    write_drums(tmp_path / "in.mid", **settings_)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=said) as caught:
        HumanisedDrums(tmp_path / "in.mid").run(None, Session("groove", tmp_path, tmp_path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"midi": None}, "predict.midi=in.mid"),
        ({"midi": "gone.mid"}, "gone.mid"),
        ({"style": "jaz"}, "Did you mean 'jazz'"),
        ({"out": "in.mid"}, "is predict.midi itself"),
    ],
)
def test_requests_that_make_no_sense_are_one_line(
    change: dict, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_drums(tmp_path / "in.mid", ROCK)
    with pytest.raises(UserError, match=said):
        HumanisedDrums(**{"midi": "in.mid", **change}).run(None, Session("groove", tmp_path, tmp_path))


def test_laid_back_drums_come_later_and_pushed_ones_earlier_and_none_is_too_soft(tmp_path: Path) -> None:
    from kmidi_lab.inference.published import load_published, release_root
    from kmidi_lab.models.groove.sampling import SOFTEST

    root = release_root()
    assert root is not None
    published = load_published(root, "groove")
    source = tmp_path / "in.mid"
    write_drums(source, [(tick + bar * 1920, pitch, 90) for bar in range(8) for tick, pitch, _ in ROCK[:12]])
    answers = {
        s: HumanisedDrums(source, style=s).run(published, Session("groove", tmp_path, tmp_path, 1))
        for s in ("laid_back", "straight", "pushed")
    }
    late, even, early = (1000 * a.shift.mean() for a in answers.values())
    assert late - even > 8 and even - early > 8
    assert min(a.velocity.min() for a in answers.values()) >= SOFTEST


def test_a_backbeat_is_as_even_as_a_drummer_s(tmp_path: Path) -> None:
    """Drummers of Groove MIDI vary the snare on 2, and that on 4, by a standard deviation of 10.4, softer ones more."""
    source = tmp_path / "in.mid"
    write_drums(source, [(tick + bar * 1920, pitch, 90) for bar in range(8) for tick, pitch, _ in ROCK[:12]])
    spreads = []
    for seed in range(12):
        played = HumanisedDrums(source).run(None, Session("groove", tmp_path, tmp_path, seed))
        snare = np.array([v for _, pitch, v in strokes_of(played.midi) if pitch == 38])
        assert len(snare) == 16
        spreads += [snare[::2].std(), snare[1::2].std()]
    assert 4 < np.mean(spreads) < 11
