"""What a report tells of the instrument model beside its scores: confusions, calibration, what taught each slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kmidi_lab.audio.clips import Clip
from kmidi_lab.models.instrument.baselines import Probabilities, labelled
from kmidi_lab.models.instrument.contract import INSTRUMENT
from kmidi_lab.models.instrument.features import (
    CLASSES,
    EVIDENCE,
    FAMILIES,
    INSTRUMENTS,
    Labels,
)
from kmidi_lab.scoring.metrics import (
    confusion,
    reliability,
)


def analysis_of(p: Probabilities, labels: Sequence[Labels], train: Sequence[Clip]) -> dict[str, Any]:
    """Confusion matrices and calibration on the scored clips, and what the training clips say of each slice."""
    out: dict[str, Any] = {}
    for name, names in (("family", FAMILIES), ("instrument", INSTRUMENTS), ("technique", CLASSES["technique"])):
        rows, true = labelled(name, labels)
        table = np.array(confusion(p[name][rows].argmax(1), true, len(names)))
        used = np.flatnonzero(table.sum(0) + table.sum(1))
        counts = [[int(n) for n in row] for row in table[np.ix_(used, used)]]
        out[f"confusion_{name}"] = {"labels": [names[i] for i in used], "counts": counts}
    rows, true = labelled("instrument", labels)
    out["reliability"] = reliability(p["instrument"][rows], true)
    out["slices"] = [_taught(s.name, train) for s in INSTRUMENT.outputs]
    return out


def _taught(name: str, train: Sequence[Clip]) -> Mapping[str, Any]:
    """What the training clips say of a slice: by source how many have a label for it, and which places none has."""
    counts: dict[str, int] = {}
    places: set[int] = set()
    for clip in train:
        if name in clip.labels:
            counts[clip.source] = counts.get(clip.source, 0) + 1
            places.add(clip.labels[name])
    never = [c for i, c in enumerate(CLASSES.get(name, ())) if i not in places] if counts else []
    return {
        "slice": name,
        "trained": bool(counts),
        "evidence": EVIDENCE.get(name, "none") if counts else "none",
        "clips": counts,
        "never_heard": never,
    }
