"""Rendered music: what the notes of a stretch tell, and that neither a drummer nor a song crosses splits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import mido
import numpy as np
import pytest
import torch

from datamodules.feel import emopia, excerpts, groove_midi, library, patterns, pop909
from datamodules.feel.levels import at_levels, loudest, softer
from datamodules.feel.module import MusicByRule, RenderedMusic, brightness
from datamodules.feel.scores import Score, strokes_of, values_of
from datamodules.shared.library import Reading, SplitLibrary
from datamodules.shared.rendering import Note, Part
from kmidi_lab.audio.conditions import CHANGES
from kmidi_lab.audio.mel import RATE, log_mel
from kmidi_lab.errors import DataError
from kmidi_lab.models.feel.features import CALIBRATION, FULL_SCALE, Excerpt, curves_of


def drums(times: list[float], pitch: int = 38) -> Part:
    return Part(0, [Note(t, t + 0.1, pitch, 100) for t in times], drums=True)


def score(*parts: Part, beats: int = 16, period: float = 0.5) -> Score:
    at = period * np.arange(beats)
    return Score("a", "rules", "a", parts, at, at[::4])


def values(*parts: Part, **kwargs: float) -> dict[str, float]:
    made = score(*parts)
    return values_of(made, strokes_of(made.parts), 8.0)


def test_swing_is_where_the_second_eighths_lie() -> None:
    beats = [0.5 * n for n in range(16)]
    even = values(drums(sorted(beats + [b + 0.25 for b in beats])))
    swung = values(drums(sorted(beats + [b + 1 / 3 for b in beats])))
    assert even["swing"] == pytest.approx(0, abs=0.01) and swung["swing"] == pytest.approx(1, abs=0.01)
    assert "swing" not in values(drums(beats)), "nothing tells it"
    assert even["regularity"] == pytest.approx(1) and swung["regularity"] == pytest.approx(1)


def test_what_the_parts_play_is_told_apart() -> None:
    chord = Part(0, [Note(0.5 * n, 0.5 * n + 0.5, p, 80) for n in range(16) for p in (60, 64, 67)])
    alone, both = values(chord), values(chord, drums([0.5 * n for n in range(16)], 36))
    assert alone["percussive_share"] == 0 and both["percussive_share"] == pytest.approx(100 / 340)
    assert alone["voices"] == pytest.approx(3 / 8, abs=0.01) and alone["roughness"] == 0
    assert alone["key_clarity"] > 0.7 and alone["articulation"] == pytest.approx(1, abs=0.01)
    only = values(drums([0.5 * n for n in range(16)]))
    assert only["key_clarity"] == only["voices"] == 0 and "register" not in only


def test_strokes_that_begin_together_are_one() -> None:
    rows = strokes_of([drums([0.0, 0.01, 0.5]), Part(0, [Note(0.0, 1.0, 40, 127)])])
    assert rows[:, 1].tolist() == [0, 1, 1] and rows[0, 2] == 1


def test_a_stretch_at_another_pace_has_its_beats_there() -> None:
    cut = score(drums([0.5 * n for n in range(16)])).stretch(2.0, 4.0, 2.0)
    assert np.diff(cut.beats) == pytest.approx(0.25) and cut.beats[0] == 0
    assert [n.start for n in cut.parts[0].notes][:3] == pytest.approx([0, 0.25, 0.5])


def sounding(samples: np.ndarray, name: str = "a") -> Excerpt:
    frames, stored = log_mel(samples).astype(np.float16), np.round(samples * FULL_SCALE).astype(np.int16)
    return Excerpt(name, "rules", "a", frames, np.zeros(0), np.zeros(0), np.zeros((0, 3)), sound=stored)


def test_a_softer_excerpt_is_what_the_front_end_hears_of_softer_samples() -> None:
    rng = np.random.default_rng(0)
    samples = loudest((rng.standard_normal(RATE) * np.exp(-np.arange(RATE) / 1500)).astype(np.float32))
    assert np.abs(samples).max() == 1
    for decibels in (0.0, 12.5, 40.0):
        heard, gain = softer(sounding(samples), decibels), 10 ** (-decibels / 20)
        expected = log_mel(samples * gain)
        assert np.abs(heard.frames - expected).max() < 0.02
        assert heard.sound is not None and heard.sound / FULL_SCALE == pytest.approx(samples * gain, abs=5e-5)
    assert (expected < np.log(1e-6) + 1e-3).mean() > 0.5, "most of it is below the floor at last"


def test_how_loud_music_was_struck_does_not_tell_how_loud_it_is_heard() -> None:
    """The level hangs on the name alone, so that soft strokes are as loud as hard ones."""
    wave = np.sin(np.arange(RATE) / 20).astype(np.float32)
    soft, hard = (sounding(loudest(wave * share)) for share in (0.05, 0.9))
    assert soft.frames == pytest.approx(hard.frames, abs=0.02)
    songs = [sounding(wave[:2048], f"song {n}") for n in range(300)]
    peaks = [np.abs(song.sound).max() / FULL_SCALE for song in at_levels(songs, 30.0) if song.sound is not None]
    drawn = -20 * np.log10(peaks)
    assert drawn.min() >= -0.01 and drawn.max() <= 30.1 and drawn.mean() == pytest.approx(15, abs=1.5)
    assert (at_levels(songs[7:8], 30.0)[0].frames == at_levels(songs, 30.0)[7].frames).all()


class Struck(MusicByRule):
    """64 times one excerpt, a chord that is struck once, at the level that it has."""

    def songs(self, split: str) -> list[Excerpt]:
        wave = np.sin(np.outer(np.arange(6 * RATE), [0.05, 0.11, 0.4])).sum(1) * np.exp(-np.arange(6 * RATE) / 8000)
        return [sounding(loudest(wave.astype(np.float32)))] * 64


def test_every_stretch_of_training_has_its_floor_and_its_room_elsewhere(tmp_path: Path) -> None:
    data = Struck("", str(tmp_path), batch_size=64, frames=300, equaliser=0, bands=0)
    [batch] = data.train_dataloader()  # type: ignore[attr-defined]
    lowest = 10 / np.log(10) * batch.x.amin((1, 2)).numpy()
    assert lowest.min() >= -65.01 and lowest.max() <= -15 and len(np.unique(lowest)) == 64
    steady = batch.x[:, 200:].std(1).mean(1).numpy()  # the chord has died away: only a room moves
    assert 0.1 < (steady > 0.05).mean() < 0.6


def midi(path: Path, channel: int, pitches: list[int], count: int, bpm: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(bpm))])
    for n in range(count):
        track.append(mido.Message("note_on", channel=channel, note=pitches[n % len(pitches)], velocity=90, time=1))
        track.append(mido.Message("note_off", channel=channel, note=pitches[n % len(pitches)], time=239))
    mido.MidiFile(type=0, ticks_per_beat=480, tracks=[track]).save(path)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Takes of every drummer, two songs and two recordings."""
    root = tmp_path_factory.mktemp("data")
    for n in range(1, 11):
        take = root / "groove" / f"drummer{n}" / "session1" / "1_rock_120_beat_4-4.mid"
        midi(take, 9, [36, 42, 38, 22], 80, 120)
        midi(take.with_name("2_rock_120_fill_4-4.mid"), 9, [38], 8, 120)
    for n in ("001", "002"):
        midi(root / "pop909" / n / f"{n}.mid", 0, [60, 64, 67, 72], 80, 90)
        rows = [f"{60 / 90 * b} {float(b % 4 == 0)} {float(b % 4 == 0)}" for b in range(40)]
        (root / "pop909" / n / "beat_midi.txt").write_text("\n".join(rows))
    (root / "pop909" / "002" / "beat_midi.txt").write_text("1.0 1.0 1.0\nnot a number\n")
    for name in ("Q1_abc_d_0", "Q1_abc_d_1", "Q3_xyz_0"):
        midi(root / "emopia" / "midis" / f"{name}.mid", 0, [60, 64, 67], 80, 100)
    return root


def test_every_reader_reads_its_layout(root: Path) -> None:
    takes = groove_midi.read(groove_midi.files(root))
    assert len(takes.items) == 10, "fills are left out"
    first = takes.items[0]
    assert np.diff(first.beats) == pytest.approx(0.5) and first.downbeats[1] == pytest.approx(2.0)
    assert {n.pitch for n in first.parts[0].notes} == {36, 38, 42}, "22 is a hi-hat of Roland's"
    songs = pop909.read(pop909.files(root))
    assert [s.group for s in songs.items] == ["001"] and songs.reasons() == {"beats not readable": 1}
    assert np.diff(songs.items[0].downbeats) == pytest.approx(8 / 3)
    clips = emopia.read(emopia.files(root))
    assert [s.group for s in clips.items] == ["abc_d", "abc_d", "xyz"]
    assert clips.items[0].known == {"valence": 0.6, "arousal": 0.6} and not len(clips.items[0].beats)


def test_drummers_of_the_test_are_heard_nowhere_else(root: Path) -> None:
    split = {s.group: s.split for s in groove_midi.read(groove_midi.files(root)).items}
    assert {d for d, place in split.items() if place == "test"} == set(groove_midi.TEST)
    assert {d for d, place in split.items() if place == "val"} == set(groove_midi.VAL)


def data_of(kind: type[RenderedMusic], root: object, cache: Path, **settings: object) -> RenderedMusic:
    data = kind(str(root), str(cache), workers=1, progress=False, **settings)  # type: ignore[arg-type]
    data.prepare_data()
    data.setup("fit")
    return data


@pytest.mark.slow
def test_no_drummer_and_no_song_crosses_splits(root: Path, tmp_path: Path) -> None:
    data = data_of(RenderedMusic, root, tmp_path, amount=0.02)
    groups = {split: {(s.source, s.group) for s in data.songs(split)} for split in ("train", "val", "test")}
    assert all(groups.values()), "every split holds something"
    assert not groups["test"] & (groups["train"] | groups["val"]) and not groups["train"] & groups["val"]
    assert {s.split for s in data.songs("all") if s.source == patterns.NAME} == {"train"}
    assert data.overlap(data.songs("test")) == 0 and data.overlap(data.songs("train")) == len(data.songs("train"))
    assert data.library.description["stand_in"] is None


@pytest.fixture(scope="module")
def by_rule(tmp_path_factory: pytest.TempPathFactory) -> RenderedMusic:
    return data_of(MusicByRule, "", tmp_path_factory.mktemp("cache"), amount=0.03, sources=["rules"], frames=320)


@pytest.mark.slow
def test_a_bare_machine_gets_music_by_rule_and_is_told_so(by_rule: RenderedMusic) -> None:
    assert by_rule.library.description["stand_in"] == patterns.STAND_IN
    assert all(by_rule.songs(split) for split in ("train", "val", "test"))
    song: Excerpt = by_rule.songs("train")[0]
    assert song.tempo is not None and 50 < song.tempo < 220 and len(song.frames) > 900
    batch = next(iter(by_rule.train_dataloader()))  # type: ignore[call-overload]
    assert batch.x.shape[1:] == (320, 128) and batch.events.shape[1:] == (320, 5)
    assert not batch.tempo.isnan().any() and batch.whole.isnan().any(), "nothing is known of its valence"
    assert not batch.curves[..., 2].isnan().any() and not batch.curves[:, 250:].isnan().any()
    assert batch.curves[:, :250, :2].isnan().all(2).any(1).all(), (
        "what was struck before the stretch is not heard in it"
    )


@pytest.mark.parametrize(("names", "held_out"), [(["rules"], True), (["pop909", "rules"], False)])
def test_music_by_rule_is_held_out_where_it_is_asked_for_alone(
    root: Path, monkeypatch: pytest.MonkeyPatch, names: list[str], held_out: bool
) -> None:
    dealt = []

    def rendered(reading: Reading[Score], *settings: object) -> Reading[Excerpt]:
        dealt.append(settings[3])
        return Reading(reading.source, reading.licence)

    monkeypatch.setattr(library, "_rendered", rendered)
    [by_rule] = [s for s in library.sources(root, names, 0.01, 0, library.Fonts(), 1, False) if s.name == patterns.NAME]
    by_rule.read([])
    assert dealt == [held_out], "other music in the data root that was not asked for does not count"


def test_brightness_in_training_is_that_of_the_frames_it_hears() -> None:
    rng = np.random.default_rng(0)
    frames = rng.normal(-4, 2, (600, 128)).astype(np.float16)
    song = Excerpt("a", "rules", "a", frames, np.zeros(0), np.zeros(0), np.array([[1.0, 1, 0.5]]))
    curve = curves_of(song)[:, 2]
    same = brightness(torch.from_numpy(frames.astype(np.float32))[None])[0, :, 0].numpy()
    assert same == pytest.approx(curve, abs=1e-3)
    tilt = np.linspace(0, 3, 128, dtype=np.float32)
    assert (brightness(torch.from_numpy(frames + tilt)[None].float())[0, :, 0].numpy() > curve + 0.05).all()


@pytest.mark.slow
def test_the_loudest_frames_follow_what_is_marked(by_rule: RenderedMusic) -> None:
    """Renderer, notes and frames agree in time: the sound rises where a stroke is marked."""
    from kmidi_lab.models.feel.features import targets

    rises, elsewhere = [], []
    for song in by_rule.songs("all"):
        level = np.asarray(song.frames, np.float32).mean(1)
        rise = np.diff(level, prepend=level[:1])
        struck = targets(song).events[:, 2:].max(1) == 1
        near = struck | np.roll(struck, 1) | np.roll(struck, -1)
        rises.append(rise[struck].mean())
        elsewhere.append(rise[~near].mean())
    assert np.mean(rises) > 0.2 and np.mean(elsewhere) < 0


def test_a_sound_font_that_is_not_there_is_said(tmp_path: Path) -> None:
    missing = str(tmp_path / "no.sf2")
    for setting in ({"test_font": missing}, {"calibration_font": missing}, {"fonts": [missing]}):
        data = MusicByRule("", str(tmp_path), sources=["rules"], progress=False, **setting)  # type: ignore[arg-type]
        with pytest.raises(
            DataError, match=r"data\.(test_font|calibration_font|fonts): .*no\.sf2 is not there; install it"
        ):
            data.prepare_data()


def test_each_sound_font_is_heard_in_training_and_one_alone_in_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: dict[tuple[str, Path | None], list[str]] = {}

    def played(play: object, tasks: list[tuple[tuple[Score, ...], Path | None, int]], *_: object) -> Iterator[object]:
        for scores, font, _kit in tasks:
            for one in scores:
                heard.setdefault((one.split, font), []).append(one.id)
            yield None, [SimpleNamespace(id=one.id) for one in scores]

    monkeypatch.setattr(excerpts, "render_all", played)
    fonts, scores = library.Fonts((None, Path("a.sf2")), Path("b.sf2"), Path("c.sf2")), patterns.read(60, 0)
    out = library._rendered(scores, 1.0, 0, fonts, True, 1, False)
    assert {(split, font and font.stem) for split, font in heard} == {
        ("train", None), ("train", "a"), ("val", None), ("val", "a"), ("test", "b"), ("calibration", "c"),
    }  # fmt: skip
    assert len(heard["train", None]) == len(heard["train", Path("a.sf2")]), "each hears all of them"
    assert len(heard["calibration", Path("c.sf2")]) == len(heard["val", None])
    assert len({item.id for item in out.items}) == len(out.items) == sum(map(len, heard.values()))
    alone = library._rendered(scores, 1.0, 0, library.Fonts((None,), Path("b.sf2")), True, 1, False)
    assert {i.id for i in alone.items} < {i.id for i in out.items}, "another SoundFont changes nothing for the first"
    assert fonts.named(False) == "TimGM6mb, a" and fonts.named(True) == "b"


def test_music_that_calibrates_is_in_no_other_split(tmp_path: Path) -> None:
    places = ["train", "val", "test", CALIBRATION]
    songs = [replace(sounding(np.zeros(2048, np.float32), place), split=place) for place in places]
    data = MusicByRule("", str(tmp_path))
    data._library = SplitLibrary(songs, places, {}, {})
    assert {p: [s.id for s in data.songs(p)] for p in places} == {p: [p] for p in places}
    assert [s.id for s in data.songs("all")] == places[:3]


@pytest.mark.slow
def test_the_test_is_heard_in_every_recording_condition(tmp_path: Path) -> None:
    settings = {"amount": 0.02, "sources": ["rules"]}
    data = data_of(MusicByRule, "", tmp_path, conditions=True, **settings)
    songs, changed = data.songs("test"), dict(data.conditions("test"))
    assert list(changed) == list(CHANGES) and not list(data.conditions("train"))
    louder = np.asarray(changed["peak_1"][0].frames) - np.asarray(songs[0].frames, np.float32)
    assert louder.mean() > 0 and changed["hum"][0].beats.tolist() == songs[0].beats.tolist()
    later = changed["silence_around"][0]
    assert later.beats == pytest.approx(songs[0].beats + 1.0) and later.strokes[:, 0].min() >= 1.0
    assert np.asarray(later.frames[:50]).max() < -13, "nothing sounds before"
    assert not list(data_of(MusicByRule, "", tmp_path, **settings).conditions("test"))


def test_music_by_rule_is_the_same_however_much_is_made() -> None:
    few, many = patterns.read(3, 0).items, patterns.read(30, 0).items
    assert all(a.parts == b.parts and a.split == b.split for a, b in zip(few, many, strict=False))
    tempos = [60 / np.diff(s.beats)[0] for s in many]
    assert min(tempos) < 80 and max(tempos) > 150
    assert {s.split for s in many} == {"train", "val", "test"}
    assert library.AMOUNTS.keys() == set(library.SOURCES)
