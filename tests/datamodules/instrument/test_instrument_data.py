"""Sounds of instruments: names, published layouts, rendering, splits, bad files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pretty_midi
import pytest
import soundfile

from datamodules.instrument import general_midi, library, philharmonia
from datamodules.instrument import nsynth as published_nsynth
from datamodules.instrument.general_midi_takes import take_of
from datamodules.instrument.module import GeneralMidiSounds, InstrumentSounds, NSynthSounds, PhilharmoniaSounds
from datamodules.instrument.recording import Augmentation, Conditions
from datamodules.shared import rendering
from datamodules.shared.clips import ClipError
from datamodules.shared.splits import SplitBy
from datamodules.shared.unread import REASON
from kmidi_lab.audio.io import CUT
from kmidi_lab.contracts import INSTRUMENT
from kmidi_lab.errors import ConfigError, DataError
from kmidi_lab.models.instrument.features import CLASSES, CONDITIONS, FAMILY_OF, InstrumentBatch
from kmidi_lab.models.instrument.hearing import heard_sounds

PLAIN = Augmentation(variants=0)
RATE = 16_000


def named(labels: dict[str, int]) -> dict[str, str]:
    return {name: CLASSES[name][value] for name, value in labels.items()}


def sound(path: Path, seed: int, seconds: float = 0.4, gain: float = 0.3) -> None:
    """A tone with noise, different for every seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    wave = np.sin(2 * np.pi * rng.uniform(100, 2000) * time) + 0.05 * rng.standard_normal(len(time))
    soundfile.write(path, gain * wave, RATE)


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


def nsynth(root: Path, notes: dict[str, list[tuple[str, str, str]]]) -> Path:
    """Published layout: by part, (instrument, family, source) of notes."""
    seed = 0
    for part, listed in notes.items():
        table = {}
        for instrument, family, source in listed:
            name = f"{instrument}-{60 + seed % 12:03d}-{100:03d}-{seed}"
            table[name] = {
                "note_str": name, "instrument_str": instrument, "instrument_family_str": family,
                "instrument_source_str": source, "pitch": 60 + seed % 12, "velocity": 100, "qualities_str": [],
            }  # fmt: skip
            sound(root / part / "audio" / f"{name}.wav", seed)
            seed += 1
        (root / part / "examples.json").write_text(json.dumps(table))
    return root


@pytest.mark.slow
def test_nsynth_keeps_its_split_and_no_instrument_crosses(tmp_path: Path) -> None:
    root = nsynth(
        tmp_path,
        {
            "nsynth-train": [
                ("guitar_acoustic_001", "guitar", "acoustic"),
                ("bass_acoustic_000", "bass", "acoustic"),
                ("mallet_acoustic_007", "mallet", "acoustic"),
                ("flute_acoustic_002", "flute", "acoustic"),
                ("bagpipe_000", "bagpipe", "acoustic"),
            ],
            "nsynth-valid": [("flute_acoustic_002", "flute", "acoustic")],
            "nsynth-test": [("bass_synthetic_068", "bass", "synthetic")],
        },
    )
    data = NSynthSounds(
        str(root), str(tmp_path / "cache"), sources=["nsynth"], augment=PLAIN, workers=1, progress=False
    )
    data.setup("fit")
    assert [len(data.songs(s)) for s in ("train", "val", "test")] == [3, 1, 1]
    instruments = {s: {c.group for c in data.songs(s)} for s in ("train", "val", "test")}
    assert not instruments["train"] & (instruments["val"] | instruments["test"])
    assert data.describe()["problems"] == {"instrument of another part": 1, "family not in the vocabulary": 1}
    said = {c.id.split("-")[0]: named(dict(c.labels)) for c in data.songs("all")}
    assert said["guitar_acoustic_001"]["instrument"] == "guitar"
    assert "family" not in said["bass_acoustic_000"]
    assert said["mallet_acoustic_007"]["family"] == "percussion_tuned"
    assert "instrument" not in said["mallet_acoustic_007"]
    assert said["bass_synthetic_068"]["family"] == "synth_bass"
    assert said["flute_acoustic_002"]["energy"] == "ff"
    assert all("technique" not in labels for labels in said.values())


def test_nsynth_is_thinned_evenly_and_bad_tables_are_named(tmp_path: Path) -> None:
    root = nsynth(tmp_path, {"nsynth-train": [(f"guitar_acoustic_{i:03d}", "guitar", "acoustic") for i in range(6)]})
    assert len(published_nsynth.read(root, PLAIN, most=3, workers=1).items) == 3
    (root / "nsynth-train" / "examples.json").write_text("{")
    with pytest.raises(DataError, match="not JSON"):
        published_nsynth.read(root, PLAIN, most=3, workers=1)


def test_nothing_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="data=gm_instruments"):
        phil(tmp_path, tmp_path / "cache").setup()
    with pytest.raises(ConfigError, match=r"data\.sources"):
        InstrumentSounds("", "", sources=["kazoo"])
    with pytest.raises(ConfigError, match=r"data\.augment\.equaliser"):
        Augmentation(equaliser=-1)


def test_presets_are_whole_and_families_keep_one_for_testing() -> None:
    programs = [p.program for p in general_midi.PRESETS if not p.drums]
    assert len(set(programs)) == len(programs)
    assert len({p.program for p in general_midi.PRESETS if p.drums}) == 8
    for preset in general_midi.PRESETS:
        assert preset.low < preset.high
        if preset.instrument and preset.instrument != "synthesizer":
            assert preset.family == FAMILY_OF[preset.instrument]
    heard = {p.family for p in general_midi.PRESETS if p.heard}
    assert {p.family for p in general_midi.PRESETS if not p.heard} <= heard
    assert heard == set(CLASSES["family"])
    instruments = {p.instrument for p in general_midi.PRESETS if p.heard} - {None}
    assert set(CLASSES["instrument"]) - instruments == {"mandolin", "bass_clarinet", "contrabassoon"}


@pytest.fixture(scope="module")
def few_programs(tmp_path_factory: pytest.TempPathFactory) -> GeneralMidiSounds:
    """A rendered flute, nylon guitar, bowed cello, drum kit, and a program kept for testing."""
    with pytest.MonkeyPatch.context() as patch:
        wanted = [p for p in general_midi.PRESETS if p.program in ((48,) if p.drums else (73, 24, 42, 75))]
        patch.setattr(general_midi, "PRESETS", tuple(wanted))
        data = GeneralMidiSounds(
            "", str(tmp_path_factory.mktemp("cache")), sources=["gm"], takes=10, augment=PLAIN, progress=False
        )
        data.setup()
    return data


@pytest.mark.slow
def test_rendered_programs_say_what_was_played(few_programs: GeneralMidiSounds) -> None:
    clips = few_programs.songs("all")
    ringing = few_programs.describe()["problems"].get("the take before rings on", 0)
    assert ringing <= 4 and len(clips) == 60 - ringing
    assert few_programs.describe()["stand_in"] == general_midi.STAND_IN
    unheard = [c for c in clips if c.source == general_midi.UNHEARD]
    assert 8 <= len(unheard) <= 10
    assert all(c in few_programs.songs("test") and set(c.labels) == {"family"} for c in unheard)
    flutes = [named(dict(c.labels)) for c in clips if c.id.startswith("program73-")]
    assert {f["instrument"] for f in flutes} == {"flute"}
    assert len({f["technique"] for f in flutes}) > 2
    assert all("articulation" not in f for f in flutes if f["technique"] not in ("blown",))
    drums = [c.labels for c in clips if c.id.startswith("kit")]
    assert len(drums) > 15 and all("register" not in d and "technique" not in d for d in drums)
    assert all(c in few_programs.songs("train") for c in clips if c.id.startswith("kit"))
    assert all(c.sound.frames.shape[1] == 128 and len(c.sound.frames) > 1 for c in clips)


def test_batches_hold_targets_and_masks(few_programs: GeneralMidiSounds) -> None:
    batch = next(iter(few_programs.train_dataloader()))  # type: ignore[call-overload]
    assert batch.x.shape[1:] == (64, 128)
    assert ((batch.target == 0) | (batch.mask == 1)).all()
    assert batch.weight.sum() > 0
    whole = few_programs.whole("test")
    assert sum(len(b.x) for b in whole) == len(few_programs.songs("test"))


def test_splits_of_a_library_are_a_hash_of_the_take(few_programs: GeneralMidiSounds) -> None:
    clips = few_programs.songs("all")
    again = library.TakeRules(SplitBy(0, 0.1, 0.2), "").split(clips[::-1]).places[::-1]
    assert again == few_programs.library.splits


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


def test_another_sound_font_plays_the_same_programs_in_its_own_takes(tmp_path, monkeypatch):
    font = tmp_path / "other.sf2"
    font.write_bytes(rendering._sound_font(Path(pretty_midi.__file__).with_name(f"{rendering.SOUND_FONT}.sf2")))
    monkeypatch.setattr(general_midi, "PRESETS", tuple(p for p in general_midi.PRESETS if p.program == 73))
    readings = [general_midi.read(4, PLAIN, fonts) for fonts in ((), (font,))]
    one, two = (reading.items for reading in readings)
    assert readings[1].licence == f"{readings[0].licence}; other: what its package says"
    assert [c.id for c in two[: len(one)]] == [c.id for c in one]
    others = two[len(one) :]
    assert len(others) >= 3 and all(c.id.startswith("other-program73-") for c in others)
    assert {c.group.rpartition(":")[0] for c in two} == {"gm:program73"}
    assert not {c.sound.key for c in one} & {c.sound.key for c in others}
    with pytest.raises(DataError, match=r"data\.sound_fonts: .* is not there"):
        GeneralMidiSounds("", str(tmp_path), sound_fonts=["no.sf2"], progress=False).setup()


def test_rolls_are_strokes_of_one_key_and_every_key_is_played():
    kit = next(p for p in general_midi.PRESETS if p.drums)
    takes = [take_of(kit, i, 61, np.random.default_rng(i)) for i in range(61)]
    assert {take.pitch for take in takes} == set(range(27, 88))
    rolls = [take for take in takes if len(take.notes) > 1]
    assert 5 < len(rolls) < 30
    for take in rolls:
        assert {note.pitch for note in take.notes} == {take.pitch}
        assert take.notes[0].velocity == max(note.velocity for note in take.notes)
        assert take.notes[-1].end < 2.5


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
