"""What the readers and the split make of the real chord sets, which are read once."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from datamodules.harmony import jazz_standards, pop909
from datamodules.harmony.library import ChordRules
from datamodules.shared import engine
from datamodules.shared.library import Reading
from datamodules.shared.splits import SplitBy
from kmidi_lab.chords.chord import Song
from kmidi_lab.chords.key_finding import estimate_key
from kmidi_lab.models.harmony.features import joint_class


@pytest.fixture(scope="module")
def jazz(shared: Path) -> Reading[Song]:
    return jazz_standards.read(shared)


@pytest.fixture(scope="module")
def pop(shared: Path) -> Reading[Song]:
    return pop909.read(shared)


@pytest.mark.slow
def test_real_files_read_without_loss(jazz: Reading[Song], pop: Reading[Song]) -> None:
    assert (len(jazz.items), len(jazz.problems)) == (1096, 0)
    assert (len(pop.items), len(pop.problems)) == (800, 0)


@pytest.mark.slow
def test_estimated_keys_on_standards_that_state_theirs(shared: Path, jazz: Reading[Song]) -> None:
    stated = {e["Title"] for e in json.loads((shared / jazz_standards.FILE).read_text()) if e.get("Key")}
    songs = [s for s in jazz.items if s.title in stated][::3]
    right = sum(
        estimate_key([e.chord for e in s.events], [e.bars or 1 for e in s.events]) == s.events[0].key for s in songs
    )
    assert len(songs) > 300 and right / len(songs) > 0.8


@pytest.mark.slow
def test_no_near_duplicate_crosses_splits(jazz: Reading[Song], pop: Reading[Song]) -> None:
    copies = [replace(reading, problems=[]) for reading in (jazz, pop)]  # to which copies of songs are added
    library = engine.build(copies, "x", ChordRules(SplitBy(0, 0.1, 0.15)))

    def grams(s: Song) -> set[tuple[int, ...]]:
        t = [joint_class(e.chord, e.key) for e in s.events]
        return {tuple(t[i : i + 6]) for i in range(len(t) - 5)}

    of = [(grams(s), where) for s, where in zip(library.songs, library.splits, strict=True)]
    train, tested = ([own for own, where in of if where == split] for split in ("train", "test"))
    assert len(train) > 1000 and len(tested) > 150
    for own in tested:
        assert all(len(own & other) < 0.5 * len(own | other) for other in train if not own.isdisjoint(other))
