"""What a boosted tree is shown: with later notes, or as the contract has it."""

from __future__ import annotations

import numpy as np

from kmidi_lab.contracts import MICROTIMING
from kmidi_lab.models.microtiming.boosted import examples
from kmidi_lab.models.microtiming.features import EncodedTakes

PITCH = MICROTIMING.input("pitch").start


def two_takes(n: int) -> EncodedTakes:
    """Two takes of `n` notes each, all alike."""
    even, whole = np.zeros(2 * n, np.float32), np.zeros(2 * n, np.int64)
    x = np.zeros((2 * n, MICROTIMING.input_size), np.float32)
    return EncodedTakes(
        x, even, even, even + 62.5, even, np.repeat([0, 1], n), np.array([0, n, 2 * n]), whole, whole, whole - 1
    )


def test_trees_without_later_notes_are_shown_none():
    e = two_takes(10)
    changed = e.x.copy()
    changed[8, PITCH] = 0.5
    rows = np.arange(20)
    for later, differ in ((False, [8, 9]), (True, [4, 5, 6, 7, 8, 9])):
        before, after = (np.nan_to_num(examples(e, x, rows, later), nan=-9.0) for x in (e.x, changed))
        assert rows[(before != after).any(1)].tolist() == differ
