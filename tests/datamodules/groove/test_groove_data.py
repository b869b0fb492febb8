"""Readers, splits, cache and batches of the drum data."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import torch
from support.drum_files import write_drums, write_table

from datamodules.groove import library
from datamodules.groove.library import bar_prints
from datamodules.groove.module import DrumPerformances
from datamodules.groove.styles import generate, swing_ratio
from datamodules.shared import engine
from datamodules.shared.groove_midi import style_of
from kmidi_lab.contracts import GROOVE
from kmidi_lab.errors import ConfigError, DataError
from kmidi_lab.models.groove.features import STYLES


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> DrumPerformances:
    data = DrumPerformances("nowhere", str(tmp_path_factory.mktemp("cache")), batch_size=8, window=8)
    data.setup("fit")
    return data


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A Groove folder of four drummers with every kind of fault."""
    root = tmp_path / "data"
    rng = np.random.default_rng(0)
    rows = []
    for number in range(8):
        drummer = f"drummer{number % 4 + 1}"
        name = f"{drummer}/session1/{number}.mid"
        strokes = [
            (s * 120 + int(rng.integers(0, 20)), 36 + 2 * (s % 2), int(rng.integers(40, 127))) for s in range(64)
        ]
        write_drums(root / "groove" / name, strokes)
        rows.append({"drummer": drummer, "midi_filename": name, "split": "validation" if number == 1 else "train"})
    copy = "drummer1/session1/copy.mid"
    (root / "groove" / copy).write_bytes((root / "groove" / rows[2]["midi_filename"]).read_bytes())
    rows.append({"drummer": "drummer1", "midi_filename": copy})
    for name, change in {
        "three.mid": {"time_signature": "3-4"},
        "gone.mid": {},
        "odd.mid": {"style": "polka"},
        "fast.mid": {"bpm": "9000"},
        "split.mid": {"split": "dev"},
    }.items():
        rows.append({"midi_filename": f"drummer1/{name}", **change})
        if name != "gone.mid":
            write_drums(root / "groove" / "drummer1" / name, [(0, 36, 90)])
    (root / "other.mid").write_bytes((root / "groove" / rows[0]["midi_filename"]).read_bytes())
    rows.append({"midi_filename": "../other.mid"})
    (root / "groove" / "drummer1" / "junk.mid").write_bytes(b"MThd and no more")
    rows.append({"midi_filename": "drummer1/junk.mid"})
    write_drums(root / "groove" / "drummer1" / "waltz.mid", [(0, 36, 90)], metre=(3, 4))
    rows.append({"midi_filename": "drummer1/waltz.mid"})
    write_drums(root / "groove" / "drummer1" / "piano.mid", [(0, 60, 90)], channel=0)
    rows.append({"midi_filename": "drummer1/piano.mid"})
    write_table(root / "groove" / "info.csv", rows)
    return root


def load(root: Path, **more: object) -> DrumPerformances:
    data = DrumPerformances(str(root), str(root / "cache"), sources=["groove_midi"], test_drummers=["drummer3"], **more)  # type: ignore[arg-type]
    data.setup()
    return data


def test_faults_are_counted_by_reason_and_stop_nothing(small: Path) -> None:
    data = load(small)
    problems = data.describe()["problems"]
    assert problems["not in 4/4"] == 2
    assert problems["style with no counterpart in the contract"] == 1
    assert problems["tempo not between 30 and 300"] == 1
    assert problems["unknown split"] == 1
    assert problems["listed but not there"] == 1
    assert problems["listed outside its folder"] == 1
    assert problems["no drum track"] == 1
    assert sum(problems.values()) == 10  # junk and the copy besides
    assert len(data.songs("all")) == 8
    data.write_problems(small / "problems.csv")
    with (small / "problems.csv").open() as source:
        assert len(list(csv.DictReader(source))) == 10


def test_whole_drummers_are_the_test_and_no_copy_of_theirs_is_trained_on(small: Path) -> None:
    data = load(small)
    assert {p.id.split("/")[1] for p in data.songs("test")} == {"drummer3"}
    assert not any(p.id.split("/")[1] == "drummer3" for s in ("train", "val") for p in data.songs(s))
    assert data.describe()["problems"]["near-duplicate of a take in another split"] == 1
    assert data.overlap(data.songs("test")) == 0
    assert data.overlap(data.songs("train")) == len(data.songs("train"))
    assert "drummer3" in data.describe()["split"]["rule"]


def test_the_published_test_part_is_used_where_it_is(small: Path) -> None:
    table = small / "groove" / "info.csv"
    text = table.read_text()
    first = text.splitlines()[1]
    table.write_text(text.replace(first, first.replace(",train", ",test")))
    data = load(small)
    assert [p.id for p in data.songs("test")] == ["groove_midi/drummer1/session1/0.mid"]
    assert data.describe()["split"]["rule"] == "as published"


def test_without_test_drummers_the_published_validation_part_is_the_test(small: Path) -> None:
    table = small / "groove" / "info.csv"
    text = table.read_text()
    first = text.splitlines()[1]
    table.write_text(text.replace(first, first.replace(",train", ",validation")))
    data = DrumPerformances(str(small), str(small / "cache"), sources=["groove_midi"], test_drummers=[])
    data.setup()
    with table.open() as rows:
        published = {f"groove_midi/{row['id']}" for row in csv.DictReader(rows) if row["split"] == "validation"}
    tested = {p.id for p in data.songs("test")}
    assert "groove_midi/drummer1/session1/0.mid" in tested <= published
    assert "published validation part is the test" in data.describe()["split"]["rule"]
    assert data.songs("train")


def test_real_and_generated_takes_are_never_mixed(small: Path, tmp_path: Path) -> None:
    both = DrumPerformances(str(small), str(tmp_path / "c"))
    both.setup("fit")
    assert {p.source for p in both.songs("all")} == {"groove_midi"}
    assert both.describe()["stand_in"] is None
    with pytest.raises(DataError, match="data=groove_styles"):
        load(tmp_path / "nowhere")


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", "\xff"])
def test_a_broken_table_is_one_line(small: Path, content: str) -> None:
    (small / "groove" / "info.csv").write_bytes(content.encode("latin1"))
    with pytest.raises(DataError, match=r"info\.csv"):
        load(small)


@pytest.mark.slow
def test_no_take_bar_or_drummer_crosses_splits_in_real_data(shared: Path, tmp_path: Path) -> None:
    data = DrumPerformances(str(shared), str(tmp_path), sources=["groove_midi"])
    data.setup("fit")
    drummers = defaultdict(set)
    prints = {}
    for split in ("train", "val", "test"):
        songs = data.songs(split)
        assert songs
        prints[split] = [set(bar_prints(p)) for p in songs]
        drummers[split] = {p.id.split("/")[1] for p in songs}
    assert drummers["test"] == {"drummer3", "drummer4", "drummer7"}
    assert not drummers["test"] & (drummers["train"] | drummers["val"])
    for one, other in (("train", "val"), ("train", "test"), ("val", "test")):
        assert all(len(a & b) < 0.5 * len(a | b) for a in prints[one] for b in prints[other] if a & b)


def test_generated_takes_stand_in_say_so_and_do_not_cross(generated: DrumPerformances) -> None:
    described = generated.describe()
    assert "No drummer was heard" in described["stand_in"]
    assert described["absent"] == ["groove_midi"]
    prints = {s: {b for p in generated.songs(s) for b in bar_prints(p)} for s in ("train", "val", "test")}
    assert not prints["train"] & prints["test"]
    assert not prints["train"] & prints["val"]
    assert {p.style for p in generated.songs("train")} == set(STYLES)


@pytest.mark.slow
def test_generated_takes_are_repeatable_and_follow_their_research() -> None:
    a, b = generate(0), generate(0)
    assert all(
        np.array_equal(x.performance.bars.timing, y.performance.bars.timing)
        for x, y in zip(a.items, b.items, strict=True)
    )
    assert [t.published for t in a.items] != [t.published for t in generate(1).items]
    assert swing_ratio(60) == 3.5
    assert swing_ratio(300) == 1.0
    snare = {
        style: np.mean([(p.bars.timing * 7500 / p.bpm)[:, [4, 12], 1][p.bars.hit[:, [4, 12], 1]].mean() for t in a.items for p in [t.performance] if p.style == style])
        for style in ("straight", "laid_back", "pushed")
    }  # fmt: skip
    assert snare["laid_back"] > snare["straight"] + 10 > snare["pushed"] + 10


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [("rock", ("straight", 0.0)), ("jazz/swing", ("swing", 0.8)), ("funk/purdieshuffle", ("shuffle", 1.0)), ("jazz/march", ("jazz", 0.0)), ("latin/brazilian-samba", ("latin", 0.0)), ("polka", None)],
)  # fmt: skip
def test_annotations(annotation: str, expected: object) -> None:
    assert style_of(annotation) == expected


def test_batches_are_windows_of_one_performance(generated: DrumPerformances) -> None:
    batches = list(generated.train_dataloader())
    assert {b.x.shape for b in batches} == {(8, 8, 64)}
    x, hit = (torch.cat([getattr(b, n) for b in batches]) for n in ("x", "hit"))
    onsets = x[..., GROOVE.input("onsets").index].reshape(hit.shape)
    assert torch.equal(onsets, hit)
    styles = x[..., GROOVE.input("style").index]
    # A window names one style all along, or none; bars beyond the end of a short performance are empty.
    named = styles.sum(-1)
    assert ((named == 0) | (named == 1)).all()
    assert (hit.sum((2, 3))[named.sum(1) == 0] >= 0).all()
    assert 0 < (named[:, 0] == 0).float().mean() < 0.3


def test_bars_beyond_the_end_have_no_strokes(generated: DrumPerformances) -> None:
    [batch] = generated.val_dataloader()
    lengths = [len(p.bars.hit) for p in generated.songs("val")]
    assert batch.x.shape[:2] == (len(lengths), max(lengths))
    for row, length in enumerate(lengths):
        assert not batch.hit[row, length:].any()
    assert batch.hit.sum() == generated.encoded("val").hit.sum()


def test_the_same_epoch_gives_the_same_batches_and_another_does_not(generated: DrumPerformances) -> None:
    def epoch(n: int) -> torch.Tensor:
        batches = generated.train_dataloader()
        batches._epoch = lambda: n
        return torch.cat([b.x for b in batches])

    assert torch.equal(epoch(0), epoch(0))
    assert not torch.equal(epoch(0), epoch(1))


@pytest.mark.slow
def test_cache_is_used_and_a_broken_one_is_remade(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def take() -> library.Library:
        return library.load(Path("nowhere"), tmp_path, ("styles",), (), 0, False)

    first = take()
    [path] = (tmp_path / "groove").iterdir()
    monkeypatch.setattr(engine, "build", lambda *_: pytest.fail("read again instead of taken from the cache"))
    assert [p.id for p in take().songs] == [p.id for p in first.songs]
    monkeypatch.undo()
    path.write_bytes(b"cut short")
    assert len(take().songs) == len(first.songs)


@pytest.mark.parametrize(
    "bad",
    [{"sources": ["lakh"]}, {"sources": []}, {"split": "dev"}, {"style_dropout": 2}, {"window": 0}, {"batch_size": 0}, {"tempo_jitter": 3}],
)  # fmt: skip
def test_bad_values_are_named(bad: dict) -> None:
    with pytest.raises(ConfigError, match=next(iter(bad))):
        DrumPerformances("x", "y", **bad)
