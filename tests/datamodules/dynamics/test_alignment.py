"""Score notes found again in a performance that is rushed, sloppy, incomplete and has wrong notes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.asap_files import two_hands, write_asap

from datamodules.dynamics import asap
from datamodules.dynamics.library import load
from datamodules.shared.alignment import BeatMap, match
from datamodules.shared.asap import read_table, table
from datamodules.shared.splits import SplitBy
from kmidi_lab.midi.piece import NOTE, Piece, Track
from kmidi_lab.midi.score import make_score


@pytest.mark.parametrize("seed", range(5))
def test_jitter_missing_and_wrong_notes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    score, _ = make_score(*two_hands(16, rng))
    n = len(score)
    beats = np.arange(65.0)
    tempo = 0.5 + 0.15 * np.sin(beats / 7)  # seconds a beat, with rubato
    grid = BeatMap(beats, np.concatenate([[1.0], 1.0 + np.cumsum(tempo[:-1])]))
    at = grid(score.onset) + rng.normal(0, 0.015, n)
    played = rng.random(n) > 0.05
    extra = rng.integers(30, 90, n // 20), rng.uniform(at.min(), at.max(), n // 20)
    shuffle = rng.permutation(played.sum() + len(extra[0]))
    pitch = np.concatenate([score.pitch[played], extra[0]])[shuffle]
    onset = np.concatenate([at[played], extra[1]])[shuffle]
    truth = np.full(n, -1)
    truth[played] = np.argsort(shuffle)[: played.sum()]
    found = match(score.pitch, grid(score.onset), pitch, onset)
    assert (found[played] == truth[played]).mean() >= 0.99
    assert (found[~played] == -1).mean() >= 0.8  # a wrong note of the right pitch may pass for the missing one
    assert len(set(found[found >= 0])) == (found >= 0).sum()


def test_a_passage_played_late_is_found() -> None:
    pitch = 50 + np.arange(80) % 24
    expected = np.arange(80) * 0.2
    late = expected + np.where(np.arange(80) > 40, 0.45, 0.0)
    found = match(pitch, expected, pitch, late)
    assert (found == np.arange(80)).mean() > 0.97


def test_no_notes() -> None:
    nothing = np.zeros(0)
    assert len(match(nothing.astype(int), nothing, nothing.astype(int), nothing)) == 0
    assert match(np.array([60]), np.array([1.0]), nothing.astype(int), nothing).tolist() == [-1]


def test_beat_map() -> None:
    grid = BeatMap(np.array([0.0, 1, 3]), np.array([1.0, 2, 3]))
    np.testing.assert_allclose(grid(np.array([-1, 0, 0.5, 2, 3, 5])), [0, 1, 1.5, 2.5, 3, 4])
    assert grid.tempo == pytest.approx(90) and grid.inside(np.array([-1.0, 0, 3, 3.1])).tolist() == [
        False,
        True,
        True,
        False,
    ]


def test_what_was_done_with_each_note_by_hand() -> None:
    notes = np.array([(480, 240, 60, 80), (960, 960, 62, 40)], NOTE)
    played = Piece(
        480,
        (Track("", 0, False, notes, np.array([[480, 600], [1440, 1920]])),),
        np.array([[0.0, 120.0]]),
        np.zeros((0, 3), np.int64),
        np.zeros((0, 3), np.int64),
    )
    score, _ = make_score([0, 1, 2], [1, 1, 1], [60, 62, 64])
    done = asap.perform(score, played, BeatMap(np.array([0.0, 4.0]), np.array([0.49, 2.49])))
    np.testing.assert_array_equal(done.velocity, [80, 40, np.nan])
    np.testing.assert_allclose(done.timing, [0.01, 0.01, np.nan])
    np.testing.assert_allclose(done.articulation, [0.5, 2, np.nan])
    np.testing.assert_allclose(done.pedal, [0.5, 0.5, np.nan])


def test_the_published_layout(tmp_path: Path) -> None:
    root = write_asap(tmp_path)
    reading = asap.read(root / "asap", read_table(root))
    assert len(reading.items) == 12
    assert reading.facts["match_rate_min"] > 0.99
    assert sorted(p.reason for p in reading.problems) == [
        "a row without all its files",
        "listed but not there",
        "performance: not a MIDI file",
        "score and performance have different numbers of beats",
        "under 80% of the score's notes were found",
    ]


def test_splits_never_part_a_piece_and_the_cache_is_by_content(tmp_path: Path) -> None:
    root, cache = write_asap(tmp_path, 12), tmp_path / "cache"
    library = load(root, cache, ("asap", "kth_rules"), SplitBy(0, 0.3, 0.3), False)
    assert library.description["stand_in"] is None and set(library.splits) == {"train", "val", "test"}
    places: dict[str, set[str]] = {}
    for performance, split in zip(library.songs, library.splits, strict=True):
        places.setdefault(performance.piece, set()).add(split)
    assert all(len(p) == 1 for p in places.values())
    again = load(root, cache, ("asap", "kth_rules"), SplitBy(0, 0.3, 0.3), False)
    assert again.splits == library.splits and len(list(cache.rglob("*.prepared"))) == 1
    (root / "asap" / "Somebody/Piece_2/A.mid").write_bytes(b"")
    changed = load(root, cache, ("asap",), SplitBy(0, 0.3, 0.3), False)
    assert changed.description["version"] != library.description["version"]
    assert changed.description["problems"]["performance: empty file"] == 1


def test_real_performances_are_found(shared: Path) -> None:
    layout = read_table(shared)
    if not layout.files:
        pytest.skip("needs ASAP")
    layout.files = layout.files[::40]
    reading = asap.read(table(shared).parent, layout)
    assert len(reading.items) >= 0.8 * len(layout.files)
    assert reading.facts["match_rate"] > 0.92
