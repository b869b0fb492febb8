"""A band holds notes longer than a pianist with a pedal, and plays with accents."""

from __future__ import annotations

import pytest

from kmidi_lab.chords.chord import Key
from kmidi_lab.composition.metres import COMMON
from kmidi_lab.composition.touch import touched
from kmidi_lab.midi.new_file import TICKS
from kmidi_lab.midi.reading import open_file
from kmidi_lab.song import Arrangement, Note, Part, Tempo, midi_bytes

Notes = list[tuple[int, int, int]]
BARS = (0.0, 4.0, 8.0)


def file(parts: dict[str, list[Note]]) -> bytes:
    made = tuple(
        Part(name, "drums" if name == "Drums" else "lead", 0, 9 if name == "Drums" else n).with_notes(notes)
        for n, (name, notes) in enumerate(parts.items())
    )
    return midi_bytes(Arrangement("", Key(0, 1), (COMMON.written,) * 2, (Tempo(0.0, 120.0),), (), (), made, "major"))


def played(midi: bytes) -> dict[str, Notes]:
    tracks = open_file(midi).piece.tracks
    return {t.name: [(int(n["start"]), int(n["duration"]), int(n["velocity"])) for n in t.notes] for t in tracks}


def test_without_a_pedal_notes_keep_more_of_their_written_length() -> None:
    names = ("Lead", "Bass", "Pad", "Chords", "Drums")
    written = file({name: [Note(0.0, 4.0, 60, 80)] for name in names})
    short = file({name: [Note(0.0, 2.0, 60, 80)] for name in names})
    held = {name: notes[0][1] / TICKS for name, notes in played(touched(short, written, BARS, 1.0, ["Chords"])).items()}
    assert held == pytest.approx({"Lead": 2.8, "Bass": 3.4, "Pad": 3.9, "Chords": 2.0, "Drums": 2.0}, abs=0.01)


def test_what_is_longer_than_written_stays() -> None:
    written, long = (file({"Pad": [Note(0.0, length, 60, 80)]}) for length in (1.0, 1.5))
    assert played(touched(long, written, BARS, 1.0, []))["Pad"] == [(0, 1.5 * TICKS, 84)]


@pytest.mark.parametrize(("bar", "beat"), [(4.0, 1.0), (3.0, 1.5)])
def test_the_first_beat_is_the_loudest_and_differences_grow(bar: float, beat: float) -> None:
    even = [Note(at, 0.5, 60, 80) for at in (0.0, 0.5, beat, bar)]
    loud = [
        v
        for *_, v in played(touched(file({"Lead": even}), file({"Lead": even}), (0.0, bar, 2 * bar), beat, []))["Lead"]
    ]
    assert loud[0] == loud[3] == 84 and loud[1] == 80 and loud[2] in (80, 81)
    uneven = [even[1]._replace(start=0.5 + 2 * n, velocity=v) for n, v in enumerate((70, 90))]
    assert [v for *_, v in played(touched(file({"Lead": uneven}), file({"Lead": uneven}), BARS, 1.0, []))["Lead"]] == [
        63,
        97,
    ]


def test_accents_do_not_reach_the_greatest_velocity_and_drums_stay() -> None:
    notes = [Note(0.0, 0.5, 60, 119), Note(0.5, 0.5, 60, 125), Note(1.5, 0.5, 60, 60)]
    midi = file({"Lead": notes, "Drums": notes})
    out = played(touched(midi, midi, BARS, 1.0, []))
    assert [v for *_, v in out["Lead"]][:2] == [120, 125] and out["Drums"] == played(midi)["Drums"]
