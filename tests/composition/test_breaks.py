"""Stops and half-time feels that a sentence asks for are played where it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kmidi_lab.composition.arranging import Arranger
from kmidi_lab.composition.bands import bands, kit
from kmidi_lab.composition.breaks import broken, stopped
from kmidi_lab.composition.brief import Mood, chosen
from kmidi_lab.composition.change import Change
from kmidi_lab.composition.drumming import Drummer, half_time
from kmidi_lab.composition.form import Stretch, read_form
from kmidi_lab.composition.harmonic_rhythm import HarmonicRhythm
from kmidi_lab.composition.metres import COMMON
from kmidi_lab.composition.players import Players
from kmidi_lab.composition.said_places import Place
from kmidi_lab.composition.sentence import read_sentence
from kmidi_lab.composition.standing import Standing
from kmidi_lab.song import Note

FORM = read_form("intro 4, verse 8, chorus 8, bridge 4, chorus 8")


@pytest.mark.parametrize(
    ("text", "what", "place"),
    [
        ("a pop song that stops before the last chorus", "stop", Place("chorus", -1, -1)),
        ("a song with a stop before the chorus", "stop", Place("chorus", 0, -1)),
        ("a pop song with a break before the last chorus", "stop", Place("chorus", -1, -1)),
        ("the band stops in the middle of the song", "stop", Place("middle")),
        ("a pop song where everything stops for a bar before the final chorus", "stop", Place("chorus", -1, -1)),
        ("a rock song with a half-time feel in the chorus", "feel", Place("chorus")),
        ("a rock song with a half-time feel", "feel", None),
        ("a song, a half-time feel", "feel", None),
        ("a rock song with a half-time bridge", "feel", Place("bridge")),
        ("a rock song, half-time in the bridge", "feel", Place("bridge")),
        ("a rock song with stops", "stop", None),
        ("funk, 105 bpm, with tight stops", "stop", None),
        ("a blues with stop-time choruses", "stop", Place("chorus")),
        ("jazz, stop-time in the second chorus", "stop", Place("chorus", 2)),
        ("a slow stop-time blues in E", "stop", None),
    ],
)
def test_a_stop_and_a_half_time_feel_are_read(text: str, what: str, place: Place | None) -> None:
    wishes = read_sentence(text)
    assert [(c.what, c.place) for c in wishes.changes] == [(what, place)] and wishes.missing == ()


@pytest.mark.parametrize(
    "text",
    ["I can't stop thinking before the chorus of frogs", "we took a break in the middle of the road", "half-time at the football game", "a house with stops on the bus line", "we made stops in Rome", "stop time when I see you"],
)  # fmt: skip
def test_no_stop_is_read_in_a_story(text: str) -> None:
    assert not read_sentence(text).changes


@pytest.mark.parametrize(
    ("place", "bars", "told"),
    [
        (Place("chorus", -1, -1), {23}, "in bar 24"), (Place("chorus", 0, -1), {11, 23}, "in bars 12 and 24"), (None, {23}, "in bar 24"),
        (Place("bridge"), {23}, "in bar 24"), (Place("middle"), {11}, "in bar 12"), (Place("solo"), set(), ""),
    ],
)  # fmt: skip
def test_a_stop_is_the_bar_before_its_place(place: Place | None, bars: set[int], told: str) -> None:
    stop = Change("stop", "", place, "a stop")
    found = broken(FORM, [stop])
    assert found.stops == bars and found.form == FORM
    assert (found.lines[stop].value, bool(found.lines[stop].unused)) == (told, not bars)


@pytest.mark.parametrize(
    ("place", "form", "rounds", "told"),
    [
        (Place("chorus"), "verse 8, chorus 8, verse 8, chorus 8", 0, "in bars 9-15 and 25-31"), (Place("chorus", 2), "chorus 4, verse 4, chorus 4", 0, "in bars 9-11"),
        (Place("chorus"), "verse 12, verse 12, solo 24, verse 12", 12, "in bars 25-28 and 37-40"), (None, "verse 12, verse 12", 12, "in bars 13-16"),
        (Place("bridge"), "verse 8", 0, ""),
    ],
)  # fmt: skip
def test_stop_time_is_of_all_bars_of_a_chorus_or_of_the_first_line_of_a_round(
    place: Place | None, form: str, rounds: int, told: str
) -> None:
    change = Change("stop", "time", place, "stop-time")
    found = broken(read_form(form), [change], rounds)
    assert str(found.lines[change]).startswith(f"stop-time {told}".strip()) and bool(found.stops) == bool(told)


def test_sections_feel_half_as_fast() -> None:
    feel = Change("feel", "half", Place("chorus"), "a half-time feel in the chorus")
    found = broken(FORM, [feel])
    assert [s.halved for s in found.form] == [False, False, True, False, True]
    assert str(found.lines[feel]).startswith("half-time feel in bars 13-20 and 25-32 from the text")
    assert all(s.halved for s in broken(FORM, [feel._replace(place=None)]).form)


def test_one_hit_is_left_of_a_stop() -> None:
    notes = [
        Note(0.0, 6.0, 60, 80),
        Note(4.0, 1.0, 64, 80),
        Note(5.0, 1.0, 65, 80),
        Note(7.5, 1.5, 67, 80),
        Note(8.0, 1.0, 60, 80),
    ]
    out = stopped(notes, {1}, 4.0, 120.0)
    assert [(n.start, n.stop) for n in out] == [(0.0, 4.5), (4.0, 4.5), (8.0, 9.0), (8.0, 9.0)], (
        "what comes early waits"
    )
    slow = stopped(notes, {1}, 4.0, 60.0)
    assert [(n.start, n.stop) for n in slow][:3] == [(0.0, 6.0), (4.0, 5.0), (5.0, 6.0)], "of a slow bar half is left"
    assert stopped(notes, (), 4.0, 120.0) == notes


def test_in_half_time_the_backbeat_is_on_three() -> None:
    rows = {"kick": "X.....x.X.......", "snare": "....X.......X...", "hat": "x.x.x.x.x.x.x.x."}
    assert half_time(rows) == {"kick": "X...........x...", "snare": "........X.......", "hat": rows["hat"]}
    slow = Stretch("verse", 2, 0.7, 0.3, halved=True)
    strokes = Drummer(bands()["rock"], COMMON, 1).strokes(slow, Standing(), False)
    assert {n.start for n in strokes if n.pitch == kit()["snare"] and n.velocity > 100} == {2.0, 6.0}
    counts = [HarmonicRhythm("pop", 2.0, np.random.default_rng(n)).of_round(4, slow=True) for n in range(9)]
    assert all(len(own) == 8 and sum(own) <= 8 for own in counts)


def test_all_but_the_tune_stop_in_a_song(tmp_path: Path) -> None:
    brief = chosen("", Mood(0.5, 0.5), 8, 1, band=bands()["pop"], tempo=120.0)
    song = Arranger(brief, Players(None, tmp_path)).arrange(read_form("verse 4, chorus 4"), stops={3})
    accompanied = [n for part in song.parts if part.role != "lead" for n in part.notes]
    assert not [n for n in accompanied if 12.5 <= n.start < 16 or (n.start < 12.5 < n.stop < 16.5 and n.stop > 12.5)]
    assert [n for n in song.part("lead").notes if 12.5 <= n.start < 16], "the tune goes on"


def test_a_style_has_somebody_for_its_solos(tmp_path: Path) -> None:
    def parts(**more: object) -> dict[str, int]:
        brief = chosen("", Mood(0.5, 0.5), 8, 1, band=bands()["jazz"], **more)
        song = Arranger(brief, Players(None, tmp_path)).arrange(read_form("solo 4, verse 4"))
        return {part.name: part.program for part in song.parts if part.role == "lead"}

    assert parts() == {"Lead": bands()["jazz"].programs["lead"], "Solo": bands()["jazz"].solo}
    assert [*parts(second=66)] == ["Lead"], "two players who are asked for play all of it"
