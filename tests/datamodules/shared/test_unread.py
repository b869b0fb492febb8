"""A folder in a published layout of which nothing is read is a problem, in every room that reads one."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.smf import song

from datamodules.dynamics import library as dynamics
from datamodules.emotion import library as emotion
from datamodules.groove import library as groove
from datamodules.harmony import library as harmony
from datamodules.instrument import library as instrument
from datamodules.instrument.clips import Augmentation
from datamodules.melody import library as melody
from datamodules.microtiming import library as microtiming
from datamodules.shared import lakh
from datamodules.shared.augmentation import Augmentation as SpeechAugmentation
from datamodules.shared.sources import find_sources
from datamodules.shared.splits import SplitBy
from datamodules.shared.unread import REASON, unread
from datamodules.structure import library as structure
from kmidi_lab.errors import DataError

ROOMS = {
    "emotion": lambda root: emotion.sources(root, ("speech",), SpeechAugmentation(), 1, False),
    "instrument": lambda root: instrument.sources(root, 1, 1, 1, SplitBy(0, 0.1, 0.2), Augmentation(), [], 1, False),
    "groove": lambda root: groove.sources(root, root, 0, False),
    "dynamics": lambda root: dynamics.sources(root, False),
    "melody": lambda root: melody.sources(root, False),
    "harmony": lambda root: harmony.sources(root, False),
    "structure": lambda root: structure.sources(root, False),
    "microtiming": lambda root: microtiming.sources(root, False),
}


def place(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(song())


def missed(room: str, root: Path) -> list[str]:
    """Folders, below the root, that the room's sources read nothing of, whether they are present or not."""
    with_folders = [source for source in ROOMS[room](root) if source.folders is not list]
    present, absent = find_sources(with_folders, [source.name for source in with_folders])
    problems = [p for source in present for p in source.unread()] + [p for name in absent for p in name.problems]
    assert {p.reason for p in problems} <= {REASON}
    return [Path(p.file).relative_to(root).as_posix() for p in problems]


@pytest.mark.parametrize(
    ("room", "there", "folder"),
    [
        ("emotion", ["ravdess/Video_Speech_Actor_01/01-01-01-01-01-01-01.mp4"], "ravdess"),
        ("emotion", ["ravdess/Actor_01/03-01-01-01-01-01-01.wav", "ravdess/Actor_02/03-01-01-01-01-01-02.m4a"], "ravdess/Actor_02"),
        ("emotion", ["Actor_01/03-01-01-01-01-01-01.wav", "Actor_02/03-01-01-01-01-01-02.opus"], "Actor_02"),
        ("instrument", ["philharmonia/flute/a.mp3", "philharmonia/percussion/gong/b.aiff"], "philharmonia/percussion"),
        ("instrument", ["nsynth-valid/audio/a.wav"], "nsynth-valid"),
        ("groove", ["groove/drummer1/session1/1.mid"], "groove"),
        ("groove", ["fma_small/000/000002.mp3"], "fma_small"),
        ("groove", ["fma_metadata/tracks.csv", "fma_small/000/000002.mp3", "fma_small/001/001000.ogg"], "fma_small/001"),
        ("dynamics", ["asap/Bach/Fugue/a.mid"], "asap"),
        ("microtiming", ["groove/drummer1/session1/1.mid"], "groove"),
        ("microtiming", ["asap/Bach/Fugue/a.mid"], "asap"),
        ("dynamics", ["maestro-v3.0.0/2004/a.midi"], "maestro-v3.0.0"),
        ("dynamics", ["lmd_full/0/a.mid", "lmd_full/1/a.kar.midi"], "lmd_full/1"),
        ("melody", ["lmd_full/0/a.mid", "lmd_full/12/a.mid"], "lmd_full/12"),
        ("melody", ["pop909/001/001.mid", "pop909/002/song.mid"], "pop909/002"),
        ("melody", ["jsb_chorales/JSB.pickle"], "jsb_chorales"),
        ("harmony", ["pop909/001/chord_midi.txt", "pop909/002/002.mid"], "pop909/002"),
        ("harmony", ["jazz_standards/standards.json"], "jazz_standards"),
        ("harmony", ["kmidi/progressions/jazz.json"], "kmidi/progressions"),
        ("harmony", ["progressions/my_chords.json"], "progressions"),
        ("structure", ["billboard/0003/echonest.csv"], "billboard"),
        ("structure", ["jsd/ArtPepper_Stardust_Orig.csv"], "jsd"),
    ],
)  # fmt: skip
def test_it_is_a_problem(tmp_path, room, there, folder):
    place(tmp_path, *there)
    assert missed(room, tmp_path) == [folder]


def test_a_session_that_the_table_does_not_list_is_one(tmp_path):
    head = "drummer,session,id,style,bpm,beat_type,time_signature,midi_filename,split\n"
    place(tmp_path, "groove/drummer1/session1/1.mid", "groove/drummer1/session2/1.mid")
    row = "drummer1,drummer1/session1,1,funk,80,beat,4-4,drummer1/session1/1.mid,train\n"
    (tmp_path / "groove/info.csv").write_text(head + row)
    assert missed("groove", tmp_path) == ["groove/drummer1/session2"]


def test_it_is_named_where_nothing_at_all_is_read(tmp_path):
    place(tmp_path, "jazz_corpus/A-G/autumn.jazz")
    with pytest.raises(DataError) as error:
        harmony.load(tmp_path, tmp_path / "cache", ["jazz_corpus"], SplitBy(0, 0.1, 0.1), False)
    folder = tmp_path / "jazz_corpus"
    assert f"First problem: {folder}: {REASON} (1 file, such as autumn.jazz)." in str(error.value)


@pytest.mark.parametrize("room", ROOMS)
def test_nothing_there_is_no_problem(tmp_path, room):
    assert missed(room, tmp_path) == []


def test_what_belongs_to_a_layout_and_notes_on_it_are_none(tmp_path):
    place(
        tmp_path, "pop909/001/001.mid", "pop909/001/versions/001-v1.mid", "pop909/.git/x.mid", "pop909/docs/notes.txt"
    )
    assert missed("melody", tmp_path) == []
    assert not list(unread([tmp_path / "pop909"], [tmp_path / "pop909/001/001.mid"], ("versions",)))


def test_the_real_sets_have_none_that_is_not_meant(shared):
    for room in ("emotion", "instrument", "groove", "melody", "harmony"):
        assert missed(room, shared) == [], room


def test_lakh_counts_them_too(tmp_path):
    place(tmp_path, "lmd_full/0/a.mid", "lmd_full/12/a.mid")
    found = list(unread(lakh.folders(tmp_path), (file.path for file in lakh.read(tmp_path).files)))
    assert [p.file for p in found] == [str(tmp_path / "lmd_full/12")]
