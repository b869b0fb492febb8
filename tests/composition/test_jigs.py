"""A folk tune in 6/8 has its own chords, form and eighths; half time in two beats."""

from __future__ import annotations

from pathlib import Path

import pytest

from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.chords.spelling import parse_spelling
from kmidi_lab.composition.arranging import Arranger
from kmidi_lab.composition.bands import bands, kit
from kmidi_lab.composition.briefing import brief_of
from kmidi_lab.composition.drumming import Drummer
from kmidi_lab.composition.form import Stretch
from kmidi_lab.composition.jigs import jig_form, jig_round
from kmidi_lab.composition.metres import METRES
from kmidi_lab.composition.planning import planned
from kmidi_lab.composition.players import Players
from kmidi_lab.composition.request import SongRequest
from kmidi_lab.composition.standing import Standing

TURNED = {"major": {0, 2, 5, 7, 9, 10}, "minor": {0, 3, 5, 7, 8, 10}}


@pytest.mark.parametrize("key", ["D major", "E minor"])
def test_a_jig_has_the_chords_of_folk_tunes_and_comes_home(key: str) -> None:
    spelling = parse_spelling(key)
    rounds = {(kind, jig_round(kind, spelling, seed)) for kind in ("verse", "chorus") for seed in range(12)}
    assert len({own for _, own in rounds}) >= 6
    for _, bars in rounds:
        chords = [parse_jazz(name) for bar in bars for name in bar.split()]
        assert len(bars) == 8 and {c.degree(spelling.key.tonic) for c in chords} <= TURNED[key.split()[1]]
        assert chords[-1].degree(spelling.key.tonic) == 0 and chords[-2].degree(spelling.key.tonic) in (7, 10)
        assert all(len(c.tones) == 3 for c in chords)


def test_a_jig_plays_each_part_twice() -> None:
    form = jig_form(64, asked=True)
    assert form and [(s.kind, s.bars) for s in form] == [("verse", 8), ("verse", 8), ("chorus", 8), ("chorus", 8)] * 2
    nearest = [jig_form(bars, asked=False) for bars in (20, 32, 60)]
    assert [sum(s.bars for s in own) for own in nearest if own] == [32, 32, 64]
    assert jig_form(20, asked=True) is None


def test_a_jig_that_has_room_for_two_parts_plays_each_once() -> None:
    form = jig_form(16, asked=True)
    assert form and [(s.kind, s.bars) for s in form] == [("verse", 8), ("chorus", 8)]


def plan(**settings: object) -> list[tuple[str, int]]:
    request = SongRequest(**settings)  # type: ignore[arg-type]
    drawn = [Stretch(kind, 8, 0.5, 0.3) for kind in ("verse", "chorus", "verse", "chorus")]
    form, _ = planned(request, brief_of(request, None, 1), lambda number: drawn)
    return [(s.kind, s.bars) for s in form]


def test_who_asks_for_another_form_gets_it() -> None:
    assert plan(text="a jig", bars=32) == [("verse", 8)] * 2 + [("chorus", 8)] * 2
    assert plan(text="a jig", sections="verse 4, bridge 4") == [("verse", 4), ("bridge", 4)]
    for other in ({"text": "rock in 6/8"}, {"text": "a folk song"}, {"text": "a jig", "chords": "Am F C G"}):
        assert plan(**{"bars": 32, **other}) == [("verse", 8), ("chorus", 8)] * 2, other


def test_a_jig_runs_in_eighths_to_the_end_of_its_parts(tmp_path: Path) -> None:
    request = SongRequest("a jig", sections="verse 8, verse 8, chorus 8, chorus 8", emotion="joyful")
    assert request.form
    song = Arranger(brief_of(request, None, 1), Players(None, tmp_path)).arrange(request.form)
    starts = [n.start for n in song.part("lead").notes]
    assert len(starts) / 32 > 4
    assert {int(start // 3) for start in starts} == {*range(32)}, "the band has no bar for itself"


def test_in_half_time_six_eight_has_its_backbeat_in_every_other_bar() -> None:
    drummer, metre = Drummer(bands()["rock"], METRES["6/8"], 1), METRES["6/8"]
    plain, slow = (
        drummer.strokes(Stretch("verse", 4, 0.5, 0.3, halved=halved), Standing(), False) for halved in (False, True)
    )
    backbeats = [[n.start for n in some if n.pitch == kit()["snare"] and n.velocity > 100] for some in (plain, slow)]
    assert backbeats == [[bar * metre.bar + 1.5 for bar in range(4)], [3.0, 9.0]]
    hats = [[n.start for n in some if n.pitch == kit()["hat"]] for some in (plain, slow)]
    assert hats[0] == hats[1]
