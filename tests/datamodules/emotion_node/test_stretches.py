"""Stretches of played music: one stretch in two keys, as many of a piece as are wanted, what is heard of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from datamodules.emotion_node import stretches
from datamodules.emotion_node.played import Piece
from datamodules.emotion_node.sounding import Heard
from datamodules.emotion_node.stretches import clips_of, cut
from datamodules.shared.library import Reading
from datamodules.shared.rendering import Note, Part
from kmidi_lab.models.emotion_node.features import KEY_BY_NOTES, pair_of


def melody(notes: int = 80) -> Part:
    return Part(0, [Note(0.25 * i, 0.25 * i + 0.2, 60 + i % 7, 80) for i in range(notes)])


def test_a_pair_is_one_stretch_in_two_keys() -> None:
    piece = Piece("x/TimGM6mb", "emopia", "x", {"quadrant": 1}, (melody(),), "train", None)
    stretch = cut(piece, np.random.default_rng(0))
    (one,), (other,) = stretch.versions
    assert stretch.shifts[0] == 0 and stretch.shifts[1] in stretches._SHIFTS and one.program == other.program
    moved = [note._replace(pitch=note.pitch + stretch.shifts[1]) for note in one.notes]
    assert moved == other.notes and one.notes[0].start == pytest.approx(0, abs=1e-9)


@pytest.mark.slow
def test_what_is_heard() -> None:
    """Two stretches of the piece to train on, one of the others."""
    part = Part(0, [Note(0.5 * i, 0.5 * i + 0.4, 60 + i % 7, 80) for i in range(60)])
    reading: Reading[Piece] = Reading("emopia", "")
    reading.items = [
        Piece(f"{i}/TimGM6mb", "emopia", str(i), {"quadrant": i}, (part,), split, None)
        for i, split in enumerate(("train", "test", "val"))
    ]
    asked: list[tuple[Piece, float]] = []

    def tell(moments: Sequence[tuple[Piece, float]]) -> list[dict[str, int]]:
        asked.extend(moments)
        return [{KEY_BY_NOTES: 2 * i} for i in range(len(moments))]

    clips = clips_of(reading, 0, 2, tell, Heard(), 1, False).items
    assert [piece.id for piece, _ in asked] == ["0/TimGM6mb"] * 2, "nothing is told of what is scored"
    shifts = [int(clip.id.rsplit("/", 1)[1]) for clip in clips]
    assert [clip.labels.get(KEY_BY_NOTES) for clip in clips[:4]] == [
        0, 2 * shifts[1] % 24, 2, (2 + 2 * shifts[3]) % 24,
    ]  # fmt: skip
    assert [dict(clip.labels) for clip in clips[4:]] == [{"quadrant": 1}] * 2 + [{"quadrant": 2}] * 2
    assert [clip.split for clip in clips] == ["train"] * 4 + ["test", "test", "val", "val"]
    alike = [pair_of(a) == pair_of(b) for a, b in zip(clips, clips[1:], strict=False)]
    assert alike == [True, False, True, False, True, False, True]
    assert [len(clip.sound.frames) for clip in clips[::2]] == [434, 434, 1247, 1247]
    assert np.abs(np.asarray(clips[0].sound.frames - clips[2].sound.frames, float)).max() > 1, "other notes"
    levels = [np.asarray(clip.sound.frames, float).max(1) for clip in clips]
    assert all(level[:1].max() > -9 for level in levels), "every stretch begins with a note"
