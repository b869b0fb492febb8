"""Sounds of instruments: names, published layouts, rendering, splits, bad files."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from support.instrument_sounds import PLAIN, RATE, named, sound

from datamodules.instrument import general_midi, philharmonia
from datamodules.instrument.module import InstrumentSounds, PhilharmoniaSounds
from datamodules.instrument.recording import Augmentation, Conditions
from datamodules.shared.clips import ClipError
from datamodules.shared.unread import REASON
from kmidi_lab.audio.io import CUT
from kmidi_lab.contracts import INSTRUMENT
from kmidi_lab.errors import ConfigError, DataError
from kmidi_lab.models.instrument.features import CONDITIONS, InstrumentBatch
from kmidi_lab.models.instrument.hearing import heard_sounds


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    """Philharmonia's layout with sounds of our own."""
    seed = 0
    for folder, name in (("flute", "flute"), ("bass_clarinet", "bass-clarinet"), ("cello", "cello")):
        for pitch in ("C3", "D3", "E3", "Fs3", "G3", "A3"):
            for length in ("025", "1"):
                for dynamic in ("piano", "forte"):
                    word = "arco-normal" if name == "cello" else "normal"
                    sound(tmp_path / "philharmonia" / folder / f"{name}_{pitch}_{length}_{dynamic}_{word}.mp3", seed)
                    seed += 1
    return tmp_path


def phil(root: Path, cache: Path, **settings: object) -> PhilharmoniaSounds:
    given = {"sources": ["philharmonia"], "augment": PLAIN, "workers": 1, "progress": False, **settings}
    return PhilharmoniaSounds(str(root), str(cache), **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("stem", "wanted"),
    [
        (
            "bass-clarinet_A2_025_forte_normal",
            {
                "instrument": "bass_clarinet", "family": "woodwind_reed", "technique": "blown", "articulation": "normal",
                "energy": "f", "dynamic_range": "mf-f", "register": "bass",
            },
        ),
        (
            "cello_C5_1_molto-pianissimo_arco-harmonic",
            {
                "instrument": "cello", "family": "strings_bowed", "technique": "harmonics", "energy": "ppp",
                "dynamic_range": "ppp-pp", "register": "treble",
            },
        ),
        (
            "double-bass_E1_1_piano_pizz-normal",
            {
                "instrument": "double_bass", "family": "strings_bowed", "technique": "plucked",
                "articulation": "pizzicato", "energy": "p", "dynamic_range": "p-mp", "register": "bass",
            },
        ),
        (
            "saxophone_C4_phrase_cresc-decresc_minor-trill",
            {"instrument": "saxophone", "family": "woodwind_reed", "technique": "trill", "register": "high_mid"},
        ),
        (
            "cor-anglais_C4_1_piano_never-heard-of",
            {
                "instrument": "english_horn", "family": "woodwind_reed", "energy": "p", "dynamic_range": "p-mp",
                "register": "high_mid",
            },
        ),
        (
            "french-horn_C4_1_forte_mute",
            {
                "instrument": "french_horn", "family": "brass", "technique": "blown", "articulation": "con_sordino",
                "energy": "f", "dynamic_range": "mf-f", "register": "high_mid",
            },
        ),
        (
            "snare-drum__05_forte_roll",
            {"instrument": "drums", "family": "percussion_untuned", "energy": "f", "dynamic_range": "mf-f"},
        ),
    ],
)  # fmt: skip
def test_a_name_says_what_it_says_and_no_more(stem: str, wanted: dict[str, str]) -> None:
    assert named(philharmonia.labels_of(philharmonia.read_name(stem))) == wanted


@pytest.mark.parametrize("stem", ["flute", "flute_X4_1_forte_normal", "_A4_1_forte_normal", "flute_A4_forte_normal"])
def test_other_names_are_refused(stem: str) -> None:
    with pytest.raises(ClipError, match="name not as published"):
        philharmonia.read_name(stem)


@pytest.mark.slow
def test_no_take_crosses_and_copies_are_dropped(samples: Path, tmp_path: Path) -> None:
    folder = samples / "philharmonia" / "flute"
    (folder / "flute_C5_1_forte_normal.mp3").write_bytes((folder / "flute_C3_1_forte_normal.mp3").read_bytes())
    data = phil(samples, tmp_path / "cache", test_share=0.3, val_share=0.2)
    data.setup()
    where: dict[str, set[str]] = {}
    for split in ("train", "val", "test"):
        assert data.songs(split)
        for clip in data.songs(split):
            where.setdefault(clip.group, set()).add(split)
    assert all(len(splits) == 1 for splits in where.values())
    assert len(data.songs("all")) == 72
    assert all(len([c for c in data.songs("all") if c.group == take]) == 2 for take in where)
    assert data.describe()["problems"] == {"same sound as another file": 1}
    assert data.describe()["stand_in"] is None
    assert data.overlap(data.songs("train")) == len(data.songs("train"))
    assert data.overlap(data.songs("test")) == 0


@pytest.mark.slow
def test_broken_and_silent_files_are_counted(samples: Path, tmp_path: Path) -> None:
    folder = samples / "philharmonia" / "flute"
    (folder / "flute_D4_1_forte_normal.mp3").write_bytes(b"no audio at all")
    soundfile.write(folder / "flute_E4_1_forte_normal.mp3", np.zeros(RATE), RATE)
    sound(folder / "kazoo_E4_1_forte_normal.mp3", 900)
    sound(folder / "notes.mp3", 901)
    data = phil(samples, tmp_path / "cache")
    data.setup()
    assert data.describe()["problems"] == {
        "not readable as audio": 1,
        "silent": 1,
        "instrument not in the vocabulary": 1,
        "name not as published": 1,
    }
    data.write_problems(tmp_path / "problems.csv")
    assert "kazoo" in (tmp_path / "problems.csv").read_text()


@pytest.mark.slow
def test_prepared_sounds_are_found_again(samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, again = (phil(samples, tmp_path / "cache") for _ in range(2))
    first.setup()
    monkeypatch.setattr(philharmonia, "read", lambda *_, **__: pytest.fail("read again"))
    again.setup()
    assert again.describe() == first.describe()


def test_nothing_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="data=gm_instruments"):
        phil(tmp_path, tmp_path / "cache").setup()
    with pytest.raises(ConfigError, match=r"data\.sources"):
        InstrumentSounds("", "", sources=["kazoo"])
    with pytest.raises(ConfigError, match=r"data\.augment\.equaliser"):
        Augmentation(equaliser=-1)


def test_the_real_set_is_read_whole(shared: Path) -> None:
    found = philharmonia.files(shared)
    assert len(found) == 1666
    labels = [philharmonia.labels_of(philharmonia.read_name(path.stem)) for path in found]
    assert len({label["instrument"] for label in labels}) == 15
    assert all("technique" in label and "register" in label for label in labels)


@pytest.mark.slow
def test_what_was_measured_of_the_clean_sound_is_unknown_of_a_changed_one(samples: Path, tmp_path: Path) -> None:
    changed = Augmentation(variants=1, noise=1.0, equaliser=0, bands=0, frames=0, background=0)
    data = phil(samples, tmp_path, augment=changed, frames=8, skip=0)
    data.prepare_data()
    data.setup("fit")
    loader = data.train_dataloader()
    heard = heard_sounds([clip.sound.frames for clip in data.songs("train")], INSTRUMENT.features)
    clean = [sound.inputs[:8].astype(np.float16).astype(np.float32) for sound in heard]
    seen = set()
    for batch in [batch for _ in range(3) for batch in loader]:
        for x, mask in zip(batch.x.numpy(), batch.mask.numpy(), strict=True):
            onset = any(np.array_equal(x[: len(c)], c) for c in clean)
            told = {name: mask[INSTRUMENT.output(name).start] for name in ("attack", "brightness", "instrument")}
            assert told["instrument"] == 1
            assert not onset or told["attack"] == told["brightness"] == 1
            assert told["attack"] <= told["brightness"]
            seen.add((onset, told["attack"], told["brightness"]))
    assert (True, 1, 1) in seen and (False, 0, 0) in seen


@pytest.mark.slow
def test_changed_copies_hum_and_line_are_heard_as_often_as_asked(samples: Path, tmp_path: Path) -> None:
    for folder in ("bass_clarinet", "cello"):
        shutil.rmtree(samples / "philharmonia" / folder)

    def batch(changed: float, **more: float) -> InstrumentBatch:
        augment = Augmentation(
            variants=1, equaliser=0, bands=0, frames=0, background=0, changed=changed, **more  # type: ignore[arg-type]
        )  # fmt: skip
        data = phil(samples, tmp_path, augment=augment, frames=8, skip=0, test_share=0.4, val_share=0.2)
        data.prepare_data()
        data.setup("fit")
        return next(iter(data.train_dataloader()))  # type: ignore[call-overload, no-any-return]

    plain, brightness = batch(0.0), INSTRUMENT.output("brightness").start
    assert plain.mask[:, brightness].all() and not batch(1.0).mask[:, brightness].any()
    for option in ("hum", "line"):
        assert (batch(0.0, **{option: 1.0}).x != plain.x).any(2).any(1).all()


def test_a_take_into_which_the_one_before_rings_is_left_out() -> None:
    quiet, loud = np.zeros(RATE, np.float32), np.zeros(RATE, np.float32)
    quiet[2000:], loud[2000:] = 0.5, 0.5
    loud[:200] = 0.02
    assert not general_midi._rings_on(quiet) and general_midi._rings_on(loud)


@pytest.mark.slow
def test_a_sound_cut_short_is_used_and_counted(samples, tmp_path):
    path = next((samples / "philharmonia" / "cello").glob("*"))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 4])
    data = phil(samples, tmp_path / "cache")
    data.setup("fit")
    told = data.describe()
    assert told["problems"] == {CUT: 1} and told["sources"][0]["skipped"] == 0
    assert len(data.songs("all")) == 72


@pytest.mark.slow
def test_percussion_is_read_in_its_published_folders(samples, tmp_path):
    base = samples / "philharmonia" / "percussion"
    for seed, (folder, name) in enumerate(
        (("bass drum", "bass-drum__025_forte_struck-singly"), ("tam-tam", "tam-tam__1_piano_rub"))
    ):
        sound(base / folder / f"{name}.mp3", 900 + seed)
    sound(samples / "philharmonia" / "__MACOSX" / "cello" / "cello_C3_1_forte_normal.wav", 950)
    data = phil(samples, tmp_path / "cache")
    data.setup("fit")
    read = {clip.id: named(dict(clip.labels)) for clip in data.songs("all") if clip.labels["family"] == 9}
    assert set(read) == {"bass-drum__025_forte_struck-singly", "tam-tam__1_piano_rub"}
    assert {(said["instrument"], said["family"]) for said in read.values()} == {("drums", "percussion_untuned")}
    assert len(data.songs("all")) == 74 and not data.describe()["problems"]


def test_a_folder_of_which_nothing_is_read_is_counted_also_from_the_cache(samples, tmp_path):
    (samples / "philharmonia" / "flute").rename(samples / "philharmonia" / "flute_away")
    for path in (samples / "philharmonia" / "flute_away").iterdir():
        path.rename(path.with_suffix(".m4a"))
    for _ in range(2):
        data = phil(samples, tmp_path / "cache")
        data.setup("fit")
        assert data.describe()["problems"] == {REASON: 1} and data.describe()["sources"][0]["skipped"] == 0
        [problem] = data.library.problems
        assert problem.file.endswith("flute_away") and problem.detail.startswith("24 files, such as flute_A3_025_forte")


@pytest.mark.slow
def test_scoring_makes_no_changed_copies(samples, tmp_path):
    data = phil(samples, tmp_path / "cache", augment=Augmentation(variants=2))
    data.for_scoring()
    data.setup("test")
    assert {len(clip.sound.variants) for clip in data.songs("all")} == {0}


def test_copies_without_any_change_are_the_sound_itself():
    tone = (0.1 * np.sin(np.arange(RATE) / 5)).astype(np.float32)
    alone = Augmentation(variants=3, pitch=0, stretch=0, room=0, noise=0, channel=0).waveforms(tone, "x")
    assert all(np.array_equal(c, tone) for c in alone)


@pytest.mark.slow
def test_recordings_can_be_had_in_every_condition(samples, tmp_path):
    for folder in ("bass_clarinet", "cello"):
        shutil.rmtree(samples / "philharmonia" / folder)
    data = phil(samples, tmp_path / "cache", conditions=True, test_share=0.4, val_share=0.2)
    data.setup("fit")
    told = data.conditions("test")
    assert tuple(told) == CONDITIONS
    for sounds in told.values():
        assert set(sounds) == {clip.id for clip in data.songs("test")}
    clip = data.songs("test")[0]
    assert len(told["room_tone_around"][clip.id]) == len(clip.sound.frames) + 125
    softer = told["minus_20_db"][clip.id].astype(np.float32)
    assert np.allclose(softer.max(), clip.sound.frames.max() - np.log(100), atol=0.05)
    assert phil(samples, tmp_path / "cache").conditions("test") == {}
    assert Conditions().of_waveforms != PLAIN.of_waveforms
