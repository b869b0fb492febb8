"""Players vary by place in the phrase, play fuller where a section returns, and lead on; intros state a theme."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.composition.accompaniment import comping
from kmidi_lab.composition.arranging import Arranger
from kmidi_lab.composition.backing import Backing
from kmidi_lab.composition.bands import bands, kit, pattern, varied
from kmidi_lab.composition.bar_chords import placed
from kmidi_lab.composition.bass_line import bass
from kmidi_lab.composition.briefing import brief_of
from kmidi_lab.composition.drumming import Drummer
from kmidi_lab.composition.form import Stretch, read_form
from kmidi_lab.composition.material import Material
from kmidi_lab.composition.metres import COMMON
from kmidi_lab.composition.players import Players
from kmidi_lab.composition.request import SongRequest
from kmidi_lab.composition.standing import Standing, standings
from kmidi_lab.composition.themes import player, themes
from kmidi_lab.song import Arrangement, Note

FORM = "intro 4, verse 8, chorus 8, verse 8, chorus 8, outro 4"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Arrangement]:
    """A song as it is written, by the fallbacks: quick."""
    empty = tmp_path_factory.mktemp("cache")

    def run(seed: int = 1, sections: str = FORM, **settings: object) -> Arrangement:
        request = SongRequest(emotion="joyful", sections=sections, **settings)  # type: ignore[arg-type]
        assert request.form
        return Arranger(brief_of(request, None, seed), Players(None, empty)).arrange(request.form)

    return run


def played(song: Arrangement, role: str, bar: int) -> frozenset[tuple[float, int]]:
    """(place, pitch over the first note's) of a part's notes in a bar; of chords the place alone."""
    notes = [n for n in song.part(role).notes if 4 * bar <= n.start < 4 * bar + 4]
    return frozenset((n.start - 4 * bar, n.pitch - notes[0].pitch if role != "comp" else 0) for n in notes)


def test_where_sections_stand() -> None:
    verse, chorus, again, last = standings(read_form("verse 8, chorus 8, verse 8, chorus 8"))
    assert (verse.times, again.times, chorus.last, last.last) == (0, 1, False, True)
    assert (verse.rises, chorus.rises, last.rises) == (True, False, False)
    assert not standings(read_form("chorus 8"))[0].last, "nothing to be more than"


def test_bars_turn_at_the_end_of_a_phrase_and_answer_where_the_band_plays_fuller() -> None:
    first = Standing().bars(8, leads_on=True)
    assert first == ["plain"] * 3 + ["turn", "plain", "answer", "plain", "turn"]
    assert Standing(times=1).bars(8, leads_on=False)[:4] == ["plain", "answer", "plain", "turn"]
    assert Standing().bars(4, leads_on=False) == ["plain"] * 4
    assert Standing().bars(6, leads_on=True)[-1] == "turn"
    assert Standing().bars(4, leads_on=True, restless=True)[1] == "answer"


def test_a_chord_comes_early_and_is_tied_over() -> None:
    chords = placed(("C", "F"), 4.0)
    early = (*pattern("chords", "quarters", "4/4")[:3], (3.5, 0.5, "next"))
    out = comping(chords, [early, pattern("chords", "quarters", "4/4")], 4.0)
    assert {n.pitch % 12 for n in out if n.start == 3.5} == set(chords[1].chord.tones)
    assert {n.duration for n in out if n.start == 3.5} == {0.5 + 0.95}
    assert not [n for n in out if n.start == 4.0] and [n for n in out if n.start == 5.0]
    broken = comping(chords, [early, pattern("chords", "offbeats", "4/4")], 4.0)
    assert {n.duration for n in broken if n.start == 3.5} == {0.5}, "what begins later has all its strokes"
    assert {n.pitch % 12 for n in comping(chords[:1], [early], 4.0) if n.start == 3.5} == set(chords[0].chord.tones)


@pytest.mark.parametrize("name", ["roots", "root_fifth", "eighths", "syncopated", "walking"])
def test_a_bass_leads_on_at_the_end_of_a_phrase(name: str) -> None:
    chords = placed(("C", "F"), 4.0)
    for turn in varied("basses", name, "4/4", "turns"):
        line = bass(chords, [turn, turn], 4.0)
        before, first = max(n for n in line if n.start < 4.0), min(n for n in line if n.start >= 4.0)
        assert abs(before.pitch - first.pitch) in (1, 2), name


def test_fills_differ_and_a_larger_one_leads_to_a_fuller_section() -> None:
    pop = Drummer(bands()["pop"], COMMON, 1)

    def fill(number: int, rises: bool = True) -> list[tuple[float, int]]:
        strokes = pop.strokes(Stretch("verse", 4, 0.5, 0.3), Standing(number, "verse", rises=rises), True)
        return [(n.start, n.pitch) for n in strokes if n.start >= 12]

    assert len({tuple(fill(number)) for number in range(3)}) == 3
    assert sum(len(fill(n)) for n in range(3)) > sum(len(fill(n, False)) for n in range(3))


def test_a_last_chorus_has_more_voices_and_another_cymbal() -> None:
    pop, loud = Drummer(bands()["pop"], COMMON, 1), Stretch("chorus", 8, 0.9, 0.5)
    heard = {
        last: {n.pitch for n in pop.strokes(loud, Standing(3, "chorus", 1, last), True) if n.start < 12}
        for last in (False, True)
    }
    assert kit()["tambourine"] in heard[True] - heard[False] and kit()["ride"] in heard[True] - heard[False]
    second = {n.pitch for n in pop.strokes(loud, Standing(1, "chorus"), True) if 16 <= n.start < 28}
    assert kit()["ride"] in second and kit()["hat"] not in second
    verse = {n.pitch for n in pop.strokes(loud, Standing(1, "verse"), True)}
    assert kit()["ride"] not in verse


@pytest.mark.parametrize("style", bands())
def test_no_player_keeps_one_bar_through_a_song(written, style: str) -> None:
    song = written(style=style)
    for role in ("comp", "bass", "drums"):
        of_section = [
            [played(song, role, bar) for bar in range(s.start, s.start + s.bars)]
            for s in song.sections
            if s.name in ("verse", "chorus")
        ]
        for bars in of_section:
            assert len({*bars}) > 1, (role, style)


def test_more_players_play_where_a_section_returns() -> None:
    backing = Backing(brief_of(SongRequest(emotion="calm"), None, 1))
    soft = read_form("verse 8")[0]._replace(energy=0.25)
    heard = [
        {part for part in ("pad", "bass", "drums") if backing.plays(part, soft, Standing(kind="verse", times=times))}
        for times in (0, 1, 2)
    ]
    assert heard == [set(), {"bass", "drums"}, {"bass", "drums"}]
    assert not backing.plays("bass", soft._replace(kind="silence"), Standing(times=1))


def test_the_same_seed_gives_the_same_band(written) -> None:
    assert written().parts == written().parts != written(seed=2).parts


def tune(*pitches: int) -> tuple[Note, ...]:
    return tuple(Note(float(at), 1.0, pitch, 92) for at, pitch in enumerate(pitches))


def test_an_intro_states_the_theme_and_an_outro_echoes_it_and_both_leave_their_last_bar() -> None:
    form = read_form("intro 4, verse 4, chorus 4, outro 4")
    chorus = tune(76, 79, 76, 72, 77, 72, 69, 65, 72, 76, 79, 76, 84, 79, 76, 72)
    made = [
        Material(("C", "F", "C", "G"), ()),
        Material(("Am", "F", "C", "G"), tune(*[69] * 16)),
        Material(("C", "F", "C", "G"), chorus),
        Material(("C", "F", "C", "C"), (Note(0.0, 4.0, 72, 92),)),
    ]
    intro, verse, sung, outro = themes(form, made, COMMON)
    assert verse == sung == []
    assert {int(n.start // 4) for n in intro} == {0, 1, 2} and {int(n.start // 4) for n in outro} == {1, 2}
    assert max(sum(n.start // 4 == bar for n in intro) for bar in range(3)) == 3
    assert all(n.pitch % 12 in parse_jazz(made[0].chords[int(n.start // 4)]).tones for n in intro)
    assert intro[0].pitch % 12 == 4 and min(n.pitch for n in intro + outro) >= 65
    assert themes(form, [m if m is made[0] else Material(m.chords, ()) for m in made], COMMON) == [[]] * 4


def test_an_outro_echoes_the_last_chorus_and_an_intro_states_the_first() -> None:
    """They may be in two keys."""
    form = read_form("intro 4, chorus 4, chorus 4, outro 4")
    made = [Material(("C",) * 4, ()), Material(("C",) * 4, tune(*[72] * 16)), Material(("D",) * 4, tune(*[74] * 16))]
    intro, *_, outro = themes(form, [*made, Material(("D",) * 4, ())], COMMON)
    assert {n.pitch % 12 for n in intro} == {0} and {n.pitch % 12 for n in outro} == {2}


@pytest.mark.parametrize(
    ("programs", "usual", "without", "part"),
    [
        ({"chords": 0, "pad": 48}, "pad", (), "pad"),
        ({"chords": 0, "pad": 48}, "pad", ("pad",), "chords"),
        ({"chords": 73, "pad": 48}, "chords", (), "pad"),
        ({"chords": 0, "pad": 48}, "chords", ("chords", "pad"), ""),
        ({"chords": 0, "pad": 48}, "chords", ("lead",), ""),
    ],
)
def test_who_plays_a_theme(programs: dict[str, int], usual: str, without: tuple[str, ...], part: str) -> None:
    assert player(programs, usual, without) == part


def test_a_tune_leaves_bars_to_the_band_and_is_held_over_bar_lines(written) -> None:
    song = written()
    places = [divmod(n.start, 4) for n in song.part("lead").notes]
    assert not {bar for bar, at in places if at < 2.5} & {*range(4), 11, 19, 27, 35}, "but for an upbeat"
    assert not {bar for bar, _ in places} & {*range(3), 35}
    assert (36, 0.0) in places, "it comes to rest in the outro"
    assert any(n.stop >= (n.start // 4 + 1) * 4 + 0.5 for n in song.part("lead").notes)


@pytest.mark.parametrize(("style", "role"), [("pop", "comp"), ("cinematic", "pad")])
def test_a_theme_is_heard_before_the_verse_by_another_player(written, style: str, role: str) -> None:
    song = written(style=style)
    theme = [n for n in song.part(role).notes if n.start < 16 and n.pitch >= 65]
    assert theme and max(n.stop for n in theme) <= 14, "the verse has room to begin"
    assert not [n for n in song.part("lead").notes if n.start < 16]


def test_a_lively_band_has_a_beat_from_a_softer_section_on() -> None:
    """A song that climbs to its end begins softly; an upbeat one still has drums in its first verse."""
    verse = read_form("verse 8")[0]._replace(energy=0.28)
    lively, calm = (Backing(brief_of(SongRequest(emotion=mood), None, 1)) for mood in ("0.6,0.6", "0.6,-0.4"))
    assert [lively.plays(part, verse, Standing()) for part in ("bass", "drums", "pad")] == [True, True, False]
    assert not calm.plays("drums", verse, Standing()) and not lively.plays(
        "drums", verse._replace(kind="intro"), Standing()
    )
