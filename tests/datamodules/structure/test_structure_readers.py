"""Readers of song forms, on small files in the published layouts."""

from __future__ import annotations

from pathlib import Path

import pytest

from datamodules.structure import billboard, harmonix, jsd, pop909, salami
from datamodules.structure.labels import TABLE, type_of
from kmidi_lab.models.structure.form import TYPES, Form

PAGE = Path(__file__).parents[3] / "docs" / "structure.md"


def write(root: Path, name: str, text: str | bytes) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def read(reader, root: Path):
    return reader.read(reader.files(root))


def told(form: Form) -> list[tuple[str, float, int | None]]:
    return [(TYPES[s.kind], round(s.seconds, 2), s.bars) for s in form.sections]


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("Verse", "verse"), ("verse_2", "verse"), ("verse two", "verse"), ("verse1a", "verse"), ("chorus b", "chorus"),
        ("Pre-Chorus", "pre-chorus"), ("prechorus2", "pre-chorus"), ("solo_01_02", "solo"), ("fade-out", "outro"),
        ("No_Function", "other"), ("A", "verse"), ("b", "solo"), ("i", "intro"), ("Main_Theme", "chorus"), ("break", "breakdown"),
    ],
)  # fmt: skip
def test_words_of_all_sets_come_from_one_table(word, name):
    assert type_of(word) == TYPES.index(name)


@pytest.mark.parametrize("word", ["", "worstthingever", "End", "a", "Z", "verses", "ä"])
def test_a_word_that_the_table_does_not_hold_is_none(word):
    assert type_of(word) is None


def test_no_word_has_two_types_and_every_type_a_row():
    words = [word.replace(" ", "") if len(word) > 1 else word for row in TABLE.values() for word in row]
    assert len(set(words)) >= len(words) - 2 and list(TABLE) == list(TYPES)
    owner = {}
    for name, row in TABLE.items():
        for word in row:
            assert owner.setdefault(word if len(word) == 1 else word.replace(" ", ""), name) == name


def test_the_page_shows_the_whole_table():
    page = PAGE.read_text(encoding="utf-8")
    for name, words in TABLE.items():
        assert f"| {name} | {', '.join(f'`{w}`' for w in words)} |" in page, name


BILLBOARD = """# title: Song
# artist: Singer
# metre: 4/4
# tonic: C

0.0\tsilence
1.0\tA, intro, | C:maj | C:maj |
5.0\tB, verse, | C:maj | F:maj |, (voice
9.0\t| C:maj | F:maj | x2
17.0\tC, chorus, fadeout, | G:maj | (2/4) C:maj |
21.0\tZ
23.0\tD, outro, | C:maj |
25.0\tsilence
26.0\tend
"""


def test_billboard_counts_bars_and_goes_on_with_a_section(tmp_path):
    write(tmp_path, "billboard/McGill-Billboard/0003/salami_chords.txt", BILLBOARD)
    [form] = read(billboard, tmp_path).items
    assert (form.id, form.title, form.artist, form.quarters) == ("billboard/0003", "Song", "Singer", 4.0)
    assert told(form) == [("intro", 4, 2), ("verse", 12, 6), ("chorus", 4, 2), ("silence", 2, None), ("outro", 2, 1)]
    assert form.tempo == pytest.approx(60 * 4 * 11 / 22)


def test_harmonix_counts_downbeats(tmp_path):
    write(tmp_path, "harmonix/segments/0001_a.txt", "0.0 silence\n1.0 intro\n5.0 verse2\n9.0 worst thing\n13.0 end\n")
    beats = "".join(f"{1 + b:.3f}\t{b % 2 + 1}\t{b // 2 + 1}\n" for b in range(12))
    write(tmp_path, "harmonix/beats_and_downbeats/0001_a.txt", beats.replace("5.000", "4.930"))
    head = "File,Title,Artist,Time Signature\n"
    write(tmp_path, "harmonix/metadata.csv", head + '0001_a,"One, Two",Who,2|4\n')
    reading = read(harmonix, tmp_path)
    [form] = reading.items
    assert told(form) == [("intro", 4, 2), ("verse", 4, 2), ("other", 4, 2)]
    assert (form.title, form.artist, form.quarters) == ("One, Two", "Who", 2.0)
    assert reading.skipped == 0 and len(reading.problems) == 1  # the word that the table doesn't hold


def test_salami_reads_the_first_annotator_and_knows_no_bars(tmp_path):
    text = "0.0\tSilence\n1.0\tIntro\n1.2\tVerse\n10.0\tverse\n20.0\tChorus\n30.0\tEnd\n"
    write(tmp_path, "salami/annotations/7/parsed/textfile2_functions.txt", text)
    write(tmp_path, "salami/annotations/8/parsed/textfile1_functions.txt", text.replace("Chorus", "Solo"))
    write(tmp_path, "salami/annotations/8/parsed/textfile2_functions.txt", text)
    write(tmp_path, "salami/metadata/metadata.csv", "SONG_ID,SONG_TITLE,ARTIST\n7,A_Song,The_Band\n")
    first, second = read(salami, tmp_path).items
    assert told(first) == [("verse", 8.8, None), ("verse", 10, None), ("chorus", 10, None)]  # 0.2 s is no section
    assert (first.title, first.artist, first.quarters, first.tempo) == ("A Song", "The Band", None, None)
    assert (second.title, TYPES[second.sections[-1].kind]) == ("8", "solo")


def test_jsd_joins_the_choruses_of_a_soloist(tmp_path):
    rows = ["segment_start;segment_end;label;instrument", "0.0;1.0;silence;"]
    words = ["intro", "theme_01_01", "solo_01_01", "solo_01_02", "solo_02_01", "theme_02_01"]
    rows += [f"{i}.0;{i + 1}.0;{word};p" for i, word in enumerate(words, 1)]
    write(tmp_path, "jsd/annotations_csv/ArtPepper_BluesForBlanche_Orig.csv", "\n".join(rows))
    [form] = read(jsd, tmp_path).items
    assert told(form) == [
        ("intro", 1, None),
        ("chorus", 1, None),
        ("solo", 2, None),
        ("solo", 1, None),
        ("chorus", 1, None),
    ]
    assert (form.title, form.artist) == ("Blues For Blanche", "Art Pepper")


def test_pop909_joins_phrases_and_knows_seconds_by_the_tempo(tmp_path):
    write(tmp_path, "pop909_structure/001/human_label1.txt", "i4A4A4B9b4X2o2\n")
    write(tmp_path, "pop909_structure/001/tempo.txt", "120\n")
    [form] = read(pop909, tmp_path).items
    assert told(form) == [
        ("intro", 8, 4), ("verse", 16, 8), ("chorus", 18, 9), ("solo", 8, 4), ("other", 4, 2), ("outro", 4, 2),
    ]  # fmt: skip
    assert form.tempo == pytest.approx(120)


@pytest.mark.parametrize(
    ("reader", "name", "text"),
    [
        (billboard, "billboard/x/salami_chords.txt", b"\xff\xfe\x00"),
        (billboard, "billboard/x/salami_chords.txt", "# title: nothing\n"),
        (billboard, "billboard/x/salami_chords.txt", "# metre: 4/0\n0.0\tA, verse, | C |\n9.0\tend\n"),
        (harmonix, "harmonix/segments/a.txt", "x intro\ny verse\n"),
        (harmonix, "harmonix/segments/a.txt", "nan intro\n1.0 verse\n2.0 end\n"),
        (harmonix, "harmonix/segments/a.txt", "0.0 intro\n1.0 verse\n2.0 chorus\ninf end\n"),
        (salami, "salami/annotations/1/parsed/textfile1_functions.txt", "0.0 Intro\n"),
        (jsd, "jsd/annotations_csv/a.csv", "head\n1.0;x;solo\n"),
        (pop909, "pop909_structure/1/human_label1.txt", "i4A4-B4"),
        (pop909, "pop909_structure/1/human_label1.txt", "i4A4B4o4"),  # no tempo
        (
            salami,
            "salami/annotations/1/parsed/textfile1_functions.txt",
            "".join(f"{i}.0\tno_function\n" for i in range(9)),
        ),
    ],
)
def test_a_file_that_says_nothing_is_a_problem(tmp_path, reader, name, text):
    write(tmp_path, name, text)
    reading = read(reader, tmp_path)
    assert not reading.items and reading.skipped >= 1
