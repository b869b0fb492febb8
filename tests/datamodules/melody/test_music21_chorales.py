"""Sopranos of chorales in MusicXML: by hand, as muspy hears them, and what is broken."""

from __future__ import annotations

import zipfile
from pathlib import Path

import muspy
import numpy as np
import pytest

from datamodules.melody import chorales, library
from datamodules.melody.reading import MIN_NOTES
from datamodules.shared.splits import SplitBy
from kmidi_lab.chords.chord import Key

CONTAINER = '<container><rootfiles><rootfile full-path="a/score.xml"/></rootfiles></container>'


def note(step: str, quarters: float, more: str = "", octave: int = 5, alter: int = 0) -> str:
    pitch = f"<pitch><step>{step}</step><alter>{alter}</alter><octave>{octave}</octave></pitch>"
    return f"<note>{pitch}<duration>{int(quarters * 2)}</duration>{more}</note>"


def score(measures: list[str], mode: str = "minor", time: tuple[int, int] = (4, 4), part: str = "Soprano") -> str:
    key = f"<key><fifths>-1</fifths><mode>{mode}</mode></key>"
    clef = f"<attributes><divisions>2</divisions>{key}<time><beats>{time[0]}</beats><beat-type>{time[1]}</beat-type></time></attributes>"
    joined = "".join(f"<measure>{clef * (n == 0)}{m}</measure>" for n, m in enumerate(measures))
    bass = "".join(f"<measure>{note('C', 4)}</measure>" for _ in measures)
    names = f'<score-part id="B"><part-name>Bass</part-name></score-part><score-part id="S"><part-name>{part}</part-name></score-part>'
    return f'<score-partwise><part-list>{names}</part-list><part id="B">{bass}</part><part id="S">{joined}</part></score-partwise>'


FERMATA = "<notations><fermata/></notations>"
REST = "<note><rest/><duration>2</duration></note>"
BARS = [
    note("D", 1),  # upbeat
    note("E", 1.5, "<chord/>", 4) + note("F", 1) + note("F", 0.5, "<grace/>").replace("<duration>1</duration>", "")
    + note("A", 0.5) + note("B", 0.5, alter=-1) + note("A", 2, '<tie type="start"/>'),
    note("A", 2, f'<tie type="stop"/>{FERMATA}') + note("G", 1),  # three quarters, cut by a repeat
    note("G", 1),
    REST + note("F", 3),
    "".join(note(s, 0.5) for s in "EDEFEDED"),
]  # fmt: skip


def test_upbeat_tie_fermata_rest_and_cut_bar_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "x.xml"
    path.write_text(score(BARS))
    reading = chorales.read([path])
    [melody] = reading.items
    assert melody.key == Key(2, -1) and melody.source == "chorales"
    assert melody.pitch[:8].tolist() == [74, 77, 81, 82, 81, 79, 79, 77]
    assert melody.duration[:8].tolist() == [1, 1, 0.5, 0.5, 4, 1, 1, 3]
    assert melody.position[:8].tolist() == [3, 0, 1, 1.5, 2, 2, 3, 1]
    assert melody.phrase[:8].tolist() == [True, False, False, False, False, True, False, False]
    assert melody.rest[:8].tolist() == [False] * 7 + [True]
    assert melody.position[8:].tolist() == [n / 2 for n in range(8)] and (melody.bar == 4).all()


def test_packed_files_metres_and_what_is_broken(tmp_path: Path) -> None:
    packed, alto, broken, cut = (tmp_path / name for name in ("a.mxl", "b.xml", "c.xml", "d.mxl"))
    bars = ["".join(note(s, 0.5) for s in "CDEFGA")] * 3
    with zipfile.ZipFile(packed, "w") as out:
        out.writestr("META-INF/container.xml", CONTAINER)
        out.writestr("a/score.xml", score(bars, "major", (6, 8), "Soprano 1"))
    alto.write_text(score(BARS, part="Alto"))
    broken.write_text(score(BARS)[:-9])
    cut.write_bytes(packed.read_bytes()[:200])
    none = tmp_path / "e.xml"
    none.write_text(score([REST] * 4))
    reading = chorales.read([packed, alto, broken, cut, none, tmp_path / "gone.xml"])
    [melody] = reading.items
    assert melody.key == Key(5, 1) and (melody.bar == 3).all()
    assert melody.position.tolist() == [0, 0.5, 1, 1.5, 2, 2.5] * 3
    assert reading.reasons() == {"not readable as MusicXML": 4, "no part named Soprano": 1}


def test_all_of_the_corpus_can_be_read_and_muspy_hears_the_same() -> None:
    paths = chorales.files()
    reading = chorales.read(paths[::8])
    assert len(reading.items) >= 0.98 * len(paths[::8]) and min(map(len, reading.items)) >= MIN_NOTES
    assert np.mean([m.position[0] > 0 for m in reading.items]) > 0.5  # most begin with an upbeat
    plain = [
        p for p in paths if p.stem in ("bwv187.7", "bwv245.28", "bwv300")
    ]  # without repeats, which muspy plays out
    for path, melody in zip(plain, chorales.read(plain).items, strict=True):
        music = muspy.read_musicxml(path)
        [track] = [t for t in music.tracks if t.name == "Soprano"]
        assert [n.pitch for n in track.notes] == melody.pitch.tolist()
        assert [n.duration / music.resolution for n in track.notes] == pytest.approx(melody.duration.tolist())


@pytest.mark.slow
def test_they_give_way_to_the_published_chorales(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    some = chorales.files()[::8]
    monkeypatch.setattr(chorales, "files", lambda: some)
    wanted = ("chorales", "jsb_chorales")
    alone = library.load(tmp_path, tmp_path / "cache", wanted, SplitBy(0, 0.1, 0.15), False)
    assert [s["name"] for s in alone.description["sources"]] == ["chorales"]
    assert alone.description["absent"] == ["jsb_chorales"] and alone.description["stand_in"]
    (tmp_path / "jsb_chorales").mkdir()
    rows = [[60 + i // 4 % 12, 55, 52, 48] for i in range(64)]
    content = f'{{"train": [{rows}], "valid": [{rows[8:]}], "test": [{rows[::-1]}]}}'
    (tmp_path / "jsb_chorales" / "jsb-chorales-16th.json").write_text(content)
    both = library.load(tmp_path, tmp_path / "cache", wanted, SplitBy(0, 0.1, 0.15), False)
    assert [s["name"] for s in both.description["sources"]] == ["jsb_chorales"]
    assert both.description["absent"] == []
