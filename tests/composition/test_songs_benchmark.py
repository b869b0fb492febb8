"""What the benchmark of songs measures, on cases that are worked out by hand."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from kmidi_lab.chords.chord import Key
from kmidi_lab.chords.jazz import parse_jazz

SALAMI = """# title: A song
# metre: 4/4
# tonic: C

0.0\tsilence
1.0\tA, verse, | C:maj | G:maj | F:maj . . C:maj |
5.0\tB, chorus, | C:7 |  x2
9.0\tC, | N |
13.0\tA, verse, | C:maj | A:min | F:maj |
17.0\tB, chorus, | F:maj | C:maj |
21.0\tend
"""


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch, repo: Path):
    monkeypatch.syspath_prepend(str(repo / "benchmarks"))

    def load(name: str) -> ModuleType:
        return import_module(name)

    yield load
    for name in ("songs_chords", "songs_form", "songs_playing", "songs_tunes"):
        sys.modules.pop(name, None)


def test_returning_sections_are_alike_by_onset_and_pitch(module) -> None:
    """A has three notes, two of which return; of the union of four, half. B shares one of five with each."""
    form = module("songs_form")
    onset = np.array([0, 1, 2, 4, 5, 6, 8, 9, 10])
    pitch = np.array([60, 62, 64, 60, 67, 69, 60, 62, 65])
    told = form.alike(form.Sung(onset, pitch, [("A", 0, 4), ("B", 4, 8), ("A", 8, 12), ("C", 12, 16)]))
    assert list(told.values()) == pytest.approx([2 / 4, 2 / 4, 1 / 5])
    longer = form.alike(form.Sung(onset, pitch, [("A", 0, 4), ("A", 8, 10)]))
    assert list(longer.values())[:2] == pytest.approx([2 / 3, 2 / 2])
    alone = form.alike(form.Sung(onset, pitch, [("A", 0, 4), ("B", 4, 8)]))
    assert np.isnan(alone["one name"])


def test_rests_and_high_points_of_a_lead(module) -> None:
    """Bars 1 to 4 of which the third has no onset; a highest note in the middle of A, and twice at the end of B; C is short."""
    form = module("songs_form")
    onset = np.array([0, 2, 4, 5, 6, 7, 12, 13, 14, 15, 15.5])
    pitch = np.array([60, 61, 72, 61, 60, 60, 60, 60, 60, 65, 65])
    told = form.course(form.Sung(onset, pitch, [("A", 0, 8), ("B", 12, 16), ("C", 4, 6)]), least=5)
    assert told["bars without it, from its first to its last"] == pytest.approx(1 / 4)
    assert told["highest note of a section, as a share of its length"] == pytest.approx((0.5 + 0.75) / 2)
    assert told["sections whose highest note comes once"] == pytest.approx(1 / 2)


def test_chords_of_a_song_are_judged_as_a_musician_counts_them(module) -> None:
    chords = module("songs_chords")
    names, starts = ["C", "G", "Fm", "C", "Am", "F", "C"], [0, 1, 2, 3, 4, 5, 6]
    key = Key(0, 1)
    song = chords.Played(
        starts, [parse_jazz(n) for n in names], [key] * 7, [("verse", 0, 3), ("verse", 3, 3), ("chorus", 6, 1)]
    )
    # Fm is not of C major; C G Fm, C Am F and C; six changes in seven bars; of C|G|Fm and C|Am|F one bar is the same; F to C.
    assert list(chords.measures(song).values()) == pytest.approx([6 / 7, 7 / 3, 6 / 7, 1 / 3, 1])
    open_ended = song._replace(chords=[parse_jazz(n) for n in ["C", "G", "Fm", "C", "Am", "F", "G"]])
    assert chords.measures(open_ended)["ends V-I or IV-I"] == 0


def test_sections_of_billboard_are_counted_in_bars(module, tmp_path: Path) -> None:
    chords = module("songs_chords")
    folder = tmp_path / "billboard" / "McGill-Billboard" / "0001"
    folder.mkdir(parents=True)
    (folder / "salami_chords.txt").write_text(SALAMI)
    [song] = chords.people(tmp_path)
    assert song.sections == [("verse", 0, 3), ("chorus", 3, 2), ("verse", 6, 3), ("chorus", 9, 2)]
    measured = chords.measures(song)
    # verse: C is the same bar, G and Am are not, F with C at its end is not F alone; chorus: C7 held is neither F nor C.
    assert measured["bars alike where a section returns"] == pytest.approx((1 / 3 + 0) / 2)
    assert measured["ends V-I or IV-I"] == 1
    assert chords.simple("four chords", song, {}, np.random.default_rng(1)).chords[1].label == parse_jazz("G").label


def test_what_resolves_a_note_and_the_rhythm_of_a_lead(module) -> None:
    """Over C: F goes to E, F leaps to C, and B is the last; the first bar's rhythm is the second's."""
    tunes = module("songs_tunes")
    onset = np.array([0, 1.5, 2, 3, 4, 5.5, 6, 7, 10])
    pitch = np.array([65, 64, 65, 72, 67, 67, 64, 60, 71])
    tones = np.zeros((9, 12), bool)
    tones[:, [0, 4, 7]] = True
    duration = np.array([1.5, 0.5, 1, 1.25, 1.5, 0.5, 1, 1, 3])
    line = tunes.Line(onset, duration, pitch, tones, 0, 1)
    measured = tunes.measures(line)
    # Strong: F, F, G, E, B. Three are not of C, of which two are left by no step; both are a semitone from a tone.
    assert measured["chord tone on strong beats"] == pytest.approx(2 / 5)
    assert measured["no chord tone on strong beats, and nothing resolves it"] == pytest.approx(2 / 5)
    assert measured["clash on strong beats that nothing resolves"] == pytest.approx(2 / 5)
    assert measured["notes a bar"] == pytest.approx(9 / 3)
    assert measured["notes held over a bar line"] == pytest.approx(2 / 9), "C a sixteenth, B a quarter"
    assert measured["notes off the beat"] == pytest.approx(2 / 9)
    assert measured["bars with a rhythm heard before"] == pytest.approx(1 / 3)
    assert measured["phrase, from first to last onset, quarters"] == pytest.approx((7 + 0) / 2)


def test_bars_that_rest_are_counted(module) -> None:
    """Notes on the second beat, the fourth, and on the fourth again two bars later; the song's own count is one beat off."""
    form = module("songs_form")
    position, onset = np.array([1.0, 3.0, 3.0, 0.5]), np.array([2.0, 4.0, 12.0, 13.5])
    assert form.counted(position, onset).tolist() == [1.0, 3.0, 11.0, 12.5]


def test_what_the_bass_meets_of_the_kicks(module) -> None:
    """Kicks on one, the swung eighth after two, and a sixteenth; the bass is on the first two. A bar without bass is left out."""
    playing = module("songs_playing")
    kick, bass = np.array([0, 1.5, 2.75, 4, 6]), np.array([0, 1.66, 2, 3])
    assert playing.met(kick, bass) == pytest.approx(2 / 3)
    assert np.isnan(playing.met(kick, np.array([8.0])))
    assert list(playing.kicks(kick).values()) == pytest.approx([5 / 2, 2 / 5, 3 / 5, 1 / 5])


def test_how_long_notes_are_held_is_a_share_of_the_time_to_the_next(module) -> None:
    """A chord of two for half and for all of its quarter, and more than all of an eighth; a half note is not counted."""
    playing = module("songs_playing")
    start, length = np.array([0, 0, 1, 1.5, 3.5]), np.array([0.5, 1, 0.75, 1, 2])
    assert playing.held(start, length) == pytest.approx((0.5 + 1 + 1) / 3)


def test_how_loud_a_part_is_by_place_phrase_and_section(module) -> None:
    """80 on the first beat, 70 on others, 60 between them in the verse; 20 more in the chorus."""
    playing = module("songs_playing")
    start = np.arange(0, 32, 0.5)
    velocity = np.select([start % 4 == 0, start % 1 == 0], [80.0, 70.0], 60.0) + 20 * (start >= 16)
    inside = np.ptp(np.percentile([80, 70, 70, 70, 60, 60, 60, 60] * 4, (10, 90)))
    told = playing.loudness(start, velocity, [("verse", 0, 16), ("chorus", 16, 32)])
    beat = (80 + 3 * 70) / 4
    assert list(told.values()) == pytest.approx([beat - 60, 10, inside, 20, 20])
    assert list(playing.loudness(start, velocity, [("verse", 0, 16)]).values())[3:] == pytest.approx(
        [0, np.nan], nan_ok=True
    )
