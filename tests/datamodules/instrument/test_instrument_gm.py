"""Sounds of instruments that General MIDI renders: presets, what was played, another sound font."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pretty_midi
import pytest
from support.instrument_sounds import PLAIN, named

from datamodules.instrument import general_midi, library
from datamodules.instrument.general_midi_takes import take_of
from datamodules.instrument.module import GeneralMidiSounds
from datamodules.shared import rendering
from datamodules.shared.splits import SplitBy
from kmidi_lab.errors import DataError
from kmidi_lab.models.instrument.features import CLASSES, FAMILY_OF


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
