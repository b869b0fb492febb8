"""Prepared arrays: what was extracted, whatever was broken off, cut short or changed in between."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.extracts import killing, lopsided, napping, pitches
from support.smf import END, midi, note, song, track

from datamodules.shared import sharding
from datamodules.shared.midi_reading import prepare_shards
from datamodules.shared.shards import Shards
from kmidi_lab.errors import DataError, FileError, LabError
from kmidi_lab.midi.reading import read_piece


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Ten good files of different lengths and one broken one in the middle."""
    folder = tmp_path / "data"
    (folder / "sub").mkdir(parents=True)
    for i in range(10):
        (folder / "sub" / f"{i}.mid").write_bytes(song(f"song {i}", notes=i + 1))
    (folder / "sub" / "4b.mid").write_bytes(b"no MIDI")
    return sorted(folder.rglob("*.mid"))


def make(files: list[Path], tmp_path: Path, extract=pitches, version: str = "1") -> Shards:
    return prepare_shards(files, tmp_path / "data", tmp_path / "cache", extract, version, shard_files=3)


def test_a_folder_that_can_t_be_written_is_known_before_a_file_is_read(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").touch()
    monkeypatch.setattr(sharding.Readers, "read", lambda *_: pytest.fail("read in vain"))
    with pytest.raises(FileError, match="can't be written"):
        make(files, tmp_path)


def test_everything_comes_back_in_order_mapped_from_the_disk(files: list[Path], tmp_path: Path) -> None:
    prepared = make(files, tmp_path)
    assert len(prepared) == 10
    assert [p.name for p in prepared] == prepared.names() == [f"sub/{i}.mid" for i in range(10)]
    for i, piece in enumerate(prepared):
        expected = pitches(read_piece(tmp_path / "data" / piece.name))["pitch"]
        np.testing.assert_array_equal(piece.arrays["pitch"], expected)
        assert len(expected) == 2 * (i + 1)
        assert isinstance(piece.arrays["pitch"], np.memmap)
    assert prepared[-1].name == prepared[9].name == prepared[8:][1].name
    np.testing.assert_array_equal(prepared.column("pitch"), np.concatenate([p.arrays["pitch"] for p in prepared]))
    assert prepared.reasons() == {"not a MIDI file": 1}
    assert [p.file for p in prepared.problems()] == ["sub/4b.mid"]
    with pytest.raises(IndexError):
        prepared[10]


def test_a_finished_shard_is_not_made_again_and_a_job_goes_on(files: list[Path], tmp_path: Path) -> None:
    first = make(files[:6], tmp_path)
    stamps = {p: p.stat().st_mtime_ns for p in (tmp_path / "cache").iterdir()}
    both = make(files, tmp_path)
    assert both.indexes[:2] == first.indexes
    assert {p: p.stat().st_mtime_ns for p in stamps} == stamps
    assert both.version != first.version
    assert make(files, tmp_path).version == both.version


def test_a_job_that_is_broken_off_leaves_whole_shards(files: list[Path], tmp_path: Path, monkeypatch) -> None:
    written = sharding._Builder.write

    def stop_at_the_third(self: sharding._Builder) -> None:
        if len(list((tmp_path / "cache").glob("*.json"))) == 2:
            raise KeyboardInterrupt
        written(self)

    monkeypatch.setattr(sharding._Builder, "write", stop_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        make(files, tmp_path)
    monkeypatch.undo()
    done = set((tmp_path / "cache").glob("*.json"))
    assert len(done) == 2
    assert len(make(files, tmp_path)) == 10
    assert done < set((tmp_path / "cache").glob("*.json"))


@pytest.mark.parametrize("damage", ["cut", "gone", "index cut", "index gone"])
def test_a_damaged_shard_is_seen_and_made_again(files: list[Path], tmp_path: Path, damage: str) -> None:
    prepared = make(files, tmp_path)
    index = prepared.indexes[1]
    victim = index if "index" in damage else index.with_name(f"{index.stem}.pitch.npy")
    whole = victim.read_bytes()
    victim.unlink() if "gone" in damage else victim.write_bytes(whole[:-1])
    with pytest.raises(DataError, match="type task=prepare again"):
        Shards(prepared.indexes)
    assert len(make(files, tmp_path)) == 10
    assert victim.read_bytes() == whole


def test_a_changed_file_or_version_makes_new_shards(files: list[Path], tmp_path: Path) -> None:
    before = make(files, tmp_path)
    files[0].write_bytes(midi(track(note(99) + END)))
    after = make(files, tmp_path)
    assert after[0].arrays["pitch"].tolist() == [99]
    assert after.indexes[1:] == before.indexes[1:]
    assert not set(make(files, tmp_path, version="2").indexes) & set(after.indexes)


def test_a_file_that_kills_its_worker_is_one_problem_of_its_shard(files: list[Path], tmp_path: Path) -> None:
    prepared = make(files, tmp_path, killing)
    assert prepared.reasons() == {"not a MIDI file": 1, "worker died": 1}
    assert len(prepared) == 9


def test_nothing_readable_is_an_empty_set(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x.mid").write_bytes(b"x")
    prepared = make([tmp_path / "data" / "x.mid"], tmp_path)
    assert (len(prepared), prepared.names(), prepared.reasons()) == (0, [], {"not a MIDI file": 1})
    assert len(make([], tmp_path)) == 0


def test_arrays_that_do_not_fit_each_other_are_an_error(files: list[Path], tmp_path: Path) -> None:
    with pytest.raises(LabError, match="can't stand in one"):
        make(files, tmp_path, lopsided)


@pytest.mark.slow
def test_what_ran_out_of_time_is_read_again_when_there_is_more(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("quick", "slow")]
    for file in files:
        file.write_bytes(b"x")

    def read(timeout_s: float) -> Shards:
        return sharding.prepare(files, tmp_path, tmp_path / "cache", napping, "1", 100, timeout_s=timeout_s)

    def stamps() -> set[int]:
        return {p.stat().st_mtime_ns for p in (tmp_path / "cache").iterdir()}

    short = read(1)
    assert (short.names(), short.reasons()) == (["quick"], {"timeout": 1})
    made = stamps()
    assert read(1).reasons() == {"timeout": 1} and stamps() == made
    long = read(60)
    assert (long.names(), long.reasons()) == (["quick", "slow"], {})
    made = stamps()
    assert read(1).names() == ["quick", "slow"] and stamps() == made
