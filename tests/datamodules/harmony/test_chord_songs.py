"""Splits, cache and batches of the chord data."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from datamodules.harmony import library as chord_library
from datamodules.harmony.library import group, loop_shape, progression_key
from datamodules.harmony.module import ChordSongs
from datamodules.shared import engine, stored
from datamodules.shared.batches import IndexBatches
from datamodules.shared.library import Reading
from datamodules.shared.splits import Groups, SplitBy, assign
from kmidi_lab.chords.chord import Event, Key, Song, merge_repeats
from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.errors import ConfigError

C_MAJOR = Key(0, 1)


def song(name: str, symbols: str, loop: bool = False, source: str = "test", key: Key = C_MAJOR) -> Song:
    events = merge_repeats(Event(parse_jazz(s), key) for s in symbols.split())
    return Song(name, source, name, events, loop=loop)


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> ChordSongs:
    data = ChordSongs(
        "nowhere", str(tmp_path_factory.mktemp("cache")), sources=["embedded", "rntxt"], batch_size=64, progress=False
    )
    data.prepare_data()
    data.setup("fit")
    return data


def test_no_progression_crosses_splits(embedded: ChordSongs) -> None:
    where: dict[object, set[str]] = {}
    for split in ("train", "val", "test"):
        assert embedded.songs(split)
        for s in embedded.songs(split):
            for key in (progression_key(s), loop_shape(s), chord_library._work(s)):
                if key is not None:
                    where.setdefault(key, set()).add(split)
    assert all(len(splits) == 1 for splits in where.values())


@pytest.mark.slow
def test_no_bach_piece_crosses_splits_under_two_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    analysed = {}
    for path in chord_library.layout.analysis_files():
        number = re.search(r"^BWV:\s*(\d+)", path.read_text(encoding="utf-8"), re.M)
        if number:
            analysed[path.stem] = number[1]
    # Reading takes seconds: the chorales that are analysed, too, those of one cantata and some of the rest.
    named = {path: re.match(r"bwv(\d+)", path.stem) for path in chord_library.layout.chorale_files()}
    some = [path for path, bwv in named.items() if bwv and (bwv[1] in analysed.values() or int(bwv[1]) % 5 == 0)]
    assert len(some) > 80
    monkeypatch.setattr(chord_library.layout, "chorale_files", lambda: some)
    data = ChordSongs("nowhere", str(tmp_path), sources=["rntxt", "chorales"], progress=False)
    data.setup()
    where: dict[str, set[str]] = {}
    for split in ("train", "val", "test"):
        for s in data.songs(split):
            stem = s.id.rsplit("/", 1)[1]
            number = analysed.get(stem) or (m[1] if (m := re.match(r"bwv(\d+)", stem)) else None)
            if number:
                where.setdefault(number, set()).add(split)
    assert len(analysed) >= 15
    assert all(len(splits) == 1 for splits in where.values())


@pytest.mark.slow
def test_order_of_sources_changes_nothing_and_absent_ones_are_always_said(tmp_path: Path) -> None:
    def load(*sources: str) -> chord_library.Library:
        return chord_library.load(Path("nowhere"), tmp_path, sources, SplitBy(0, 0.1, 0.1), False)

    a, b = load("embedded", "rntxt"), load("rntxt", "pop909", "embedded")
    assert [s.id for s in a.songs] == [s.id for s in b.songs]
    assert (load("embedded", "rntxt").description["absent"], b.description["absent"]) == ([], ["pop909"])


def test_adding_songs_moves_no_other() -> None:
    names = [f"s{i}" for i in range(300)]
    before = assign(names, Groups(300), 0, 0.1, 0.2)
    after = assign([*names, "new"], Groups(301), 0, 0.1, 0.2)
    assert before == after[:300]
    assert 0.12 < before.count("test") / 300 < 0.28
    assert assign(names, Groups(300), 1, 0.1, 0.2) != before


@given(st.lists(st.integers(0, 5), max_size=20))
def test_equal_keys_share_a_group(keys: list[int]) -> None:
    groups = Groups(len(keys))
    groups.join_equal(keys)
    for i, a in enumerate(keys):
        for j, b in enumerate(keys):
            assert (groups.find(i) == groups.find(j)) == (a == b)


def test_rotations_and_relative_keys_of_a_loop_stay_together() -> None:
    songs = [
        song("axis", "C G Am F", loop=True),
        song("axis turned", "Am F C G", loop=True),
        song("in A minor", "Am F C G", loop=True, key=Key(9, -1)),
        song("other", "C F Bb F", loop=True),
    ]
    groups = group(songs)
    assert groups.find(0) == groups.find(1) == groups.find(2) != groups.find(3)


def test_duplicates_go_before_transposition() -> None:
    first = Reading("a", "x", items=[song("1", "Dm7 G7 C")])
    second = Reading("b", "x", items=[song("2", "Em7 A7 D", key=Key(2, 1)), song("3", "C F")])
    library = engine.build([first, second], "f", chord_library.ChordRules(SplitBy(0, 0.1, 0.1)))
    assert [s.id for s in library.songs] == ["1", "3"]
    assert library.description["problems"] == {"same progression as another, whatever the key": 1}


@pytest.mark.slow
def test_cache_is_used_and_a_broken_one_is_remade(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load() -> chord_library.Library:
        return chord_library.load(Path("nowhere"), tmp_path, ("embedded",), SplitBy(0, 0.1, 0.1), False)

    first = load()
    [path] = (tmp_path / "chord_db").iterdir()
    monkeypatch.setattr(engine, "build", lambda *_: pytest.fail("read again instead of taken from the cache"))
    assert [s.id for s in load().songs] == [s.id for s in first.songs]
    monkeypatch.undo()
    for other in (stored.dumps("something else"), path.read_bytes()[:-2]):
        path.write_bytes(other)
        assert len(load().songs) == len(first.songs)


def test_absent_sources_are_said(embedded: ChordSongs, tmp_path: Path) -> None:
    data = ChordSongs("nowhere", str(tmp_path), sources=["embedded", "pop909"], progress=False)
    data.setup()
    described = data.describe()
    assert described["absent"] == ["pop909"]
    assert "embedded stand in" in described["stand_in"]


@pytest.mark.parametrize(
    "bad",
    [
        {"sources": ["lakh"]},
        {"split": "dev"},
        {"emotion_dropout": 2},
        {"val_share": 0},
        {"batch_size": 0},
        {"test_share": 0.95},
    ],
)
def test_bad_values_are_named(bad: dict) -> None:
    with pytest.raises(ConfigError, match=next(iter(bad))):
        ChordSongs("x", "y", **bad)


@pytest.mark.slow
def test_batches_are_augmented_contract_vectors(embedded: ChordSongs) -> None:
    batches = list(embedded.train_dataloader())
    assert {b.x.shape for b in batches} == {(64, 128)}
    x = torch.cat([b.x for b in batches])
    joint = torch.cat([b.joint for b in batches])
    root = torch.cat([b.root for b in batches])
    tonic = x[:, 112:124].argmax(1)
    assert torch.equal((root - tonic) % 12, joint // 8)
    assert torch.bincount(tonic, minlength=12).min() > len(x) / 12 * 0.7
    known = (x[:, :64].abs().sum(1) > 0).float().mean()
    assert 0 < known < 1


def test_the_same_epoch_gives_the_same_batches_and_another_does_not(embedded: ChordSongs) -> None:
    def epoch(n: int) -> torch.Tensor:
        batches = embedded.train_dataloader()
        batches._epoch = lambda: n
        return torch.cat([b.x for b in batches])

    assert torch.equal(epoch(0), epoch(0))
    assert not torch.equal(epoch(0), epoch(1))


def test_ranks_share_the_data_without_overlap() -> None:
    def rank(r: int) -> list[int]:
        loader = IndexBatches(
            100, 5, lambda i, _: i, lambda b, n: iter(b.split(n)), torch.device("cpu"), lambda: 0, r, 4
        )
        return [int(i) for b in loader for i in b]

    seen = [i for r in range(4) for i in rank(r)]
    assert sorted(seen) == list(range(100))
