"""Boosted trees as teachers: what they have not heard they don't know, and a note's forms are labelled as they are
asked.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.asap_files import write_asap

from datamodules.dynamics import lessons
from datamodules.dynamics.module import PianoPerformances
from datamodules.dynamics.teachers import Notes, Teachers
from kmidi_lab.contracts import DYNAMICS
from kmidi_lab.errors import ConfigError
from kmidi_lab.models.dynamics.features import WRITTEN, EncodedPiece

PITCH, TEMPO = DYNAMICS.input("pitch").start, DYNAMICS.input("tempo").start
PREVIOUS, TIMING = DYNAMICS.input("previous_velocities").index, DYNAMICS.output("timing").start
CURVE, RELEASE = DYNAMICS.output("velocity_curve").index, DYNAMICS.output("release").start


@pytest.fixture(scope="module")
def pieces() -> list[EncodedPiece]:
    """Louder with the pitch, by what is written, and by a level of the piece that only its tempo tells; high notes are
    late.
    """
    rng = np.random.default_rng(0)
    out = []
    for number in range(8):
        x, y, mask = np.zeros((300, 32), np.float32), np.zeros((300, 16), np.float32), np.ones((300, 16), np.float32)
        x[:, PITCH], x[:, TEMPO] = rng.random(300), number / 4 - 1
        x[:, WRITTEN] = rng.choice([0.3, 0.8], 300)
        x[:, PREVIOUS] = 0.9
        y[:, 0] = 0.2 + 0.3 * x[:, PITCH] + 0.3 * x[:, WRITTEN] + 0.1 * (number % 2)
        y[:, TIMING] = np.where(x[:, PITCH] > 0.5, 0.7, 0.5)
        mask[:, 14:] = 0
        out.append(EncodedPiece(x, y, mask, str(number), "made", True))
    return out


@pytest.mark.slow
def test_teachers_have_the_shape_and_don_t_know_the_level_of_what_they_have_not_heard(
    pieces: list[EncodedPiece],
) -> None:
    notes = Notes(pieces)
    teachers = Teachers(notes, 4)
    played = notes.y[:, 0]
    heard, unheard = teachers(notes.x), teachers.unheard(notes.x)
    assert np.corrcoef(heard, played)[0, 1] > 0.9
    within = [np.corrcoef(u, p)[0, 1] for u, p in zip(notes.split(unheard), notes.split(played), strict=True)]
    assert min(within) > 0.9
    # The levels of neighbours in tempo are the opposite, so trees that guess from those are wrong.
    level = np.array([p.mean() for p in notes.split(played)])
    guesses = [np.array([v.mean() for v in notes.split(kind)]) for kind in (heard, unheard)]
    assert np.corrcoef(level, guesses[0])[0, 1] > 0.9 > 0.3 > np.corrcoef(level, guesses[1])[0, 1]


@pytest.mark.slow
def test_lessons_hold_what_the_teachers_say_of_every_form(pieces: list[EncodedPiece]) -> None:
    made = lessons.lessons(pieces, 4, 4000, 0.5, 3.0)
    assert made.x.shape == (4000, 32) and made.y.shape == made.mask.shape == (4000, 16)
    blank = made.x[:, WRITTEN] == 0
    assert 0.45 < blank.mean() < 0.55 and not made.mask[:, 14:].any()
    assert made.mask[:, 0].all() and made.mask[:, TIMING].all()
    # Each piece as often; the tempo of the unchanged forms tells which it is.
    counts = [np.isclose(made.x[:, TEMPO], number / 4 - 1).sum() for number in range(8)]
    assert min(counts) > 0.8 * max(counts)
    # Where the dynamic is known the label follows it, and it follows the pitch as changed.
    for known, slope in ((~blank, 0.3), (blank, 0.0)):
        design = np.column_stack([made.x[known][:, [PITCH, WRITTEN]], np.ones(known.sum())])
        found = np.linalg.lstsq(design, made.y[known, 0], rcond=None)[0]
        assert found[0] == pytest.approx(0.3, abs=0.06)
        assert not slope or found[1] == pytest.approx(slope, abs=0.08)  # all the blank ones are alike in it
    # The pianists' own velocities (.9) are no history of a note; the trees' are, and the curve is theirs, too.
    there = made.x[:, PREVIOUS] > 0
    assert there.mean() > 0.95 and made.x[:, PREVIOUS].max() < 0.85
    own = made.mask[:, RELEASE]
    assert made.y[:, CURVE][made.mask[:, CURVE]].min() > 0.1 and 0.95 < made.mask[own][:, CURVE].mean() < 1
    # The mean at that place of the bar, here of all notes, hears no pitch; of the trees' share, .65 times .2, they learn most.
    early, late = (made.y[which, TIMING] for which in (made.x[:, PITCH] < 0.4, made.x[:, PITCH] > 0.6))
    assert np.median(late) - np.median(early) == pytest.approx(0.65 * 0.2, abs=0.05)
    assert min(early) > 0.35 * 0.6 + 0.65 * 0.5 - 0.01 and max(late) < 0.35 * 0.6 + 0.65 * 0.7 + 0.01


@pytest.mark.slow
def test_half_of_the_lessons_have_inputs_of_other_notes_and_no_target_of_a_pianist(pieces: list[EncodedPiece]) -> None:
    made = lessons.lessons(pieces, 2, 4000, 0.5, 3.0)
    tempo_of = {float(pitch): piece.x[0, TEMPO] for piece in pieces for pitch in piece.x[:, PITCH]}
    tempos = np.array([tempo_of.get(float(pitch), np.nan) for pitch in made.x[:, PITCH]])
    as_played = np.isfinite(tempos) & np.isin(made.x[:, TEMPO], list(tempo_of.values()))
    mixed = ~made.mask[:, RELEASE]
    assert 0.45 < mixed.mean() < 0.55 and not made.mask[mixed][:, CURVE].any()
    other = made.x[:, TEMPO] != tempos
    assert not other[as_played & ~mixed].any()
    # Either the pitch or the tempo is of another note, which is of the same piece for one in eight.
    assert other[as_played & mixed].mean() == pytest.approx(2 * 0.3 * 0.7 * 7 / 8, abs=0.06)


@pytest.mark.slow
def test_lessons_are_kept_and_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write_asap(tmp_path, 12)
    settings: dict[str, Any] = {"val_share": 0.2, "test_share": 0.3, "batch_size": 64, "notes_per_epoch": 1024}
    settings |= {"teachers": 2, "lesson_notes": 500}
    first, again = (PianoPerformances(str(root), str(root / "cache"), **settings) for _ in range(2))
    first.setup("fit")
    batches = list(first.train_dataloader())
    assert len(batches) == 16 and batches[0].x.shape == (64, 32) and batches[0].mask.dtype == batches[0].y.dtype
    monkeypatch.setattr(lessons, "lessons", lambda *_: pytest.fail("made again"))
    again.setup("fit")
    for a, b in zip(batches, again.train_dataloader(), strict=True):
        assert (a.x == b.x).all() and (a.y == b.y).all()
    again.use_contract("1")
    with pytest.raises(ConfigError, match=r"data\.teachers=0"):
        again.train_dataloader()


def test_folds_need_pieces(pieces: list[EncodedPiece], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"data\.teachers=9 folds .* 8 are there"):
        lessons.cached_lessons(tmp_path, pieces, 9, 100, 0.5, 3.0)


def test_one_fold_leaves_nothing_to_learn_from() -> None:
    with pytest.raises(ConfigError, match=r"data\.teachers=1 leaves"):
        PianoPerformances("nowhere", "nowhere", teachers=1)
