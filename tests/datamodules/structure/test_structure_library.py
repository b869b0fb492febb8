"""Which forms are copies, which share a split, and when forms by rule stand in."""

from __future__ import annotations

from pathlib import Path

import pytest

from datamodules.shared import engine
from datamodules.shared.library import Reading
from datamodules.shared.splits import SplitBy
from datamodules.structure import form_rules
from datamodules.structure.library import FormRules, group, song_key, title_key
from datamodules.structure.module import SongForms
from kmidi_lab.errors import ConfigError, DataError
from kmidi_lab.models.structure.form import TYPES, Form, Section

RULES = FormRules(SplitBy(0, 0.2, 0.3))


def form(source: str, number: int, title: str, artist: str, kinds=(0, 1, 3)) -> Form:
    return Form(f"{source}/{number}", source, title, artist, tuple(Section(k, 10.0, 8) for k in kinds), 4.0)


SAME = [
    (("I Don't mind", "James Brown"), ("I_Don_t_Mind", "James_Brown")),
    (("Respect", "The Beatles"), ("RESPECT", "Beatles, The")),
    (("Respect", "The Beatles"), ("Respect (Live at Home)", "the beatles")),
    (("Déjà Vu", "Beyoncé"), ("Deja Vu (feat. Jay-Z)", "Beyonce feat. Jay-Z")),
    (("Me & You", "A and B"), ("Me and You - Remastered 2009", "A & B")),
    (("Ain’t 2 Proud", "TLC"), ("Ain't 2 Proud [Single Version]", "T.L.C.")),
    (("The Weight", "The Band"), ("Weight, The", "Band")),
    (("Stardust live", "Art Pepper"), ("Stardust", "Art Pepper")),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_a_song_is_known_under_another_sets_spelling(one, other):
    a, b = form("x", 1, *one), form("y", 2, *other)
    assert song_key(a) == song_key(b) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [(("Respect", "Aretha"), ("Respect", "Otis")), (("One", "U2"), ("Two", "U2")), (("中文", "甲"), ("英文", "甲"))],
)
def test_other_songs_are_others(one, other):
    assert song_key(form("x", 1, *one)) != song_key(form("x", 2, *other))


@pytest.mark.parametrize(("title", "artist"), [("", "U2"), ("One", ""), ("", ""), ("One", "..."), ("???", "U2")])
def test_a_song_without_a_name_is_no_copy(title, artist):
    assert song_key(form("x", 1, title, artist)) is None


def test_a_title_of_nothing_but_what_is_left_out_still_is_one():
    assert title_key("(Reprise)") == "reprise" and title_key("Live") == "live"


def test_no_song_is_in_two_splits_under_any_spelling():
    one = Reading("one", "x", items=[form("one", n, f"Song {n}", "The Singer") for n in range(200)])
    cover = Reading("two", "x", items=[form("two", n, f"song_{n} (Live)", f"Someone {n}") for n in range(200)])
    copy = Reading("three", "x", items=[form("three", n, f"SONG {n} - Remastered", "Singer, The") for n in range(200)])
    built = engine.build([one, cover, copy], "v", RULES)
    assert len(built.songs) == 400 and copy.skipped == 200
    place = dict(zip((s.id for s in built.songs), built.splits, strict=True))
    assert all(place[f"one/{n}"] == place[f"two/{n}"] for n in range(200))
    assert set(built.splits) == {"train", "val", "test"}


def test_an_added_song_moves_no_other():
    songs = [form("x", n, f"Song {n}", "S") for n in range(50)]
    before = RULES.split(songs).places
    assert RULES.split([*songs, form("y", 1, "New", "N")]).places[:50] == before


@pytest.fixture
def real(tmp_path: Path) -> Path:
    for n in range(30):
        folder = tmp_path / "data" / "pop909_structure" / f"{n:03}"
        folder.mkdir(parents=True)
        (folder / "human_label1.txt").write_text("i4A8B8A8B8o4")
        (folder / "tempo.txt").write_text("100")
    return tmp_path


def test_forms_by_rule_stand_in_only_where_nothing_else_is_there(real):
    with_data = SongForms(str(real / "data"), str(real / "cache"), progress=False)
    without = SongForms(str(real / "nowhere"), str(real / "cache"), progress=False)
    with_data.setup()
    without.setup()
    assert len(list((real / "cache" / "song_forms").iterdir())) == 2, "both are kept"
    assert {s.source for s in with_data.songs("all")} == {"pop909_structure"}
    assert with_data.describe()["stand_in"] is None
    assert {s.source for s in without.songs("all")} == {"form_rules"}
    assert "stand in" in without.describe()["stand_in"]


def test_without_a_source_it_is_an_error(tmp_path):
    module = SongForms(str(tmp_path), str(tmp_path), sources=["billboard", "jsd"], progress=False)
    with pytest.raises(DataError, match="DATA_ROOT"):
        module.setup("fit")
    with pytest.raises(ConfigError, match=r"data\.sources"):
        SongForms(str(tmp_path), str(tmp_path), sources=["isophonics"])


def test_forms_by_rule_are_the_same_every_time_and_use_every_type_of_music():
    songs = form_rules.read().items
    assert songs == form_rules.read().items and len(songs) == form_rules.SONGS
    used = {TYPES[s.kind] for song in songs for s in song.sections}
    assert used == set(TYPES) - {"other", "silence"}
    assert all(song.tempo and abs(song.tempo - round(song.tempo)) < 1e-6 for song in songs)


def test_songs_without_a_title_are_grouped_with_none():
    songs = [form("x", n, "", "") for n in range(5)]
    groups = group(songs)
    assert len({groups.find(n) for n in range(5)}) == 5
