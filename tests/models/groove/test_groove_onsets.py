"""Strokes between two steps, swing that a style brings, and metres that share one grid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.drum_files import write_drums

from kmidi_lab.inference.session import Session
from kmidi_lab.midi.piece import Piece
from kmidi_lab.midi.reading import read_piece
from kmidi_lab.models.groove.features import SWING
from kmidi_lab.models.groove.grid import bars_of, grid_of
from kmidi_lab.models.groove.onsets import new_onsets, written_for
from kmidi_lab.models.groove.predict import HumanisedDrums

HAT = 42


def piece(bpm: float = 120.0, metres: tuple[tuple[int, int, int], ...] = ()) -> Piece:
    return Piece(480, (), np.array([(0.0, bpm)]), np.array(metres, np.int64).reshape(-1, 3), np.zeros((0, 3), np.int64))


@pytest.mark.parametrize("loud", [60, 100, 127])
@pytest.mark.parametrize("between", [60, 75, 45, 80])
def test_a_stroke_between_two_steps_drags_no_stroke_on_the_grid(between: int, loud: int) -> None:
    starts = np.arange(480, 2400, 120)
    both = np.sort(np.append(starts, starts + between))
    on = np.isin(both, starts)
    velocities = np.where(on, 100, loud)
    steps = np.floor(both / 120 + 0.5).astype(int)
    timing = np.linspace(-0.3, 0.3, 22)[steps]
    moved = new_onsets(both, velocities, timing, piece())
    assert moved[on].tolist() == np.rint(starts + timing[on] * 60).tolist()
    # What lies between keeps its place between its neighbours.
    share = (moved[~on][:-1] - moved[on][:-1]) / np.diff(moved[on])
    assert share == pytest.approx(between / 120, abs=0.02)


def test_a_roll_of_32nds_stays_even() -> None:
    starts = np.arange(0, 960, 60)
    assert new_onsets(starts, np.full(16, 100), np.zeros(16), piece()).tolist() == starts.tolist()
    assert new_onsets(starts + 30, np.full(16, 100), np.zeros(16), piece()).tolist() == (starts + 30).tolist()


def test_written_triplets_stay_triplets_in_an_even_style() -> None:
    starts = np.arange(0, 1920, 160)
    assert new_onsets(starts, np.full(12, 100), np.zeros(12), piece()).tolist() == starts.tolist()


def test_of_equal_strokes_on_a_step_the_nearer_one_is_the_bar_s() -> None:
    made = bars_of(np.array([60, 120]), np.array([2, 2]), np.array([90, 90]), 480)
    assert made.merged == 1
    assert made.timing[0, 1, 2] == 0


def test_swing_of_eighths_and_sixteenths() -> None:
    eighths, sixteenths = np.arange(0, 1920, 240), np.arange(0, 1920, 120)
    for style in ("shuffle", "swing", "jazz"):
        assert written_for(style, eighths, piece()).places.tolist()[:4] == [0, 320, 480, 800]
        made = written_for(style, sixteenths, piece())
        assert made.places.tolist()[:5] == [0, 160, 240, 400, 480]
        assert made.beat == 240
        assert made.on.all()
    for style in ("straight", "laid_back", "pushed", "funk", "latin", None):
        assert written_for(style, eighths, piece()).places.tolist() == eighths.tolist()


@pytest.mark.parametrize("off", [320, 360, 300, 280])
def test_what_swings_already_is_written_as_it_is(off: int) -> None:
    starts = np.sort(np.append(np.arange(0, 1920, 480), np.arange(0, 1920, 480) + off))
    made = written_for("shuffle", starts, piece())
    assert made.places.tolist() == starts.tolist()
    assert made.on.all()


def test_a_swung_pattern_keeps_its_order_at_any_resolution() -> None:
    for ticks in (1, 2, 3, 24, 480):
        starts = np.arange(0, 8 * ticks)
        coarse = Piece(ticks, (), np.array([(0.0, 120.0)]), np.zeros((0, 3), np.int64), np.zeros((0, 3), np.int64))
        assert (np.diff(written_for("shuffle", starts, coarse).places) > 0).all()


@pytest.mark.parametrize("bpm", [70, 100, 120, 180])
@pytest.mark.parametrize("style", [s for s, swing in SWING.items() if swing > 0.5])
@pytest.mark.parametrize("grid", [240, 120])
def test_a_style_that_swings_swings(style: str, bpm: float, grid: int, tmp_path: Path) -> None:
    """Long to short, of even strokes, is at least 1.4 to 1, at every tempo."""
    write_drums(tmp_path / "in.mid", [(tick, HAT, 100) for tick in range(0, 4 * 1920, grid)], bpm=bpm)
    made = HumanisedDrums(tmp_path / "in.mid", style=style).run(None, Session("groove", tmp_path, tmp_path))
    gaps = np.diff(read_piece(made.midi).tracks[0].notes["start"])
    assert gaps[::2].mean() / gaps[1::2].mean() > 1.4


MARCH = [(beat * 480 + off, pitch, 100) for beat in range(12) for off, pitch in ((0, 36), (240, 38), (360, 38))]


@pytest.mark.parametrize(
    "metres",
    [
        [(0, 2, 2)],
        [(0, 2, 4)],
        [(0, 4, 4), (1920, 4, 4)],
        [(960 * n, 2, 4) for n in range(6)],
        [(0, 2, 4), (960, 2, 4), (4800, 2, 4)],
        [(0, 4, 4), (1920, 2, 2), (3840, 2, 4)],
    ],
)
def test_metres_of_whole_half_notes_share_a_grid(metres: list[tuple[int, int, int]]) -> None:
    ticks = np.array([tick for tick, _, _ in MARCH])
    common = grid_of(ticks, np.array([(0, 4, 4)]), 480)
    made = grid_of(ticks, np.array(metres), 480)
    for name in ("row", "step", "tick", "lines"):
        assert getattr(made, name).tolist() == getattr(common, name).tolist(), name


def test_a_change_of_metre_begins_a_bar() -> None:
    made = grid_of(np.array([0, 960, 2880]), np.array([(0, 2, 4), (960, 4, 4), (2880, 4, 4)]), 480)
    assert (made.row * 16 + made.step).tolist() == [0, 16, 32]
