"""One bad song never ends a preparation: it is left out by a reason, or used with a remark, and the others are there."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.drum_files import write_drums, write_table
from support.smf import END, midi, name, note, track

from datamodules.groove import groove_midi
from datamodules.melody import chorales, library, pop909, tune_books
from datamodules.shared import engine
from datamodules.shared.alignment import match
from datamodules.shared.library import Reading
from datamodules.shared.midi_reading import extracting
from datamodules.shared.pooled_reading import read_all, read_many, survived
from datamodules.shared.splits import Groups, SplitBy, assign
from kmidi_lab.midi.piece import Piece
from kmidi_lab.midi.reading import MidiError
from kmidi_lab.models.melody.features import Melody

LINE = b"".join(note(60 + [0, 2, 4, 7][i % 4], 80, 240) for i in range(32))
HUNG = midi(track(name("MELODY") + b"\0\x90\x20\x50" + LINE + END))


def count(piece: Piece) -> int:
    return sum(len(t.notes) for t in piece.tracks)


@pytest.mark.slow
def test_a_flaw_is_a_remark_of_a_file_that_is_used(tmp_path: Path) -> None:
    (tmp_path / "hung.mid").write_bytes(HUNG)
    [read] = read_many([tmp_path / "hung.mid"], extracting(count), workers=1)
    assert (read.value, read.reason, read.detail) == (32, "notes that never end", "1 notes that never end")
    reading: Reading[int] = Reading("x", "none")
    assert list(read_all(reading, [tmp_path / "hung.mid"], extracting(count), workers=1).values()) == [32]
    assert reading.reasons() == {"notes that never end": 1} and reading.skipped == 0


def test_a_drum_take_with_a_flaw_is_used_and_counted(tmp_path: Path) -> None:
    folder = tmp_path / "groove"
    write_drums(folder / "a.mid", [(n * 240, 36 + 2 * (n % 2), 90) for n in range(64)])
    data = (folder / "a.mid").read_bytes()
    (folder / "a.mid").write_bytes(data.replace(b"\x5a", b"\xda", 1))
    write_table(folder / "info.csv", [{"midi_filename": "a.mid"}])
    reading = groove_midi.read(tmp_path)
    assert len(reading.items) == 1 and reading.skipped == 0
    assert reading.reasons() == {"data above 127, read as 127": 1}


@pytest.mark.parametrize(
    "fault", [RecursionError("deep"), OverflowError("wide"), KeyError("x"), MemoryError(), UnicodeError("x")]
)
def test_whatever_a_reader_raises_costs_one_song(fault: Exception) -> None:
    reading: Reading[int] = Reading("x", "none")
    for number in range(3):
        with survived(reading, f"{number}", "here"):
            if number == 1:
                raise fault
            reading.items.append(number)
    assert reading.items == [0, 2] and reading.skipped == 1


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000,
        b'{"train": ' + b"[" * 100_000,
        json.dumps({"train": 5, "valid": [[["a"]], 3, None], "test": {"a": 1}}).encode(),
        json.dumps({"train": [[[1e300] * 4] * 40, [[60.0, 1, 1, 1]] * 80], "valid": [], "test": []}).encode(),
        b'{"train": [], "valid": [], "test": [[[1e999]]]}',
        b'{"train": [["\\ud800"]], "valid": [], "test": []}',
        b"\xff\xfe",
        b"[1, 2]",
        b"",
    ],
)
def test_json_of_chorales_that_makes_no_sense_is_counted(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "jsb_chorales" / "jsb-chorales-16th.json"
    path.parent.mkdir()
    path.write_bytes(content)
    reading = chorales.read_jsb(tmp_path)
    assert reading.skipped >= 1


TEXTS: dict[str, Callable[[Path], None]] = {
    "no numbers": lambda p: p.write_text("a b c\n" * 9),
    "infinities": lambda p: p.write_text("inf 1 1\nnan 1 1\n-inf 0 1\n"),
    "no UTF-8": lambda p: p.write_bytes(b"\xff\xfe\x00\xd8"),
    "a hundred megabytes": lambda p: os.truncate(p, 100 * 2**20),
    "nothing": lambda p: p.write_text(""),
}


@pytest.mark.parametrize("fault", TEXTS)
def test_a_broken_song_of_pop909_costs_itself(tmp_path: Path, fault: str) -> None:
    for stem in ("001", "\udcff\udcfe"):  # a name that is no UTF-8
        folder = tmp_path / "pop909" / stem
        folder.mkdir(parents=True)
        (folder / f"{stem}.mid").write_bytes(midi(track(name("MELODY") + LINE + END)))
        (folder / "beat_midi.txt").write_text("".join(f"{n / 2} 0 {int(n % 4 == 0)}\n" for n in range(20)))
        (folder / "chord_midi.txt").write_text("0 9 C:maj\n")
    broken = tmp_path / "pop909" / "001" / "beat_midi.txt"
    TEXTS[fault](broken)
    began = time.process_time()
    reading = pop909.read(pop909.files(tmp_path))
    assert time.process_time() - began < 5
    assert len(reading.items) == 1 and reading.skipped == 1
    made = engine.build([reading], "v", library.MelodyRules(SplitBy(0, 0.2, 0.2)))
    assert len(made.songs) == 1


def test_a_broken_tune_costs_itself(tmp_path: Path) -> None:
    good = "X:1\nT:good\nM:4/4\nL:1/8\nK:C\n" + "CDEF GABc|" * 4
    bad = "X:2\nT:\udcff\nM:4/4\nL:1/" + "9" * 5000 + "\nK:C\nC" + "9" * 5000 + "\n"
    endless = "X:3\nT:endings\nK:C\n|:" + "CDEF|" * 1000 + "".join(f"[{n} CDEF:|" for n in range(5000))
    (tmp_path / "a.abc").write_bytes("\n\n".join([bad.replace("\udcff", "?"), endless, good]).encode())
    began = time.process_time()
    reading: Reading[Melody] = tune_books.read("aird", [tmp_path / "a.abc"])
    assert time.process_time() - began < 5
    assert [m.title for m in reading.items] == ["good"] and reading.skipped == 2


def test_names_that_are_no_unicode_have_a_split() -> None:
    assert set(assign(["a", "\udcff", "\ud800"], Groups(3), 0, 0.3, 0.3)) <= {"train", "val", "test"}


def test_notes_at_one_place_without_end_are_refused_not_compared() -> None:
    many = np.full(50_000, 60)
    with pytest.raises(MidiError, match="too many notes at one place"):
        match(many, np.zeros(50_000), many, np.zeros(50_000))
