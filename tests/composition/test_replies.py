"""Where the tune rests the band answers: an echo, a run, a broken chord, a fill; not in each rest, and never over the tune."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.composition.arranging import Arranger
from kmidi_lab.composition.backing import Backing
from kmidi_lab.composition.bands import bands
from kmidi_lab.composition.bar_chords import Sounding
from kmidi_lab.composition.brief import Mood, chosen
from kmidi_lab.composition.briefing import brief_of
from kmidi_lab.composition.drumming import Drummer
from kmidi_lab.composition.form import Stretch
from kmidi_lab.composition.material import Material
from kmidi_lab.composition.metres import COMMON
from kmidi_lab.composition.phrasing import sung_bars
from kmidi_lab.composition.players import Players
from kmidi_lab.composition.replies import BROKEN, ECHO, FILL, RUN, Reply, broken, echo, replies, rests, run, thinned
from kmidi_lab.composition.request import SongRequest
from kmidi_lab.composition.standing import Standing
from kmidi_lab.song import Note

CHORDS = ["C", "Am", "F", "G"]
TUNE = [Note(8.0, 1.0, 69, 92), Note(9.0, 0.5, 67, 92), Note(9.5, 0.5, 65, 92), Note(10.0, 3.0, 64, 92)]
REST = (13.0, 16.0)


def test_a_rest_of_a_beat_and_a_half_or_more_is_answered() -> None:
    assert rests(TUNE, 16.0) == [REST] and rests(TUNE, 14.0) == [] and rests([], 16.0) == []
    assert rests([*TUNE, Note(14.5, 1.5, 60, 92)], 16.0) == [(13.0, 14.5)]


def test_an_echo_is_what_was_sung_a_bar_before_above_the_chords() -> None:
    out = echo(TUNE, REST, Sounding(CHORDS, 4.0), 4.0)
    assert [n.start for n in out] == [13.0, 13.5, 14.0] and all(n.stop <= 16.0 for n in out)
    assert min(n.pitch for n in out) >= 65 and {n.pitch % 12 for n in out if n.start % 1 == 0} <= {7, 11, 2}
    assert echo(TUNE[-1:], REST, Sounding(CHORDS, 4.0), 4.0) == [], "one note is no motif"


def test_a_run_steps_from_a_tone_of_the_chord_to_one_of_the_next() -> None:
    tune = [Note(float(n), 1.0, pitch, 92) for n, pitch in enumerate((60, 62, 64, 65, 67, 69, 71, 72))]
    out = run(tune, (9.0, 12.0), Sounding(CHORDS, 4.0), range(6))
    assert [n.start for n in out] == [9.0, 9.5, 10.0, 10.5, 11.0, 11.5] and out[0].pitch % 12 in (5, 9, 0)
    assert {abs(a.pitch - b.pitch) for a, b in zip(out, out[1:], strict=False)} <= {1, 2}
    assert min(abs(out[-1].pitch - p) for p in range(60, 88) if p % 12 in (7, 11, 2)) <= 2


def test_a_run_leads_to_the_next_chord() -> None:
    """From C4, of F, toward B4: the tone of G that is the nearest to C5."""
    tune = [Note(float(n), 1.0, pitch, 92) for n, pitch in enumerate((60, 62, 64, 65, 67, 69, 71, 72))]
    assert [n.pitch for n in run(tune, (9.0, 12.0), Sounding(CHORDS, 4.0), range(1, 6))] == [60, 62, 64, 65, 67]


def test_a_broken_chord_rises_and_is_held_to_the_rests_end() -> None:
    out = broken(REST, Sounding(CHORDS, 4.0))
    pitches = [n.pitch for n in out]
    assert pitches == sorted(set(pitches)) and {p % 12 for p in pitches} == {7, 11, 2} and out[-1].stop == 16.0


def test_some_rests_stay_empty_and_a_long_one_is_answered_in_its_last_bar() -> None:
    tune = [TUNE[0]]
    kinds = [
        [reply.kind for reply in replies(tune, CHORDS, COMMON, {RUN: 0.4, BROKEN: 0.2}, np.random.default_rng(n))]
        for n in range(40)
    ]
    assert {"".join(kind) for kind in kinds} == {"", RUN, BROKEN} and 8 < kinds.count([]) < 24
    [reply] = replies(tune, CHORDS, COMMON, {BROKEN: 1.0}, np.random.default_rng(1))
    assert reply.rest == (12.0, 16.0) and reply.notes[0].start == 12.0
    assert replies(tune, CHORDS, COMMON, {ECHO: 1.0}, np.random.default_rng(1))[0].kind == BROKEN, "nothing to echo"


def test_who_answers_strikes_only_new_chords_meanwhile() -> None:
    strokes = [Note(float(n), 0.9, 60, 66) for n in range(13, 16)] + [Note(15.5, 1.0, 60, 66)]
    answer = Reply(BROKEN, REST, (Note(13.0, 1.0, 72, 78), Note(14.0, 2.0, 76, 78)))
    kept = thinned(strokes, [answer], {12.0, 14.0, 16.0})
    assert [n.start for n in kept] == [14.0, 15.5], "a new chord, and one that comes early"


@pytest.mark.parametrize("style", bands())
def test_a_band_answers_in_rests_alone(style: str) -> None:
    verse = Stretch("verse", 4, 0.7, 0.3)
    answered = []
    for seed in range(1, 13):
        brief = chosen("", Mood(0.3, 0.2), 8, seed, band=bands()[style])
        section = list(Backing(brief).section(verse, Material(tuple(CHORDS), tuple(TUNE)), parse_jazz("C"), Standing()))
        high = [n for role, n in section if role in ("comp", "pad") and n.pitch > 68]
        assert all(REST[0] <= n.start < REST[1] for n in high)
        answered.append(bool(high))
    assert any(answered) and not all(answered)
    silent = replace(brief, without=("lead",))
    section = list(Backing(silent).section(verse, Material(tuple(CHORDS), ()), None, Standing()))
    assert not [n for role, n in section if role in ("comp", "pad") and n.pitch > 68]


def played(style: str, kind: str, energy: float) -> list[tuple[str, Note]]:
    """A verse of eight bars by a band that answers always in one way, or never where the kind is empty."""
    band = replace(bands()[style], replies={kind: 1.0} if kind else {})
    backing = Backing(chosen("", Mood(0.0, 0.0), 16, 1, band=band))
    made = Material(tuple(CHORDS * 2), (*TUNE, Note(16.0, 16.0, 64, 92)))
    return list(backing.section(Stretch("verse", 8, energy, 0.3), made, parse_jazz("C"), Standing()))


@pytest.mark.parametrize(("energy", "who"), [(0.4, "comp"), (0.9, "pad")])
def test_an_echo_is_played_by_who_is_there(energy: float, who: str) -> None:
    """A ballad's themes are the pad's, which a soft verse has not."""
    own, others = (played("ballad", kind, energy) for kind in (ECHO, ""))
    echoed = {role for role, n in own if n.start in (13.0, 13.5, 14.0) and n.pitch > 64 and (role, n) not in others}
    assert echoed == {who}


def test_who_answers_does_not_strike_chords_meanwhile() -> None:
    own, others = ([n.start for role, n in played("ballad", kind, 0.9) if role == "comp"] for kind in (BROKEN, ""))
    assert {*own[:1]} == {*others[:1]} and len([at for at in others if 13.0 <= at < 15.5]) > 2
    assert sorted(at for at in own if 13.0 <= at < 15.5) == [13.0, 13.5, 14.0, 14.5, 15.0]


def test_a_fill_answers_in_the_bar_that_the_tune_leaves() -> None:
    bars = [
        {int(n.start // 4) for role, n in part if role == "drums" and (role, n) not in other}
        for own in [played("rock", FILL, 0.9)]
        for plain in [played("rock", "", 0.9)]
        for part, other in ((own, plain), (plain, own))
    ]
    assert {*bars[0], *bars[1]} == {3}


def test_a_fill_answers_in_the_middle_of_a_section() -> None:
    rock, loud = Drummer(bands()["rock"], COMMON, 1), Stretch("verse", 8, 0.9, 0.3)
    plain, filled = (rock.strokes(loud, Standing(), False, bars) for bars in ((), (3,)))
    bar = lambda strokes, n: [s for s in strokes if 4 * n <= s.start < 4 * n + 4]
    assert bar(plain, 3) != bar(filled, 3) and bar(plain, 2) == bar(filled, 2)


def test_a_band_may_have_more_bars() -> None:
    assert sung_bars(12, every=True) == [3, 3, 3] and sung_bars(8, at_last=2) == [4, 2]
    assert sung_bars(4, every=True, at_last=2) == [4]


@pytest.mark.slow
def test_in_a_blues_the_band_answers_every_line(tmp_path: Path) -> None:
    request = SongRequest(text="a blues in E", sections="verse 12, outro 4")
    assert request.form
    song = Arranger(brief_of(request, None, 1), Players(None, tmp_path)).arrange(request.form)
    starts = {int(n.start // 4) % 12 for n in song.part("lead").notes if n.start < 48 and n.start % 4 < 3}
    assert starts and not starts & {3, 7, 11}
