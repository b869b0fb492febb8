"""What micro-timing is learnt from: where strokes belong, the local tempo, match files, and splits that share nothing."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest

from datamodules.microtiming import local_tempo, piano, rules
from datamodules.microtiming.drums import PublishedTake, strokes
from datamodules.microtiming.library import TakeRules, group
from datamodules.microtiming.module import MicrotimedTakes
from datamodules.shared import engine
from datamodules.shared.library import Reading
from datamodules.shared.splits import SplitBy
from kmidi_lab.contracts import MICROTIMING
from kmidi_lab.errors import ConfigError, DataError
from kmidi_lab.models.microtiming.features import LEAD_MS
from kmidi_lab.models.microtiming.notes import ROLES

IN = {s.name: s.index for s in MICROTIMING.inputs}
RULES = TakeRules((), SplitBy(0, 0.2, 0.3))


@pytest.fixture(scope="module")
def made() -> list[PublishedTake]:
    return rules.read().items


def split(songs: list[PublishedTake], setting: TakeRules = RULES) -> dict[str, set[str]]:
    """The splits of each take, by its id."""
    library = engine.build([Reading("some", "x", items=list(songs))], "v", setting)
    out: dict[str, set[str]] = {}
    for song, place in zip(library.songs, library.splits, strict=True):
        out.setdefault(song.id, set()).add(place)
    return out


def test_a_stroke_belongs_to_the_nearest_sixteenth_and_the_louder_of_two_stays():
    notes, offset, velocity = strokes(
        np.array([0.01, 0.24, 0.26, 0.98]), np.array([36, 38, 40, 22]), np.array([90, 30, 100, 64]), 120.0
    )
    assert notes.onset.tolist() == [0.0, 0.25, 1.0]
    assert notes.pitch.tolist() == [36, 38, 42]
    assert [ROLES[r] for r in notes.role] == ["kick", "snare", "hat"]
    np.testing.assert_allclose(offset, [5.0, 5.0, -10.0])
    np.testing.assert_allclose(velocity, np.array([90, 100, 64]) / 127)


@pytest.mark.parametrize("late", [-15.0, 0.0, 20.0])
def test_a_late_melody_is_late_and_a_slower_tempo_is_not(late):
    quarters = np.repeat(np.arange(40) / 2, 3)
    seconds = quarters * 0.6 * (1 + quarters / 200)
    seconds[2::3] += late / 1000
    offset, bpm = local_tempo.offsets(quarters, seconds)
    np.testing.assert_allclose(offset[2::3][4:-4], late, atol=3)
    np.testing.assert_allclose(offset[::3][4:-4], 0, atol=3)
    assert 75 < bpm < 100


def test_what_was_not_played_or_is_far_away_has_no_offset():
    quarters = np.arange(30) / 2
    seconds = quarters * 0.5
    seconds[7], seconds[20] = np.nan, seconds[20] + 1.0
    offset, _ = local_tempo.offsets(quarters, seconds)
    assert np.isnan(offset[[7, 20]]).all() and np.isfinite(offset[:7]).all()
    assert np.isnan(local_tempo.offsets(quarters[:4], seconds[:4])[0]).all()


MATCH = "info(midiClockUnits,480).\ninfo(midiClockRate,500000).\nscoreprop(timeSignature,6/8,1:1,0,0.0000).\n"


def match_line(number: int, late: int = 0) -> str:
    bar, eighth = divmod(number, 6)
    on = 1000 + number * 200 + late
    return (
        f"snote(n{number}-1,[B,b],4,{bar + 1}:{eighth + 1},0,1/8,{number}.0000,{number + 1}.0000,[v1,staff1])-"
        f"note(n{number},70,{on},{on + 100},64,1,0).\n"
    )


def test_a_match_file_counts_in_the_beats_of_its_metre():
    take = piano.read_match(MATCH + "".join(match_line(n, 48 * (n == 20)) for n in range(40)), "one")
    assert take is not None
    assert take.notes.onset[:3].tolist() == [0.0, 0.5, 1.0] and set(take.notes.pitch.tolist()) == {70}
    np.testing.assert_allclose(take.notes.bar[:8], np.arange(8) / 6, atol=1e-5)
    assert take.notes.bpm[0] == pytest.approx(60 * 0.5 / (200 * 0.5 / 480), rel=0.01)
    assert take.offset.argmax() == 20 and 30 < take.offset[20] < 50
    assert take.velocity[0] == pytest.approx(64 / 127)


@pytest.mark.parametrize("text", ["", MATCH, "".join(match_line(n) for n in range(40)), MATCH + "snote(broken"])
def test_a_match_file_without_notes_or_metre_is_no_take(text):
    assert piano.read_match(text, "one") is None


def test_batik_skips_what_it_cannot_use(tmp_path):
    folder = tmp_path / "batik_mozart" / "match"
    folder.mkdir(parents=True)
    (folder / "a.match").write_text(MATCH + "".join(match_line(n) for n in range(40)))
    (folder / "b.match").write_bytes(b"\xff\x00 nothing")
    reading = piano.read_batik(piano.batik_files(tmp_path))
    assert [song.id for song in reading.items] == ["batik_mozart/a"] and reading.skipped == 1


@pytest.mark.parametrize("progress", [True, False])
def test_a_bar_is_shown_while_files_are_read_if_it_is_wanted(tmp_path, monkeypatch, progress):
    folder = tmp_path / "batik_mozart" / "match"
    folder.mkdir(parents=True)
    (folder / "a.match").write_text(MATCH + "".join(match_line(n) for n in range(40)))
    bars = []
    monkeypatch.setattr("rich.progress.track", lambda items, description, transient: bars.append(description) or items)
    options = {"sources": ["batik_mozart"], "progress": progress}
    with pytest.raises(DataError):  # one take is no data set
        MicrotimedTakes(str(tmp_path), str(tmp_path / "cache"), **options).setup("fit")
    assert bars == ["reading Mozart as played"] * progress


def test_performances_of_one_piece_and_of_pieces_alike_share_a_split(made):
    pieces = [song for song in made if song.take.kind == "piano"]
    again = [
        dataclasses.replace(s, take=dataclasses.replace(s.take, id=f"{s.id}/2", work=f"other/{s.take.work}"))
        for s in pieces
    ]
    places = split([*pieces, *again])
    assert all(places[s.id] == places[f"{s.id}/2"] for s in pieces)
    assert set().union(*places.values()) == {"train", "val", "test"}


def test_a_drummer_that_is_tested_is_in_no_other_split(made):
    drums = [
        dataclasses.replace(
            song,
            take=dataclasses.replace(song.take, player=f"drummer{n % 5}"),
            published=("train", "validation")[n % 7 == 0],
        )
        for n, song in enumerate(s for s in made if s.take.kind == "drums")
    ]
    players = {song.id: song.take.player for song in drums}
    places = split(drums, TakeRules(("drummer1", "drummer3"), SplitBy(0, 0.2, 0.3)))
    tested = {players[name] for name, where in places.items() if where == {"test"}}
    learnt = {players[name] for name, where in places.items() if where != {"test"}}
    assert tested == {"drummer1", "drummer3"} and not tested & learnt
    published = split(drums)
    assert all((published[s.id] == {"test"}) == (s.published == "validation") for s in drums)


def test_a_near_copy_of_a_tested_take_is_left_out(made):
    one = dataclasses.replace(made[0], published="train")
    copy = dataclasses.replace(one, take=dataclasses.replace(one.take, id="copy"), published="validation")
    places = split([one, copy, *made[3:20]])
    assert places["copy"] == {"test"} and one.id not in places
    assert group([one.take, copy.take]).find(1) == 0


def test_a_stand_in_stands_in_where_nothing_is_there_and_says_so(tmp_path):
    data = MicrotimedTakes(str(tmp_path), str(tmp_path / "cache"))
    data.setup("fit")
    about = data.describe()
    assert "made by rule" in about["stand_in"] and about["absent"] == ["groove_midi", "asap", "batik_mozart"]
    assert len(data.songs("train")) > len(data.songs("test")) > 0 and data.overlap(data.songs("test")) == 0
    with pytest.raises(DataError):
        MicrotimedTakes(str(tmp_path), str(tmp_path / "cache"), sources=["asap"]).setup()
    with pytest.raises(ConfigError):
        MicrotimedTakes(str(tmp_path), str(tmp_path / "cache"), sources=["someone"])


def test_batches_tell_the_lead_or_the_offsets_before_to_some(tmp_path):
    data = MicrotimedTakes(str(tmp_path), str(tmp_path / "cache"), window=32, lead_jitter=0.0)
    data.setup("fit")
    x = np.concatenate([b.x.numpy() for b in data.train_dataloader()])
    assert x.shape[1:] == (32, 64)
    told = (x[:, 0, IN["lead"]] != 0).mean()
    heard = (x[:, 8, IN["played_offsets"]] != 0).any(1).mean()
    assert 0.3 < told < 0.7 and 0.05 < heard < 0.35
    whole = data.whole("val")
    blind, told = whole[: len(whole) // 2], whole[len(whole) // 2 :]
    assert all((b.x[..., IN["lead"]] == 0).all() for b in blind) and all(
        (b.x[..., IN["lead"]] != 0).any() for b in told
    )
    assert all((b.x[..., IN["played_offsets"]] == 0).all() for b in whole)
    for half in (blind, told):
        assert sum(int(b.weight.sum()) for b in half) == int(data.encoded("val").known.sum())


def test_a_lead_that_is_added_is_told_and_played(tmp_path):
    data = MicrotimedTakes(str(tmp_path), str(tmp_path / "cache"), lead_share=1.0, lead_jitter=10.0, history_share=0.0)
    data.setup("fit")
    batch = next(iter(data.train_dataloader()))
    late = (batch.offset * batch.unit * 62.5 * batch.weight).sum(1) / batch.weight.sum(1)
    lead = batch.x[:, 0, IN["lead"].start] * LEAD_MS
    assert np.corrcoef(late.numpy(), lead.numpy())[0, 1] > 0.8


@pytest.mark.skipif("KMIDI_SHARED" not in os.environ, reason="needs real data (set KMIDI_SHARED)")
@pytest.mark.slow
def test_batik_is_read_whole():
    reading = piano.read_batik(piano.batik_files(Path(os.environ["KMIDI_SHARED"]) / "data"))
    assert len(reading.items) == 36 and not reading.problems
    assert sum(len(song.take.notes) for song in reading.items) > 90_000
