"""Chords and phrases of rendered programs: their notes, what is known of them, and the split of their pitches."""

from __future__ import annotations

import hashlib
from functools import partial

import numpy as np
import pytest

from datamodules.instrument import general_midi, stretches
from datamodules.instrument.general_midi_phrases import _released, chord_tones, phrase_of
from datamodules.instrument.general_midi_programs import PRESETS, Preset
from datamodules.instrument.general_midi_takes import Take, part_of
from datamodules.instrument.module import GeneralMidiSounds
from datamodules.instrument.recording import Augmentation
from datamodules.shared.rendering import Note
from datamodules.shared.splits import SplitBy
from kmidi_lab.contracts import INSTRUMENT
from kmidi_lab.models.instrument.features import CLASSES
from kmidi_lab.models.instrument.hearing import heard_sounds

BY = SplitBy(0, 0.1, 0.2)


def preset(program: int) -> Preset:
    return next(each for each in PRESETS if each.program == program and not each.drums)


def split_of(program: int, pitch: int) -> str:
    """By hand: the hash of a pitch's name as a share of 1; test below .2, validation below .3."""
    digest = hashlib.sha256(f"0:gm:program{program}:{pitch}".encode()).hexdigest()
    share = int(digest[:16], 16) / 16**16
    return "test" if share < 0.2 else "val" if share < 0.3 else "train"


class Drawn:
    """A generator that gives what is written down."""

    def __init__(self, shares: list[float], numbers: list[int]) -> None:
        self._shares, self._numbers = iter(shares), iter(numbers)

    def random(self) -> float:
        return next(self._shares)

    def integers(self, *_: int) -> int:
        return next(self._numbers)


@pytest.mark.parametrize(
    ("lead", "kept_back", "shares", "numbers", "wanted"),
    [
        (60, (), [0.9, 0.9], [2, 4, 3], [60, 64, 67]),  # C major
        (60, (), [0.9, 0.1], [2, 4, 3, 12], [48, 60, 64, 67]),  # with a bass
        (60, (64, 67), [0.9, 0.9], [2, 4, 3], [60, 63, 66]),  # the nearest that may be heard
        (80, (), [0.9, 0.9], [2, 4, 3], [73, 76, 80]),  # down from high up
        (60, (), [0.1, 0.9], [1, 12], [60, 72]),  # spread
        (48, (), [0.9, 0.1], [1, 4, 12], [48, 52]),  # nothing is below it
    ],
)
def test_a_chord_has_the_tones_asked_for(
    lead: int, kept_back: tuple[int, ...], shares: list[float], numbers: list[int], wanted: list[int]
) -> None:
    pitches = [pitch for pitch in range(48, 85) if pitch not in kept_back]
    assert chord_tones(lead, pitches, Drawn(shares, numbers)) == wanted  # type: ignore[arg-type]


def test_a_pitch_that_is_struck_again_ends_there() -> None:
    notes = [Note(1.0, 3.0, 60, 80), Note(0.0, 2.0, 60, 80), Note(0.5, 3.0, 64, 80)]
    assert _released(notes) == (Note(0.0, 1.0, 60, 80), Note(0.5, 3.0, 64, 80), Note(1.0, 3.0, 60, 80))


@pytest.mark.parametrize("program", [0, 73])
def test_training_hears_no_pitch_that_is_kept_back(program: int) -> None:
    player = preset(program)
    for lead in range(player.low, player.high):
        own = split_of(program, lead)
        wanted = [p for p in range(player.low, player.high) if split_of(program, p) in (own, "train")]
        assert general_midi.beside(player, BY, lead) == wanted


def drawn(program: int, count: int = 60) -> list[Take]:
    player, rng = preset(program), np.random.default_rng(program)
    return [phrase_of(player, i, count, partial(general_midi.beside, player, BY), rng) for i in range(count)]


@pytest.mark.parametrize("program", [0, 19, 24, 73, 50])
def test_phrases_are_playable_and_of_allowed_pitches(program: int) -> None:
    takes, player = drawn(program), preset(program)
    assert takes == drawn(program)
    together = 0
    for take in takes:
        assert {n.pitch for n in take.notes} <= set(general_midi.beside(player, BY, take.pitch))
        assert take.pitch in {n.pitch for n in take.notes} and len(take.notes) >= 2
        assert min(n.start for n in take.notes) == 0 and max(n.end for n in take.notes) < 3.5
        assert all(n.end - n.start > 0.009 and 1 <= n.velocity <= 127 for n in take.notes)
        for pitch in {n.pitch for n in take.notes}:
            same = [n for n in take.notes if n.pitch == pitch]
            assert all(a.end <= b.start for a, b in zip(same, same[1:], strict=False))
        together += sum(n.start < 0.01 for n in take.notes) > 1
        assert not {"register", "attack", "sustain"} & set(take.labels)
        assert CLASSES["family"][take.labels["family"]] == player.family
    assert {take.pitch for take in takes} == set(range(player.low, player.high)) or len(takes) < 61
    assert (15 < together < 50) if player.chords else together == 0


def test_what_is_said_of_a_phrase_is_how_it_is_played() -> None:
    said = {program: {CLASSES["technique"][t.labels["technique"]] for t in drawn(program)} for program in (0, 24, 73)}
    assert said == {0: {"hammered"}, 24: {"plucked", "strummed"}, 73: {"blown", "legato", "staccato"}}
    for take in drawn(73):
        lengths = [n.end - n.start for n in take.notes[:-1]]
        gaps = np.diff([n.start for n in take.notes])
        name = CLASSES["technique"][take.labels["technique"]]
        assert name != "legato" or all(length >= gap for length, gap in zip(lengths, gaps, strict=True) if gap > 0.05)
        assert name != "staccato" or all(length < 0.5 for length in lengths)


def test_phrases_lie_one_after_the_other() -> None:
    take = Take(60, {}, (Note(0.0, 1.0, 60, 80),))
    assert [round(n.start, 3) for n in part_of(preset(0), [take, take], 4.6).notes] == [0.05, 4.65]


def test_sounds_are_the_same_however_many_are_converted_together(monkeypatch):
    rng = np.random.default_rng(0)
    sounds = [rng.normal(-6, 2, (length, 128)).astype(np.float32) for length in (30, 12, 50, 7, 20)]
    monkeypatch.setattr(stretches, "_CONVERTED", 2)
    stored = stretches.heard_as_stored(sounds, INSTRUMENT.features)
    together = heard_sounds(sounds, INSTRUMENT.features)
    for own, whole in zip(stored, together, strict=True):
        assert np.array_equal(own.inputs, whole.inputs.astype(np.float16)) and np.array_equal(own.counts, whole.counts)


@pytest.mark.slow
def test_rendered_phrases_are_split_by_their_first_pitch(tmp_path, monkeypatch):
    monkeypatch.setattr(general_midi, "PRESETS", tuple(p for p in PRESETS if p.program in (0, 1, 48, 49)))
    data = GeneralMidiSounds(
        "", str(tmp_path), sources=["gm", "gm_phrases"], takes=6, phrases=8, conditions=True,
        augment=Augmentation(variants=1), batch_size=4, rendered_share=0.5, progress=False,
    )  # fmt: skip
    data.prepare_data()
    data.setup("fit")
    phrases = {split: [c for c in data.songs(split) if c.source == "gm_phrases"] for split in ("train", "val", "test")}
    # Neither the program that is kept for the test nor the kit plays any.
    assert {clip.id.rpartition("-")[0] for split in phrases.values() for clip in split} == {"phrase0", "phrase49"}
    assert 14 <= sum(map(len, phrases.values())) <= 16
    for split, clips in phrases.items():
        for clip in clips:
            _, program, pitch = clip.group.split(":")
            assert split_of(int(program.removeprefix("program")), int(pitch)) == split
            assert "brightness" in clip.labels and not {"register", "attack", "sustain"} & set(clip.labels)
    assert data.describe()["stand_in"] == general_midi.STAND_IN and data.conditions("test") == {}
    batches = list(data.train_dataloader())  # type: ignore[call-overload]
    assert sum(len(batch.x) for batch in batches) == len(data.songs("train"))
