"""What returns is known again and not the same: leaning notes, liberties, upbeats, a last chorus that lifts the song."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from kmidi_lab.chords.chord import Key
from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.composition.accompaniment import ceilings, voicings
from kmidi_lab.composition.arranging import Arranger
from kmidi_lab.composition.bands import pattern
from kmidi_lab.composition.bar_chords import Sounding
from kmidi_lab.composition.bar_chords import placed as placed_chords
from kmidi_lab.composition.bass_line import bass
from kmidi_lab.composition.briefing import brief_of
from kmidi_lab.composition.form import read_form
from kmidi_lab.composition.leaning import leaning, leaning_places
from kmidi_lab.composition.liberties import with_liberties
from kmidi_lab.composition.material import Material
from kmidi_lab.composition.metres import COMMON, METRES
from kmidi_lab.composition.players import Players
from kmidi_lab.composition.request import SongRequest
from kmidi_lab.composition.scales import scale_over
from kmidi_lab.composition.upbeats import with_upbeats
from kmidi_lab.song import Arrangement, Note

C = Key(0, 1)
FORM = "verse 8, chorus 8, verse 8, chorus 8, bridge 4, chorus 8, outro 4"
EVERYWHERE = frozenset(np.arange(0.0, 16.0, 0.5).tolist())


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Arrangement]:
    """A song as it is written, by the fallbacks: quick."""
    empty = tmp_path_factory.mktemp("cache")

    def run(seed: int = 1, **settings: object) -> Arrangement:
        request = SongRequest(**{"emotion": "joyful", "sections": FORM} | settings)  # type: ignore[arg-type]
        assert request.form
        return Arranger(brief_of(request, None, seed), Players(None, empty)).arrange(request.form)

    return run


def line(*notes: tuple[float, float, int]) -> list[Note]:
    return [Note(start, length, pitch, 90) for start, length, pitch in notes]


@pytest.mark.parametrize(
    ("chord", "key", "seventh"), [("C", C, 11), ("Bb", C, 10), ("Am", Key(9, -1), 7), ("E", Key(9, -1), 8)]
)
def test_a_scale_has_the_seventh_of_its_chord(chord: str, key: Key, seventh: int) -> None:
    scale = scale_over(parse_jazz(chord), key)
    assert len(scale) == 7 and {(key.tonic - step) % 12 for step in (1, 2)} & scale == {seventh}


def test_a_tone_of_the_chord_is_reached_from_the_step_above_it() -> None:
    tune = line((0, 1, 79), (1, 1, 77), (2, 2, 76), (4, 1, 72), (6, 1, 71))
    at = Sounding(["C", "G"], 4.0).at
    sung = leaning(tune, at, C, EVERYWHERE, COMMON)
    assert [(n.start, n.duration, n.pitch) for n in sung if 2 <= n.start < 4] == [(2.0, 1.0, 77), (3.0, 1.0, 76)]
    assert next(n for n in sung if n.start == 6.0).pitch == 72, "C over G falls to B"
    assert [n.pitch for n in leaning(tune, at, C, (), COMMON)] == [n.pitch for n in tune]


@pytest.mark.parametrize(
    ("tune", "chord"),
    [
        (((0, 2, 77), (2, 2, 77)), "Dm"),  # as high as the highest
        (((0, 2, 84), (2, 2, 72)), "C"),  # reached by a leap
        (((0, 2, 67), (1, 1, 69), (2, 2, 64)), "Em"),  # a semitone over the root
        (((0, 2, 79), (2, 0.5, 76)), "C"),  # no room
    ],
)
def test_where_no_note_leans(tune: tuple[tuple[float, float, int], ...], chord: str) -> None:
    notes = line(*tune)
    assert leaning(notes, Sounding([chord], 4.0).at, C, EVERYWHERE, COMMON) == notes


def test_a_phrase_leans_in_some_places() -> None:
    places = leaning_places(METRES["6/8"], np.random.default_rng(1))
    assert 0 < len(places) < 8 and all(place % 1.5 == 0 and place < 12 for place in places)


def test_liberties_change_a_few_notes_and_none_of_the_first() -> None:
    tune = line(*((float(n), 1.0, 72 + (0, 4, 7, 4)[n % 4]) for n in range(32)))
    at = Sounding(["C"] * 8, 4.0).at
    other = [with_liberties(tune, at, C, COMMON, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert other[0] == other[1] != other[2]
    for sung in other:
        kept = {(n.start, n.pitch) for n in tune} & {(n.start, n.pitch) for n in sung}
        assert 29 <= len(kept) <= 32 and sung != tune
        assert {n for n in tune if n.start % 16 < 1} <= {*sung}
        assert all(a.stop <= b.start + 1e-9 for a, b in pairwise(sung)), "one voice"


def test_what_returns_has_a_liberty_wherever_there_is_room_for_one() -> None:
    """The first phrase has room, the other runs in eighths that leave none."""
    roomy, full = (
        [(float(n), 1.0, 72 + (0, 4, 7, 4)[n % 4]) for n in range(16)],
        [(16 + n / 2, 0.5, 72) for n in range(32)],
    )
    tune = line(*roomy, *full)
    at = Sounding(["C"] * 8, 4.0).at
    for seed in range(12):
        assert with_liberties(tune, at, C, COMMON, np.random.default_rng(seed)) != tune, seed


def test_an_upbeat_leads_to_a_tune_that_begins_late() -> None:
    form = read_form("verse 4, chorus 4")
    verse, late = (Material(("C",) * 4, tuple(line((at, 1, 67), (4, 4, 72)))) for at in (0, 0.5))
    made = [with_upbeats(form, [verse, late], [C] * 2, COMMON, 0.0, seed)[0].tune[-1] for seed in range(12)]
    assert {note.stop for note in made if note.start > 12} == {16.5}


def test_an_upbeat_steps_to_the_tune() -> None:
    form = read_form("verse 4, chorus 4, solo 4, outro 4")
    sung = Material(("C",) * 4, tuple(line((0, 1, 67), (4, 4, 72))))
    seeds = range(12)
    made = [with_upbeats(form, [sung] * 4, [C] * 4, COMMON, 0.0, seed) for seed in seeds]
    begun = [[n for n in song[0].tune if n.start >= 12] for song in made]
    assert 0 < sum(map(bool, begun)) < 12, "sometimes"
    for notes in filter(None, begun):
        line_up = [n.pitch for n in notes] + [67]
        assert len(notes) in (2, 3) and notes[-1].stop == 16.0
        assert all(1 <= abs(b - a) <= 2 for a, b in pairwise(line_up)) and len({*line_up}) == len(line_up)
    assert all(song[1:] == [sung] * 3 for song in made), "into a solo and an outro there is none"
    long = Material(("C",) * 4, tuple(line((0, 15, 67))))
    assert all(with_upbeats(form, [long, *[sung] * 3], [C] * 4, COMMON, 0.0, seed)[0] == long for seed in seeds)


def placed(song: Arrangement, number: int) -> set[tuple[float, int]]:
    start, stop = song.span(song.sections[number])
    return {(n.start - start, n.pitch) for n in song.part("lead").notes if start <= n.start < stop - 4}


def test_a_chorus_returns_as_itself_and_not_as_a_copy(written: Callable[..., Arrangement]) -> None:
    for seed in (1, 2, 3):
        song = written(seed=seed)
        first, second, last = (placed(song, n) for n in (1, 3, 5))
        for other in (second, last):
            likeness = len(first & other) / len(first | other)
            assert 0.6 < likeness < 1.0, (seed, likeness)
            begun = {n for n in first if n[0] < 2}
            assert begun and begun <= other, "a listener knows it from its beginning"
        assert len(first & placed(song, 0)) < len(first) / 3


def test_a_last_chorus_has_a_second_voice(written: Callable[..., Arrangement]) -> None:
    song = written(style="pop")
    voice = next(part for part in song.parts if part.name == "Harmony")
    start, stop = song.span(song.sections[5])
    assert all(start <= n.start < stop for n in voice.notes)
    lead = {n.start: n.pitch for n in song.part("lead").notes}
    assert {lead[n.start] - n.pitch for n in voice.notes} <= {3, 4, 5, 8, 9}
    assert len({part.channel for part in song.parts}) == len(song.parts)


@pytest.mark.parametrize(
    "asked", [{"style": "jazz"}, {"text": "a song with flute and piano"}, {"sections": "verse 8, chorus 8"}]
)
def test_no_second_voice_is_added_where_nobody_would(
    written: Callable[..., Arrangement], asked: dict[str, str]
) -> None:
    assert all(part.name != "Harmony" for part in written(**asked).parts)


@pytest.mark.parametrize(
    ("chords", "key", "step"),
    [("C F", C, 4), ("G C", C, 11), ("Am F", C, 7), ("C G", C, 9), ("A7 Dm", C, 1), ("E Am", Key(9, -1), 11)],
)
def test_a_bass_steps_to_the_next_root_in_the_key(chords: str, key: Key, step: int) -> None:
    """C leads to F by E, which was an E flat beside the chord's third."""
    line = bass(placed_chords(chords.split(), 4.0), [pattern("basses", "eighths", "4/4")] * 2, 4.0, None, key)
    assert [n.pitch % 12 for n in line if n.start == 3.5] == [step]


def test_chords_lie_below_a_low_tune() -> None:
    chords = placed_chords(["C", "F", "G", "Am"] * 2, 4.0)
    tune = line(*((float(n), 1.0, (60, 62, 64, 62)[n % 4]) for n in range(32)))
    tops = ceilings(chords, tune)
    free, under = ([max(v) for v in voicings([c.chord for c in chords], own)] for own in ((), tops))
    assert sum(top >= 60 for top in under) < sum(top >= 60 for top in free)
    assert max(under) < 62 and ceilings(chords, ()) == [64] * 8


def test_drums_lead_in_where_they_enter(written: Callable[..., Arrangement]) -> None:
    song = written(style="pop", emotion="calm", sections="intro 4, verse 8, chorus 8")
    strokes = [n.start for n in song.part("drums").notes]
    assert 14.0 <= strokes[0] < 16.0, "in the intro's last beats"
    assert {int(start // 4) for start in strokes} >= {*range(4, 20)}
