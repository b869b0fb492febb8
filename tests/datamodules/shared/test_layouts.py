"""Published folder layouts of the MIDI sets, on small copies and on the real ones where they are."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from support.smf import song

from datamodules.dynamics import unscored
from datamodules.shared import asap, groove_midi
from datamodules.shared.layout import Layout

GROOVE = """drummer,session,id,style,bpm,beat_type,time_signature,midi_filename,audio_filename,duration,split
drummer1,drummer1/session1,drummer1/session1/1,funk,80,beat,4-4,drummer1/session1/1.mid,x.wav,86.7,train
drummer2,drummer2/eval,drummer2/eval/1,"jazz, slow",90,fill,4-4,drummer2/eval/1.mid,,1.5,validation
drummer2,drummer2/eval,drummer2/eval/2,rock,90,fill,4-4,drummer2/eval/2.mid,,1.5,test
drummer2,drummer2/eval,drummer2/eval/3,rock,90,fill,4-4,drummer2/eval/gone.mid,,1.5,test
drummer2,drummer2/eval,drummer2/eval/4,rock,90,fill,4-4,../../../etc/hostname,,1.5,test
drummer2,drummer2/eval
"""
ASAP = """composer,title,folder,xml_score,midi_score,midi_performance,performance_annotations,midi_score_annotations,maestro_midi_performance
Bach,Fugue_1,B/F1,B/F1/s.xml,B/F1/midi_score.mid,B/F1/a.mid,B/F1/a.txt,B/F1/s.txt,{maestro}/2006/a.midi
Bach,Fugue_1,B/F1,B/F1/s.xml,B/F1/midi_score.mid,B/F1/b.mid,B/F1/b.txt,B/F1/s.txt,
Bach,Fugue_2,B/F2,B/F2/s.xml,B/F2/midi_score.mid,B/F2/a.mid,B/F2/a.txt,B/F2/s.txt,
Bach,Fugue_1,B/F1,B/F1/s.xml,B/F1/midi_score.mid,B/F1/a.mid,B/F1/a.txt,,
Bach,Fugue_1,B/F1,B/F1/s.xml,B/F1/midi_score.mid,B/F1/a.mid,../../../etc/hostname,B/F1/s.txt,
"""
MAESTRO = """canonical_composer,canonical_title,split,year,midi_filename,audio_filename,duration
Alban Berg,Sonata Op. 1,train,2018,2018/a.midi,2018/a.wav,698.7
Alban Berg,Sonata Op. 1,train,2008,2008/b.midi,2008/b.wav,759.5
Frédéric Chopin,"Étude, Op. 10",validation,2017,2017/c.midi,2017/c.wav,100
Frédéric Chopin,Ballade,holdout,2017,2017/d.midi,2017/d.wav,100
"""


def place(base: Path, *names: str) -> None:
    for name in names:
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_bytes(song())


def reasons(layout: Layout) -> dict[str, int]:
    return dict(Counter(p.reason for p in layout.problems))


def test_groove(tmp_path: Path) -> None:
    base = tmp_path / "groove"
    place(base, "drummer1/session1/1.mid", "drummer2/eval/1.mid", "drummer2/eval/2.mid")
    (base / "info.csv").write_text(GROOVE)
    layout = groove_midi.read_table(tmp_path)
    assert [(f.group, f.split) for f in layout.files] == [
        ("drummer1/session1", "train"),
        ("drummer2/eval", "val"),
        ("drummer2/eval", "test"),
    ]
    assert layout.files[1].about["style"] == "jazz, slow"
    assert reasons(layout) == {"listed but not there": 1, "listed outside its folder": 1, "table row cut short": 1}


def test_asap(tmp_path: Path) -> None:
    base = tmp_path / "asap"
    place(base, "B/F1/midi_score.mid", "B/F1/a.mid", "B/F1/b.mid", "B/F2/a.mid")
    place(base, "B/F1/a.txt", "B/F1/b.txt", "B/F1/s.txt", "B/F2/a.txt", "B/F2/s.txt")
    (base / "metadata.csv").write_text(ASAP)
    layout = asap.read_table(tmp_path)
    assert [(f.path.name, f.group, f.about["midi_score"]) for f in layout.files] == [
        ("a.mid", "B/F1", "B/F1/midi_score.mid"),
        ("b.mid", "B/F1", "B/F1/midi_score.mid"),
    ]
    assert reasons(layout) == {
        "listed but not there": 1,
        "a row without all its files": 1,
        "listed outside its folder": 1,
    }


def test_maestro(tmp_path: Path) -> None:
    base = tmp_path / "maestro-v3.0.0"
    place(base, "2018/a.midi", "2008/b.midi", "2017/c.midi", "2017/d.midi")
    (base / "maestro-v3.0.0.csv").write_text(MAESTRO, encoding="utf-8")
    layout = unscored.maestro_layout(tmp_path)
    assert [(f.group, f.split) for f in layout.files] == [
        ("Alban Berg/Sonata Op. 1", "train"),
        ("Alban Berg/Sonata Op. 1", "train"),
        ("Frédéric Chopin/Étude, Op. 10", "val"),
        ("Frédéric Chopin/Ballade", None),
    ]
    assert reasons(layout) == {"unknown split": 1}


@pytest.mark.parametrize("table", [b"", b"\xff\xfe\0", b"a,b\n1,2\n", b"a" * 300_000, None], ids=[*"01234"])
@pytest.mark.parametrize("read", [groove_midi.read_table, asap.read_table, unscored.maestro_layout])
def test_a_broken_table_is_a_problem_not_a_crash(tmp_path: Path, read, table: bytes | None) -> None:
    folder, name = {
        groove_midi.read_table: ("groove", "info.csv"),
        asap.read_table: ("asap", "metadata.csv"),
        unscored.maestro_layout: ("maestro", "maestro-v3.0.0.csv"),
    }[read]
    (tmp_path / folder).mkdir()
    if table is not None:
        (tmp_path / folder / name).write_bytes(table)
    layout = read(tmp_path)
    assert layout.files == []
    assert len(layout.problems) == 1


@pytest.mark.parametrize("read", [groove_midi.read_table, asap.read_table, unscored.maestro_layout])
def test_an_absent_set_is_empty_and_says_where_it_is_from(tmp_path: Path, read) -> None:
    layout = read(tmp_path)
    assert (layout.files, layout.problems) == ([], [])
    assert layout.get
    assert layout.licence


def test_real_sets(shared: Path) -> None:
    groove, piano = groove_midi.read_table(shared), asap.read_table(shared)
    assert Counter(f.split for f in groove.files).keys() == {"train", "val"}
    assert len(groove.files) > 1000
    assert len({f.group for f in piano.files}) > 80
    assert not piano.problems
