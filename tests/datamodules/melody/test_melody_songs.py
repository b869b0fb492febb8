"""The data set: splits without leaks, published splits, broken files, windows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from support.melody_tunes import melody, random_tunes

from datamodules.melody import chorales, library, tune_books
from datamodules.melody.module import Melodies
from datamodules.melody.reading import keep
from datamodules.shared import engine
from datamodules.shared.library import Reading
from datamodules.shared.splits import SplitBy
from kmidi_lab.chords.chord import Key
from kmidi_lab.errors import ConfigError, DataError
from kmidi_lab.models.melody.features import Melody, notes_of, vectors


def built(melodies: list[Melody], seed: int = 0) -> library.Library:
    reading: Reading[Melody] = Reading("aird", "x")
    for m in melodies:
        keep(reading, m, "f")
    return engine.build([reading], "f", library.MelodyRules(SplitBy(seed, 0.2, 0.2)))


def walk(seed: int, notes: int = 60) -> list[int]:
    return (60 + np.cumsum(np.random.default_rng(seed).choice([-4, -2, -1, 1, 2, 3], notes)) % 24).tolist()


def variants(count: int) -> list[Melody]:
    """Tunes, and each of them in another key, rhythm and with a few notes changed."""
    out = []
    for i in range(count):
        own = walk(i)
        other = [p + 5 for p in own]
        other[7], other[40] = other[7] + 1, other[40] - 2
        out += [melody(own, name=f"own {i}"), melody(other, [0.5] * 60, f"other {i}", key=Key(5, 1))]
    return out


def test_a_planted_variant_in_another_key_never_crosses_splits() -> None:
    for seed in range(5):
        done = built(variants(40), seed)
        place = {m.id: s for m, s in zip(done.songs, done.splits, strict=True)}
        assert all(place[f"own {i}"] == place[f"other {i}"] for i in range(40))
        assert set(place.values()) == {"train", "val", "test"}


def test_an_exact_copy_in_another_key_is_left_out() -> None:
    done = built([melody(walk(1), name="a"), melody([p + 3 for p in walk(1)], name="b", key=Key(3, 1))])
    assert [m.id for m in done.songs] == ["a"]
    assert done.description["problems"] == {"same notes as another, whatever the key": 1}


@pytest.mark.slow
def test_no_group_crosses_splits_and_none_is_empty(tmp_path: Path) -> None:
    data = Melodies("nowhere", str(tmp_path), sources=["aird"], progress=False)
    data.setup("fit")
    done = data.library
    assert done is not None
    groups = library.group(done.songs)
    places: dict[int, set[str]] = {}
    for i, split in enumerate(done.splits):
        places.setdefault(groups.find(i), set()).add(split)
    assert all(len(p) == 1 for p in places.values())
    assert data.overlap(data.songs("test")) == 0
    assert data.overlap(data.songs("train")[:7]) == 7
    assert len(done.songs) > 1000
    described = data.describe()
    assert "stand in" in described["stand_in"]
    assert sum(described["split"][s]["songs"] for s in ("train", "val", "test")) == len(done.songs)
    assert data.probes().shape[1] == 64
    # The second time it comes from the cache, without reading.
    [prepared] = (tmp_path / "melody_db").iterdir()
    before = prepared.stat().st_mtime_ns
    again = Melodies("nowhere", str(tmp_path), sources=["aird"], progress=False)
    again.setup("fit")
    assert prepared.stat().st_mtime_ns == before
    assert [m.id for m in again.songs("test")] == [m.id for m in data.songs("test")]


def test_a_published_test_piece_takes_its_variants_along() -> None:
    for seed in range(3):
        planted = [
            melody(walk(1), name="c/test/1", given="test"),
            melody([p + 2 for p in walk(1)], [0.5] * 60, name="tune", key=Key(2, 1)),
            melody(walk(2), name="c/train/1", given="train"),
        ]
        done = built(planted, seed)
        assert dict(zip([m.id for m in done.songs], done.splits, strict=True)) == {
            "c/test/1": "test", "tune": "test", "c/train/1": "train",
        }  # fmt: skip


def test_chorales_keep_their_split_and_broken_ones_are_counted(tmp_path: Path) -> None:
    folder = tmp_path / "jsb_chorales"
    folder.mkdir()
    rows = [[60 + i // 4 % 12, 55, 52, 48] for i in range(64)]
    content = {"train": [rows, "broken"], "valid": [[*rows[:30], [], *rows[30:]]], "test": [rows[::-1]]}
    (folder / "jsb-chorales-16th.json").write_text(json.dumps(content))
    reading = chorales.read_jsb(tmp_path)
    assert [(m.given, len(m)) for m in reading.items] == [("train", 16), ("val", 17), ("test", 16)]
    assert [p.reason for p in reading.problems] == ["not rows of pitches"]
    assert reading.items[0].duration.tolist() == [1.0] * 16
    assert np.flatnonzero(reading.items[1].rest).tolist() == [8]
    (folder / "jsb-chorales-16th.json").write_text("{")
    assert [p.reason for p in chorales.read_jsb(tmp_path).problems] == ["not the published JSON of chorales"]


def test_tunes_that_cannot_be_read_are_counted_and_the_rest_kept(tmp_path: Path) -> None:
    book = tmp_path / "book.abc"
    book.write_text("X:1\nT:bad\nK:?\nGABc\n\nX:2\nT:short\nK:G\nGAB\n\nX:3\nT:good\nK:G\nGABc dedB GABc dedB\n")
    (tmp_path / "old.abc").write_bytes(b"\xff\xfe\xe9")
    reading = tune_books.read("aird", sorted(tmp_path.glob("*.abc")))
    assert [m.title for m in reading.items] == ["good"]
    assert [p.reason for p in reading.problems] == [
        "key not readable",
        "fewer than 12 notes",
        "cannot be read as UTF-8 text",
    ]


@pytest.fixture
def windows(tmp_path: Path) -> Melodies:
    data = Melodies(
        "nowhere", str(tmp_path), batch_size=8, window=16, windows_per_epoch=64, transpose_share=1.0, progress=False
    )
    tunes = random_tunes(30, 40, 1)
    data._library = library.Library(tunes, ["train"] * 20 + ["val"] * 5 + ["test"] * 5, {}, {})
    return data


def test_windows_are_passages_of_the_tunes_in_some_key(windows: Melodies) -> None:
    tunes = {m.id: np.diff(m.pitch.astype(int)).tolist() for m in windows.songs("train")}
    tonics = set()
    for batch in windows.train_dataloader():
        for x, pitch, real in zip(batch.x, batch.pitch, batch.real, strict=True):
            own = pitch[real]
            assert int(own.min()) >= 36 and int(own.max()) <= 96
            steps = torch.diff(own).tolist()
            assert any(steps == t[i : i + len(steps)] for t in tunes.values() for i in range(len(t)))
            # The input of a note holds the answer of the note before.
            assert torch.equal(x[real][1:, :12].argmax(1), own[:-1] % 12)
            tonics.add(tuple(x[0, 58:60].tolist()))
    assert len(tonics) > 6


def test_epochs_differ_and_repeat(windows: Melodies) -> None:
    def epochs() -> list[torch.Tensor]:
        sequences = windows.sequences("train")
        return [torch.cat([x.flatten() for x, _ in sequences]) for _ in range(2)]

    def same(a: torch.Tensor, b: torch.Tensor) -> bool:
        return len(a) == len(b) and torch.equal(a, b)

    (first, second), (again, _) = epochs(), epochs()
    assert same(first, again) and not same(first, second)


def test_validation_is_whole_pieces_in_their_own_key(windows: Melodies) -> None:
    [batch] = list(windows.val_dataloader())
    songs = sorted(windows.songs("val"), key=lambda m: -len(m))
    for row, song in enumerate(songs):
        assert np.array_equal(batch.x[row, : len(song)].numpy(), vectors(notes_of(song)))
        assert batch.pitch[row, batch.real[row]].tolist() == song.pitch.tolist()


@pytest.mark.parametrize(
    "bad",
    [
        {"sources": ["wikifonia"]},
        {"split": "dev"},
        {"transpose_share": 2},
        {"val_share": 0},
        {"batch_size": 0},
        {"window": 3},
    ],
)
def test_bad_values_are_named(bad: dict) -> None:
    with pytest.raises(ConfigError, match=next(iter(bad))):
        Melodies("x", "y", **bad)


def test_no_data_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    data = Melodies(str(tmp_path), str(tmp_path), sources=["pop909"], progress=False)
    with pytest.raises(DataError, match="no usable melody"):
        data.setup("fit")


def test_pop909_on_its_beats(shared: Path, tmp_path: Path) -> None:
    from datamodules.melody import pop909

    reading = pop909.read(sorted((shared / "pop909" / "001").iterdir()))
    [song] = reading.items
    assert song.key == Key(6, 1)
    assert song.chord is not None and song.chord.shape == (len(song), 12)
    assert (song.position * 4 % 1 == 0).all() and (song.position < song.bar).all()
    assert set(song.bar.tolist()) <= {2.0, 3.0, 4.0, 5.0, 6.0, 8.0}
