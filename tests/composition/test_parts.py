"""The parts below a tune, and the form: checked by what a musician would look at."""

from __future__ import annotations

from itertools import chain, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmidi_lab.chords.chord import QUALITIES, plain_chord
from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.chords.spelling import parse_spelling
from kmidi_lab.composition.accompaniment import comping, pad, voicings
from kmidi_lab.composition.bands import added, band_of_genre, bands, drum_rows, fills, kit, pattern, varied, with_feel
from kmidi_lab.composition.bar_chords import placed
from kmidi_lab.composition.bass_line import bass
from kmidi_lab.composition.brief import Mood, chosen
from kmidi_lab.composition.choosing import chosen_form, closed
from kmidi_lab.composition.chord_rows import OwnRows
from kmidi_lab.composition.drumming import Drummer
from kmidi_lab.composition.form import Stretch, form, read_form
from kmidi_lab.composition.metres import COMMON, METRES, SongMetre
from kmidi_lab.composition.own_chords import unheard
from kmidi_lab.composition.standing import Standing
from kmidi_lab.song.vocabularies import FEELS, GENRES

WALKING = pattern("basses", "walking", "4/4")
FILLING = [kit()[name] for name in ("snare", "tom", "midtom", "hightom")]
CHORDS = st.lists(st.builds(plain_chord, st.integers(0, 11), st.sampled_from(QUALITIES)), min_size=1, max_size=12)


@given(st.integers(1, 512))
def test_a_form_by_rule_has_the_bars_that_were_asked(bars: int) -> None:
    plan = form(bars)
    assert sum(s.bars for s in plan) == bars
    assert all(s.bars > 0 and 0 <= s.energy <= 1 and 0 <= s.tension <= 1 for s in plan)


def test_of_the_forms_that_are_drawn_the_one_with_a_chorus_that_returns_is_kept() -> None:
    good = read_form("intro 4, verse 8, chorus 8, verse 8, chorus 8, outro 4")
    forms = [read_form("intro 16, verse 16, solo 8"), good, read_form("verse 20, solo 12, silence 8")]
    assert chosen_form(lambda seed: forms[seed % 3], 40) == (good, "")
    assert sum(s.bars for s in chosen_form(lambda seed: forms[0], 8)[0]) == 8


@pytest.mark.parametrize("odd", ["verse 4, intro 4, chorus 8", "intro 4, verse 4, chorus 4, outro 4"])
def test_an_intro_stands_only_first_and_an_outro_only_last(odd: str) -> None:
    """One of ten songs had an intro as the last but one of ten sections."""
    plain = read_form("verse 8, chorus 8, verse 8, other 8")
    better = read_form(f"{odd}, verse 8, chorus 8")
    form_of, _ = chosen_form(lambda seed: plain if seed == 5 else better, 32)
    assert [s.kind for s in form_of[:3]] == ["verse", "chorus", "verse"]
    by_rule, changed = chosen_form(lambda seed: better, 32)
    assert by_rule == form(32) and "a rule's" in changed
    twice = read_form("intro 2, intro 2, verse 12, chorus 12, outro 2, outro 2")
    kept = [(s.kind, s.bars) for s in chosen_form(lambda seed: twice, 32)[0]]
    assert kept == [("intro", 4), ("verse", 12), ("chorus", 12), ("outro", 4)], "what stands together there is one"


def test_a_chorus_that_returns_is_drawn_for_longer() -> None:
    once, twice = read_form("verse 16, chorus 16"), read_form("verse 8, chorus 8, verse 8, chorus 8")
    asked: list[int] = []
    form, _ = chosen_form(lambda seed: asked.append(seed) or (twice if seed == 77 else once), 32)
    assert form == twice and len(asked) == 77
    assert chosen_form(lambda seed: once, 32) == (once, "")


def test_a_pre_chorus_leads_from_a_verse() -> None:
    odd = read_form("intro 4, pre-chorus 8, chorus 8, verse 8, chorus 4")
    good = read_form("verse 8, pre-chorus 8, chorus 4, verse 8, chorus 4")
    assert chosen_form(lambda seed: good if seed == 7 else odd, 32)[0] == good


@pytest.mark.parametrize("kind", ["intro", "outro"])
def test_an_intro_and_an_outro_are_no_longer_than_an_eighth_of_a_song(kind: str) -> None:
    """Of 64 bars 8: one of 16 is not taken, however often its chorus returns."""

    def around(body: list[tuple[str, int]], edge: int) -> list[Stretch]:
        plan = [(kind, edge), *body] if kind == "intro" else [*body, (kind, edge)]
        return [Stretch(name, bars, 0.5, 0.3) for name, bars in plan]

    long = around([("verse", 8), ("chorus", 8)] * 3, 16)
    short = around([("verse", 16), ("bridge", 24), ("chorus", 16)], 8)
    assert [sum(s.bars for s in plan) for plan in (long, short)] == [64, 64]
    assert chosen_form(lambda seed: short if seed == 5 else long, 64)[0] == short
    assert chosen_form(lambda seed: long, 64)[1].endswith("so it is a rule's")


@pytest.mark.parametrize(
    ("drawn", "end"),
    [
        ("verse 8, chorus 8, solo 8", "outro"),
        ("verse 8, chorus 8, verse 8, solo 8", "chorus"),
        ("verse 8, chorus 8, verse 8, bridge 4", "chorus"),
        ("verse 8, chorus 8, pre-chorus 4, verse 4", "chorus"),
        ("verse 8, chorus 8, intro 4", "outro"),
        ("verse 8, chorus 8", None),
        ("verse 8, outro 8", None),
        ("solo 8", None),
    ],
)
def test_a_form_that_is_drawn_closes_with_an_outro_or_a_chorus(drawn: str, end: str | None) -> None:
    before = read_form(drawn)
    after, said = closed(before)
    assert [s.bars for s in after] == [s.bars for s in before] and after[:-1] == before[:-1]
    assert all(0 <= s.energy <= 1 for s in after)
    if end is None:
        assert (after, said) == (before, "")
    else:
        assert after[-1].kind == end
        assert before[-1].kind in said and end in said


def test_chords_that_a_form_has_no_room_for_are_told() -> None:
    six = OwnRows(("C", "F", "G", "Am", "Dm", "E"))
    assert unheard(six, read_form("verse 8, chorus 6, bridge 2")) == []
    [line] = unheard(six, read_form("intro 8, verse 4, chorus 8, verse 2"))
    assert line == (
        "of your 6 bars of chords verse the first 4; longer sections play all, as in "
        'compose.sections="verse 6, chorus 6"'
    )
    assert "not played" in unheard(six, read_form("bridge 8, silence 4"))[0]


def test_seven_seeds_give_seven_keys_in_the_mode_of_the_mood() -> None:
    for mood in (Mood(-0.5, -0.3), Mood(0.5, 0.3), Mood(0.6, 0.95)):
        keys = [chosen("", mood, 8, seed).key for seed in range(1, 8)]
        assert len({key.tonic for key in keys}) == 7
        assert {key.mode for key in keys} == {1 if mood.valence > 0 else -1}
    given = parse_spelling("F#m")
    assert {chosen("", Mood(0, 0), 8, seed, given).spelling for seed in range(5)} == {given}


@given(CHORDS)
def test_voicings_hold_the_chord_and_move_less_than_root_positions(chords: list) -> None:
    out = voicings(chords)
    for chord, pitches in zip(chords, out, strict=True):
        assert {p % 12 for p in pitches} == set(chord.tones)
        assert min(pitches) >= 45 and max(pitches) <= 64
        assert max(pitches) - min(pitches) <= 12
    blocks = [[48 + c.root + (t - c.root) % 12 for t in c.tones] for c in chords]
    moved = sum(abs(np.mean(a) - np.mean(b)) for a, b in pairwise(out))
    assert moved <= sum(abs(np.mean(a) - np.mean(b)) for a, b in pairwise(blocks)) + 1e-9 + 4 * len(chords)


def test_thirds_and_seconds_lie_where_they_are_clear() -> None:
    """Nothing close lies below D3 in a round of plain chords, though voices that move least would lie there."""
    for symbols in (["C", "F", "G", "Am"] * 2, ["Dm7", "G7", "Cmaj7", "Am7"] * 2, ["Em", "C", "G", "D"] * 2):
        for pitches in voicings([parse_jazz(symbol) for symbol in symbols]):
            assert not [low for low, high in pairwise(pitches) if high - low <= 4 and low < 50], (symbols, pitches)


def test_a_large_chord_keeps_what_tells_it() -> None:
    for symbol, told in (("G13b9", {11, 5, 8}), ("C9", {4, 10, 2, 0}), ("C7#9", {4, 10, 3}), ("Gsus4", {0, 7, 2})):
        [pitches] = voicings([parse_jazz(symbol)])
        assert told <= {p % 12 for p in pitches}, symbol
    [g13] = voicings([parse_jazz("G13")])
    assert 0 not in {p % 12 for p in g13}


@pytest.mark.parametrize("chords", ["C#m A F#m G#", "Bm Em A G", "A F#m D E", "C#m E A B", "F Gm7 C7 Bb7"])
def test_chords_that_come_round_do_not_climb_into_the_tune(chords: str) -> None:
    """A tune seldom goes below middle C; rounds that rise would else stay at E4."""
    tops = [pitches[-1] for pitches in voicings([parse_jazz(s) for s in 6 * chords.split()])]
    assert max(tops) <= 62 and tops[4:8] == tops[-4:], tops


def test_common_tones_stay() -> None:
    c, am, f, g = voicings([parse_jazz(s) for s in ("C", "Am", "F", "G")])
    assert len(set(c) & set(am)) == 2
    assert len(set(am) & set(f)) == 2
    assert max(abs(a - b) for a, b in zip(sorted(f), sorted(g), strict=True)) <= 5


@pytest.mark.parametrize("metre", METRES.values(), ids=lambda metre: metre.name)
@pytest.mark.parametrize("name", ["roots", "root_fifth", "eighths", "syncopated", "walking"])
def test_a_bass_begins_each_bar_on_its_chords_bass(name: str, metre: SongMetre) -> None:
    chords = placed(("C", "Am7", "F/A", "Bdim", "Gsus4", "E7"), metre.bar)
    line = bass(chords, [pattern("basses", name, metre.name)] * len(chords), metre.bar)
    for bar, (_, _, chord) in enumerate(chords):
        first = next(n for n in line if n.start == metre.bar * bar)
        assert first.pitch % 12 == chord.bass
        assert 24 <= first.pitch <= 50
    assert all(20 <= n.pitch <= 62 for n in line)


def test_a_walking_bass_steps_into_the_next_root() -> None:
    line = bass(placed(("Dm7", "G7", "Cmaj7"), 4.0), [WALKING] * 3, 4.0)
    for before, after in pairwise(n for n in line if n.start % 4 in (3, 0)):
        if before.start % 4 == 3:
            assert abs(before.pitch - after.pitch) in (1, 2)


def test_a_bass_leads_to_what_follows_its_section() -> None:
    chords = placed(("C", "F"), 4.0)
    last = {
        after: bass(chords, [WALKING] * 2, 4.0, after and parse_jazz(after))[-1].pitch for after in ("Am", "Eb", None)
    }
    for after in ("Am", "Eb"):
        first = bass(placed((after,), 4.0), [WALKING], 4.0)[0].pitch
        assert abs(last[after] - first) in (1, 2), after
    assert last[None] % 12 == 5, "nothing follows, so it stays on its root"


def test_a_pad_does_not_strike_again_what_it_holds() -> None:
    held = pad(placed(("C", "Am", "F"), 4.0))
    struck = comping(placed(("C", "Am", "F"), 4.0), [pattern("chords", "whole", "4/4")] * 3, 4.0)
    assert len(held) < 9
    assert len(struck) == 9
    assert max(n.duration for n in held) >= 8


@pytest.mark.parametrize("metre", METRES.values(), ids=lambda metre: metre.name)
def test_a_fill_leads_on_and_nothing_leads_to_an_end(metre: SongMetre) -> None:
    rock, loud = Drummer(bands()["rock"], metre, 1), Stretch("verse", 4, 0.9, 0.3)
    on, end = (rock.strokes(loud, Standing(rises=True), leads_on) for leads_on in (True, False))
    last = 3 * metre.bar
    assert [n for n in on if n.start < last] == [n for n in end if n.start < last]
    strokes = [sum(n.pitch in FILLING for n in some if n.start >= last) for some in (on, end)]
    assert strokes[0] > strokes[1] + 2
    assert on[0].start == 0 and kit()["crash"] in {n.pitch for n in on if n.start == 0}


@pytest.mark.parametrize("metre", METRES.values(), ids=lambda metre: metre.name)
def test_every_style_is_whole_in_every_metre(metre: SongMetre) -> None:
    for band in bands().values():
        assert len(band.comp) == len(band.bass) == len(drum_rows(band.name, metre.name)) == 3
        strokes = []
        for kind, names in (("chords", (*band.comp, "arpeggio")), ("basses", band.bass)):
            for name in names:
                ways = [bar for way in ("answers", "turns") for bar in varied(kind, name, metre.name, way)]
                strokes += [pattern(kind, name, metre.name), *ways]
        own = [dict.fromkeys(band.opened.values(), "." * int(4 * metre.bar)), band.crown if metre is COMMON else {}]
        for bar in strokes:
            assert all(0 <= at < at + length <= metre.bar + 0.5 for at, length, _ in bar)
        own += [*added(metre.name, "answers"), *added(metre.name, "turns"), *chain(*fills(metre.name))]
        assert len(fills(metre.name)) == 3 and band.theme in ("chords", "pad")
        for rows in (*drum_rows(band.name, metre.name), *own):
            assert all(len(row) == 4 * metre.bar and set(row) <= set("Xxo.") for row in rows.values())
            assert set(rows) <= set(kit())
        assert all(0 <= program < 128 for program in band.programs.values())


def test_genres_and_feels_of_the_schema_are_known() -> None:
    assert all(band_of_genre(genre) for genre in GENRES)
    assert band_of_genre("a slow JAZZ waltz") is bands()["jazz"]
    assert band_of_genre("something") is None
    swung = with_feel(bands()["pop"], "Swung")
    assert (swung.groove, swung.swing) == ("swing", 0.16)
    assert with_feel(bands()["pop"], "Mechanical").groove is None
    assert all(with_feel(bands()["pop"], feel).name == "pop" for feel in FEELS)
