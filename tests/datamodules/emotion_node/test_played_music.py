"""EMOPIA and POP909 for emotion nodes: published split, two keys of one stretch, a SoundFont for the test."""

from __future__ import annotations

from pathlib import Path

import mido
import numpy as np
import pytest

from datamodules.emotion_node import library, played
from datamodules.emotion_node.played import Piece, clips_of, emopia_pieces, pop909_files, pop909_pieces
from datamodules.shared import emopia
from datamodules.shared.library import Reading
from datamodules.shared.rendering import Note, Part
from kmidi_lab.errors import DataError
from kmidi_lab.models.emotion_node.features import pair_of


def midi(path: Path, notes: int) -> None:
    """Quarter notes of half a second."""
    path.parent.mkdir(parents=True, exist_ok=True)
    track = mido.MidiTrack()
    for i in range(notes):
        track += [
            mido.Message("note_on", note=60 + i % 5, velocity=80),
            mido.Message("note_off", note=60 + i % 5, time=480),
        ]
    mido.MidiFile(tracks=[track]).save(path)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("Q1_a_b_0", "Q1_a_b_1", "Q3_c_0", "Q4_d_0", "Q2_e_0"):
        midi(tmp_path / "emopia" / "midis" / f"{name}.mid", 40)
    midi(tmp_path / "emopia" / "midis" / "Q2_short_0.mid", 4)
    (tmp_path / "emopia" / "midis" / "Q1_broken_0.mid").write_bytes(b"MThd")
    lists = {"train": ["Q1_a_b_0", "Q1_a_b_1", "Q3_c_0"], "val": ["Q4_d_0"]}
    for name, names in lists.items():
        path = tmp_path / "emopia" / "split" / f"{name}.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(["fname,label", *(f"{n},{n[:2]}" for n in names)]))
    midi(tmp_path / "pop909" / "001" / "001.mid", 40)
    return tmp_path


def test_emopia_keeps_its_published_split(root: Path) -> None:
    font = Path("other.sf2")
    reading = emopia_pieces(emopia.files(root), 0, [], font)
    split = {piece.id.split("/")[0]: piece.split for piece in reading.items}
    assert split["Q4_d_0"] == "test" and "Q2_e_0" not in split, "in neither list"
    assert split["Q1_a_b_0"] == split["Q1_a_b_1"] != "test", "one recording, one split"
    assert {piece.font for piece in reading.items if piece.split == "test"} == {font}
    assert [p.labels["quadrant"] for p in reading.items] == [0, 0, 2, 3]
    assert len(reading.reasons()) == 3, "short, broken, in no list"


def test_without_lists_recordings_are_dealt_out(root: Path) -> None:
    for path in (root / "emopia" / "split").iterdir():
        path.unlink()
    reading = emopia_pieces(emopia.files(root), 0, [], None)
    assert len(reading.items) == 5
    assert len({p.split for p in reading.items if p.group == "a_b"}) == 1


def test_every_font_is_trained_on(root: Path) -> None:
    reading = emopia_pieces(emopia.files(root), 0, [Path("b.sf2")], None)
    fonts = [p.font for p in reading.items if p.id.startswith("Q3_c_0")]
    assert fonts == [None, Path("b.sf2")]
    assert {p.font for p in pop909_pieces(pop909_files(root) * 2, [Path("b.sf2")]).items} == {None, Path("b.sf2")}


def test_a_pair_is_one_stretch_in_two_keys() -> None:
    part = Part(0, [Note(0.25 * i, 0.25 * i + 0.2, 60 + i % 7, 80) for i in range(80)])
    piece = Piece("x/TimGM6mb", "emopia", "x", {"quadrant": 1}, (part,), "train", None)
    (one, other), shift = played._cut(piece, np.random.default_rng(0))
    assert shift in played._SHIFTS and one[0].program == other[0].program
    moved = [note._replace(pitch=note.pitch + shift) for note in one[0].notes]
    assert moved == other[0].notes and one[0].notes[0].start == pytest.approx(0, abs=1e-9)


@pytest.mark.slow
def test_what_is_heard(root: Path) -> None:
    part = Part(0, [Note(0.5 * i, 0.5 * i + 0.4, 60 + i % 7, 80) for i in range(60)])
    reading: Reading[Piece] = Reading("emopia", "")
    reading.items = [
        Piece(f"{i}/TimGM6mb", "emopia", str(i), {"quadrant": i}, (part,), split, None)
        for i, split in enumerate(("train", "test", "val"))
    ]
    clips = clips_of(reading, 0, 1, False).items
    assert [clip.split for clip in clips] == ["train", "train", "test", "test", "val", "val"]
    assert [pair_of(a) == pair_of(b) for a, b in zip(clips, clips[1:], strict=False)] == [
        True,
        False,
        True,
        False,
        True,
    ]
    assert [len(clip.sound.frames) for clip in clips[::2]] == [622, 1247, 1247]
    levels = [np.asarray(clip.sound.frames, float).max(1) for clip in clips]
    assert all(level[:1].max() > -9 for level in levels), "every stretch begins with a note"


@pytest.mark.parametrize("setting", [{"fonts": ["nope.sf2"]}, {"test_font": "nope.sf2"}])
def test_a_missing_soundfont_is_named(tmp_path: Path, setting: dict[str, object]) -> None:
    given = {"fonts": (), "test_font": None, **setting}
    with pytest.raises(DataError, match=rf"data\.{next(iter(setting))}: nope\.sf2 is not there; install it"):
        library.load(tmp_path, tmp_path, ("rules",), 1, 2, 0, workers=1, progress=False, **given)  # type: ignore[arg-type]
