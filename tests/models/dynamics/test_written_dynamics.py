"""What is written stays, and the model's shape comes on top."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kmidi_lab.midi.reading import read_piece
from kmidi_lab.midi.score import ScoreNotes, score_of
from kmidi_lab.models.dynamics.written import beside_drums, shaped
from tests.models.dynamics.test_dynamics_predict import write_score


def two_parts(folder: Path) -> ScoreNotes:
    """Eight notes in one phrase, every other one of another part."""
    return score_of(read_piece(write_score(folder / "in.mid", [(k * 240, 240, 60 + k) for k in range(8)])))


def test_a_contrast_inside_a_phrase_stays_whether_the_model_follows_it_or_not(tmp_path: Path) -> None:
    notes = two_parts(tmp_path)
    written = np.array([112, 112, 112, 112, 49, 49, 49, 49])
    quarter = 70 + (written - 80) // 4  # follows a quarter of the contrast
    own = np.array([3, 3, -3, -3, 3, 3, -3, -3])  # and plays every other note of each part louder
    expected = [115, 115, 109, 109, 52, 52, 46, 46]
    assert shaped(written, quarter + own, notes, knew=True).tolist() == expected
    assert shaped(written, 70 + own, notes, knew=True).tolist() == expected
    assert shaped(written, 70 + own, notes, knew=False).tolist() == expected
    # A model that was not told can't have followed, so nothing of what it plays is taken for that.
    assert shaped(written, quarter + own, notes, knew=False)[0] > 115


def test_where_nothing_differs_inside_a_phrase_the_model_s_shape_is_all(tmp_path: Path) -> None:
    notes = two_parts(tmp_path)
    written = np.where(notes.track == 0, 90, 50)
    played = np.array([60, 80, 62, 82, 64, 84, 66, 86])
    expected = (written + np.array([-3, -3, -1, -1, 1, 1, 3, 3]) + 5).tolist()
    assert shaped(written, played, notes, raised=5.0, knew=True).tolist() == expected


@pytest.mark.parametrize(("level", "raised", "mean"), [(100, 0, 100), (60, 9, 69), (127, 0, 117), (1, 0, 11)])
def test_beside_drums_one_velocity_stays_the_mean_and_nothing_is_cut_off(level: int, raised: int, mean: int) -> None:
    played = np.array([50, 60, 70])
    assert beside_drums(level, played, raised).tolist() == [mean - 10, mean, mean + 10]
