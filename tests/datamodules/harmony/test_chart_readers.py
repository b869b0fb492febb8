"""Readers of the jazz corpus, iReal's links and Billboard, on small files in the published layouts, good and broken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datamodules.harmony import billboard, ireal, jazz_corpus
from datamodules.harmony.ireal_chart import TooLongError, bars_of, played
from kmidi_lab.chords.chord import Key, Song

CHART = """Title = Black Orpheus
ComposedBy = Luiz Bonfa
DBKeySig = C
TimeSig = 4 4
Bars = 4
 Am7 | Bm7b5 E7alt | Am7 | NC |
 Am7 Am7 D7 | | Q7 | E7 |
"""
SALAMI = """# title: I Don't Mind
# artist: James Brown
# metre: 4/4
# tonic: A

0.0\tsilence
7.3469387e-2\tA, intro, | A:min | A:min . C:maj D:min/b3 |, (guitar
8.714013605\t| (2/4) E:7 A:min | N | &pause A:min | x2
12.5\tB, verse, | C:hdim7 | C:what | F:maj |
# tonic: C
15.0\t| G:7 | C:maj |
20.0\tend
"""


def mixed(music: str) -> str:
    """What iReal Pro does with the music of a link: its mixing is its own inverse, after the abbreviations."""
    for short, long in (("XyQ", "   "), ("Kcl", "| x"), ("LZ", " |")):
        music = music.replace(long, short)
    out = ""
    while len(music) > 50:
        block, music = list(music[:50]), music[50:]
        if len(music) >= 2:
            for i in (*range(5), *range(10, 24)):
                block[i], block[49 - i] = block[49 - i], block[i]
        out += "".join(block)
    return out + music


def link(*songs: tuple[str, str, str], name: str = "List") -> str:
    parts = [f"{t}=Composer Some==Swing={k}==1r34LbKcu7{mixed(m)}=Jazz-Swing=120=3" for t, k, m in songs]
    return f"irealb://{quote('==='.join([*parts, name]))}"


def chart(music: str) -> str:
    return " | ".join(" ".join(c for c in bar if c) for bar in played(bars_of(music)))


def shown(song: Song) -> list[str]:
    return [str(event.chord) for event in song.events]


def test_a_chart_as_text(tmp_path: Path) -> None:
    path = tmp_path / "jazz_corpus" / "A-G" / "BlackOrpheus.txt"
    path.parent.mkdir(parents=True)
    path.write_text(CHART, encoding="utf-8")
    reading = jazz_corpus.read(jazz_corpus.files(tmp_path))
    [song] = reading.items
    assert [event.chord.label for event in song.events] == [(9, 6), (11, 7), (4, 4), (9, 6), (2, 4), (4, 4)]
    assert [(e.start, e.bars) for e in song.events][:4] == [(0, 1), (1, 0.5), (1.5, 0.5), (2, pytest.approx(1 + 2 / 3))]
    assert song.events[4].start == pytest.approx(4 + 2 / 3)
    assert song.events[4].bars == pytest.approx(1 / 3 + 1)  # an empty bar holds the chord before
    assert {e.key for e in song.events} == {Key(9, -1)}  # of C and A minor, which share the signature
    assert reading.reasons() == {"unreadable chord symbol": 1}
    assert song.title == "Black Orpheus"


def test_billboard(tmp_path: Path) -> None:
    path = tmp_path / "billboard" / "McGill-Billboard" / "0003" / "salami_chords.txt"
    path.parent.mkdir(parents=True)
    path.write_text(SALAMI, encoding="utf-8")
    reading = billboard.read(billboard.files(tmp_path))
    [song] = reading.items
    assert shown(song) == ["Am", "C", "Dm/F", "E7", "Am", "E7", "Am", "Cm7b5", "F", "G7", "C"]
    assert [e.start for e in song.events[:6]] == [0, 1.5, 1.75, 2, 2.5, 5]
    assert song.events[0].bars == 1.5
    assert song.events[0].key == Key(9, -1)
    assert song.events[-1].key == Key(0, 1)
    assert reading.reasons() == {"unreadable chord symbol": 1}


@pytest.mark.parametrize(
    ("music", "is_played"),
    [
        ("T44C   |F   |G7   |C   Z", "C | F | G7 | C"),
        ("{C   |F   }|G7   Z", "C | F | C | F | G7"),
        ("{C   |N1F   }            |N2G7   Z", "C | F | C | G7"),
        ("{C   |F <3x>}G   Z", "C | F | C | F | C | F | G"),
        ("{C   |N1F   |G   }{A   |B   }Z", "C | F | G | C | F | G | A | B | A | B"),
        ("C   | x  |F C |  r |    |G   Z", "C | C | F C | C | F C | G"),
        ("C   |F  Q |G   |<D.C. al Coda>A   Z    Y[QB   |C   Z", "C | F | G | A | C | F | B | C"),
        ("C   |SF   |QG   |A <D.S. al Coda>  ][QB   Z", "C | F | G | A | F | B"),
        ("C   |F  <Fine> |G   |<D.C. al Fine> A   Z", "C | F | G | A | C | F"),
        ("{C   |N1F   }|N2G  U ][D   |<D.C. al 2nd End.>E   Z", "C | F | C | G | D | E | C | G"),
        ("C(Am)   |ppF   |n   |lC-7/Bb sF7,G7,|Z", "C | p p F | n | C-7/Bb F7 G7"),
        ("[*iT44E W/G,W/A,|E,n  ]", "E W/G W/A | E n"),
    ],
)
def test_what_is_played_of_a_chart(music: str, is_played: str) -> None:
    assert chart(music) == is_played


def test_cells_divide_a_bar() -> None:
    assert played(bars_of("C  F,|A- D7 |E   Z")) == [["C", "", "", "F"], ["A-", "", "D7", ""], ["E", "", "", ""]]


def test_a_chart_without_an_end_is_refused() -> None:
    with pytest.raises(TooLongError):
        played(bars_of("{" + "C   |" * 900 + "<8x>F   }"))


@given(st.text(alphabet=" |[]{}ZCFx rnpWQSU*AT44N12<>DCalo.di/bh-^7,", max_size=120))
@settings(max_examples=150, deadline=None)
def test_any_music_is_played_or_refused(music: str) -> None:
    try:
        bars = played(bars_of(music))
    except TooLongError:
        return
    assert all(isinstance(bar, list) and bar for bar in bars)


@given(st.text(alphabet="ABCDEFG|-^7 x[]{}", max_size=400))
def test_mixed_music_is_unmixed(music: str) -> None:
    assert ireal.unmixed(mixed(music)) == ireal.unmixed(mixed(ireal.unmixed(mixed(music))))
    for short in ("XyQ", "Kcl", "LZ"):
        music = music.replace(short, "")
    assert ireal.unmixed(mixed(music)) == music


def test_a_playlist(tmp_path: Path) -> None:
    folder = tmp_path / "ireal"
    folder.mkdir()
    songs = [
        ("Boy Named Sue, A", "Bb", "{*AT44Bb   | x  |Eb   |C-7 F7 }"),
        ("Minor", "E-", "[T44E-   |W/D   |Ah7 B7alt |E-^7,   Z"),
        ("Odd", "H", "[T44C   |Q*7   |F*7+* |G7sus  Z"),
        ("One", "C", "[T44C   | x  Z"),
    ]
    (folder / "list.html").write_text(f'<a href="{link(*songs)}">x</a>', encoding="utf-8")
    (folder / "none.txt").write_text("nothing", encoding="utf-8")
    reading = ireal.read(ireal.files(tmp_path))
    assert [s.title for s in reading.items] == ["Boy Named Sue, A", "Minor", "Odd"]
    assert shown(reading.items[0]) == ["Bb", "Eb", "Cm7", "F7", "Bb", "Eb", "Cm7", "F7"]
    assert shown(reading.items[1])[:2] == ["Em", "Am7b5"]
    assert {e.key for e in reading.items[1].events} == {Key(4, -1)}
    assert reading.reasons() == {
        "no irealb:// link in it": 1,
        "unreadable key, estimated instead": 1,
        "fewer than two distinct chords in a row": 1,
    }


@pytest.mark.parametrize("reader", [jazz_corpus, ireal, billboard])
@given(data=st.binary(max_size=300))
@settings(max_examples=60, deadline=None)
def test_any_file_is_read_or_counted(tmp_path_factory: pytest.TempPathFactory, reader: object, data: bytes) -> None:
    root = tmp_path_factory.mktemp("any")
    names: dict[object, str] = {jazz_corpus: "a.txt", ireal: "a.txt", billboard: billboard.FILE}
    path = root / reader.NAME / "x" / names[reader]  # type: ignore[attr-defined]
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    files: Callable[[Path], list[Path]] = reader.files  # type: ignore[attr-defined]
    reading = reader.read(files(root))  # type: ignore[attr-defined]
    assert reading.items or reading.problems


@pytest.mark.slow
def test_real_charts_are_nearly_all_read(shared: Path) -> None:
    for reader, least in ((jazz_corpus, 1900), (ireal, 580), (billboard, 680)):
        reading = reader.read(reader.files(shared))
        assert len(reading.items) >= least
        assert len(reading.problems) < 15
