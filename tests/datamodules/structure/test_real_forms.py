"""What the readers and the split make of the real sets, which are read once."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from datamodules.shared.splits import SplitBy
from datamodules.structure import library
from datamodules.structure.library import Library, song_key, title_key

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def forms(shared: Path, tmp_path_factory) -> Library:
    return library.load(shared, tmp_path_factory.mktemp("cache"), library.SOURCES, SplitBy(0, 0.1, 0.15), False)


def test_every_set_is_read(forms):
    songs = {row["name"]: row["songs"] for row in forms.description["sources"]}
    assert songs == {"billboard": 580, "harmonix": 671, "pop909_structure": 798, "salami": 923, "jsd": 271}
    assert forms.description["stand_in"] is None


def test_no_song_is_in_two_splits(forms):
    keys = [key for key in map(song_key, forms.songs) if key]
    assert len(keys) == len(set(keys))
    splits = defaultdict(set)
    for song, split in zip(forms.songs, forms.splits, strict=True):
        if title_key(song.title):
            splits[title_key(song.title)].add(split)
    assert len(splits) > 2000 and all(len(there) == 1 for there in splits.values())


def test_bars_are_known_where_they_were_counted(forms):
    for source, known in (
        ("billboard", 0.99),
        ("harmonix", 0.99),
        ("pop909_structure", 1.0),
        ("salami", 0),
        ("jsd", 0),
    ):
        sections = [s for song in forms.songs if song.source == source for s in song.sections]
        share = sum(s.bars is not None for s in sections) / len(sections)
        assert share >= known and (known or share == 0), (source, share)
