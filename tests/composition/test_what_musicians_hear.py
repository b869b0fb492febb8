"""What a musician complained of: mud below, endings that do not close, choruses cut off, leads that are all as loud as can be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kmidi_lab.chords.chord import Key
from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.chords.spelling import parse_spelling
from kmidi_lab.composition.accompaniment import pad
from kmidi_lab.composition.arranging import Arranger
from kmidi_lab.composition.bar_chords import placed
from kmidi_lab.composition.briefing import brief_of
from kmidi_lab.composition.choosing import chosen_form
from kmidi_lab.composition.ending import dominant, leads_home, resting
from kmidi_lab.composition.form import Stretch
from kmidi_lab.composition.metres import COMMON
from kmidi_lab.composition.playable import on_the_bass, playable, sung_span
from kmidi_lab.composition.players import Players
from kmidi_lab.composition.progressions import Taste, progression
from kmidi_lab.composition.request import SongRequest
from kmidi_lab.composition.tunes import SPAN, Singer, section_tune
from kmidi_lab.errors import ConfigError
from kmidi_lab.midi.new_file import metre_event
from kmidi_lab.midi.reading import open_file
from kmidi_lab.song import Arrangement, Note, Part

Arrange = Callable[..., Arrangement]


@pytest.fixture
def written(tmp_path: Path) -> Arrange:
    """A song as it is written, by the fallbacks: quick."""

    def run(seed: int = 1, **settings: object) -> Arrangement:
        request = SongRequest(**settings)  # type: ignore[arg-type]
        assert request.form
        return Arranger(brief_of(request, None, seed), Players(None, tmp_path)).arrange(request.form)

    return run


def test_a_pad_has_only_roots_and_fifths_low() -> None:
    low = []
    for symbol in ("C", "Am", "F", "Dm7", "G7", "Bb", "Ebmaj7", "F#m", "Bdim"):
        chord = parse_jazz(symbol)
        low += [(symbol, (n.pitch - chord.root) % 12) for n in pad(placed([symbol], 4.0)) if n.pitch < 48]
    assert low and {above for _, above in low} <= {0, 7}, low


def test_a_pad_lies_on_the_bass() -> None:
    """A cello that plays the bass an octave higher still has nothing below it; its fifths may have."""
    bass = Part("Bass", "bass", 42, 3).with_notes(
        [Note(0, 2, 47, 80), Note(2, 2, 54, 80), Note(4, 4, 43, 80), Note(8, 4, 50, 80)]
    )
    held = Part("Pad", "pad", 48, 2).with_notes(
        [Note(0, 4, 42, 50), Note(0, 4, 50, 50), Note(4, 8, 47, 50), Note(8, 4, 26, 50)]
    )
    lead = Part("Lead", "lead", 40, 0).with_notes([Note(0, 4, 40, 90)])
    tops = {(n.start, n.pitch) for n in on_the_bass([lead, held, bass], (0.0, 4.0, 8.0))[1].notes}
    assert tops == {(0, 54), (0, 50), (4, 59), (8, 50)}
    assert on_the_bass([lead, held, bass], (0.0, 4.0, 8.0))[0] == lead
    assert on_the_bass([held], (0.0, 4.0, 8.0)) == [held], "without a bass a pad stays"


@pytest.mark.parametrize(
    ("chords", "key", "leads"),
    [
        ("C F G", Key(0, 1), True),
        ("C F", Key(0, 1), True),
        ("Am Em", Key(0, 1), False),
        ("C Dm", Key(0, 1), False),
        ("F G C", Key(0, 1), True),
        ("Am C", Key(0, 1), False),
        ("Am E7", Key(9, -1), True),
        ("Am G", Key(9, -1), True),
        ("Am F", Key(9, -1), False),
        ("C", Key(0, 1), False),
        ("Fmaj7 Cm", Key(5, 1), False),
        ("Cm F", Key(5, 1), False),
        ("Am Em7", Key(9, -1), False),
        ("C Bbm", Key(0, 1), False),
        ("C Bb7", Key(0, 1), True),
        ("C Gsus4", Key(0, 1), True),
        ("C G7#9", Key(0, 1), True),
        ("C Fm", Key(0, 1), True),
        ("C Bm7b5", Key(0, 1), True),
        ("C Bm", Key(0, 1), False),
        ("Dm G7", Key(2, -1), False),
        ("Dm G", Key(2, -1), True),
        ("C F7", Key(0, 1), True),
        ("E Am", Key(9, -1), True),
        ("E A", Key(9, -1), False),
        ("G Cm", Key(0, 1), False),
        ("G Csus4", Key(0, 1), True),
    ],
)
def test_what_leads_home(chords: str, key: Key, leads: bool) -> None:
    assert leads_home([parse_jazz(c) for c in chords.split()], key) is leads


def test_the_dominant_is_major_and_has_its_seventh_where_the_style_has_some() -> None:
    assert [dominant(parse_spelling(k), s) for k, s in (("Am", 0.0), ("Eb", 1.0), ("F#m", 0.5))] == ["E", "Bb7", "C#7"]


def test_a_tune_rests_near_and_not_on_its_peak() -> None:
    """F is five above C and seven below, where a tune falls to its rest; a leading tone still rises."""
    assert resting(5, 73, 90) == 77, "far below the peak it goes to the nearest"
    assert resting(5, 72, 90) == 65, "rather a fifth down than a fourth up"
    assert resting(5, 72, 77) == 65 and resting(5, 72, 72) == 65
    assert resting(5, 76, 76) == 77, "a step up is an end"
    assert resting(5, 67, 67) == 65


@pytest.mark.slow
def test_no_song_ends_with_a_leap_to_its_highest_note(written: Arrange) -> None:
    for seed in range(1, 21):
        song = written(seed=seed, emotion="calm", sections="verse 4, chorus 4, verse 4, chorus 4", key="F")
        *before, last = [n.pitch for n in song.part("lead").notes]
        assert last < max(before) or last - before[-1] <= 2, (seed, before[-1], last)
        assert abs(last - before[-1]) <= 9, (seed, before[-1], last)


@pytest.mark.slow
@pytest.mark.parametrize("style", ["pop", "folk", "jazz"])
def test_a_song_ends_with_a_cadence(written: Arrange, style: str) -> None:
    for seed in range(1, 7):
        song = written(seed=seed, emotion="joyful", style=style, sections="verse 4, chorus 4, verse 4, chorus 3")
        chords = [placed.chord for placed in song.chords]
        assert leads_home(chords[-3:-1], song.key), (seed, chords[-3:])
        assert chords[-1].degree(song.key.tonic) == 0
        tune = [n for n in song.part("lead").notes if n.start >= (song.length - 8)]
        assert tune[-1].start == song.length - 4 and tune[-1].pitch % 12 == song.key.tonic
        overlaps = [(a, b) for a, b in zip(tune, tune[1:], strict=False) if a.stop > b.start + 1e-9]
        assert not overlaps, "the new end follows the old beginning"


@pytest.mark.parametrize("chords", ["C Am Em Dm", "Am F C G", "C F G C"])
def test_your_own_chords_are_played_as_typed_to_the_end(written: Arrange, make, chords: str) -> None:
    asked = {"chords": chords, "key": "C", "sections": "verse 4, chorus 4"}
    song = written(**asked)
    assert [str(c.chord) for c in song.chords] == 2 * chords.split()
    assert song.part("lead").notes[-1].pitch % 12 == song.chords[-1].chord.root
    *_, last = chords.split()
    told = [line for line in make(models=False, **asked).remarks if "leaves it open" in line]
    assert told == (
        []
        if last == "C"
        else [f"your chords end the song on {last}, which leaves it open; for an end at rest, end them with C"]
    )


def test_the_chord_that_would_end_a_minor_song_is_minor(make) -> None:
    song = make(models=False, chords="Am F C", key="Am", sections="verse 3, chorus 3")
    assert "your chords end the song on C, which leaves it open; for an end at rest, end them with Am" in song.remarks


def test_where_your_chords_do_not_end_a_song_it_comes_home(written: Arrange, make) -> None:
    asked = {"chords": "Am F C G", "key": "C", "sections": "verse 4, bridge 4"}
    assert str(written(**asked).chords[-1].chord) == "C"
    assert not [line for line in make(models=False, **asked).remarks if "leaves it open" in line]


@pytest.mark.slow
def test_a_furious_lead_keeps_room_to_grow(make) -> None:
    """Velocities of an excited mood are raised, and half of them stood at 127."""
    song = make(emotion="-0.9,0.95", style="rock", tempo=150, sections="verse 4, chorus 4")
    lead = next(t.notes["velocity"] for t in open_file(song.midi).piece.tracks if t.name == "Lead")
    assert np.mean(lead >= 127) < 0.1 and np.std(lead) > 3
    first, last = lead[: len(lead) // 2].mean(), lead[len(lead) // 2 :].mean()
    assert last > first + 3, "the chorus is louder"


@pytest.mark.slow
@pytest.mark.parametrize("metre", ["3/4", "6/8"])
def test_drums_of_other_metres_are_not_all_alike(make, metre: str) -> None:
    song = make(emotion="happy", style="pop", metre=metre, sections="verse 8")
    drums = next(t.notes for t in open_file(song.midi).piece.tracks if t.is_drum)
    written = song.arrangement.part("drums").notes
    assert len(drums) == len(written)
    hats = drums["velocity"][drums["pitch"] == 42]
    assert len(hats) > 20 and np.std(hats.astype(float)) > 2, "strokes that are written alike"
    snares = {n.start % 3 for n in written if n.pitch == 38}
    backbeat = drums["velocity"][drums["pitch"] == 38].mean()
    assert snares and backbeat > hats.mean(), "accents stay accents"
    assert song.trace["drums"]["by"] == "microtiming, in place of groove, which knows 4/4 alone"


@pytest.mark.parametrize(
    ("numerator", "denominator", "clocks"),
    [(4, 4, 24), (3, 4, 24), (2, 2, 48), (6, 8, 36), (9, 8, 36), (3, 8, 12), (7, 8, 12), (12, 16, 18), (4, 128, 1)],
)
def test_a_metronome_clicks_once_a_beat(numerator: int, denominator: int, clocks: int) -> None:
    assert metre_event(numerator, denominator)[5] == clocks


def test_a_song_of_one_bar_is_sung(written: Arrange) -> None:
    for sections in ("verse 1", "chorus 1", "verse 4, chorus 1"):
        song = written(emotion="joyful", sections=sections)
        last = [n for n in song.part("lead").notes if n.start >= song.length - 4]
        assert [(n.start, n.duration, n.pitch % 12) for n in last] == [(song.length - 4, 4, song.key.tonic)], sections


def test_a_song_of_silence_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"compose\.sections has nothing but silence; name a section that plays"):
        SongRequest("sad", sections="silence 2, silence 4")


@pytest.mark.parametrize("section", ["verse", "pre chorus", "Build-Up"])
def test_a_section_without_bars_is_told_so(section: str) -> None:
    with pytest.raises(ConfigError, match=r"compose\.sections: [a-z-]+ has no bars; give 1 to 64, such as [a-z-]+ 8"):
        SongRequest("sad", sections=f"intro 4, {section}")


@pytest.mark.parametrize(
    ("program", "span"),
    [(60, (57, 77)), (66, (57, 76)), (73, (60, 81)), (0, (57, 81)), (40, (57, 81)), (58, (57, 81)), (72, (57, 81))],
)
def test_a_tune_is_made_for_its_instrument(program: int, span: tuple[int, int]) -> None:
    """A horn goes to F5; what a tuba or a piccolo can't sing at all is moved as a whole."""
    assert sung_span(program, SPAN) == span


@pytest.mark.slow
@pytest.mark.parametrize("style", ["cinematic", "jazz"])
def test_no_note_leaps_out_of_its_line_for_the_range_of_an_instrument(written: Arrange, style: str) -> None:
    for seed in (1, 2):
        song = written(seed=seed, emotion="joyful", style=style, sections="verse 8, chorus 8, solo 8")
        lead = song.part("lead")
        assert [n.pitch for n in playable(lead.notes, lead.program, "lead")] == [n.pitch for n in lead.notes]
        low, high = sung_span(lead.program, SPAN)
        assert all(low <= n.pitch <= high for n in lead.notes[:-1]), (
            "but for the last, on the tonic nearest to its line"
        )


def test_a_middle_of_another_span_is_its_own() -> None:
    """A tune of one pitch class lies where it asks for, in any span."""

    def draw(chords: str, bars: int, seed: int) -> list[tuple[float, float, int]]:
        return [(float(beat), 1.0, 60) for beat in range(4 * bars)]

    for span, pitch in ((SPAN, 72), ((57, 77), 60), ((48, 72), 60)):
        lift = 0.9 if span == SPAN else 0.0
        tune = section_tune(Singer(draw, Key(0, 1), np.random.default_rng(1), COMMON, span), ["C"] * 4, lift)
        assert sorted({n.pitch for n in tune})[0] == pitch == np.median([n.pitch for n in tune]), "but for its peak"


def test_a_form_that_begins_with_its_chorus_is_left_where_another_is_drawn() -> None:
    def drawn(number: int) -> list[Stretch]:
        kinds = ("verse", "chorus", "verse", "chorus") if number == 7 else ("chorus", "verse", "verse", "chorus")
        return [Stretch(kind, 8, 0.5, 0.3) for kind in kinds]

    form, _ = chosen_form(drawn, 32)
    assert [s.kind for s in form] == ["verse", "chorus", "verse", "chorus"]


def _form_of(text: str) -> list[Stretch]:
    pairs = [part.split() for part in text.split(", ")]
    return [Stretch(kind, int(bars), 0.5, 0.3) for kind, bars in pairs]


@pytest.mark.parametrize(
    ("odd", "usual"),
    [
        ("intro 4, chorus 8, verse 8, chorus 8, outro 4", "intro 4, verse 4, chorus 8, verse 4, chorus 8, outro 4"),
        ("bridge 8, verse 8, chorus 8, bridge 8, chorus 8", "verse 8, chorus 8, bridge 8, verse 8, chorus 8"),
    ],
)
def test_verse_chorus_and_bridge_come_in_this_order(odd: str, usual: str) -> None:
    forms = [_form_of(odd), _form_of(usual)]
    bars = sum(s.bars for s in forms[0])
    form, _ = chosen_form(lambda number: forms[number % 2], bars)
    assert [s.kind for s in form] == [s.kind for s in forms[1]]


def test_a_solo_cello_plays_in_its_own_register(written: Arrange) -> None:
    alone = written(text="a sad solo cello, verse chorus verse", emotion="sad")
    among = written(text="a sad song with a cello, verse chorus verse", emotion="sad")
    pitch = [float(np.mean([n.pitch for n in song.part("lead").notes])) for song in (alone, among)]
    assert [p.role for p in alone.parts] == ["lead"] and pitch[1] - pitch[0] > 6
    assert min(n.pitch for n in alone.part("lead").notes) >= 36
    flute = written(text="a sad solo flute, verse chorus verse", emotion="sad")
    assert min(n.pitch for n in flute.part("lead").notes) >= 60


def test_a_waltz_has_its_bass_in_soft_sections_too(written: Arrange) -> None:
    song = written(text="a waltz", sections="intro 4, verse 4", emotion="sad")
    assert {n.start for n in song.part("bass").notes} == {3.0 * bar for bar in range(8)}


@pytest.mark.parametrize(
    "sections", ["verse 4, chorus 4", "verse 4, chorus 4, outro 4", "chorus 5, outro 1, outro 2", "verse 3"]
)
def test_the_tune_of_a_song_ends_on_the_tonic(written, sections: str) -> None:
    """Four seeds, two moods. Before an end that nobody sings it comes to rest in that section's first bar."""
    for seed in range(4):
        song = written(seed=seed, sections=sections, emotion="happy" if seed % 2 else "sad")
        last = song.part("lead").notes[-1]
        sung = [s for s in song.sections if s.name != "outro"][-1]
        unsung = song.sections[-1].name == "outro"
        assert (last.pitch - song.key.tonic) % 12 == 0, seed
        assert last.start == song.bar_starts[sung.start + sung.bars - (0 if unsung else 1)]
        assert last.duration == 4.0 or (unsung and last.duration == 2.0), (
            "as long as its bar, or that one's first chord"
        )
        assert abs(last.pitch - song.part("lead").notes[-2].pitch) <= 9


def test_over_chords_of_ones_own_the_tune_ends_on_the_tonic_or_the_root(written) -> None:
    for chords, end in (("C F G C", 0), ("F C Am G", 0), ("G Em D G", 7)):
        song = written(sections="verse 4, chorus 4, outro 2", chords=chords, key="C")
        assert song.part("lead").notes[-1].pitch % 12 == end


def test_a_round_begins_at_rest() -> None:
    """Not on the tonic's diminished chord, however likely a model holds it: a chorus over Cdim sounded wrong in C minor."""

    def ask(so_far: str) -> list[tuple[str, float]]:
        return [("Cdim", 0.6), ("Abaug", 0.2), ("Cm", 0.1), ("Fm", 0.05), ("G7", 0.03), ("Bb", 0.02)]

    for seed in range(20):
        rng = np.random.default_rng(seed)
        assert progression(ask, Taste(Key(0, -1), 0.0, 1.0), [1] * 4, [], rng).chords[0] in ("Cm", "Fm")


def test_a_verse_returns_with_another_end_and_a_chorus_nearly_as_it_was(written: Arrange) -> None:
    """The last two bars that are sung of eight, in a style that swings, too: what is late there is late everywhere."""
    for style in ("pop", "jazz"):
        song = written(seed=3, emotion="joyful", style=style, sections="verse 8, chorus 8, verse 8, chorus 8, outro 4")
        lead = song.part("lead").notes
        sung = [
            [(round(n.start - start, 6), n.pitch) for n in lead if start <= n.start < stop]
            for start, stop in map(song.span, song.sections)
        ]
        first, again = ([note for note in verse if note[0] < 15] for verse in (sung[0], sung[2]))
        assert first == again and sung[0] != sung[2]
        chorus, last = {*sung[1]}, {*sung[3]}
        assert 0.5 < len(chorus & last) / len(chorus | last) < 1
        if style == "jazz":
            assert not any(at % 1 == 0.5 for section in sung for at, _ in section)
