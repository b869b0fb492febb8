"""EMOPIA and POP909 for emotion nodes: published split, a SoundFont for the test."""

from __future__ import annotations

from pathlib import Path

import mido
import pytest

from datamodules.emotion_node import library
from datamodules.emotion_node.played import emopia_pieces, pop909_files, pop909_pieces
from datamodules.shared import emopia
from kmidi_lab.errors import DataError


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


@pytest.mark.parametrize("setting", [{"fonts": ["nope.sf2"]}, {"test_font": "nope.sf2"}])
def test_a_missing_soundfont_is_named(tmp_path: Path, setting: dict[str, object]) -> None:
    given = {"fonts": (), "test_font": None, **setting}
    with pytest.raises(DataError, match=rf"data\.{next(iter(setting))}: nope\.sf2 is not there; install it"):
        library.load(tmp_path, tmp_path, ("rules",), 1, 1, False, 0, 2, 0, workers=1, progress=False, **given)  # type: ignore[arg-type]
