"""How sure the labels of the emotion model may be, from speakers whom the networks of several folds have not heard."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kmidi_lab.run_analysis import Note
from kmidi_lab.scoring.calibration import Judged, crossed, sharpness
from kmidi_lab.scoring.metrics import expected_calibration_error

HEARINGS = 2
"""Each clip is heard twice: as the first of its voice, and after 15 s of it (`hearing.mean_embeddings`)."""


def scale_of(judged: Sequence[Judged]) -> float:
    """What logits are best multiplied by, over all that were judged."""
    return sharpness(np.concatenate([of for of, _ in judged]), np.concatenate([true for _, true in judged]))


def note_of(folds: Sequence[Judged]) -> Note:
    """What a card says of a scale that comes from the test speakers of folds.

    Args:
        folds: two at least; of each the logits `[2 N, K]` of its test clips, first hearings before the second ones.
    """
    hearings: list[list[Judged]] = [[] for _ in range(HEARINGS)]
    for p, (_, true) in zip(crossed(folds), folds, strict=True):
        for hearing, part, own in zip(hearings, np.split(p, HEARINGS), np.split(true, HEARINGS), strict=True):
            hearing.append((part, own))
    pooled = [(np.concatenate([p for p, _ in of]), np.concatenate([true for _, true in of])) for of in hearings]
    first, later = (expected_calibration_error(p, true) for p, true in pooled)
    clips = len(pooled[0][1])
    return Note(
        "How sure the labels are",
        f"The scale of the labels' head makes the labels of the {clips:,} test clips of {len(folds)} folds likeliest, each "
        "as the network of its fold says them, which has not heard the speaker; the clips are heard first and after 15 s. "
        "With the scale of the other folds, the expected calibration error over all these clips is "
        f"{first:.3f} for first clips and {later:.3f} after 15 s.",
    )
