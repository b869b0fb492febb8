"""What a stranger stumbled over: how songs end, what is not said, and what the Python API does with odd values."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from support.page import Page

import kmidi_lab
from kmidi_lab.composition.arranging import Arranger
from kmidi_lab.composition.bands import kit
from kmidi_lab.composition.briefing import brief_of
from kmidi_lab.composition.choosing import chosen_form
from kmidi_lab.composition.form import Stretch, read_form
from kmidi_lab.composition.page import song_page
from kmidi_lab.composition.picture import drawn
from kmidi_lab.composition.players import Players
from kmidi_lab.composition.request import SongRequest
from kmidi_lab.composition.song import _drawn
from kmidi_lab.composition.telling import told_of
from kmidi_lab.errors import UserError
from kmidi_lab.inference.published import release_root
from kmidi_lab.midi.sound import Sound
from kmidi_lab.song import Arrangement


@pytest.fixture
def arranged(tmp_path: Path):
    """A song as it is written, by the fallbacks: quick."""

    def run(seed: int = 1, **settings: object) -> Arrangement:
        request = SongRequest(**settings)  # type: ignore[arg-type]
        assert request.form
        return Arranger(brief_of(request, None, seed), Players(None, tmp_path)).arrange(request.form)

    return run


def struck(song: Arrangement, bar: int) -> list[int]:
    drums = song.part("drums")
    return [n.pitch for n in drums.notes if bar * 4 <= n.start < bar * 4 + 4] if drums else []


@pytest.mark.parametrize("style", ["pop", "ballad", "jazz", "folk"])
def test_drums_end_with_a_hit_under_the_last_chord(arranged, style: str) -> None:
    for sections in ("verse 4, chorus 4", "chorus 4, outro 4"):
        song = arranged(emotion="joyful", style=style, sections=sections)
        assert bool(struck(song, 6)) == sections.endswith("chorus 4"), "an outro without drums has only the hit"
        assert struck(song, 7) == [kit()["kick"], kit()["crash"]]
        assert [n.start for n in song.part("drums").notes][-2:] == [28.0, 28.0]
    assert song.part("bass").notes[-1].start == 28.0


def test_a_song_without_drums_has_none_at_its_end(arranged) -> None:
    assert arranged(emotion="joyful", sections="intro 4, breakdown 4").part("drums") is None


def test_a_bass_leads_to_the_next_section(arranged) -> None:
    """At the end of a walking section, the last note lies a step beside the first of what follows."""
    song = arranged(emotion="calm", style="jazz", sections="verse 4, chorus 4, bridge 4, chorus 4", key="C")
    bass = song.part("bass").notes
    for section in song.sections[1:]:
        start, _ = song.span(section)
        before = [n for n in bass if n.start < start][-1]
        first = next(n for n in bass if n.start >= start)
        assert abs(before.pitch - first.pitch) <= 2, section


@pytest.mark.slow
@pytest.mark.parametrize(("emotion", "arc"), [("sad", ""), ("-0.2,0.6", "Climb-to-Climax"), ("0.6,0.6", "Descent")])
def test_in_32_bars_the_chorus_returns_and_the_song_closes(emotion: str, arc: str, tmp_path: Path) -> None:
    players = Players(release_root(), tmp_path)
    for bars, seed in ((32, 1), (32, 2), (32, 3), (40, 1), (64, 2)):
        brief = brief_of(SongRequest(emotion=emotion, bars=bars), None, seed, arc)
        plan, _ = chosen_form(lambda number, brief=brief: _drawn(players, brief, number), bars)
        kinds = [s.kind for s in plan]
        assert sum(s.bars for s in plan) == bars
        assert kinds[-1] in ("outro", "chorus"), kinds
        starts = [k for k, before in zip(kinds, [None, *kinds], strict=False) if k == "chorus" != before]
        assert len(starts) > 1, kinds


@pytest.mark.slow
def test_what_was_changed_at_the_end_stands_in_the_trace(sketch) -> None:
    assert sketch(emotion="calm", sections="verse 4, solo 4", models=False).trace["form"]["changed"] == ""
    drawn = [Stretch(kind, 8, 0.5, 0.3) for kind in ("verse", "chorus", "verse", "chorus", "verse")]
    form, changed = chosen_form(lambda number: drawn, 40)
    assert form[-1].kind == "outro" and "the verse of 8 bars at the end became its outro" in changed


def test_a_metre_that_songs_do_not_have_is_said(sketch) -> None:
    for text, asked in (("something in 7/8, like limping", "7/8"), ("it should be in odd time", "odd time")):
        request = SongRequest(text=text)
        assert f"songs are in 4/4, 3/4 or 6/8, so this is no {asked}" in told_of(request, brief_of(request, None, 1))
        assert request.metre.name == "4/4"
    for text in ("she left at 4/4 speed", "a jigsaw of memories", "I feel lost"):
        request = SongRequest(text=text)
        assert not [line for line in told_of(request, brief_of(request, None, 1)) if "songs are in" in line]
    song = sketch(text="a riot in 5/4", bars=8, models=False)
    assert "songs are in 4/4, 3/4 or 6/8, so this is no 5/4" in song.remarks
    assert {(m.numerator, m.denominator) for m in song.arrangement.metres} == {(4, 4)}


def test_own_chords_that_are_not_heard_are_told(sketch) -> None:
    song = sketch(chords="C F G Am Dm E", sections="verse 4, chorus 6", models=False)
    assert any(line.startswith("of your 6 bars of chords verse the first 4") for line in song.remarks)


@pytest.mark.slow
def test_names_of_sections_do_not_overlap(arranged) -> None:
    from matplotlib import pyplot as plt

    song = arranged(
        emotion="calm",
        sections="intro 1, pre-chorus 1, chorus 1, breakdown 1, build-up 1, verse 24, pre-chorus 2, outro 1",
    )
    figure = drawn(song, "title", SongRequest(emotion="calm", key="C").spelling)
    renderer = figure.canvas.get_renderer()
    boxes = [t.get_window_extent(renderer) for t in figure.axes[0].texts if t.get_weight() == "bold"]
    plt.close(figure)
    assert len(boxes) == len(song.sections)
    assert not [pair for pair in combinations(boxes, 2) if pair[0].overlaps(pair[1])]


def test_a_song_has_a_page_that_plays_it(sketch) -> None:
    song = sketch(text='a waltz for <b>"you"</b> & me', bars=8, models=False)
    noise = np.random.default_rng(0).normal(0, 0.2, (70 * 8000, 2)).astype(np.float32)
    written = song_page(song.brief.title, song.trace, Sound(noise, 8000), b"\x89PNG", "mine.wav").decode()
    page = Page(written.partition(">")[2])
    held = [value for name, value in page.attributes if name == "src"]
    assert [value.partition(",")[0] for value in held if value] == ["data:audio/ogg;base64", "data:image/png;base64"]
    assert not re.findall(r"(?:src|href)=(?!\"data:)", written), "the page needs no other file"
    assert ("aria-label", "the first 60 seconds of the song") in page.attributes and "mine.wav beside" in page.text
    assert len(written) < 1_000_000, "the densest sound that there is"
    assert "audio" in page.tags and '<b>"you"</b> & me' in page.text and "metre 3/4" in page.text
    assert len(page.rows) == len(song.arrangement.sections)
    assert all(str(model["by"]) in page.text for model in song.trace["models"])
    short = song_page(song.brief.title, song.trace, Sound(noise[:8000], 8000), b"", "mine.wav").decode()
    assert 'aria-label="the song"' in short and "mine.wav" not in short
    silent = song_page(song.brief.title, song.trace, None, b"", "mine.wav").decode()
    assert "<audio" not in silent and "mine.wav" not in silent


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"seed": -1}, "seed=-1 must be a whole number from 0 to 4294967295"),
        ({"seed": 2**40}, "must be a whole number from 0"),
        ({"seed": "one"}, "seed='one' must be a whole number"),
        ({"seed": 1.5}, "seed=1.5 must be a whole number"),
        ({"seed": True}, "seed=True must be a whole number"),
        ({"seed": None}, "seed=None must be a whole number"),
        ({"text": 5}, "compose.text=5 must be a text"),
        ({"chords": 5}, "compose.chords=5 must be a text, or a list of texts"),
        ({"chords": ["C", 5]}, "compose.chords=['C', 5] must be a text, or a list of texts"),
        ({"emotion": (0.5, 0.2)}, "compose.emotion=(0.5, 0.2) must be a text, such as joyful or -0.5,0.2"),
        ({"intent": 5}, "compose.intent=5 must be the name of a file"),
        ({"song": "sad"}, "compose.song='sad' must be a SongIntent"),
        (
            {"out": "song.mid"},
            "compose: 'out' is not allowed. Allowed: text, intent, example, chords, key, emotion, tempo, bars, ",
        ),
        ({"out": "song.mid"}, "models_root. Python writes no file and asks nothing: write .midi of the answer."),
        ({"sound": False}, "compose: 'sound' is not allowed."),
        ({"ask": True}, "compose: 'ask' is not allowed."),
        ({"bars": "8"}, "compose.bars='8' must be a whole number from 4 to 400"),
        ({"bars": 10.5}, "compose.bars=10.5 must be a whole number from 4 to 400"),
        ({"bars": [8]}, "compose.bars=[8] must be a whole number"),
        ({"tempo": np.zeros(2)}, "compose.tempo=[0. 0.] must be a number"),
        ({"barz": 8}, "compose: 'barz' is not allowed. Did you mean 'bars'?"),
        ({"models_root": "nowhere/models"}, "models_root=nowhere/models: there is no such folder; leave it out"),
        ({"models_root": 5}, "models_root=5 must be a folder's name"),
    ],
)
def test_odd_values_in_python_are_one_line(settings: dict[str, object], line: str) -> None:
    with pytest.raises(UserError) as caught:
        kmidi_lab.compose(**{"text": "I feel lost", **settings})  # type: ignore[arg-type]
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_switch_is_true_or_false() -> None:
    with pytest.raises(UserError, match=r"compose\.sound='no' must be true or false"):
        SongRequest(emotion="calm", sound="no")  # type: ignore[arg-type]


def test_numbers_of_numpy_are_numbers(tmp_path: Path) -> None:
    request = SongRequest(emotion="calm", bars=np.int64(8), tempo=np.float32(90))  # type: ignore[arg-type]
    assert (type(request.length), type(request.tempo)) == (int, float)


def test_a_wrong_seed_of_a_question_is_one_line() -> None:
    with pytest.raises(UserError, match="seed=-1 must be a whole number"):
        kmidi_lab.load("melody").predict("C", seed=-1)


def test_what_a_person_calls_a_feeling_is_known() -> None:
    joy, sad = SongRequest(emotion="joy").affect, SongRequest(emotion="Sadness").affect
    assert joy and sad and joy[0] > 0.5 > -0.3 > sad[0]
    assert SongRequest(emotion="Triumphant Hope").affect
    with pytest.raises(UserError, match=r"did you mean joy\? Give happy"):
        SongRequest(emotion="jooy")
    assert read_form("verse 4")


@pytest.mark.slow
def test_a_command_that_is_refused_leaves_no_folder(called, tmp_path: Path) -> None:
    for words in (("compose.text=",), ("compose.text=sad", "compose.out=song.txt"), ("compose.emotion=jooy",)):
        assert called("task=compose", *words).returncode == 2
    assert called("task=predict", "model=melody", "predict.chords=C Xyz").returncode == 2
    assert not list((tmp_path / "outputs").rglob("*"))
    (tmp_path / "mine").mkdir()
    assert called("task=compose", "compose.emotion=jooy", f"hydra.run.dir={tmp_path}/mine").returncode == 2
    assert (tmp_path / "mine" / "run.json").is_file(), "a folder that a person names is theirs"
